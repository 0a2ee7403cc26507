"""The work of an agent: it claims a run, writes the growing text and ends the run with one result. The port to the store of runs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.steps import Status, Step
from openclaw_core.tasks.task import RoleSnapshot, Task
from openclaw_core.tasks.timings import Timing

PREVIEW_EVERY_S, GROUP_PREVIEW_EVERY_S = 1.2, 3.0
"""Between two previews of one answer: an agent writes none sooner, and delivery makes no edit sooner."""
FIRST_WORDS_CHARS, FIRST_WORDS_S = 80, 0.4
"""The first text waits until it is that long or that old, in the agent and in delivery: some models begin their
thoughts without a mark, and only a mark at their end tells that they were thoughts.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt at a task, owned by this process.

    *name* is `<task id>.<secret>`. It is the permission to write into the run, so it stays out of every log. *last*: the
    process takes no other task after it.
    """

    name: str = field(repr=False)
    task: Task
    snapshot: RoleSnapshot
    history: tuple[Turn, ...] = field(repr=False)
    """The earlier turns of the conversation, oldest first."""
    attempt: int
    last: bool = False
    steps: tuple[Step, ...] = field(default=(), repr=False)
    """Those that agents before have completed: the answer goes on behind them."""
    claimed_s: float = field(default_factory=time.monotonic, repr=False, compare=False)
    """When it was claimed, by the monotonic clock of this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The whole answer as Markdown, and what it took."""

    markdown: str = field(repr=False)
    usage: RunUsage
    timings: tuple[Timing, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """There is no answer, and another try would not help."""

    cause: Cause
    timings: tuple[Timing, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedBack:
    """The process was told to stop: another one takes the task. It costs no try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """This process cannot answer anything: another one takes the task. It costs no try, and the Job counts as failed to start."""


Result = Answered | GaveUp | HandedBack | PutBack


class Work(Protocol):
    """Steps of one agent process. All raise StoreUnavailable and StoreFull.

    Steps on a run raise LostOwnership once the run was stopped, given to another process, or ended.
    """

    lease_s: float
    writes: int
    """Texts that were taken: the run was ours then."""

    async def check_in(self) -> bool:
        """Report that this process waits for a run; False if its Job was retired."""

    async def any_ready(self) -> bool:
        """Whether there may be a run to claim. It costs a fraction of a claim."""

    async def retire(self) -> None:
        """Report that this process claims nothing more."""

    async def claim(self, *, last: bool = False) -> Run | None:
        """Claim the next run of the pool, if any. Raises LostOwnership for a retired Job.

        An unreadable record is ended as a bad task; the result is None then.
        """

    async def wait(self, *, timeout_s: float) -> None:
        """Block until the pool may have something, at most *timeout_s* (≤ 4)."""

    async def renew(self, run: Run) -> None:
        """Renew the lease."""

    async def check(self, run: Run) -> None:
        """Raise LostOwnership if the run is not ours, without renewing the lease."""

    async def files_at(self, run: Run) -> str:
        """The present address of the task's files, empty where there is none. It changes with the leader."""

    async def write(self, run: Run, text: str) -> bool:
        """Write the answer so far. False, with nothing written, if the user sent more that belongs to the task: see `grown`."""

    async def status(self, run: Run, status: Status) -> None:
        """Say what is done while there are no words to show. What was written goes."""

    async def step(self, run: Run, n: int, step: Step) -> bool:
        """Keep the completed step *n*, from 1, for an agent that takes the task over. Twice is once.

        It is not kept if the steps together became too large. False, with nothing kept, if the user sent more that belongs to the task:
        see `grown`.
        """

    async def pictures(self, run: Run, pictures: Sequence[bytes]) -> bool:
        """Keep *pictures* for the chat, in place of those that the run had. False if there is no room for them: it has none then."""

    async def grown(self, run: Run) -> Run | None:
        """The run with all that the user sent since the claim; None while more may come."""

    async def amend(self, run: Run, text: str) -> None:
        """Replace the text of the user's turn: it now holds what a recording or a file says."""

    async def end(self, run: Run, result: Result) -> bool:
        """End the run with its result.

        False, with nothing changed, for an answer if the user sent more that belongs to the task: see `grown`. So a short answer
        is one step, and its chat sees one edit.
        """
