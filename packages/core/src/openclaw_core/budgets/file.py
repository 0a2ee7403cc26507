"""The schema of `budgets.yaml`, and its reader."""

from pathlib import Path
from typing import Any

from pydantic import Field

from openclaw_core.roles.yaml_file import FileFaults, LineNumbers, Strict, read_yaml


class LimitEntry(Strict):
    usd: float | None = Field(default=None, gt=0, le=1_000_000)
    """US dollars, more than 0; without it, money has no limit here."""
    tokens: int | None = Field(default=None, ge=1, le=10**12)
    """Tokens of prompts and answers together, at least 1; without it, tokens have no limit here."""


class ScopeEntry(Strict):
    day: LimitEntry = LimitEntry()
    """From midnight to midnight in `time_zone`."""
    month: LimitEntry = LimitEntry()
    """From the first of a month on."""


class ToolPricesEntry(Strict):
    search_usd_per_1000: float = Field(default=0, ge=0)
    """US dollars for a thousand searches of the search service; 0 if it is free."""
    recording_usd_per_hour: float = Field(default=0, ge=0)
    """US dollars for an hour of recordings that are transcribed; 0 if that is free."""


class BudgetsFile(Strict):
    """What OpenClaw may spend."""

    time_zone: str = "UTC"
    """The time zone in which days and months begin, such as UTC or Asia/Jerusalem."""
    all: ScopeEntry = ScopeEntry()
    """All users and chats together."""
    chat: ScopeEntry = ScopeEntry()
    """Each chat: in a group, all of its members together."""
    user: ScopeEntry = ScopeEntry()
    """Each user, in all chats together."""
    prices: ToolPricesEntry = ToolPricesEntry()
    """Prices of what is not paid by tokens; those of models are in roles.yaml."""


def json_schema() -> dict[str, Any]:
    """The schema that editors use for `budgets.yaml`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **BudgetsFile.model_json_schema()}


def read_budgets_file(path: Path, shown: str, faults: FileFaults) -> tuple[BudgetsFile | None, LineNumbers]:
    """The content of the file, or None with the reasons in *faults*. *shown* is its name in messages."""
    return read_yaml(path, shown, BudgetsFile, faults, missing="restore it")


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
