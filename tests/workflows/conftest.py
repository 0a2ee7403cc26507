"""A git checkout with our scripts, and a `gh` that writes down what it is told and refuses what the real one would."""

import os
import shutil
from pathlib import Path

import pytest

from tests.workflows.commands import FAKE_GH, git
from tests.workflows.workflow_files import RELEASE, ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone with the release file, some code and a remote whose main it has, and our scripts."""
    remote, clone = tmp_path / "remote.git", tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    git(tmp_path, "clone", "--quiet", str(remote), str(clone))
    git(clone, "switch", "--quiet", "--create", "main")
    for name in (RELEASE, "apps/brain/x.py", "docs/x.md", "platform/openclaw/base/prompts/coder.md"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("old\n")
    (clone / "scripts").symlink_to(ROOT / "scripts")
    (clone / ".git/info/exclude").write_text("scripts\n")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "-m", "Begin")
    git(clone, "push", "--quiet", "origin", "main")
    return clone


@pytest.fixture
def gh(tmp_path: Path) -> dict[str, str]:
    """The environment in which `gh` is a stand-in; its calls are in the file GH_LOG."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy(FAKE_GH, folder / "gh")
    (folder / "gh").chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "GH_LOG": str(tmp_path / "gh.log")}
