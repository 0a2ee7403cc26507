"""What was logged, line by line."""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from openclaw_core import logs

MARKER = "MARKER-של-משתמש-4711"
TOKEN = "7:SECRET-TOKEN"

Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str]) -> Iterator[Read]:
    """Configured logging, undone afterwards; gives the lines written since the last call, none of them telling."""
    root = logging.getLogger()
    before = (
        root.handlers[:], root.level, sys.excepthook, sys.unraisablehook, threading.excepthook, logging.raiseExceptions
    )  # fmt: skip
    logs.configure("INFO", service="test")

    def lines() -> list[dict[str, Any]]:
        captured = capsys.readouterr()
        assert captured.out == ""
        assert MARKER not in captured.err
        assert json.dumps(MARKER)[1:-1] not in captured.err
        assert TOKEN not in captured.err
        return [json.loads(line) for line in captured.err.splitlines()]

    yield lines
    logging.captureWarnings(False)
    root.handlers[:], level, sys.excepthook, sys.unraisablehook, threading.excepthook, logging.raiseExceptions = before
    root.setLevel(level)
    logging.getLogger("openclaw").setLevel(logging.NOTSET)
