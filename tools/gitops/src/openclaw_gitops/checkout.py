"""The Git checkout that a command works in: what changed between commits, and older commits as folders."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from openclaw_gitops.errors import REFUSED, UNAVAILABLE, CommandError


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    root: Path

    def git(self, *args: str) -> str:
        """What git prints, without the newline at its end. Raises CommandError with git's own words."""
        done = self._run(*args)
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise CommandError(REFUSED, f"git {args[0]} failed: {lines[-1] if lines else done.returncode}")
        return done.stdout.rstrip("\n")

    def _run(self, *args: str) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(["git", *args], cwd=self.root, capture_output=True, text=True, check=False)  # noqa: S603, S607
        except FileNotFoundError:
            raise CommandError(UNAVAILABLE, "git is missing: install it") from None

    def commit(self, name: str) -> str:
        """The 40 digits of the commit that *name* (branch, tag, HEAD~1, digits) means. Raises CommandError if there is none."""
        if name.startswith("-"):
            raise CommandError(REFUSED, f"{name} is no commit")
        done = self._run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if done.returncode:
            raise CommandError(
                REFUSED,
                f"{name} is no commit here: fetch it first (a shallow clone lacks history: git fetch --unshallow)",
            )
        return done.stdout.strip()

    def knows(self, commit: str) -> bool:
        return self._run("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    def is_ancestor(self, older: str, newer: str) -> bool:
        done = self._run("merge-base", "--is-ancestor", older, newer)
        if done.returncode not in (0, 1):
            raise CommandError(REFUSED, f"git cannot compare {older} with {newer}: fetch both first")
        return done.returncode == 0

    def changed(self, old: str, new: str) -> list[str]:
        """Paths that differ between two commits; a moved file counts at both its places."""
        return (
            self.git("diff", "--name-only", "--no-renames", "-z", old, new).rstrip("\0").split("\0")
            if old != new
            else []
        )

    def uncommitted(self) -> list[str]:
        """Paths that differ from HEAD, new ones too."""
        entries = self.git("status", "--porcelain", "--no-renames", "-z", "--untracked-files=all").split("\0")
        return [entry[3:] for entry in entries if entry]

    @contextmanager
    def at(self, commit: str) -> Iterator[Path]:
        """The tree of *commit* in a folder that is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="openclaw-") as folder:
            tree = Path(folder) / "tree"
            self.git("worktree", "add", "--detach", "--force", str(tree), commit)
            try:
                yield tree
            finally:
                self._run("worktree", "remove", "--force", str(tree))
