"""What speaks for and against a tried prompt, in the order of time: ends of runs, and the feedback on answers. Pure."""

import heapq
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

from openclaw_core.roles.good_test import LOOKS, is_good
from openclaw_core.roles.harm_test import OTHERS_MAX, HarmTest
from openclaw_core.tasks.feedback import Feedback, FeedbackKind

HEARD_FOR_MS = 300_000
"""How long after its end bad feedback on an answer is evidence of harm: as long as a message may correct it (inbox/corrections.py)."""
JUDGED_AFTER_MS = 60_000
"""How long after its end a run counts for a good verdict, by all that was seen of it until then. What comes later can still end the canary."""


class MomentKind(IntEnum):
    """What happens at a moment, in the order in which it counts where the time is the same."""

    END = 0
    FEEDBACK = 1
    HARM = 2
    """A run of a set has done harm, at an age that the set's youngest run, the tried one, has reached now."""
    JUDGED = 3
    FORGOTTEN = 4


@dataclass(slots=True, kw_only=True, eq=False)
class EndedRun:
    """A run that has ended, and the feedback on it. *failed*: it was harm by its end."""

    task: str
    tried: bool
    failed: bool
    ended_ms: int
    feedback: Feedback = field(default_factory=Feedback)
    bad_after_ms: int | None = None
    """From its end until it first had bad feedback."""
    compared: "ComparedRuns | None" = None


@dataclass(slots=True, kw_only=True)
class ComparedRuns:
    """A set of the test: a run with the tried prompt, and the newest before it with the role's own that no other set has."""

    since_ms: int
    harmless: list[EndedRun]
    """Those that have done no harm yet at the age that the tried one has. Empty once the tried one did."""


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """Something that counts at a time in ms; the *n*th that was put."""

    at_ms: int
    event: MomentKind
    n: int
    task: str = field(compare=False)
    run: EndedRun | None = field(compare=False, default=None)
    kind: FeedbackKind | None = field(compare=False, default=None)


@dataclass(slots=True, kw_only=True)
class Judged:
    """Runs that are JUDGED_AFTER_MS old, whatever harm they did."""

    tried: int = 0
    harmed: int = 0
    others: int = 0
    others_harmed: int = 0

    def add(self, *, tried: bool, harmed: bool) -> None:
        if tried:
            self.tried += 1
            self.harmed += harmed
        else:
            self.others += 1
            self.others_harmed += harmed


@dataclass(slots=True, kw_only=True)
class CanaryEvidence:
    """The test, and what is not counted yet. The same moments give the same evidence, however they are told in parts."""

    test: HarmTest = field(default_factory=HarmTest)
    known: Judged = field(default_factory=Judged)
    good: bool = False
    """Whether one of the looks of `good_test` at these found the prompt good."""
    harmed: int = 0
    """Runs with the tried prompt that did harm, by their end or by the feedback on them."""
    others_harmed: int = 0
    """The same of runs with the role's own prompt."""
    _coming: list[Moment] = field(default_factory=list)
    _heard: dict[str, EndedRun] = field(default_factory=dict)
    """By task, the runs on which feedback counts."""
    _free: deque[EndedRun] = field(default_factory=lambda: deque(maxlen=OTHERS_MAX))
    """The newest runs with the role's own prompt that no set has."""
    _n: int = 0

    def ended(self, task: str, *, tried: bool, harmed: bool, at_ms: int) -> None:
        """A run has ended: by that it did harm, or it is an answer, on which there may be feedback."""
        run = EndedRun(task=task, tried=tried, failed=harmed, ended_ms=at_ms)
        self._put(at_ms, MomentKind.END, task, run=run)
        self._put(at_ms + JUDGED_AFTER_MS, MomentKind.JUDGED, task, run=run)

    def heard(self, task: str, kind: FeedbackKind, *, at_ms: int) -> None:
        """Feedback was given on an answer; of any other task it is not counted."""
        self._put(at_ms, MomentKind.FEEDBACK, task, kind=kind)

    def count_until(self, now_ms: int) -> None:
        """Count all that has happened until *now_ms*."""
        while self._coming and self._coming[0].at_ms <= now_ms:
            moment = heapq.heappop(self._coming)
            match moment.event, moment.run:
                case MomentKind.END, EndedRun() as run:
                    self._end(run)
                case MomentKind.HARM, EndedRun() as run:
                    self._compare(run)
                case MomentKind.JUDGED, EndedRun() as run:
                    self._judge(run)
                case MomentKind.FORGOTTEN, _:
                    self._heard.pop(moment.task, None)
                case MomentKind.FEEDBACK, _ if moment.kind and (heard := self._heard.get(moment.task)):
                    self._hear(heard, moment.kind, moment.at_ms)

    def _end(self, run: EndedRun) -> None:
        if run.failed:
            self._count_harm(run)
        else:
            self._heard[run.task] = run
            self._put(run.ended_ms + HEARD_FOR_MS, MomentKind.FORGOTTEN, run.task)
        if not run.tried:
            self._free.append(run)
            return
        members = [run, *self._free]
        self._free.clear()
        self.test.begin_set()
        self.test.add(tried=run.failed, harmed=sum(one.failed for one in members), of=len(members))
        if run.failed:
            return
        compared = ComparedRuns(since_ms=run.ended_ms, harmless=[one for one in members if not one.failed])
        for one in compared.harmless:
            one.compared = compared
            self._put_harm(one)

    def _hear(self, run: EndedRun, kind: FeedbackKind, at_ms: int) -> None:
        run.feedback = run.feedback.then(kind)
        if run.feedback.is_bad and run.bad_after_ms is None:
            run.bad_after_ms = at_ms - run.ended_ms
            self._count_harm(run)
            self._put_harm(run)

    def _put_harm(self, run: EndedRun) -> None:
        """Have harm by feedback compared, once the tried run of its set is as old as *run* was: before, nobody knows whether that does harm sooner."""
        if run.compared and run.bad_after_ms is not None:
            self._put(run.compared.since_ms + run.bad_after_ms, MomentKind.HARM, run.task, run=run)

    def _compare(self, run: EndedRun) -> None:
        compared = run.compared
        if compared and run in compared.harmless:
            self.test.add(tried=run.tried, harmed=1, of=len(compared.harmless))
            compared.harmless.remove(run)
            if run.tried:
                compared.harmless.clear()

    def _judge(self, run: EndedRun) -> None:
        known = self.known
        known.add(tried=run.tried, harmed=run.failed or run.feedback.is_bad)
        if run.tried and known.tried in LOOKS:
            counts = {"others": known.others, "others_harmed": known.others_harmed}
            self.good = self.good or is_good(tried=known.tried, harmed=known.harmed, **counts)

    def _count_harm(self, run: EndedRun) -> None:
        if run.tried:
            self.harmed += 1
        else:
            self.others_harmed += 1

    def _put(
        self, at_ms: int, event: MomentKind, task: str, *, run: EndedRun | None = None, kind: FeedbackKind | None = None
    ) -> None:
        self._n += 1
        heapq.heappush(self._coming, Moment(at_ms, event, self._n, task, run, kind))
