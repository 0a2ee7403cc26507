"""Steps of an answer with tools: what the model called and what came of it, and what a status line says meanwhile."""

from dataclasses import dataclass, field
from enum import StrEnum

from openclaw_core.ports import FunctionCall, Usage

STATUS_MAX_CHARS = 60
"""Of the subject of a status line."""


class Doing(StrEnum):
    """What a status line says that an agent is doing. The words for it are in `texts`."""

    OPENING = "opening"  # documents that came with the message
    SEARCHING = "searching"
    READING = "reading"
    RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The parts of a status line."""

    doing: Doing
    subject: str = field(default="", repr=False)
    """With what: a query, a domain. One line of at most STATUS_MAX_CHARS; a model or a stranger may have written it."""
    n: int = 1
    """Which try of it this is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPage:
    """A page that a step opened. Its text is not kept: the model has read no more of it than is in the results."""

    number: int
    url: str
    domain: str
    title: str = field(default="", repr=False)
    date: str = ""


class NotRun(StrEnum):
    """Why code was not run at all."""

    NOT_AVAILABLE = "not_available"  # no runner is here, or the kernel cannot seal; the value of the runner's cause too
    OTHER_LANGUAGE = "other_language"
    TOO_LONG = "too_long"
    LIMIT = "limit"  # of runs in one answer
    NO_END = "no_end"  # the call took longer than its tool may: nothing is known of the run
    BAD_CALL = "bad_call"  # the call had no code, or the runner refused it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program or its test ended, with the beginning of its output and the end of its errors."""

    exit_code: int | None = None
    cause: str = ""
    """Instead of an exit code: a NotRun, or the limit at which the runner ended it (`openclaw_core.sealed.RunnerCause`)."""
    seconds: float = 0.0
    output: str = field(default="", repr=False)
    errors: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRun:
    """What became of code that a call gave to be run: the record that an answer's block about it is made of."""

    language: str
    """python, bash or sqlite; as the model wrote it for another one."""
    program: Ended
    test: Ended | None = None
    files: tuple[str, ...] = ()
    """Names of files that it made, without the pictures that the chat gets."""
    pictures: int = 0
    """That the chat gets, if no later run has some."""

    @property
    def began(self) -> bool:
        return self.program.exit_code is not None or self.program.cause not in NotRun._value2member_map_


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPages:
    """Pages of a document that a call gave to the model: *first* to *last*, or a piece of one page."""

    document: int
    first: int
    last: int
    piece: int = 1
    pieces: int = 1
    """Into how many the page was cut, because it is too long for one result. 0: only places that a search found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """What came of one call."""

    text: str = field(repr=False)
    """As the model gets it."""
    ms: int = 0
    """How long it took, in milliseconds."""
    fault: str = ""
    """Empty, or why there is no result: `failed`, `not_run` (code that was not begun), `timed_out`, `crashed`, or the
    value of a CallFault.
    """
    pages: tuple[OpenedPage, ...] = field(default=(), repr=False)
    read: tuple[ReadPages, ...] = ()
    ran: CodeRun | None = field(default=None, repr=False)
    """Of a call that gave code to be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One completed step: a model was asked, and all that it called has a result.

    An agent that takes the task over goes on behind it. So the model is not asked for it again, and no call is made twice.
    """

    text: str = field(repr=False)
    """What the model said beside its calls, maybe nothing."""
    calls: tuple[FunctionCall, ...]
    results: tuple[CallResult, ...]
    """One for each call, in the same order."""
    model: str
    usage: Usage
    asked: int = 1
    """How often a model was asked for it."""
    model_ms: int = 0
