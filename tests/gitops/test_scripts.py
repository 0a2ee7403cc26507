"""The scripts by their names, as people and workflows call them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.gitops.conftest import ROOT

NAMES = ("render", "diff", "bump", "promote", "smoke", "pin", "dashboards", "cost-diff", "canary-ask", "canary-change")


@pytest.mark.parametrize("name", NAMES)
def test_each_script_says_what_it_does(name: str) -> None:
    done = subprocess.run([ROOT / "scripts" / name, "--help"], capture_output=True, text=True, check=False, cwd="/")

    assert done.returncode == 0, done.stderr
    assert f"usage: scripts/{name}" in done.stdout


def test_wrong_use_is_told_with_the_usage() -> None:
    done = subprocess.run([ROOT / "scripts/diff", "staging"], capture_output=True, text=True, check=False)

    assert done.returncode == 64
    assert "usage: scripts/diff" in done.stderr


def test_without_the_environment_the_way_to_make_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("gitops", "promote"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")

    done = subprocess.run([tmp_path / "scripts/promote"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (69, "promote: the environment is missing: run make install\n")
