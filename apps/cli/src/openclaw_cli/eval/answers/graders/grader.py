"""What all graders have: their arguments as they are in a task's file, and one question about an answer."""

from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from openclaw_cli.eval.answers.answer import Answer
from openclaw_core.ports import Lang


@dataclass(frozen=True, slots=True, kw_only=True)
class ToGrade:
    """What a grader may look at."""

    answer: Answer
    lang: Lang
    """The task's language."""
    message: str = field(default="", repr=False)
    source: str = field(default="", repr=False)
    """All of the task's material as text: message, history, files, pages."""
    given: str = field(default="", repr=False)
    """The same without pages, which are read only if they are opened."""
    urls: dict[str, str] = field(default_factory=dict)
    """The address of each page of the task, by its name."""
    prompt: str = field(default="", repr=False)


class Grader(BaseModel):
    """The arguments of a check."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    def fault(self, seen: ToGrade) -> str:
        """Why the check does not hold, in a few words; empty if it holds."""
        raise NotImplementedError


class CannotGrade(Exception):
    """A check could not be made: it says nothing of the answer."""
