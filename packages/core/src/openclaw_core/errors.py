"""Errors by cause. Adapters translate their SDK's exceptions into these; nothing else crosses a port.

Messages here are for developers and name no user text, token or response body: an error may be logged by its type alone.
"""


class OpenClawError(Exception):
    """The root: catch it only where every kind of it ends in the same state."""


class Transient(OpenClawError):
    """Another try, later, may work."""


class Permanent(OpenClawError):
    """The same call would fail the same way."""


class LostOwnership(OpenClawError):
    """Another attempt, a stop or a new leader owns this now; the caller writes nothing more."""


# ---- the store


class StoreError(Transient):
    """The store took no call for now. Whoever catches it waits and tries again; a wrong store or a lost lead is something else."""


class StoreUnavailable(StoreError):
    """Redis did not answer in time, or refused the connection."""


class StoreFault(StoreUnavailable):
    """Redis refused one step or command for what it found there (logged by its kind alone): the loop goes on, with other rows."""


class StoreFull(StoreError):
    """Redis is at its memory limit and refuses writes (`noeviction`)."""


class StoreMisconfigured(Permanent):
    """Wrong password, a server of a kind that is not supported, or settings under which it would lose data; the message says what to do."""


# ---- the model


class ModelError(OpenClawError):
    """A call to a model server failed, or its answer is of no use; `models.fallback` decides what follows."""


class RateLimited(ModelError, Transient):
    """429. *retry_after_s* is what the server asks for in seconds, None if it does not say."""

    def __init__(self, *, retry_after_s: float | None = None) -> None:
        super().__init__("rate limited")
        self.retry_after_s = retry_after_s


class ChatUnavailable(ModelError, Transient):
    """498, 5xx, a connection that failed, or a reply that is not what the API promises; a time-out of a call that does not stream."""


class StreamCut(ModelError, Transient):
    """The stream ended before its end mark, after some text had come."""


class ModelSilent(ModelError, Transient):
    """Nothing came for as long as the call allows: no first word, or no next one. *silent_s* is how long that was."""

    def __init__(self, *, silent_s: float) -> None:
        super().__init__("silent")
        self.silent_s = silent_s


class EmptyAnswer(ModelError, Transient):
    """The model ended without a word, or with thoughts alone."""


class ToolCalled(ModelError, Transient):
    """The model ended by calling a tool that nobody runs: what it said before is no answer."""


class AnswerFiltered(ModelError, Transient):
    """The server's content filter ended the answer; another model may have another filter."""


class ModelGone(ModelError, Permanent):
    """404: this model is not served (any more); the next one in the role's list may be."""


class ChatUnauthorized(ModelError, Permanent):
    """401 or 403: the API key is wrong. No other model will help."""


class RequestTooLarge(ModelError, Permanent):
    """413, or 400 for the context length: it passes only with fewer tokens."""


class ChatRefused(ModelError, Permanent):
    """Any other 4xx: the request itself is not accepted."""


class ToolsRefused(ChatRefused):
    """The model takes no tools, or its server was not set up for them: without them the request may pass."""


# ---- the messenger


class MessengerError(OpenClawError):
    """A call of the Bot API failed."""


class FloodWait(MessengerError, Transient):
    """429 of the Bot API: this chat rests for *retry_after_s* seconds."""

    def __init__(self, *, retry_after_s: float) -> None:
        super().__init__("flood limit")
        self.retry_after_s = retry_after_s


class MessengerUnavailable(MessengerError, Transient):
    """The call certainly did not land (refused before connecting, or 5xx on an edit): it may be repeated."""


class FateUnknown(MessengerError, Transient):
    """A send that may or may not have landed (time-out or reset after the request went out, or a 5xx)."""


class MarkupRefused(MessengerError, Permanent):
    """400: the formatting is refused. The same text goes through as plain text.

    *url* is the link target at fault, *offset* where the entity at fault begins, in UTF-16 units; None if the server did not
    say. Neither is part of the message: a target is the user's words.
    """

    def __init__(self, what: str, *, url: str | None = None, offset: int | None = None) -> None:
        super().__init__(what)
        self.url = url
        self.offset = offset


class MessageGone(MessengerError, Permanent):
    """400: the message to edit is not there (deleted, too old); a new one has to be reserved."""


class ChatGone(MessengerError, Permanent):
    """403, or 400 chat not found: blocked by the user, removed from the group, deactivated."""


class MessengerRefused(MessengerError, Permanent):
    """Any other 4xx."""


class TopicGone(MessengerRefused):
    """400: the topic is closed or deleted, and the chat is not: the message goes through outside the topic."""


class MessengerUnauthorized(MessengerError, Permanent):
    """401 or 404 for the whole bot: the token is wrong."""


class PollConflict(MessengerError, Transient):
    """409: another process polls with the same token, or a webhook is set."""


class WebhookSet(PollConflict):
    """409: somebody has set a webhook for this bot."""


# ---- what was asked


class BadTask(Permanent):
    """A task record that no agent can do: missing, malformed, or of a schema that is not understood."""


class SettingsError(Permanent):
    """Settings, prompts or roles that are missing or wrong; the message lists each with what to do, never a value."""
