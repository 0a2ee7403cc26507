"""Pull requests that must be refused: each a small change of the tree, the check that runs, and what that must say of file and rule.

The changes of one check are made together on a copy of the tree, and the check runs once: each has to be named by itself.
One that stops its check before that could look at anything else says `alone: true`.
"""

import os
import re
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from tests.manifests.rendering import tool
from tests.workspace import sources

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests/fixtures/invalid/changes"

CHECKS = {
    # Should make install all the same, UV=true does nothing.
    "everything": ["-o", "install", "-o", "tools", "UV=true", "check"],
    "roles": ["check-roles"],
    "code": ["check-code"],
    "shell": ["check-shell"],
    "workflows": ["check-workflows"],
    # Of the tests of manifests those that judge, not those that try the judges out.
    "manifests": ["check-manifests", "ARGS=-n 0 -k 'keeps_the_rule or fits_its_schema or fit_their_schemas'"],
    "terraform": ["terraform-scan"],
    "terraform-files": ["-o", "install", "terraform-scan"],
}
NEEDS = {"manifests": ("kustomize", "kubeconform"), "workflows": ("actionlint",), "terraform": ("checkov",)}
"""Without these a check looks at less, and says so."""

BLOCK_LINES = 6
"""Tools that need more than one line for a refusal need no more than these: file and rule must stand in one block, not
in those of two changes.
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    name: str
    check: str
    alone: bool
    edits: list[dict[str, Any]]
    says: list[str]


def read(path: Path) -> Change:
    body = yaml.safe_load(path.read_text())
    return Change(
        name=path.stem, check=body["check"], alone=body.get("alone", False), edits=body["change"], says=body["says"]
    )


CHANGES = [read(path) for path in sorted(FOLDER.glob("*.yaml"))]


def tracked() -> list[str]:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def copy_of_the_tree(folder: Path) -> Path:
    """All that a clone holds, with the environment and the tools of this one."""
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    # Some checks ask git what there is.
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True, capture_output=True)
    (folder / ".git/info/exclude").write_text(".venv\n.tools\n")
    for name in (".venv", ".tools"):
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return folder


def make(tree: Path, change: Change) -> None:
    for edit in change.edits:
        file = tree / edit["file"]
        file.parent.mkdir(parents=True, exist_ok=True)
        if "add" in edit:
            old = file.read_text() if file.exists() else ""
            file.write_text(old + edit["add"] * edit.get("times", 1))
        else:
            old = file.read_text()
            assert edit["replace"] in old, f"{edit['file']} no longer holds what {change.name} changes"
            file.write_text(old.replace(edit["replace"], edit["with"], 1))


def check(tree: Path, name: str) -> "subprocess.CompletedProcess[str]":
    # The environment's packages are links to the sources of this tree; the copy's own come before them.
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(sources(tree))}
    env = {key: value for key, value in env.items() if not key.startswith(("PYTEST_", "COV_", "MAKE"))}
    # Nor is a tool: .tools is a link to this tree's, and what were installed through it would name a folder that is soon gone.
    tools = [path for path in (ROOT / ".tools/bin").glob("*") if path.exists()]
    env = {path.name.upper(): str(path) for path in tools} | env
    # Never installed anew: the environment is that of the work tree, which would then lead into a folder that is soon gone.
    command = ["make", "--no-print-directory", "--old-file=.venv/.installed", *CHECKS[name]]
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, check=False)


def groups() -> dict[str, list[Change]]:
    """The changes that are checked in one run."""
    found: dict[str, list[Change]] = defaultdict(list)
    for change in CHANGES:
        found[change.name if change.alone else change.check].append(change)
    return found


@cache
def refusal(group: str) -> "subprocess.CompletedProcess[str]":
    changes = groups()[group]
    with TemporaryDirectory() as folder:
        tree = copy_of_the_tree(Path(folder))
        for change in changes:
            make(tree, change)
        return check(tree, changes[0].check)


def cases() -> list[Any]:
    """Each with its group before its name: tests/conftest.py gives those of one group to one worker."""
    return [
        pytest.param(group, change, id=change.name if change.alone else f"{group}: {change.name}")
        for group, changes in groups().items()
        for change in changes
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("group", "change"), cases())
def test_change_is_refused_with_its_file_and_rule(group: str, change: Change) -> None:
    for name in NEEDS.get(change.check, ()):
        tool(name)

    done = refusal(group)

    said = done.stdout + done.stderr
    assert done.returncode != 0, f"make {CHECKS[change.check]} let it pass:\n{said[-2000:]}"
    lines = said.splitlines()
    blocks = ("\n".join(lines[at : at + BLOCK_LINES]) for at in range(len(lines)))
    told = any(all(each in block for each in change.says) for block in blocks)
    assert told, f"no block of what it says holds all of {change.says}:\n{said[-6000:]}"


def test_each_change_says_which_file_and_which_rule_refuse_it() -> None:
    for change in CHANGES:
        files = [edit["file"] for edit in change.edits]
        assert len(change.says) >= 2, change.name
        assert any(re.search(rf"\b{re.escape(Path(file).stem)}", said) for file in files for said in change.says), (
            f"{change.name} names none of its files"
        )


def test_there_are_enough_of_them() -> None:
    assert len(CHANGES) >= 20
    assert {change.check for change in CHANGES} == set(CHECKS)
