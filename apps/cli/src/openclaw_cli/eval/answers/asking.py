"""Ask one version for one answer: by the agent's own code, without a store and without a chat."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from openclaw_agent.answering import RunAnswerer
from openclaw_agent.tools.code.run_code import RunCode
from openclaw_agent.tools.documents.opened_documents import OpenedDocuments
from openclaw_agent.tools.documents.sealed_reader import SealedReader
from openclaw_agent.tools.pages.open_page import OpenPage
from openclaw_agent.tools.pages.readers import EitherReader
from openclaw_agent.tools.runner import runner_at
from openclaw_agent.tools.search.web_search import WebSearch
from openclaw_agent.tools.tool import Tool
from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.local_web import LocalFetcher, LocalSearch
from openclaw_cli.eval.answers.prices import micro_usd
from openclaw_cli.eval.answers.task import AnswerTask
from openclaw_core.ports import ModelCall, Piece, StreamingModel, Transcriber
from openclaw_core.roles.values import ModelSpec
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.steps import Status, Step
from openclaw_core.tasks.task import Attachment, RoleSnapshot, Task
from openclaw_core.tasks.work import Answered, GaveUp, Result, Run

ASKED_ON_MS = 1_793_520_000_000
"""What the model is told is today: 2026-11-01. It is fixed, because the same question has to be the same request on another day."""
DEADLINE_S = 180.0
DOCUMENTS = frozenset({".pdf", ".docx", ".xlsx", ".pptx", ".epub"})
SERVERS_FAULTS = frozenset({Cause.MODEL_BUSY, Cause.MODEL_DOWN, Cause.MODEL_GONE, Cause.MODEL_KEY})
"""Of no answer's doing: such a pair is not judged, and is asked again by the next run."""


@dataclass(kw_only=True)
class OneRun:
    """`Work` of one run in memory: it keeps the steps and the result."""

    lease_s: float = 15.0
    writes: int = 0
    steps: list[Step] = field(default_factory=list)
    result: Result | None = None

    async def check_in(self) -> bool:
        return True

    async def any_ready(self) -> bool:
        return False

    async def retire(self) -> None: ...

    async def claim(self, *, last: bool = False) -> Run | None:
        return None

    async def wait(self, *, timeout_s: float) -> None: ...

    async def renew(self, run: Run) -> None: ...

    async def check(self, run: Run) -> None: ...

    async def files_at(self, run: Run) -> str:
        return ""

    async def write(self, run: Run, text: str) -> bool:
        self.writes += 1
        return True

    async def status(self, run: Run, status: Status) -> None: ...

    async def step(self, run: Run, n: int, step: Step) -> bool:
        self.steps.append(step)
        return True

    async def pictures(self, run: Run, pictures: Sequence[bytes]) -> bool:
        return True

    async def grown(self, run: Run) -> Run | None:
        return run

    async def amend(self, run: Run, text: str) -> None: ...

    async def end(self, run: Run, result: Result) -> bool:
        self.result = result
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFiles:
    """`Files` of a task."""

    contents: Sequence[bytes] = field(repr=False)

    async def content(self, attachment_index: int) -> bytes:
        return self.contents[attachment_index]


@dataclass(kw_only=True)
class OwnText:
    """A `StreamingModel` that keeps what the model said last: what the bot writes below it is no prompt's doing."""

    chat: StreamingModel
    text: str = field(default="", repr=False)

    async def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        self.text = ""
        async with aclosing(self.chat.stream(call)) as pieces:  # type: ignore[type-var]  # every stream is a generator
            async for piece in pieces:
                self.text = piece.text if piece.restarted else self.text + piece.text
                yield piece


class StreamsAndTranscribes(StreamingModel, Transcriber, Protocol):
    """Model servers: `ModelClients`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks for answers. *runner_socket* None: no code runs and no document is read, and the model is told so."""

    server: StreamsAndTranscribes
    runner_socket: Path | None
    deadline_s: float = DEADLINE_S
    clock: Callable[[], float] = time.monotonic

    async def ask(self, task: AnswerTask, snapshot: RoleSnapshot, prices: Mapping[str, ModelSpec]) -> Answer:
        """The answer to *task*. Where there is none, its fault is the value of a `Cause`."""
        work, own, began = OneRun(), OwnText(chat=self.server), self.clock()
        answerer = RunAnswerer(
            work=work,
            chat=own,
            transcriber=self.server,
            files_of=lambda run: TaskFiles(contents=[file.data for file in task.files]),
            task_deadline_s=self.deadline_s,
            tools_of=lambda names: self._tools(names, task),
            open_documents=lambda: OpenedDocuments(reader=SealedReader(socket=self.runner_socket)),
        )
        await answerer.answer(_run_of(task, snapshot))
        seconds, steps = self.clock() - began, tuple(work.steps)
        if isinstance(work.result, Answered):
            cost = micro_usd(work.result.usage, steps, prices)
            return Answer(markdown=own.text, steps=steps, micro_usd=cost, seconds=seconds)
        fault = work.result.cause if isinstance(work.result, GaveUp) else Cause.INTERNAL
        return Answer(
            markdown="", steps=steps, micro_usd=micro_usd(None, steps, prices), seconds=seconds, fault=fault.value
        )

    def _tools(self, names: Sequence[str], task: AnswerTask) -> dict[str, Tool]:
        """The agent's tools of these names, on the task's small web alone."""
        socket = self.runner_socket
        found: list[Tool] = [
            WebSearch(backend=LocalSearch(pages=task.web)),
            OpenPage(fetcher=LocalFetcher(pages=task.web), reader=EitherReader(documents=SealedReader(socket=socket))),
            RunCode(runner=None if socket is None else runner_at(socket)),
        ]
        return {tool.name: tool for tool in found if tool.name in names}


def _run_of(task: AnswerTask, snapshot: RoleSnapshot) -> Run:
    history: list[Turn] = []
    for n, said in enumerate(task.history):
        history.append(Turn(task_id=f"earlier-{n}", speaker="user", text=said.user))
        history.append(Turn(task_id=f"earlier-{n}", speaker="assistant", text=said.assistant, role=task.role))
    asked = Task(
        id="eval", chat_id=1, chat_kind="private", user_id=1, message_id=1, update_id=1, lang=task.lang, text=task.message.strip(),
        admitted_ms=ASKED_ON_MS, role=task.role, attachments=tuple(_attachment(file.name) for file in task.files),
    )  # fmt: skip
    return Run(name="eval", task=asked, snapshot=snapshot, history=tuple(history), attempt=1, last=True)


def _attachment(name: str) -> Attachment:
    kind: Literal["file", "document"] = "document" if Path(name).suffix.lower() in DOCUMENTS else "file"
    return Attachment(kind=kind, file_id=name, name=Path(name).name)
