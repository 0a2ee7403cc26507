"""A model in memory: for each call what it says, or the error that it meets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from openclaw_core.ports import ModelCall, Piece, Usage


@dataclass
class FakeChat:
    """`StreamingModel` and `Transcriber`: works off *script*, then says *else_says*.

    It fails, or goes on after its first words, when *goes_on* is set.
    """

    script: list[str | Exception] = field(default_factory=list)
    else_says: str = "The whole answer."
    calls: list[ModelCall] = field(default_factory=list)
    hears: list[str | Exception] = field(default_factory=list)
    """What each next recording says."""
    heard: list[tuple[str, str]] = field(default_factory=list)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.goes_on.set()

    async def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        self.calls.append(call)
        says = self.script.pop(0) if self.script else self.else_says
        if isinstance(says, Exception):
            await self.goes_on.wait()
            raise says
        half = max(1, len(says) // 2)
        yield Piece(text=says[:half])
        await self.goes_on.wait()
        yield Piece(text=says[half:])
        yield Piece(usage=Usage(prompt_tokens=10, answer_tokens=5))

    async def transcribe(self, recording: bytes, *, name: str, model: str, timeout_s: float) -> str:
        self.heard.append((name, model))
        says = self.hears.pop(0) if self.hears else ""
        if isinstance(says, Exception):
            raise says
        return says
