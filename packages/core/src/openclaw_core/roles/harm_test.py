"""Whether a tried prompt does more harm than the role's own: a test that may be looked at after every answer. Pure.

Answers of both prompts come in any order. Each answer with the tried prompt is put beside the newest one with the role's own, and the pair
multiplies the evidence by the ratio of two chances: of what was seen if the tried prompt does more harm, by the shares so far, and if both do
the same. Under "no more harm" the expected factor is at most 1 whatever the shares are (Turner, Ly, Grünwald, "Generic E-variables for exact
sequential k-sample tests", arXiv 2106.02693), so by Ville's inequality the evidence ever passes 1/ALARM_SHARE with a chance of at most ALARM_SHARE.

Two things are seen of a run: how it ended, at once, and of an answer what its asker let us know, some time later. Each has shares and pairs of
its own, and all factors multiply the same evidence: each is at most 1 on average given what came before, so their product is too.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

ALARM_SHARE = 0.02
"""The chance that a prompt that does no more harm is ever ended."""
STAGE = 50
"""Ends after which a part of the evidence begins anew: a harm that comes late is not weighed down by what was well before."""
WINDOW = 60
"""Answers with the tried prompt from which its share is estimated."""


class Seen(StrEnum):
    """What is seen of a run."""

    END = "end"
    FEEDBACK = "feedback"


@dataclass(slots=True)
class Shares:
    """How often harm was seen with either prompt."""

    tried: int = 0
    harmed: int = 0
    others: int = 0
    others_harmed: int = 0
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _newest_other: bool | None = None

    def add(self, *, tried: bool, harmed: bool) -> float:
        """Count what was seen, and give the factor of the pair that it completes; 1 if it completes none."""
        if not tried:
            self.others += 1
            self.others_harmed += harmed
            self._newest_other = harmed
            return 1.0
        # Only what came before counts: the factor of a pair must not know the pair.
        factor = 1.0 if self._newest_other is None else self._factor(harmed, self._newest_other)
        self._newest_other = None
        self.tried += 1
        self.harmed += harmed
        self._recent.append(harmed)
        return factor

    def _factor(self, harmed: bool, other: bool) -> float:
        share = (sum(self._recent) + 1) / (len(self._recent) + 2)
        other_share = (self.others_harmed - other + 1) / (self.others - 1 + 20)
        if share <= other_share:
            return 1.0
        same = (share + other_share) / 2
        return _chance(harmed, share) * _chance(other, other_share) / (_chance(harmed, same) * _chance(other, same))


@dataclass(slots=True)
class HarmTest:
    """The evidence so far. Feed it with `add`, in the order in which things were seen."""

    evidence: float = 0.0
    """That the tried prompt does more harm; 1 / ALARM_SHARE and more is enough."""
    shares: dict[Seen, Shares] = field(default_factory=lambda: {seen: Shares() for seen in Seen})
    _stages: int = 0

    @property
    def does_harm(self) -> bool:
        return self.evidence >= 1 / ALARM_SHARE

    @property
    def tried(self) -> int:
        """Runs with the tried prompt that have ended."""
        return self.shares[Seen.END].tried

    def add(self, *, tried: bool, harmed: bool, seen: Seen = Seen.END) -> None:
        """Count what was *seen* of a run with the *tried* prompt or with the role's own."""
        begun = self.tried
        factor = self.shares[seen].add(tried=tried, harmed=harmed)
        if self.does_harm:
            return
        while tried and self._stages * STAGE <= begun:  # the parts of all stages together are 1
            self._stages += 1
            self.evidence += 1 / (self._stages * (self._stages + 1))
        self.evidence *= factor


def _chance(seen: bool, share: float) -> float:
    return share if seen else 1 - share
