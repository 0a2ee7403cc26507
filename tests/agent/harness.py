"""One agent with fakes at its edges."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from openclaw_agent.answering import RunAnswerer
from openclaw_agent.attachments.files import NoFile
from openclaw_core.ports import ModelCall, Piece
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import Answered, Run
from tests.fakes.chat import FakeChat
from tests.fakes.time import FakeTime
from tests.fakes.work import FakeWork


def task(n: int = 1, text: str = "hello", **fields: Any) -> Task:
    return Task(
        id=f"u{n}", chat_id=1, chat_kind="private", user_id=9, message_id=100 + n, update_id=n,
        lang=fields.pop("lang", "en"), text=text, admitted_ms=1,
        **fields,
    )  # fmt: skip


@dataclass
class FakeFiles:
    """`Files`: the content of each attachment, None for one that is not to be had."""

    contents: list[bytes | None] = field(default_factory=list)

    async def content(self, attachment_index: int) -> bytes:
        content = self.contents[attachment_index]
        if content is None:
            raise NoFile("404")
        return content


@dataclass
class Pieces(FakeChat):
    """Gives out the pieces that are put into it; one with its usage is the last of its call."""

    pieces: "asyncio.Queue[Piece]" = field(default_factory=asyncio.Queue)

    async def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        self.calls.append(call)
        while True:
            piece = await self.pieces.get()
            yield piece
            if piece.usage is not None:
                return


@dataclass
class AgentHarness:
    work: FakeWork = field(default_factory=FakeWork)
    chat: FakeChat = field(default_factory=FakeChat)
    files: FakeFiles = field(default_factory=FakeFiles)
    time: FakeTime = field(default_factory=FakeTime)
    answerer: RunAnswerer = field(init=False)

    def __post_init__(self) -> None:
        self.answerer = RunAnswerer(
            work=self.work, chat=self.chat, transcriber=self.chat, files_of=lambda _: self.files, task_deadline_s=3000, voice_models=("m",),
            clock=self.time.clock, sleep=self.time.sleep,
        )  # fmt: skip

    async def claimed(self, one: Task, **fields: Any) -> Run:
        self.work.hand_over(one, **fields)
        run = await self.work.claim()
        assert run is not None
        return run

    async def answer(self, one: Task, **fields: Any) -> Cause | None:
        return await self.answerer.answer(await self.claimed(one, **fields))

    def markdown(self, task_id: str = "u1") -> str:
        """The answer that was handed over."""
        result = self.work.results[task_id]
        assert isinstance(result, Answered)
        return result.markdown

    def asked(self) -> list[str]:
        """The user's message in each call of a model."""
        return [call.messages[-1].content for call in self.chat.calls]
