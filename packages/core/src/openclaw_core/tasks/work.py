"""What an agent does: it owns one run of a task at a time, writes its growing text, and ends it with one result. The port to where runs are kept."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Order, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt at a task, owned by this process.

    *name* is `<task id>.<secret>`: whoever knows it may write into the run, so it stays out of every log. *last* says that the process takes no other
    task after it.
    """

    name: str = field(repr=False)
    task: Task
    order: Order
    history: tuple[Turn, ...] = field(repr=False)
    """The turns of the conversation before the task's own, oldest first."""
    attempt: int
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The model has answered: the whole text as Markdown, and what it took (`docs/data.md`, field `run`)."""

    markdown: str = field(repr=False)
    usage: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """No other try would help."""

    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedBack:
    """The process was told to stop: another one takes the task, which costs it no try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """This process cannot answer at all: the task goes back untouched, and the Job counts as one that never came up."""


Result = Answered | GaveUp | HandedBack | PutBack


class Work(Protocol):
    """Steps of one agent process. All raise StoreUnavailable and StoreFull; those that name a run raise LostOwnership once it is not ours any more:
    stopped by its user, given to another, or ended."""

    lease_s: float

    async def check_in(self) -> bool:
        """Say that this process lives and waits; False if its Job was retired."""

    async def any_ready(self) -> bool:
        """Whether there may be a run to claim. Asking costs a fraction of a claim."""

    async def retire(self) -> None:
        """Say that this process claims nothing more."""

    async def claim(self, *, last: bool = False) -> Run | None:
        """The next run of the pool, if any. Raises LostOwnership for a retired Job. A record that cannot be read is ended as a bad task; then None."""

    async def wait(self, *, timeout_s: float) -> None:
        """Block until the pool may have something, at most *timeout_s* (≤ 4)."""

    async def renew(self, run: Run) -> None:
        """Prolong the lease."""

    async def check(self, run: Run) -> None:
        """Ask whether the run is still ours, without prolonging anything."""

    async def files_at(self, run: Run) -> str:
        """The address at which the files that came with the run's task can be had now, empty where there is none: a new leader has another one."""

    async def write(self, run: Run, text: str) -> bool:
        """*text* is the answer so far, from its beginning. False if more was sent that belongs to the task, and nothing was written yet: see `grown`."""

    async def grown(self, run: Run) -> Run | None:
        """The run with all that was sent since its claim; None while more has come, or may still come."""

    async def amend(self, run: Run, said: str) -> None:
        """The user's turn says *said*: what a recording or a file turned out to hold."""

    async def end(self, run: Run, result: Result) -> bool:
        """Hand the result over; the run is not ours any more. False for an answer if more was sent that belongs to the task, and nothing was written yet:
        nothing has happened, see `grown`. (So a short answer is one step, and costs its chat no edit before the whole text.)"""
