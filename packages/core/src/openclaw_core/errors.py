"""What can go wrong, by cause. Adapters translate their SDK's exceptions into these; nothing else crosses a port.

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


class StoreUnavailable(Transient):
    """Redis did not answer in time, or refused the connection."""


class StoreFault(StoreUnavailable):
    """Redis refused one step or command for what it found there (logged by its kind alone): the loop goes on, with other rows."""


class StoreFull(Transient):
    """Redis is at its memory limit and refuses writes (`noeviction`)."""


class StoreMisconfigured(Permanent):
    """Wrong password, a server of a kind that is not supported, or settings under which it would lose data; the message says what to do."""


class NoticeGone(Permanent):
    """The text has been told, is not kept any more, or waits a moment: there is nothing to do for it now."""


# ---- the model


class RateLimited(Transient):
    """429. *retry_after_s* is the server's wish in seconds, None if it sent none."""

    def __init__(self, *, retry_after_s: float | None = None) -> None:
        super().__init__("rate limited")
        self.retry_after_s = retry_after_s


class ChatUnavailable(Transient):
    """498, 5xx, a connection that failed, or a reply that is not what the API promises; a time-out of a call that does not stream."""


class StreamCut(Transient):
    """The stream ended before its end mark, after some text had come."""


class ModelSilent(Transient):
    """Nothing came for as long as the call allows: no first word, or no next one. *silent_s* is how long that was."""

    def __init__(self, *, silent_s: float) -> None:
        super().__init__("silent")
        self.silent_s = silent_s


class EmptyAnswer(Transient):
    """The model ended without a word, or with thoughts alone."""


class ToolCalled(Transient):
    """The model ended by calling a tool that nobody runs: what it said before is no answer."""


class AnswerFiltered(Transient):
    """The server's content filter ended the answer; another model may have another filter."""


class ModelGone(Permanent):
    """404: this model is not served (any more); the next one in the role's list may be."""


class ChatUnauthorized(Permanent):
    """401 or 403: the API key is wrong. No other model will help."""


class RequestTooLarge(Permanent):
    """413, or 400 for the context length: it passes only with fewer tokens."""


class ChatRefused(Permanent):
    """Any other 4xx: the request itself is not accepted."""


class ToolsRefused(ChatRefused):
    """The model takes no tools, or its server was not set up for them: without them the request may pass."""


# ---- the messenger


class FloodWait(Transient):
    """429 of the Bot API: this chat rests for *retry_after_s* seconds."""

    def __init__(self, *, retry_after_s: float) -> None:
        super().__init__("flood limit")
        self.retry_after_s = retry_after_s


class MessengerUnavailable(Transient):
    """The call certainly did not land (refused before connecting, or 5xx on an edit): it may be repeated."""


class FateUnknown(Transient):
    """A send that may or may not have landed (time-out or reset after the request went out, or a 5xx)."""


class MarkupRefused(Permanent):
    """400: the formatting is refused. The same text goes through as plain text.

    *url* is the link target at fault, *offset* where the entity at fault begins, in UTF-16 units; None if the server did not
    say. Neither is part of the message: a target is the user's words.
    """

    def __init__(self, what: str, *, url: str | None = None, offset: int | None = None) -> None:
        super().__init__(what)
        self.url = url
        self.offset = offset


class MessageGone(Permanent):
    """400: the message to edit is not there (deleted, too old); a new one has to be reserved."""


class ChatGone(Permanent):
    """403, or 400 chat not found: blocked by the user, removed from the group, deactivated."""


class MessengerRefused(Permanent):
    """Any other 4xx."""


class TopicGone(MessengerRefused):
    """400: the topic is closed or deleted, and the chat is not: the message goes through outside the topic."""


class MessengerUnauthorized(Permanent):
    """401 or 404 for the whole bot: the token is wrong."""


class PollConflict(Transient):
    """409: another process polls with the same token, or a webhook is set."""


class WebhookSet(PollConflict):
    """409: somebody has set a webhook for this bot."""


# ---- what was asked


class BadTask(Permanent):
    """A task record that no agent can do: missing, malformed, or of a schema that is not understood."""


class SettingsError(Permanent):
    """Settings, prompts or roles that are missing or wrong; the message lists each with what to do, never a value."""
