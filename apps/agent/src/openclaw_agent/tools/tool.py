"""The contract of a tool: what a model is told of it, how it is called, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from openclaw_agent.tools.opened import OpenedPages, Source
from openclaw_core.sealed import File
from openclaw_core.tasks.conversation import estimate_tokens
from openclaw_core.tasks.steps import STATUS_MAX_CHARS, CodeRun, Doing, ReadPages, Status

__all__ = ["Doing", "Status"]

RESULT_MAX_TOKENS = 6000
"""Of one result, as `estimate_tokens` counts. A tool keeps its results shorter by itself; `bounded` is the last guard."""
CUT = "\n[… cut: the result was too long …]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a call came to. A fault is a result too: the model reads *text* and goes on."""

    text: str = field(repr=False)
    """For the model; at most RESULT_MAX_TOKENS."""
    sources: tuple[Source, ...] = field(default=(), repr=False)
    """Pages that this call opened, with their numbers in the run. The loop records them with the step."""
    read: tuple[ReadPages, ...] = ()
    """Pages of the user's documents that *text* holds. The loop records them with the step."""
    failed: bool = False
    """Whether *text* says why there is nothing. For figures: the model is told in words."""
    ran: CodeRun | None = field(default=None, repr=False)
    """The record of code that was to be run."""
    pictures: tuple[File, ...] = field(default=(), repr=False)
    """Those that the call made: the loop keeps them for the chat."""


class Tool(Protocol):
    """One tool. It has no state of its own between calls: calls of one step run side by side."""

    @property
    def name(self) -> str:
        """As the model calls it: letters, digits and `_`."""

    @property
    def description(self) -> str:
        """What it is for, when to use it, and when not. The model reads nothing else about it."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """JSON schema of the arguments: an object without additional properties."""

    @property
    def timeout_s(self) -> float:
        """For one call. The tool ends earlier by itself; the caller ends it then, and `timed_out` is the result."""

    def status(self, arguments: Mapping[str, Any]) -> Status:
        """What a status line may say while the call runs. Takes whatever the model wrote; never raises."""

    async def call(self, arguments: Mapping[str, Any], pages: OpenedPages) -> ToolResult:
        """Do it. *arguments* are a JSON object that the model wrote: nothing in it can be trusted, and it may not fit the schema.

        *pages* are those that this run has opened. Never raises for what the model or the outside did; CancelledError passes through.
        """


def failed(why: str) -> ToolResult:
    """A result that says why there is none, in one sentence to the model."""
    return ToolResult(text=why, failed=True)


def timed_out(tool: Tool) -> ToolResult:
    """For the loop: the call did not end within the tool's time."""
    return failed(f"{tool.name} did not end within {tool.timeout_s:g} seconds. Go on without it, or ask for less.")


def bounded(text: str, max_tokens: int = RESULT_MAX_TOKENS) -> str:
    """*text*, or its beginning within *max_tokens* and a line that says so."""
    if estimate_tokens(text) <= max_tokens:
        return text
    room = max_tokens - estimate_tokens(CUT)
    keep = int(len(text) * room / estimate_tokens(text))
    while estimate_tokens(text[:keep]) > room:
        keep = keep * 9 // 10
    return text[:keep].rstrip() + CUT


def subject(text: object) -> str:
    """*text* as the subject of a status line: one line, short; empty if it is no text."""
    line = " ".join(text.split()) if isinstance(text, str) else ""
    return line if len(line) <= STATUS_MAX_CHARS else line[: STATUS_MAX_CHARS - 1].rstrip() + "…"
