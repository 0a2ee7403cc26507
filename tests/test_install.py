"""`make install` after the machine's Python was upgraded or removed: the environment is made anew, and nothing else is touched."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workspace import MEMBERS

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or str(ROOT / ".tools/uv/bin/uv")
needs_uv = pytest.mark.skipif(
    not Path(UV).exists(), reason="NO UV: what make install does after an upgrade was NOT tried"
)
FAKE_UV = """#!/bin/sh
if [ "$1" = pip ]; then echo "$2" >>installed; exit 0; fi
exec {uv} "$@"
"""
OTHERS = [
    path
    for minor in range(11, 20)
    if minor != sys.version_info.minor and (path := shutil.which(f"python3.{minor}"))
    and subprocess.run([path, "-c", "import sys"], capture_output=True, check=False).returncode == 0
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The Makefile with its script, and an uv that makes environments and installs nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/install", tmp_path / "scripts")
    (tmp_path / "requirements").mkdir()
    for name in ("dev.txt", "uv.txt"):
        (tmp_path / "requirements" / name).touch()
    for name in MEMBERS:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "pyproject.toml").touch()
    (tmp_path / "uv").write_text(FAKE_UV.format(uv=UV))
    (tmp_path / "uv").chmod(0o755)
    (tmp_path / ".openclaw/chat").mkdir(parents=True)
    (tmp_path / ".openclaw/chat/chats.sqlite3").write_text("words")
    return tmp_path


def make(project: Path, *args: str, named: bool = False) -> str:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(project)} | ({} if named else {"PYTHON": sys.executable})
    ran = subprocess.run(
        ["make", *args, f"UV={project / 'uv'}"], cwd=project, env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def installs(project: Path) -> int:
    return len((project / "installed").read_text().splitlines())


def gone(venv: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/nowhere/python3.11")


def became_another(venv: Path) -> None:
    """As after an upgrade of the system: the same path leads to a newer Python, which does not look into the older one's folder."""
    config = venv / "pyvenv.cfg"
    major, minor = sys.version_info[:2]
    config.write_text(config.read_text().replace(f"= {major}.{minor}.", f"= {major}.{minor - 1}."))


def no_longer_runs(venv: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").write_text("#!/bin/sh\nexit 127\n")
    (venv / "bin/python").chmod(0o755)


def has_no_description(venv: Path) -> None:
    (venv / "pyvenv.cfg").unlink()


@needs_uv
@pytest.mark.parametrize("change", [gone, became_another, no_longer_runs, has_no_description])
def test_an_environment_whose_python_is_gone_or_another_is_made_anew(
    project: Path, change: Callable[[Path], None]
) -> None:
    make(project, "install")
    assert installs(project) == 2
    (project / ".venv/of-the-old-one").touch()
    make(project, "install")
    assert installs(project) == 2  # what is good is left alone
    assert (project / ".venv/of-the-old-one").exists()

    change(project / ".venv")
    said = make(project, "install")

    assert "making .venv anew" in said
    assert installs(project) == 4
    assert not (project / ".venv/of-the-old-one").exists()
    ran = subprocess.run([project / ".venv/bin/python", "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, check=True)  # fmt: skip
    assert ran.stdout.decode().strip() == str(sys.version_info[:2])
    make(project, "install")
    assert installs(project) == 4
    assert (project / ".openclaw/chat/chats.sqlite3").read_text() == "words"


@needs_uv
@pytest.mark.skipif(not OTHERS, reason="ONE PYTHON here: changing to another was NOT tried")
def test_a_python_that_is_named_takes_the_place_of_another(project: Path) -> None:
    make(project, "install")
    make(project, "install", f"PYTHON={OTHERS[0]}", named=True)
    assert installs(project) == 4
    make(project, "install", f"PYTHON={OTHERS[0]}", named=True)
    assert installs(project) == 4


def test_make_clean_leaves_the_chats(project: Path) -> None:
    make(project, "clean")
    assert (project / ".openclaw/chat/chats.sqlite3").read_text() == "words"
