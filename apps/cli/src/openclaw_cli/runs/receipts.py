"""A receipt as people read it: which prompt of which commit, which image, which tools an answer was made of."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from openclaw_core.tasks.receipt import Receipt, digest

PROMPTS = "platform/openclaw/base/prompts"
VERSIONS_MAX = 500
"""Versions of prompts that are looked through, the newest first."""


def receipt_rows(receipt: Receipt, folder: Path = Path()) -> list[tuple[str, str]]:
    """Names and values of what is known. The commit of a prompt is looked up in the Git repository of *folder*, if it is one."""
    found = commit_of(receipt.prompt, folder) if receipt.prompt else ""
    rows = {
        "prompt": f"{receipt.prompt}  {found or 'of no commit of this folder'}" if receipt.prompt else "",
        "image of commit": receipt.revision,
        "tools offered": ", ".join(receipt.tools),
        "messages": receipt.messages,
    }
    return [(name, text) for name, text in rows.items() if text]


def commit_of(prompt: str, folder: Path) -> str:
    """The file and the newest commit that brought the prompt with this digest; empty if none of *folder*'s repository did."""
    for commit, day, blob, path in _versions(folder):
        text = _git(folder, "cat-file", "blob", blob)
        if text is not None and digest(text.strip()) == prompt:
            return f"{Path(path).name}, commit {commit[:10]} of {day}"
    return ""


def _versions(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Commit, day, blob and path of each version of a prompt, the newest first."""
    log = _git(folder, "log", "--format=%H %cs", "--raw", "--no-abbrev", f"--max-count={VERSIONS_MAX}", "--", PROMPTS)
    commit = day = ""
    for line in (log or "").splitlines():
        if line.startswith(":"):
            fields, _, path = line.partition("\t")
            yield commit, day, fields.split()[3], path
        elif line:
            commit, day = line.split()


def _git(folder: Path, *command: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *command], capture_output=True, check=True)  # noqa: S603, S607 - our own words
        return done.stdout.decode()
    except (OSError, subprocess.CalledProcessError, UnicodeDecodeError):
        return None  # no Git here, no repository, or a deleted file
