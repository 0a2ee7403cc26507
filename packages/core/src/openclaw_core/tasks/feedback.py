"""Feedback: what an asker lets us know of an answer, by what they do. No word of theirs is kept."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal


class FeedbackKind(StrEnum):
    """What was done. A kind that is missing here is a newer release's."""

    RETRY = "retry"  # the question was asked again by Retry
    CORRECTION = "correction"  # the next message says that the answer is wrong
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """All feedback on one answer so far."""

    retried: bool = False
    corrected: bool = False
    vote: Literal["", "up", "down"] = ""
    """The last press of a button."""

    @property
    def is_bad(self) -> bool:
        """Whether it says that the answer was no good."""
        return self.retried or self.corrected or self.vote == "down"

    @property
    def kinds(self) -> tuple[FeedbackKind, ...]:
        said = {FeedbackKind.RETRY: self.retried, FeedbackKind.CORRECTION: self.corrected}
        vote = (FeedbackKind(self.vote),) if self.vote else ()
        return (*(kind for kind, was_said in said.items() if was_said), *vote)

    def then(self, kind: FeedbackKind) -> "Feedback":
        """This, and after it *kind*."""
        match kind:
            case FeedbackKind.RETRY:
                return replace(self, retried=True)
            case FeedbackKind.CORRECTION:
                return replace(self, corrected=True)
        return replace(self, vote="up" if kind is FeedbackKind.UP else "down")


def by_task(given: Iterable[tuple[str, FeedbackKind]]) -> dict[str, Feedback]:
    """All feedback by the task of the answer; *given* in order."""
    found: dict[str, Feedback] = {}
    for task, kind in given:
        found[task] = found.get(task, Feedback()).then(kind)
    return found
