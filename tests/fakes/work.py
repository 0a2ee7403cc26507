"""The runs of one pool in memory: what an agent may do with them, and what a brain does to them meanwhile."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from openclaw_core.errors import LostOwnership
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.steps import Status, Step
from openclaw_core.tasks.task import RoleSnapshot, Task
from openclaw_core.tasks.work import Answered, PutBack, Result, Run

ORDER = RoleSnapshot(role="coder", prompt="p", prompt_sha256="0", models=("m",))


@dataclass
class FakeWork:
    """`Work` of one agent. *faults* holds errors for the next calls of a step, *calls* every step that was asked for."""

    lease_s: float = 15.0
    writes: int = 0
    job: str = "created"
    """`created`, `waiting`, `claimed` or `retired`."""
    texts: dict[str, list[str]] = field(default_factory=dict)
    """What was written of each task, oldest first."""
    statuses: dict[str, list[Status]] = field(default_factory=dict)
    steps: dict[str, list[Step]] = field(default_factory=dict)
    """Those that are kept of each task, for the next run of it too."""
    kept_pictures: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    has_room: bool = True
    """For pictures."""
    said: dict[str, str] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    """How each task's last run ended."""
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    address: str = ""
    """Where the brain that leads now gives files."""
    ends_land: asyncio.Event = field(default_factory=asyncio.Event)
    """`end` does not return before it is set."""
    _ready: list[Run] = field(default_factory=list)
    _runs: dict[str, Run] = field(default_factory=dict)
    """Those that are in hand."""
    _more: dict[str, Task | None] = field(default_factory=dict)
    """Runs of which more was sent: what they ask together, None while still more may come."""
    _secrets: int = 0

    def __post_init__(self) -> None:
        self.ends_land.set()

    # ---- what a brain does

    def hand_over(
        self, task: Task, *, snapshot: RoleSnapshot = ORDER, history: Sequence[Turn] = (), attempt: int = 1
    ) -> None:
        self._secrets += 1
        name = f"{task.id}.{self._secrets:032x}"
        steps = tuple(self.steps.get(task.id, ()))
        self._ready.append(
            Run(name=name, task=task, snapshot=snapshot, history=tuple(history), attempt=attempt, steps=steps)
        )

    def take_away(self, task_id: str) -> None:
        """Its user stopped the task, or another agent has it."""
        for name in [name for name in self._runs if name.startswith(f"{task_id}.")]:
            del self._runs[name]

    def send_more(self, whole: Task, *, all_sent: bool = True) -> None:
        """More was sent that belongs to the task; with it, it is *whole*."""
        [name] = [name for name in self._runs if name.startswith(f"{whole.id}.")]
        assert not self.texts.get(whole.id), "what is sent after the first words is another task"
        self._more[name] = whole if all_sent else None

    # ---- the port

    async def check_in(self) -> bool:
        await self._called("check_in")
        if self.job == "retired":
            return False
        self.job = "waiting"
        return True

    async def any_ready(self) -> bool:
        await self._called("any_ready")
        return bool(self._ready)

    async def retire(self) -> None:
        await self._called("retire")
        self.job = "retired"

    async def claim(self, *, last: bool = False) -> Run | None:
        await self._called("claim")
        if self.job == "retired":
            raise LostOwnership("retired")
        if not self._ready:
            return None
        run = replace(self._ready.pop(0), last=last)
        self._runs[run.name] = run
        self.job = "claimed"
        return run

    async def wait(self, *, timeout_s: float) -> None:
        await self._called("wait")
        async with asyncio.timeout(timeout_s + 1):
            while not self._ready:
                await asyncio.sleep(0.01)

    async def renew(self, run: Run) -> None:
        await self._called("renew")
        self._mine(run)

    async def check(self, run: Run) -> None:
        await self._called("check")
        self._mine(run)

    async def files_at(self, run: Run) -> str:
        await self._called("files_at")
        self._mine(run)
        return self.address

    async def write(self, run: Run, text: str) -> bool:
        await self._called("write")
        self._mine(run)
        if run.name in self._more:
            return False
        self.texts.setdefault(run.task.id, []).append(text)
        self.writes += 1
        return True

    async def status(self, run: Run, status: Status) -> None:
        await self._called("status")
        self._mine(run)
        self.statuses.setdefault(run.task.id, []).append(status)

    async def step(self, run: Run, n: int, step: Step) -> bool:
        await self._called("step")
        self._mine(run)
        if run.name in self._more:
            return False
        steps = self.steps.setdefault(run.task.id, [])
        if len(steps) == n - 1:
            steps.append(step)
        return True

    async def pictures(self, run: Run, pictures: Sequence[bytes]) -> bool:
        await self._called("pictures")
        self._mine(run)
        self.kept_pictures[run.task.id] = tuple(pictures) if self.has_room else ()
        return self.has_room

    async def grown(self, run: Run) -> Run | None:
        await self._called("grown")
        self._mine(run)
        if run.name not in self._more:
            return self._runs[run.name]
        whole = self._more[run.name]
        if whole is None:
            return None
        del self._more[run.name]
        self.steps.pop(whole.id, None)
        self._runs[run.name] = replace(run, task=whole, steps=())
        return self._runs[run.name]

    async def amend(self, run: Run, text: str) -> None:
        await self._called("amend")
        self._mine(run)
        self.said[run.task.id] = text

    async def end(self, run: Run, result: Result) -> bool:
        await self._called("end")
        await self.ends_land.wait()
        self._mine(run)
        if isinstance(result, Answered) and run.name in self._more:
            return False
        del self._runs[run.name]
        self.results[run.task.id] = result
        self.job = "created" if isinstance(result, PutBack) else "retired" if run.last else "waiting"
        return True

    # ---- behind it

    async def _called(self, step: str) -> None:
        self.calls.append(step)
        await asyncio.sleep(0)
        if self.faults.get(step):
            raise self.faults[step].pop(0)

    def _mine(self, run: Run) -> None:
        if run.name not in self._runs:
            raise LostOwnership("stopped, given to another, or ended")
