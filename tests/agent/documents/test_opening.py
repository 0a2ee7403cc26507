"""While documents are opened the chat is told, if that takes a moment."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from openclaw_agent.answering import RunAnswerer
from openclaw_agent.tools.documents.opened_documents import OpenedDocuments
from openclaw_agent.tools.documents.opening import TOLD_AFTER_S
from openclaw_core.errors import LostOwnership, StoreUnavailable
from openclaw_core.sealed import DocumentPage, ReadResult
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.tasks.task import Attachment
from openclaw_core.texts import wording
from tests.agent.harness import AgentHarness, task
from tests.fakes.work import ORDER
from tests.waiting import until

SNAPSHOT = replace(ORDER, functions=("read_document",), results_tokens=8000, history_tokens=2000)
REPORT = Attachment(kind="document", file_id="r", name="report.pdf")
TABLE = Attachment(
    kind="document", file_id="t", name="a\nvery long name of a table, which nobody can read to its end.xlsx"
)
SENT = task(1, "sum up", attachments=(REPORT, TABLE))


@dataclass
class SlowReader:
    """`DocumentReader` that opens a document when it is let."""

    opens: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, name: str, data: bytes) -> ReadResult:
        await self.opens.wait()
        return ReadResult(pages=(DocumentPage(number=1, name="", text="Oil burns."),), pages_total=1)


@dataclass
class Opening(AgentHarness):
    """The harness with a clock that the test moves: the line is told when *due* is set."""

    reader: SlowReader = field(default_factory=SlowReader)
    due: asyncio.Event = field(default_factory=asyncio.Event)
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.files.contents = [b"%PDF", b"PK"]
        self.answerer = RunAnswerer(
            work=self.work, chat=self.chat, transcriber=self.chat, files_of=lambda _: self.files, task_deadline_s=60,
            open_documents=lambda: OpenedDocuments(reader=self.reader), sleep=self.sleep,
        )  # fmt: skip

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await (self.due.wait() if seconds == TOLD_AFTER_S else asyncio.sleep(0.001))

    def answering(self) -> "asyncio.Task[Cause | None]":
        return asyncio.create_task(self.answer(SENT, snapshot=SNAPSHOT))


@pytest.fixture
def opening() -> Opening:
    return Opening()


async def test_documents_that_take_long_are_named(opening: Opening) -> None:
    answering = opening.answering()
    opening.due.set()
    await until(lambda: opening.work.statuses)
    opening.reader.opens.set()
    assert await answering is None

    [status] = opening.work.statuses["u1"]
    assert status == Status(doing=Doing.OPENING, subject="report.pdf, a very long name of a table, which nobody can r…")
    assert opening.waits[0] == TOLD_AFTER_S


async def test_documents_that_are_opened_at_once_are_not_told_of(opening: Opening) -> None:
    opening.reader.opens.set()
    assert await opening.answering() is None
    opening.due.set()
    await asyncio.sleep(0.01)
    assert opening.work.statuses == {}


@pytest.mark.parametrize("error", [StoreUnavailable(), LostOwnership()])
async def test_a_line_that_cannot_be_written_ends_nothing(opening: Opening, error: Exception) -> None:
    opening.work.faults["status"] = [error]
    answering = opening.answering()
    opening.due.set()
    await until(lambda: "status" in opening.work.calls)
    opening.reader.opens.set()
    assert await answering is None


def test_the_line_is_in_the_language_of_the_chat() -> None:
    status = Status(doing=Doing.OPENING, subject="report.pdf")
    assert wording.status_line(status, "en") == ("📄 opening: ", "\u2068report.pdf\u2069")
    assert wording.status_line(status, "he")[0] == "📄 פתיחה: "
