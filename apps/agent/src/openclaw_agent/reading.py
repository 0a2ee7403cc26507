"""What came with a message, in words: a recording is transcribed, a text file is decoded."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from openclaw_agent.files import Files, NoFile
from openclaw_agent.prompt import LEAST_CUT_TOKENS, cut
from openclaw_core import logs
from openclaw_core.models.fallback import RECORDING, Attempt, Attempts, NoReply, first_reply
from openclaw_core.ports import Ears
from openclaw_core.tasks.conversation import estimate_tokens
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.said import beginning, shown
from openclaw_core.tasks.task import Material, Task

log = logs.get(__name__)
TRANSCRIBE_S = 60.0
NAME_TOKENS = 30
"""A file's name, of at most 80 characters, and what stands around it."""
ENCODINGS = ("utf-8-sig", "cp1255")
"""The second is what older Hebrew Windows programs write; it takes almost every byte."""


class Unreadable(Exception):
    """There are no words to be had; *cause* says why."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Fetches the files of a task and asks the first of *voice_models* that is served."""

    files: Files
    ears: Ears
    voice_models: Sequence[str]
    sleep: Callable[[float], Awaitable[None]] = field(repr=False)

    async def read(self, n: int, material: Material) -> str:
        """The words of *material*, the task's number *n*; never empty. Raises Unreadable."""
        try:
            content = await self.files.content(n)
        except NoFile as exc:
            log.warning("material.not_fetched", kind=material.kind, reason=str(exc))
            raise Unreadable(Cause.FILE_UNREADABLE) from None
        if material.kind == "file":
            return decoded(content)
        heard = await self._heard(content, material.name)
        if not heard:
            raise Unreadable(Cause.VOICE_UNCLEAR)
        return heard

    async def _heard(self, recording: bytes, name: str) -> str:
        """What is said in *recording*. Raises Unreadable."""

        def said_by(attempt: Attempt) -> Awaitable[str]:
            return self.ears.transcribe(recording, name=name, model=attempt.model, timeout_s=TRANSCRIBE_S)

        try:
            return await first_reply(Attempts(models=self.voice_models, limits=RECORDING), said_by, sleep=self.sleep)
        except NoReply as exc:
            refused = exc.cause in (Cause.TOO_LONG, Cause.REFUSED)
            raise Unreadable(Cause.FILE_UNREADABLE if refused else exc.cause) from None


async def in_words(task: Task, reader: Reader, *, max_tokens: int) -> tuple[Task, str]:
    """*task* with its materials in words, and what its turn in the history says then. Raises Unreadable.

    A recording is what was asked, unless it was forwarded with words of the user's own; files and what was forwarded are quoted.
    Several get an equal share of *max_tokens* each, lest the last one push out all others; where one of them cannot be read,
    the model is told so.
    """
    asked, quoted, turn, fault = [], [], [task.text], None
    left = max_tokens - estimate_tokens(task.text) - estimate_tokens(task.quoted)
    share = max(LEAST_CUT_TOKENS, left // len(task.materials) - NAME_TOKENS)
    for n, material in enumerate(task.materials):
        try:
            words = await reader.read(n, material)
        except Unreadable as exc:
            fault = fault or exc
            quoted.append(f"{material.name}\n[It could not be read.]")
            continue
        if material.kind == "voice" and task.forwarded != "some":
            asked.append(words)
        else:
            quoted.append(f"{material.name}\n{words if len(task.materials) == 1 else cut(words, share)}")
            turn.append(f"{shown(material)}\n{beginning(words, share=len(task.materials))}")
    if fault and len(turn) == 1 and not asked:
        raise fault
    text = "\n\n".join([*asked, task.text]).strip()
    task = replace(task, text=text, quoted="\n\n".join([*quoted, task.quoted]).strip())
    return task, "\n\n".join([*asked, *turn]).strip()


def decoded(content: bytes) -> str:
    """The text of a file. Raises Unreadable for one that holds none, or something else than text."""
    for encoding in ENCODINGS if not content.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-16",):
        try:
            text = content.decode(encoding).replace("\r\n", "\n").strip()
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        if not text:
            raise Unreadable(Cause.FILE_EMPTY)
        return text
    raise Unreadable(Cause.FILE_UNREADABLE)
