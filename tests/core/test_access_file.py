"""`access.yaml`: the shipped one is sound, and a wrong one ends the start with file, line and reason."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from openclaw_core.errors import SettingsError
from openclaw_core.roles.access import AccessFile, json_schema, load_access

BASE = Path(__file__).parents[2] / "platform/openclaw/base"


def written(folder: Path, text: str) -> Path:
    (folder / "config").mkdir()
    (folder / "config/access.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_shipped_file_lets_nobody_in_and_editors_check_it_by_the_schema_of_the_code() -> None:
    text = (BASE / "config/access.yaml").read_text(encoding="utf-8")

    assert load_access(BASE) == AccessFile()
    assert text.splitlines()[0] == "# yaml-language-server: $schema=access.schema.json"
    assert json.loads((BASE / "config/access.schema.json").read_text(encoding="utf-8")) == json_schema(), (
        "write it anew: python -m openclaw_core.roles.access > platform/openclaw/base/config/access.schema.json"
    )
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.Draft202012Validator(json_schema()).validate(yaml.safe_load(text))


def test_people_and_groups_are_read_by_their_ids(tmp_path: Path) -> None:
    found = load_access(written(tmp_path, "owners: [7]\nusers: [8, 9]\ngroups: [-1001]\n"))

    assert (found.owners, found.users, found.groups) == ([7], [8, 9], [-1001])


def test_without_the_file_nobody_owns_the_bot(tmp_path: Path) -> None:
    assert load_access(tmp_path) == AccessFile()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("users: [1]\nowners: ['7']\n", 2, "`owners.0`: input should be a valid integer"),
        ("owners: [7]\nusers:\n  - 8\n  - -9\n", 4, "`users.1`: input should be greater than 0"),
        ("groups: [1001]\n", 1, "`groups.0`: input should be less than 0"),
        ("owner: [7]\n", 1, "unknown key `owner`: did you mean `owners`?"),
        ("owners: [7]\nowners: [8]\n", 2, "`owners` is there twice"),
        ("- 7\n", 1, "the file must hold the keys owners, users, groups and pairing"),
    ],
)
def test_a_wrong_file_says_where_and_why(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_access(written(tmp_path, text))

    assert f"access.yaml:{line}: {reason}" in str(refused.value)
