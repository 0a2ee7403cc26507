"""`open_page` of an address that leads to a document: the sealed runner reads it, and it is a page like any other."""

from collections.abc import AsyncIterator

import pytest

from openclaw_agent.tools.documents.sealed_reader import SealedReader
from openclaw_agent.tools.opened import OpenedPages
from openclaw_agent.tools.pages.open_page import OpenPage
from openclaw_agent.tools.pages.readers import EitherReader
from tests.agent.tools.web import Web, opened, reply
from tests.runner import documents as made
from tests.runner.runners import Runner

OFFICE = "application/vnd.openxmlformats-officedocument."


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with opened() as found:
        yield found


def tool(web: Web, runner: Runner | None) -> OpenPage:
    documents = SealedReader(socket=None if runner is None else runner.socket)
    return OpenPage(fetcher=web.fetcher(), reader=EitherReader(documents=documents), timeout_s=60)


async def test_a_link_to_a_pdf_is_a_page_with_its_pages(web: Web, sealed: Runner) -> None:
    web["report.org/a.pdf"] = reply(
        made.pdf([f"This is page {n}. " * 60 for n in range(1, 61)]), kind="application/pdf"
    )
    pages = OpenedPages()

    first = await tool(web, sealed).call({"url": f"http://report.org:{web.port}/a.pdf"}, pages)
    second = await tool(web, sealed).call({"url": f"http://report.org:{web.port}/a.pdf", "part": 2}, pages)

    assert "Part 1 of " in first.text
    assert "## Page 2\nThis is page 2." in first.text
    assert "This is page 20." in second.text
    assert [(page.number, page.domain) for page in pages.all] == [(1, "report.org")]
    assert len(web.heads) == 1


async def test_office_documents_and_books_are_read_and_pages_as_ever(web: Web, sealed: Runner) -> None:
    web["a.org/word"] = reply(made.word(made.paragraph("In Word.")), kind=f"{OFFICE}wordprocessingml.document")
    web["a.org/excel"] = reply(made.excel({"sums": [["In Excel", 7]]}), kind=f"{OFFICE}spreadsheetml.sheet")
    web["a.org/slides"] = reply(made.powerpoint([("First", "In slides")]), kind=f"{OFFICE}presentationml.presentation")
    web["a.org/book"] = reply(made.epub(["<html><body><p>In a book.</p></body></html>"]), kind="application/epub+zip")
    web["a.org/page"] = reply("<html><body><p>On a page.</p></body></html>")
    pages = OpenedPages()

    for where, words in (("word", "In Word."), ("excel", "In Excel"), ("slides", "In slides"), ("book", "In a book."), ("page", "On a page.")):  # fmt: skip
        result = await tool(web, sealed).call({"url": f"http://a.org:{web.port}/{where}"}, pages)
        assert words in result.text, where
        assert not result.failed


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (made.encrypted_pdf(user="secret"), "needs a password"),
        (made.pdf([""], picture=True), "scanned"),
        (made.pdf(["text"])[:200], "damaged"),
        (made.pdf_bomb(), "more time or memory"),
    ],
)
async def test_each_fault_is_told_to_the_model(web: Web, sealed: Runner, content: bytes, why: str) -> None:
    web["report.org/a.pdf"] = reply(content, kind="application/pdf")
    result = await tool(web, sealed).call({"url": f"http://report.org:{web.port}/a.pdf"}, OpenedPages())
    assert result.failed
    assert why in result.text


async def test_without_a_runner_a_document_is_not_read(web: Web) -> None:
    web["report.org/a.pdf"] = reply(made.pdf(["text"]), kind="application/pdf")
    result = await tool(web, None).call({"url": f"http://report.org:{web.port}/a.pdf"}, OpenedPages())
    assert result.failed
    assert "nothing here can open documents" in result.text
