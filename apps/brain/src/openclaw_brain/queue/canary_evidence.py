"""What speaks for and against a tried prompt, in the order of time: ends of runs as they come, and feedback on each a while after it. Pure."""

import heapq
from dataclasses import dataclass, field

from openclaw_core.roles.good_test import LOOKS, is_good
from openclaw_core.roles.harm_test import HarmTest, Seen, Shares
from openclaw_core.tasks.feedback import Feedback, FeedbackKind

JUDGED_AFTER_MS = 60_000
"""How long after it was shown an answer is judged by the feedback on it. The same for each answer: else bad feedback, which comes sooner than none,
would weigh more where a prompt is new. Feedback that comes later is in the figures alone."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Moment:
    """Something that counts at a time, in ms. *kind* is None where a run ends, or where it is *due* to be judged with all feedback on it."""

    at_ms: int
    n: int
    task: str = field(compare=False)
    tried: bool = field(default=False, compare=False)
    harmed: bool = field(default=False, compare=False)
    due: bool = field(default=False, compare=False)
    kind: FeedbackKind | None = field(default=None, compare=False)


@dataclass(slots=True, kw_only=True)
class CanaryEvidence:
    """The test, and what is not counted yet. The same moments give the same evidence, however they are told in parts."""

    test: HarmTest = field(default_factory=HarmTest)
    known: Shares = field(default_factory=Shares)
    """Runs that are JUDGED_AFTER_MS old, whatever harm they did."""
    good: bool = False
    """Whether one of the looks of `good_test` at these found the prompt good."""
    _coming: list[Moment] = field(default_factory=list)
    _open: dict[str, Feedback] = field(default_factory=dict)
    """Feedback on answers that are not judged yet, by task."""
    _n: int = 0

    def ended(self, task: str, *, tried: bool, harmed: bool, at_ms: int) -> None:
        """A run has ended: by that it did harm, or it is an answer, on which there may be feedback."""
        self._put(Moment(at_ms=at_ms, n=self._next(), task=task, tried=tried, harmed=harmed))
        self._put(
            Moment(at_ms=at_ms + JUDGED_AFTER_MS, n=self._next(), task=task, tried=tried, harmed=harmed, due=True)
        )

    def heard(self, task: str, kind: FeedbackKind, *, at_ms: int) -> None:
        """Feedback was given on an answer; of any other task it is not counted."""
        self._put(Moment(at_ms=at_ms, n=self._next(), task=task, kind=kind))

    def count_until(self, now_ms: int) -> None:
        """Count all that has happened until *now_ms*."""
        while self._coming and self._coming[0].at_ms <= now_ms:
            one = heapq.heappop(self._coming)
            if one.kind is not None:
                if one.task in self._open:
                    self._open[one.task] = self._open[one.task].then(one.kind)
            elif one.due:
                self._judge(one)
            else:
                self.test.add(tried=one.tried, harmed=one.harmed)
                if not one.harmed:
                    self._open[one.task] = Feedback()

    def _judge(self, one: Moment) -> None:
        is_bad = self._open.pop(one.task, Feedback()).is_bad
        if not one.harmed:
            self.test.add(tried=one.tried, harmed=is_bad, seen=Seen.FEEDBACK)
        known = self.known
        known.add(tried=one.tried, harmed=one.harmed or is_bad)
        if one.tried and known.tried in LOOKS:
            counts = {"others": known.others, "others_harmed": known.others_harmed}
            self.good = self.good or is_good(tried=known.tried, harmed=known.harmed, **counts)

    def _put(self, moment: Moment) -> None:
        heapq.heappush(self._coming, moment)

    def _next(self) -> int:
        self._n += 1
        return self._n
