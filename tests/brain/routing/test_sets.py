"""The labelled messages: well formed, half Hebrew, and the held-out part untouched since before the first rule.

`dev` was open while rules were written, `held_out` was not; `hard` came last, against the finished rules: nine in ten
of its messages are left to the classifier. No rule or example was changed for it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

SETS = Path(__file__).parent / "sets"
HELD_OUT_SHA256 = "9fa6c975aebd8db0631e074d13b97be312331db86258ff59c980496a668a4288"
"""Committed with the set and before any rule: whoever changes it measures something else."""


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SETS / name).read_text(encoding="utf-8").splitlines()]


def test_held_out_set_is_the_one_written_before_the_rules() -> None:
    assert hashlib.sha256((SETS / "held_out.jsonl").read_bytes()).hexdigest() == HELD_OUT_SHA256


@pytest.mark.parametrize("name", ["dev.jsonl", "held_out.jsonl", "hard.jsonl"])
def test_each_line_has_every_key_and_a_known_role(name: str) -> None:
    for row in rows_of(name):
        assert set(row) == {"id", "lang", "text", "previous", "accept", "kind"}, row["id"]
        assert row["accept"], row["id"]
        assert set(row["accept"]) <= {"researcher", "coder", "summarizer"}, row["id"]
        assert row["lang"] in {"he", "en", "mix"}, row["id"]
        assert row["previous"] is None or set(row["previous"]) == {"role", "user", "answer"}, row["id"]


def test_the_two_sets_hold_at_least_240_messages_half_of_them_hebrew_and_share_none() -> None:
    dev, held = rows_of("dev.jsonl"), rows_of("held_out.jsonl")
    both = dev + held
    assert len(both) >= 240
    assert len({row["id"] for row in both}) == len(both)
    assert not {(row["text"], str(row["previous"])) for row in dev} & {
        (row["text"], str(row["previous"])) for row in held
    }
    assert sum(row["lang"] != "en" for row in both) >= len(both) / 2
