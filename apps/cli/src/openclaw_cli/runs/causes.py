"""What each cause means, for who runs the bot. `docs/failures.md` says who can mend it."""

from openclaw_core.tasks.outcome import Cause

WORDS = {
    Cause.MODEL_BUSY: "the model's service refuses, as it does at its limits, and so do the fallbacks of the role",
    Cause.MODEL_DOWN: "the model's service fails, and so do the fallbacks of the role",
    Cause.MODEL_GONE: "the model is no longer offered",
    Cause.MODEL_KEY: "the model's service refuses the key",
    Cause.TOO_LONG: "the text is longer than the models of the role take",
    Cause.REFUSED: "the models will not take this text, or a content filter ends the answer",
    Cause.EMPTY_ANSWER: "the models only think, or call a tool that nobody runs",
    Cause.FILE_UNREADABLE: "the file that came with the message cannot be read",
    Cause.FILE_EMPTY: "the file that came with the message has no words",
    Cause.FILE_SCANNED: "the document has pictures of pages and no text",
    Cause.FILE_ENCRYPTED: "the document is protected by a password",
    Cause.FILE_DAMAGED: "the document is damaged",
    Cause.FILE_HOSTILE: "the document grows beyond what a runner takes, or does what no document does",
    Cause.FILE_UNSUPPORTED: "the document is of a kind that is not read",
    Cause.NO_RUNNER: "there is no sealed runner that could open it",
    Cause.VOICE_UNCLEAR: "the recording has no words that can be made out",
    Cause.AGENT_LOST: "the agent stopped renewing its lease, and nobody knows why",
    Cause.CRASH: "the agent ended with an exit code that means no answer",
    Cause.OUT_OF_MEMORY: "the agent took more memory than its limit",
    Cause.DEADLINE: "the answer took longer than `TASK_DEADLINE_S`",
    Cause.EVICTED: "the agent's node drained or ran short",
    Cause.NODE_LOST: "the agent's node went away",
    Cause.BAD_TASK: "the task's record cannot be read",
    Cause.MISCONFIGURED: "settings or keys of the agent are missing or wrong",
    Cause.IMAGE: "the agent's image cannot be fetched or run",
    Cause.CONTAINER_CONFIG: "a Secret or ConfigMap of the agent's pod is missing",
    Cause.NO_ROOM: "no node has room for an agent",
    Cause.ADMISSION: "a policy refuses the agent's Job",
    Cause.QUOTA: "there are as many Jobs as the quota allows",
    Cause.CLUSTER: "the API server does not answer",
    Cause.NO_TOOLS: "there is no PodTemplate for agents with tools",
    Cause.QUEUE_DEADLINE: "it waited for 15 minutes",
    Cause.BUDGET: "the user, the chat or all together have spent what `budgets.yaml` allows",
    Cause.INTERNAL: "a fault of ours, or Telegram refuses what we send",
}


def in_words(cause: str) -> str:
    """The cause and what it means; the cause alone if a later release has written it."""
    return f"{cause}, {WORDS[Cause(cause)]}" if cause in set(Cause) else cause
