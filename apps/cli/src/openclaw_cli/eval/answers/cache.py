"""Answers that were asked for before, in a folder: a repeat is free.

An answer is kept under the digest of all that it depends on: the prompt with its role's settings, the models, the
server, the task with its material, the number of the try, and the code that answers. What else differs is chance of the model.
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from openclaw_cli.eval.answers import asking, local_web, source_text
from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.task import AnswerTask
from openclaw_core.store.run_steps import step_json, steps_from
from openclaw_core.tasks.task import RoleSnapshot, snapshot_json

VERSION = 1
"""Of the files. Those of another version are asked for again."""


def code_files() -> dict[str, Path]:
    """What answers are made by, by a name that is the same on each machine: agent, core and sealed runner, and what asks here."""
    found = {Path(str(one.__file__)).name: Path(str(one.__file__)) for one in (asking, local_web, source_text)}
    for package in ("openclaw_agent", "openclaw_core", "openclaw_runner"):
        spec = find_spec(package)
        if spec is None or spec.origin is None:  # a machine without a runner
            continue
        root = Path(spec.origin).parent
        found |= {f"{package}/{file.relative_to(root).as_posix()}": file for file in root.rglob("*.py")}
    return found


@cache
def code_digest() -> str:
    """Of `code_files` and the version of Python, in which the code of an answer runs too."""
    digest = hashlib.sha256(platform.python_version().encode())
    for name, file in sorted(code_files().items()):
        content = file.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def answer_key(task: AnswerTask, snapshot: RoleSnapshot, *, server: str, sample: int, runner: bool) -> str:
    """The name of an answer. *server* is where models are asked, *sample* the number of the try, *runner* whether code could run."""
    parts = {
        "v": VERSION,
        "snapshot": snapshot_json(snapshot),
        "server": server,
        "task": task.digest,
        "sample": sample,
        "runner": runner,
        "code": code_digest(),
    }
    return key_of(parts)


def key_of(parts: Any) -> str:
    """The name of what depends on *parts*, which JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFiles:
    """Rows of JSON by key, one file each. The folder is made when the first is kept."""

    folder: Path

    def get(self, key: str) -> Any:
        """The row that is kept under *key*; None if there is none, or its file cannot be read."""
        try:
            return json.loads(self._path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def put(self, key: str, row: Mapping[str, Any]) -> None:
        """Keep *row*. A file is there whole or not at all."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_suffix(f".{os.getpid()}")
        written.write_text(json.dumps(row), encoding="utf-8")
        written.replace(path)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCache:
    """Answers by key, one file each."""

    folder: Path

    def get(self, key: str) -> Answer | None:
        """The answer that is kept under *key*; None if there is none, or its file cannot be read."""
        try:
            return _answer(JsonFiles(folder=self.folder).get(key))
        except (ValueError, TypeError, KeyError):
            return None

    def put(self, key: str, answer: Answer) -> None:
        """Keep *answer*."""
        row = {
            "v": VERSION, "markdown": answer.markdown, "steps": [step_json(step) for step in answer.steps], "micro_usd": answer.micro_usd,
            "seconds": answer.seconds, "fault": answer.fault,
        }  # fmt: skip
        JsonFiles(folder=self.folder).put(key, row)


def _answer(row: Mapping[str, Any]) -> Answer:
    steps = steps_from("\n".join(row["steps"]))
    if row["v"] != VERSION or len(steps) != len(row["steps"]):
        raise ValueError("an answer of another version")
    return Answer(
        markdown=str(row["markdown"]),
        steps=steps,
        micro_usd=None if row["micro_usd"] is None else int(row["micro_usd"]),
        seconds=float(row["seconds"]),
        fault=str(row["fault"]),
    )
