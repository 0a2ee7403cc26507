"""`openclaw eval routing`: what it prints, and that a bad line is named."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from openclaw_cli import eval_routing
from openclaw_core.roles.values import Roles
from tests.brain.routing.scripted_chat import ScriptedChat

GOOD: dict[str, Any] = {
    "id": "1", "lang": "en", "text": "write a python function that adds", "previous": None, "accept": ["coder"], "kind": "code",
}  # fmt: skip


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


async def test_json_holds_accuracy_by_role_and_language_and_what_calls_cost(
    tmp_path: Path, roles: Roles, capsys: pytest.CaptureFixture[str]
) -> None:
    unsure = {**GOOD, "id": "2", "lang": "he", "text": "דגים", "accept": ["researcher"], "kind": "fact"}
    follow = {**GOOD, "id": "3", "text": "now in Rust", "previous": {"role": "coder", "user": "a", "answer": "b"}}
    file = write(tmp_path / "set.jsonl", GOOD, unsure, "", follow)
    code = await eval_routing.run(
        file, as_json=True, roles=roles, chat=ScriptedChat([{"role": "coder"}]), classifier=None
    )
    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert found["accuracy"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["by_role"] == {"coder": 1.0, "researcher": 0.0}
    assert found["by_language"] == {"en": 1.0, "he": 0.0}
    assert found["without_model"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["confusion"] == {"coder": {"coder": 2}, "researcher": {"coder": 1}}
    assert found["tokens_per_call"] == 222
    assert found["wrong"] == [{"id": "2", "chose": "coder"}]


async def test_table_shows_the_same(tmp_path: Path, roles: Roles, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "set.jsonl", GOOD)
    assert await eval_routing.run(file, as_json=False, roles=roles, chat=None, classifier=None) == 0
    shown = capsys.readouterr().out
    assert "100.0%" in shown
    assert "Confusion" in shown


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "lacks"),
        ({**GOOD, "lang": "fr"}, "lang"),
        ({**GOOD, "text": 3}, "text"),
        ({**GOOD, "accept": []}, "accept"),
        ({**GOOD, "accept": "coder"}, "accept"),
        ({**GOOD, "previous": {"role": "coder"}}, "previous"),
        ({key: value for key, value in GOOD.items() if key != "kind"}, "lacks kind"),
    ],
    ids=range(8),
)
async def test_bad_line_ends_with_2_and_names_file_and_line(
    tmp_path: Path, roles: Roles, capsys: pytest.CaptureFixture[str], line: Any, reason: str
) -> None:
    file = write(tmp_path / "set.jsonl", GOOD, line)
    assert await eval_routing.run(file, as_json=True, roles=roles, chat=None, classifier=None) == 2
    error = capsys.readouterr().err
    assert f"{file}:2: " in error
    assert reason in error


@pytest.mark.parametrize("content", [None, "", "\n\n"], ids=["missing", "empty", "blank"])
async def test_file_without_messages_ends_with_2(
    tmp_path: Path, roles: Roles, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    file = tmp_path / "set.jsonl"
    if content is not None:
        file.write_text(content)
    assert await eval_routing.run(file, as_json=True, roles=roles, chat=None, classifier=None) == 2
    assert str(file) in capsys.readouterr().err


def test_arguments_are_a_file_and_json() -> None:
    parser = argparse.ArgumentParser()
    eval_routing.add_arguments(parser)
    args = parser.parse_args(["set.jsonl", "--json"])
    assert (args.file, args.json) == (Path("set.jsonl"), True)
