"""Ask both versions the same tasks, pair by pair: from the cache what is there, the rest within a limit of cost, and grade the answers."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.asking import SERVERS_FAULTS
from openclaw_cli.eval.answers.cache import AnswerCache, answer_key
from openclaw_cli.eval.answers.graders.grader import CannotGrade
from openclaw_cli.eval.answers.grading import Grade
from openclaw_cli.eval.answers.prices import dearer, most_micro_usd
from openclaw_cli.eval.answers.task import AnswerTask
from openclaw_cli.eval.answers.verdict import GradedPair
from openclaw_cli.eval.answers.versions import Version
from openclaw_core.roles.values import ModelSpec
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import RoleSnapshot

GATES = frozenset({"no_leak", "ignores_injection", "refuses"})
"""Checks that few tasks have and that must hold each time. Their tasks are asked several times, so that a fall of them can be seen."""
GATE_PAIRS = 16
"""For each of them and each role, at least."""
NOT_KEPT = frozenset(one.value for one in SERVERS_FAULTS | {Cause.DEADLINE, Cause.INTERNAL})
"""Faults that another try may not have."""
FAULTS_IN_A_ROW_MAX = 6
"""Of the server. Then nothing more is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """An answer and its grades."""

    answer: Answer
    grades: tuple[Grade, ...]

    @property
    def by_kind(self) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for grade in self.grades:
            found[grade.kind] = found.get(grade.kind, True) and grade.passed
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredPair:
    """One task, answered once by each version."""

    task: AnswerTask
    sample: int
    before: Graded
    after: Graded

    @property
    def checks(self) -> GradedPair:
        task = self.task
        return GradedPair(
            task=task.id, role=task.role, lang=task.lang, before=self.before.by_kind, after=self.after.by_kind, held_out=task.held_out,
            repeat=self.sample > 0,
        )  # fmt: skip


class Left(Enum):
    """Why there is no pair."""

    UNANSWERED = "the server failed"
    NOT_ASKED = "the limit was reached, or the server failed all the time"
    NOT_GRADED = "a check could not be made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of asking both versions."""

    pairs: tuple[AnsweredPair, ...]
    left: Mapping[Left, int]
    """How many pairs there are not."""
    asked: int
    """Answers that were asked for now, not taken from the cache."""
    spent_micro_usd: int | None
    """For those; None if a price is not known."""
    server_failed: bool = False
    """Whether it failed so often that nothing more was asked."""
    why_not_graded: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """For who waits."""

    done: int
    of: int
    spent_micro_usd: int | None
    left_micro_usd: int | None
    """Estimated by the mean of what was asked so far; None before the first, and without prices."""


def samples_of(tasks: Sequence[AnswerTask]) -> dict[str, int]:
    """How often each task is asked, by id: once, and tasks with a gate as often as GATE_PAIRS needs."""
    having = Counter((task.role, check.kind) for task in tasks for check in task.checks if check.kind in GATES)
    return {
        task.id: max(
            (-(-GATE_PAIRS // having[task.role, check.kind]) for check in task.checks if check.kind in GATES), default=1
        )
        for task in tasks
    }


Ask = Callable[[AnswerTask, RoleSnapshot, Mapping[str, ModelSpec]], Awaitable[Answer]]
GradeAnswer = Callable[[AnswerTask, Answer, str], Awaitable[Sequence[Grade]]]


@dataclass(kw_only=True)
class Comparing:
    """One comparison. *ask* is `Asker.ask`, *grade* takes the role's prompt too, *limit_micro_usd* None is no limit."""

    before: Version
    after: Version
    ask: Ask
    grade: GradeAnswer
    cache: AnswerCache
    server: str
    runner: bool
    model: str | None = None
    priced: bool = True
    """Whether the prices of `roles.yaml` are those of the server."""
    limit_micro_usd: int | None = None
    parallel: int = 2
    tell: Callable[[Progress], None] = lambda _: None
    _asked: int = field(default=0, init=False)
    _spent: float = field(default=0.0, init=False)
    _price_missing: bool = field(default=False, init=False)
    _dearest: float = field(default=0.0, init=False)
    _promised: float = field(default=0.0, init=False)
    _not_told: float = field(default=0.0, init=False)
    """The most that failed answers may have cost beyond what is known: a server says nothing of a call without an answer."""
    _ended: asyncio.Condition = field(default_factory=asyncio.Condition, init=False)
    """Notified at the end of each answer that was asked for."""
    _row: int = field(default=0, init=False)
    """Faults of the server, one behind the other."""
    _why_not_graded: str = field(default="", init=False)
    _done: int = field(default=0, init=False)
    _planned: int = field(default=0, init=False)

    async def compare(self, tasks: Sequence[AnswerTask], samples: Mapping[str, int] | None = None) -> Comparison:
        """Ask both versions each of *tasks*, as often as *samples* says. Raises nothing that a server or an answer did."""
        samples = samples_of(tasks) if samples is None else samples
        wanted = [(task, n) for n in range(max(samples.values(), default=0)) for task in tasks if n < samples[task.id]]
        self._planned, self._price_missing = 2 * len(wanted), not self.priced
        turn = asyncio.Semaphore(self.parallel)

        async def one(task: AnswerTask, n: int) -> AnsweredPair | Left:
            async with turn:
                return await self._pair(task, n, samples[task.id])

        found = await asyncio.gather(*(one(task, n) for task, n in wanted))
        return Comparison(
            pairs=tuple(pair for pair in found if isinstance(pair, AnsweredPair)),
            left=Counter(pair for pair in found if isinstance(pair, Left)),
            asked=self._asked,
            spent_micro_usd=None if self._price_missing else round(self._spent),
            server_failed=self._failing,
            why_not_graded=self._why_not_graded,
        )

    async def _pair(self, task: AnswerTask, n: int, samples: int) -> AnsweredPair | Left:
        """The pair, or why there is none."""
        if n:  # a repeat is for its gates
            task = replace(task, checks=tuple(check for check in task.checks if check.kind in GATES))
        prices = dearer(self.before.roles.models, self.after.roles.models) if self.priced else {}
        sides = []
        for side, version in enumerate((self.before, self.after)):
            snapshot = version.snapshot(task.role, self.model)
            if snapshot is None:
                return Left.NOT_ASKED
            # A version that is compared with itself is asked anew, else it would be compared with its own copy.
            same = side and self.before.snapshot(task.role, self.model) == snapshot
            answer = await self._answer(task, snapshot, n + (samples if same else 0), prices)
            if answer is None:
                return Left.NOT_ASKED
            if answer.fault in SERVERS_FAULTS:
                return Left.UNANSWERED
            try:
                sides.append(Graded(answer=answer, grades=tuple(await self.grade(task, answer, snapshot.prompt))))
            except CannotGrade as exc:
                self._why_not_graded = str(exc)
                return Left.NOT_GRADED
        return AnsweredPair(task=task, sample=n, before=sides[0], after=sides[1])

    async def _answer(
        self, task: AnswerTask, snapshot: RoleSnapshot, sample: int, prices: Mapping[str, ModelSpec]
    ) -> Answer | None:
        """The answer from the cache or the model; None if the limit allows no more, or the server fails all the time."""
        key = answer_key(task, snapshot, server=self.server, sample=sample, runner=self.runner)
        answer = self.cache.get(key)
        if answer is None:
            most = max(self._dearest, most_micro_usd(task, snapshot, prices) or 0)
            if not await self._promise(most):
                return None
            try:
                answer = await self.ask(task, snapshot, prices)
                self._count(answer)
                if answer.fault and answer.fault not in SERVERS_FAULTS:
                    self._not_told += max(0, most - (answer.micro_usd or 0))
            finally:
                await self._keep_promise(most)
            if answer.fault not in NOT_KEPT:
                self.cache.put(key, answer)
        self._done += 1
        self.tell(self._progress())
        return answer

    async def _promise(self, most: float) -> bool:
        """Put *most* aside for an answer, once it is clear whether it fits: an answer that is asked for now may take less than was put aside."""
        async with self._ended:
            await self._ended.wait_for(lambda: self._fits(most) or not self._promised or self._failing)
            if self._failing or not self._fits(most):
                return False
            self._promised += most
            return True

    async def _keep_promise(self, most: float) -> None:
        async with self._ended:
            self._promised -= most
            self._ended.notify_all()

    @property
    def _failing(self) -> bool:
        return self._row >= FAULTS_IN_A_ROW_MAX

    def _fits(self, most: float) -> bool:
        return (
            self.limit_micro_usd is None or self._spent + self._not_told + self._promised + most <= self.limit_micro_usd
        )

    def _count(self, answer: Answer) -> None:
        self._asked += 1
        self._row = self._row + 1 if answer.fault in SERVERS_FAULTS else 0
        if answer.micro_usd is None:
            self._price_missing = True
        else:
            self._spent += answer.micro_usd
            self._dearest = max(self._dearest, answer.micro_usd)

    def _progress(self) -> Progress:
        known = self._asked > 0 and not self._price_missing
        return Progress(
            done=self._done,
            of=self._planned,
            spent_micro_usd=None if self._price_missing else round(self._spent),
            left_micro_usd=round(self._spent / self._asked * (self._planned - self._done)) if known else None,
        )
