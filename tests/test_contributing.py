"""The first change that CONTRIBUTING.md walks through, done command by command in a clone."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.refused.test_changes import ROOT, copy_of_the_tree

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
BLOCK = re.compile(r"(?:<!-- (?P<note>[^>]*) -->\n)?```sh\n(?P<commands>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Commands of the page; *note* is the comment above them, which a reader does not see."""

    note: str
    commands: str


BLOCKS = [Block(note=found["note"] or "", commands=found["commands"]) for found in BLOCK.finditer(PAGE)]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """All that a clone holds, in one commit. The environment is this one's."""
    made = copy_of_the_tree(tmp_path)
    run(made, "git add --all && git commit --quiet --message Begin")
    return made


def run(clone: Path, commands: str) -> "subprocess.CompletedProcess[str]":
    sources = [str(clone / folder / "src") for folder in ("packages/core", "apps/brain", "apps/agent", "apps/cli")]
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_", "MAKE"))}
    env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join([str(clone), *sources])}
    env |= {f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "commit.gpgsign", "GIT_CONFIG_VALUE_0": "false"}
    # The environment is a link to the work tree's: never installed anew.
    commands = re.sub(r"^make ", "make --no-print-directory --old-file=.venv/.installed ", commands, flags=re.MULTILINE)
    return subprocess.run(
        ["bash", "-euc", commands], cwd=clone, env=env, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_the_first_change_works_as_the_page_says(clone: Path) -> None:
    tried = [block for block in BLOCKS if not block.note.startswith("not run")]
    for block in tried:
        done = run(clone, block.commands)
        said = block.commands + done.stdout + done.stderr
        if block.note == "fails":
            assert done.returncode == 1, said
            assert "1 failed" in done.stdout, said  # the test itself, and not the way to it
        else:
            assert done.returncode == 0, said

    assert [block.note for block in tried].count("fails") == 1
    assert run(clone, "git status --porcelain").stdout == ""
    changed = run(clone, "git diff --stat HEAD~1").stdout
    assert "lexicon.py" in changed
    assert "2 files changed" in changed


def test_every_block_says_why_it_is_not_run_and_names_commands_that_are_there() -> None:
    targets = re.findall(r"^([\w-]+(?: [\w-]+)*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    known = {name for names in targets for name in names.split()}

    assert {block.note for block in BLOCKS} <= {
        "", "fails", "not run: needs a network, or does not end", "not run: takes minutes", "not run: needs a network",
    }  # fmt: skip
    used = {name for block in BLOCKS for name in re.findall(r"^make ([\w-]+)", block.commands, re.MULTILINE)}
    assert used
    assert used - known == set()
