"""Steps of an answer with tools: what the model called and what came of it, and what a status line says meanwhile."""

from dataclasses import dataclass, field
from enum import StrEnum

from openclaw_core.ports import FunctionCall, Usage

STATUS_MAX_CHARS = 60
"""Of the subject of a status line."""


class Doing(StrEnum):
    """What a status line says that an agent is doing. The words for it are in `texts`."""

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
    """A page that a step opened. Its text is not kept: the model has read no more of it than stands in the results."""

    number: int
    url: str
    domain: str
    title: str = field(default="", repr=False)
    date: str = ""


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
    """Empty, or why there is no result: `failed`, `timed_out`, `crashed`, or the value of a CallFault."""
    pages: tuple[OpenedPage, ...] = field(default=(), repr=False)
    read: tuple[ReadPages, ...] = ()


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
