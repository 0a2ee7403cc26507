"""Run a command or git in a folder, and where the stand-in for gh is."""

import os
import subprocess
from pathlib import Path

FAKE_GH = Path(__file__).with_name("fake_gh.py")


def run(
    command: list[str | Path], cwd: Path, env: dict[str, str] | None = None, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=cwd, env=os.environ | (env or {}), input=stdin, capture_output=True, text=True, check=False
    )


def git(folder: Path, *args: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    done = run(["git", *who, *args], folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
