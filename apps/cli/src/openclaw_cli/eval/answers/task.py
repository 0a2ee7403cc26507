"""A task of `evals/` and what must hold of an answer to it."""

from dataclasses import dataclass, field

from openclaw_cli.eval.answers.graders.grader import Grader
from openclaw_core.ports import Lang


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryTurn:
    """What was said before the message."""

    user: str = field(repr=False)
    assistant: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialFile:
    """A file that came with the message."""

    name: str
    data: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """Its text; material is UTF-8, as the loader has checked."""
        return self.data.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage:
    """A page of the small web. A task sees the pages that it names, and no others."""

    name: str
    url: str
    title: str
    snippet: str
    """What a search says of it."""
    body: bytes = field(repr=False)
    """Its HTML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must hold: a grader and its arguments."""

    kind: str
    arguments: Grader


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTask:
    """A message with its material, and what must hold of the answer."""

    id: str
    """`coder/fizzbuzz_he`: folder and name of its file."""
    role: str
    lang: Lang
    message: str = field(repr=False)
    history: tuple[HistoryTurn, ...] = ()
    files: tuple[MaterialFile, ...] = ()
    web: tuple[WebPage, ...] = ()
    checks: tuple[Check, ...]
    judge: tuple[str, ...] = ()
    """Questions to a model about the answer, where yes is good. No check, and no part of a verdict."""
    held_out: bool = False
    """Not to be looked at while a prompt is written."""
    digest: str
    """SHA-256 over the file and all of its material, in hexadecimal."""
