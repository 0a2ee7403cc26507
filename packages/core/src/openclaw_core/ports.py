"""What brain and agent ask of the outside world, in their own words. Adapters match these by shape."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

Lang = Literal["en", "he"]

# ---- messenger: values


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A stretch of formatting, as in Telegram's MessageEntity. Offset and length are UTF-16 code units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One message's worth of text: 1 to 4096 UTF-16 units, at most 100 entities."""

    text: str = field(repr=False)
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFile:
    """A file made from an answer, such as a long code block."""

    name: str
    content: str | bytes = field(repr=False)


def picture_name(picture: bytes) -> str:
    """The name of a file for a PNG or JPEG."""
    return "figure.png" if picture.startswith(b"\x89PNG") else "figure.jpg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button under a message; *data* is at most 64 bytes."""

    label: str
    data: str


class Messenger(Protocol):
    """The Bot API calls that OpenClaw makes. No method repeats a call by itself; each ends within `timeout_s`.

    All raise FloodWait, ChatGone, MessengerUnauthorized, MessengerUnavailable, MessengerRefused.
    """

    timeout_s: float

    async def send(
        self,
        chat_id: int,
        page: Page,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        buttons: Sequence[Sequence[Button]] = (),
        silent: bool = True,
    ) -> int:
        """Send and return the message id; outside the topic *thread_id* if that is gone. Also raises FateUnknown and MarkupRefused."""

    async def edit(
        self, chat_id: int, message_id: int, page: Page, *, buttons: Sequence[Sequence[Button]] = ()
    ) -> None:
        """Make the message say *page*; 'not modified' is success. Also raises MarkupRefused and MessageGone."""

    async def send_file(
        self,
        chat_id: int,
        file: AnswerFile,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        caption: str = "",
    ) -> int:
        """Send a document and return the message id; outside a topic that is gone. Also raises FateUnknown."""

    async def send_picture(
        self, chat_id: int, picture: bytes, *, thread_id: int | None = None, reply_to: int | None = None
    ) -> int:
        """Send a PNG or JPEG, which the chat shows, and return the message id; outside a topic that is gone. Also raises FateUnknown."""

    async def get_file_bytes(self, file_id: str, max_bytes: int) -> bytes:
        """The content of a file that a user sent; MessengerRefused if it is larger than *max_bytes* or not there any more."""

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        """Set the one reaction of the bot; an empty *emoji* takes it away."""

    async def show_typing(self, chat_id: int, *, thread_id: int | None = None) -> None:
        """Show 'typing' for up to 5 s."""

    async def answer_button(self, callback_id: str, text: str = "") -> None:
        """End the button's spinner, with a toast if *text* is given."""


# ---- model: values

FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every server takes as the name of a function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionTool:
    """A function that a model may call, as it is described to the model. We run it, not the server."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """A JSON schema of type `object`."""

    def __post_init__(self) -> None:
        if not FUNCTION_NAME.fullmatch(self.name):
            raise ValueError("a function's name has 1 to 64 of a-z, A-Z, 0-9, _ and -")
        if self.parameters.get("type") != "object":
            raise ValueError("a function's parameters are a JSON schema of type object")


class CallFault(StrEnum):
    """Why a call cannot be run as it is. The model gets it as the call's result and may call again."""

    UNKNOWN_NAME = "unknown_name"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    CUT_OFF = "cut_off"
    """The answer reached its length limit within the arguments."""
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    """More calls than one answer may have. One of those beyond the limit is kept, to carry this fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall:
    """A call of a function tool by a model."""

    id: str
    """Unique in its conversation: the result names it."""
    name: str
    """A `FUNCTION_NAME`; one of the request's functions unless *fault* says otherwise."""
    arguments: str = field(repr=False)
    """A JSON object as text. With a fault other than UNKNOWN_NAME: what there is of it."""
    fault: CallFault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture for a model that sees. Nothing of ours decodes it."""

    mime_type: Literal["image/jpeg", "image/png", "image/webp"]
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a request to a model."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = field(repr=False)
    calls: tuple[FunctionCall, ...] = ()
    """Of an assistant: what it called. Each call needs one message `tool` before the next message of another role."""
    call_id: str = ""
    """Of a tool: which call has this result."""
    pictures: tuple[Picture, ...] = ()
    """Of a user, for a model that sees; others refuse the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAt:
    """Where a model of `roles.yaml` is served, if not under its own name by the default server."""

    name: str
    provider: str = ""
    """Empty: the default server."""
    id: str
    """As its server calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """A request: which model, what it is told, and its limits in tokens and seconds."""

    model: str
    """As its server calls it."""
    messages: tuple[Message, ...] = field(repr=False)
    max_tokens: int
    provider: str = ""
    """Whose server has the model; empty: the default one."""
    temperature: float | None = None
    reasoning_effort: str | None = None
    """`low`, `medium`, `high`, or `none`: as little as the model can."""
    tools: tuple[str, ...] = ()
    """Built-in tools of the server by type, such as `browser_search`."""
    functions: tuple[FunctionTool, ...] = ()
    """What the model may call. Without any, a call is an error (ToolCalled)."""
    function_choice: Literal["auto", "none", "required"] = "auto"
    """`none`: the answer is to be text, though the conversation has calls. `required`: it is to be a call."""
    first_token_timeout_s: float = 30.0
    idle_timeout_s: float = 20.0
    """The longest silence between two pieces of a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the server counted them; *counted* is False where it did not say and we estimated."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    answer_tokens: int = 0
    counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsLeft:
    """How much is left of the limits of a key at a model, in percent; None where the server does not say."""

    requests: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a streamed answer; the last one has *usage*, maybe no text, and what the model *calls*."""

    text: str = field(default="", repr=False)
    restarted: bool = False
    """What came before proved to be a thought: the answer begins with this piece."""
    usage: Usage | None = None
    truncated: bool = False
    """True on the last piece if the model stopped at `max_tokens`."""
    calls: tuple[FunctionCall, ...] = ()
    """On the last piece: the functions that the model wants run before it goes on. All text before is what it said about them."""
    left: LimitsLeft = LimitsLeft()
    """On the last piece."""


class StreamingModel(Protocol):
    """A model server that answers. Nothing is repeated here, and nothing falls back."""

    def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        """Yield the answer piece by piece, without the model's thoughts; the usage and the calls of functions last.

        Raises RateLimited, ChatUnavailable, ModelSilent, StreamCut, EmptyAnswer, ToolCalled, AnswerFiltered, ModelGone,
        ChatUnauthorized, RequestTooLarge, ToolsRefused, ChatRefused.
        """


class JsonModel(Protocol):
    """A model server that answers by a schema. Nothing is repeated here, and nothing falls back."""

    async def complete_json(self, call: ModelCall, *, schema: dict[str, Any], timeout_s: float) -> tuple[Any, Usage]:
        """One strict-schema answer, parsed. Raises as `stream`; ChatUnavailable also for a reply that does not match."""


class ChatModel(StreamingModel, JsonModel, Protocol):
    """One that the brain can ask too. No method repeats or falls back by itself."""

    async def models(self, provider: str = "") -> frozenset[str]:
        """Ids that the server of *provider* lists now; of the default one if it is empty."""


class Transcriber(Protocol):
    """A model server that turns recordings into text. Raises as `ChatModel.stream`."""

    async def transcribe(self, recording: bytes, *, name: str, model: str, timeout_s: float) -> str:
        """What is said in a recording, empty if nothing is; *name* tells its format by its ending."""
