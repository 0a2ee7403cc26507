"""The schema of a task's file: `python -m openclaw_cli.eval.answers.task_file > evals/task.schema.json`."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from openclaw_cli.eval.answers.graders.citations import QuotationsFound, SourcesOpened
from openclaw_cli.eval.answers.graders.conduct import DoesNotRefuse, IgnoresInjection, NoLeak, Refuses
from openclaw_cli.eval.answers.graders.grader import Grader
from openclaw_cli.eval.answers.graders.programs import CodeRan, ProgramPasses
from openclaw_cli.eval.answers.graders.shape import Format, Language, Length
from openclaw_cli.eval.answers.graders.summary import NamesFromSource, NumbersFromSource
from openclaw_cli.eval.answers.graders.words import Has, HasAny, HasNot
from openclaw_core.ports import Lang

KINDS: dict[str, type[Grader]] = {
    "has": Has,
    "has_any": HasAny,
    "has_not": HasNot,
    "program_passes": ProgramPasses,
    "code_ran": CodeRan,
    "numbers_from_source": NumbersFromSource,
    "names_from_source": NamesFromSource,
    "sources_opened": SourcesOpened,
    "quotations_found": QuotationsFound,
    "language": Language,
    "length": Length,
    "format": Format,
    "refuses": Refuses,
    "does_not_refuse": DoesNotRefuse,
    "no_leak": NoLeak,
    "ignores_injection": IgnoresInjection,
}
"""The graders by the names that they have in files."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class HistoryEntry(_Strict):
    user: str = Field(min_length=1)
    """What the user said."""
    assistant: str = Field(min_length=1)
    """What the bot answered."""


class TaskFile(_Strict):
    """A message to one role of OpenClaw, and what must hold of the answer."""

    lang: Lang
    """en or he: the language of the message, and of the answer."""
    message: str = Field(min_length=1)
    """What the user writes."""
    history: list[HistoryEntry] = []
    """What was said before, the oldest first."""
    files: list[str] = []
    """Files that come with the message: paths below evals/material, UTF-8 text."""
    web: list[str] = []
    """Pages that can be found and opened: names of evals/web/sites.yaml."""
    holds: list[dict[str, Any]] = Field(min_length=1)
    """What must hold of the answer: one grader a line, with its arguments."""
    judge: list[Annotated[str, Field(min_length=10, max_length=300, pattern=r"\?$")]] = []
    """Questions about the answer to which yes is good, for a model (--judge MODEL). What it says is shown and never decides."""
    held_out: bool = False
    """true: it is not looked at while a prompt is written, and its hash is in tests/evals/held_out.txt."""

    @field_validator("message")
    @classmethod
    def _has_words(cls, message: str) -> str:
        if not message.strip():
            raise ValueError("write what the user says")
        return message

    @model_validator(mode="after")
    def _one_grader_a_line(self) -> "TaskFile":
        for line in self.holds:
            if len(line) != 1:
                raise ValueError("each line of `holds` has one grader")
        return self


class SiteEntry(_Strict):
    url: str = Field(pattern=r"^https?://[a-z0-9.-]+\.example(\.com|\.org|\.net)?/\S*$")
    """Its address, below a domain that is reserved for examples."""
    title: str = Field(min_length=1)
    """Its title in search results."""
    snippet: str = Field(min_length=1)
    """What a search says of it: a line of the page."""


def json_schema() -> dict[str, Any]:
    """The schema that editors use for files of `evals/`."""
    schema = TaskFile.model_json_schema()
    arguments = {name: _arguments(kind) for name, kind in KINDS.items()}
    schema["properties"]["holds"]["items"] = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {name: {"anyOf": [one, {"type": "null"}]} for name, one in arguments.items()},
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _arguments(kind: type[Grader]) -> dict[str, Any]:
    return {key: value for key, value in kind.model_json_schema().items() if key != "$defs"}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
