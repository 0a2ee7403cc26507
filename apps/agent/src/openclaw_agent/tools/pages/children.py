"""Reads a page in a process of its own: without the agent's environment, and with limits of time and memory.

That is no sandbox: the process runs as the same user. It holds because `reading` is Python alone. What parses more than
that (PDF, Office, an HTML library in C) belongs into the sealed runner, which takes the place of `ChildReader` behind
the same `PageReader`.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from openclaw_agent.tools.child import said_by
from openclaw_agent.tools.fetching.contents import DOCUMENTS, ContentKind
from openclaw_agent.tools.pages.reading import ReadableText

READ_S = 6.0
CPU_S = 5
MEMORY_BYTES = 512_000_000
_PROGRAM = Path(__file__).with_name("reading.py")


class Unread(Exception):
    """There is no text to be had; the message is the sentence for the model."""


class PageReader(Protocol):
    """Reads what was fetched."""

    async def read(self, body: bytes, kind: ContentKind, *, charset: str = "") -> ReadableText:
        """The document that *body* is. Raises Unread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildReader:
    """`PageReader` of pages and plain texts."""

    read_s: float = READ_S
    cpu_s: int = CPU_S
    memory_bytes: int = MEMORY_BYTES

    async def read(self, body: bytes, kind: ContentKind, *, charset: str = "") -> ReadableText:
        if kind in DOCUMENTS:
            raise Unread(f"This is a document ({kind.value}), not a page. It cannot be read by this tool.")
        head = {"kind": kind.value, "charset": charset, "cpu_s": self.cpu_s, "memory_bytes": self.memory_bytes}
        try:
            program = (sys.executable, "-I", "-S", str(_PROGRAM))
            said = await said_by(program, json.dumps(head).encode() + b"\n" + body, within_s=self.read_s)
        except (TimeoutError, ValueError):
            raise Unread("This page could not be read: it is too large or too entangled.") from None
        return ReadableText(text=said["text"], title=said["title"], date=said["date"], cut=said["cut"])
