"""Documents of strangers become Markdown with page numbers, or one cause why not."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from openclaw_core.sealed import ReadRequest, ReadResult, RunLimits, RunnerCause
from openclaw_runner.processes import EndedChild, KeptOutput
from openclaw_runner.reading import result
from tests.runner import documents
from tests.runner.documents import paragraph
from tests.runner.runners import Runner, needs_sealing, runner


@pytest.fixture(scope="module")
def opened() -> Iterator[Runner]:
    libraries = [f"openclaw_runner.readers.{name}" for name in ("pdf", "excel", "office", "web")]
    with runner(libraries=libraries) as found:
        yield found


async def read(opened: Runner, name: str, data: bytes, **more: int) -> ReadResult:
    limits = RunLimits(seconds=60.0)
    return await opened.client.read(ReadRequest(name=name, data=data, limits=limits, **more))


@needs_sealing
async def test_a_pdfs_pages_keep_their_numbers(opened: Runner) -> None:
    got = await read(opened, "a.pdf", documents.pdf([f"This is page {n}" for n in range(1, 61)]))

    assert (got.cause, got.pages_total, got.cut) == (None, 60, False)
    assert [(page.number, page.text) for page in got.pages] == [(n, f"This is page {n}") for n in range(1, 61)]


@needs_sealing
async def test_pages_can_be_asked_for_in_parts(opened: Runner) -> None:
    data = documents.pdf([f"This is page {n}" for n in range(1, 61)])

    got = await read(opened, "a.pdf", data, first_page=31, pages=2)

    assert [page.text for page in got.pages] == ["This is page 31", "This is page 32"]
    assert got.pages_total == 60


@needs_sealing
async def test_word_keeps_headings_lists_tables_and_its_own_pages(opened: Runner) -> None:
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    rows = "".join(f"<w:tr>{''.join(cell.format(c) for c in row)}</w:tr>" for row in ("ab", "cd"))
    body = (
        paragraph("The title", style="Heading1")
        + paragraph("first", listed=True)
        + f"<w:tbl>{rows}</w:tbl>"
        + paragraph("on page 2", broken="<w:lastRenderedPageBreak/>")
        + paragraph("also on page 2")
    )

    got = await read(opened, "a.docx", documents.word(body))

    first = "# The title\n\n- first\n\n| a | b |\n| --- | --- |\n| c | d |"
    # A break within a paragraph counts from the next one on: where it stood is not kept.
    assert [(page.number, page.text) for page in got.pages] == [(1, f"{first}\n\non page 2"), (2, "also on page 2")]


@needs_sealing
async def test_a_slide_is_a_page_with_its_notes(opened: Runner) -> None:
    got = await read(opened, "a.pptx", documents.powerpoint([("One", "text 1"), ("Two", "text 2")]))

    assert [(page.name, page.text) for page in got.pages] == [
        ("One", "## One\n\ntext 1\n\nNotes: say this"),
        ("Two", "## Two\n\ntext 2"),
    ]


@needs_sealing
async def test_a_sheet_is_a_page_with_its_values(opened: Runner) -> None:
    sheets: dict[str, list[list[object]]] = {
        "Sales": [["day", "sum"], [datetime.date(2026, 11, 30), 12.5]],
        "Other": [["שלום"]],
    }

    got = await read(opened, "a.xlsx", documents.excel(sheets))

    assert [(page.name, page.text.split("\n")[-1]) for page in got.pages] == [
        ("Sales", "| 2026-11-30 00:00:00 | 12.5 |"),
        ("Other", "| --- |"),
    ]
    assert "שלום" in got.pages[1].text


@needs_sealing
async def test_a_chapter_of_an_e_book_is_a_page(opened: Runner) -> None:
    book = documents.epub([f"<html><body><h1>Chapter {n}</h1><p>Text &amp; more</p></body></html>" for n in (1, 2)])

    got = await read(opened, "a.epub", book)

    assert [page.text for page in got.pages] == ["# Chapter 1\n\nText & more", "# Chapter 2\n\nText & more"]


HTML = b"""<!doctype html><head><title>A title</title><style>p {}</style><body><nav><a>menu</a></nav><h2>Head</h2><p>One
two<br>three <b>bold</b><script>alert(1)</script><ul><li>a<li>b</ul><table><tr><th>x<th>y</tr><tr><td>1</td><td></td></tr></table><pre>  code
 more</pre>"""


@needs_sealing
@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.html", HTML, "# A title\n\n## Head\n\nOne two\nthree bold\n\n- a\n\n- b\n\n| x | y |\n\n| 1 |  |\n\n```\n  code\n more\n```"),
        ("a.csv", b"a;b\r\n1;2|3\r\n", "| a | b |\n| --- | --- |\n| 1 | 2\\|3 |"),
        ("a.md", "# כותרת\n\ntext".encode(), "# כותרת\n\ntext"),
        ("a.txt", "שלום".encode("cp1255"), "שלום"),
        ("a.txt", "café".encode("cp1252"), "café"),
        ("a.txt", "wide".encode("utf-16"), "wide"),
        ("a.py", b"print('```')\n", "````python\nprint('```')\n\n````"),
        ("a.txt", b"a\x1b[31mred\x08", "a[31mred"),
    ],
)  # fmt: skip
async def test_text_of_any_kind_is_read(opened: Runner, name: str, data: bytes, text: str) -> None:
    got = await read(opened, name, data)

    assert got.cause is None
    assert [page.text for page in got.pages] == [text]


@needs_sealing
async def test_long_text_comes_in_parts(opened: Runner) -> None:
    got = await read(opened, "a.txt", b"a line of text\n" * 4000)

    assert len(got.pages) == 5
    assert "\n".join(page.text for page in got.pages).strip() == ("a line of text\n" * 4000).strip()


@needs_sealing
@pytest.mark.parametrize(
    ("name", "data", "cause"),
    [
        ("empty.pdf", b"", RunnerCause.EMPTY),
        ("blank.pdf", documents.pdf(["", ""]), RunnerCause.EMPTY),
        ("blank.docx", documents.word(""), RunnerCause.EMPTY),
        ("scan.pdf", documents.pdf(["", ""], picture=True), RunnerCause.SCANNED),
        ("locked.pdf", documents.encrypted_pdf(user="secret"), RunnerCause.ENCRYPTED),
        ("old-lock.pdf", documents.encrypted_pdf(user="secret", algorithm="RC4-128"), RunnerCause.ENCRYPTED),
        (
            "locked.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            RunnerCause.ENCRYPTED,
        ),
        ("cut.pdf", documents.pdf(["text"])[:200], RunnerCause.DAMAGED),
        ("cut.docx", documents.word(paragraph("text"))[:-30], RunnerCause.DAMAGED),
        ("no-xml.docx", documents.zipped({"word/document.xml": "<w:document"}), RunnerCause.DAMAGED),
        ("cut.xlsx", documents.zipped({"xl/workbook.xml": "<workbook/>"}), RunnerCause.DAMAGED),
        ("itself.pdf", documents.pdf_of_itself(), RunnerCause.DAMAGED),
        ("bomb.pdf", documents.pdf_bomb(), RunnerCause.HOSTILE),
        ("bomb.docx", documents.zip_bomb(), RunnerCause.HOSTILE),
        ("lying.docx", documents.lying_zip(), RunnerCause.DAMAGED),
        ("laughs.docx", documents.billion_laughs(), RunnerCause.HOSTILE),
        ("laughs-16.docx", documents.declaring("utf-16"), RunnerCause.HOSTILE),
        ("laughs-16le.docx", documents.declaring("utf-16-le"), RunnerCause.HOSTILE),
        ("laughs-16be.docx", documents.declaring("utf-16-be"), RunnerCause.HOSTILE),
        ("laughs.xlsx", documents.declaring("utf-8", "xlsx"), RunnerCause.HOSTILE),
        ("laughs-16.xlsx", documents.declaring("utf-16", "xlsx"), RunnerCause.HOSTILE),
        ("picture.pdf", b"\x89PNG\r\n\x1a\n0000", RunnerCause.UNSUPPORTED),
        ("program.txt", b"\x7fELF\0\0\0\0" * 10, RunnerCause.UNSUPPORTED),
        ("any.zip", documents.zipped({"../../etc/passwd": "x"}), RunnerCause.UNSUPPORTED),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
async def test_what_cannot_be_read_has_its_own_cause(
    opened: Runner, name: str, data: bytes, cause: RunnerCause
) -> None:
    got = await read(opened, name, data)

    assert (got.cause, got.pages) == (cause, ()), got.why


@needs_sealing
@pytest.mark.parametrize("data", documents.endless_pdfs().values(), ids=documents.endless_pdfs())
async def test_a_pdf_without_an_end_is_given_up(opened: Runner, data: bytes) -> None:
    got = await read(opened, "a.pdf", data)

    assert got.cause in (RunnerCause.EMPTY, RunnerCause.DAMAGED, RunnerCause.HOSTILE), got.why
    assert got.pages == ()


@needs_sealing
async def test_names_in_an_archive_lead_nowhere(opened: Runner, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    names = [
        f"../../../../../../../..{outside}",
        str(outside),
        "word/../../../../etc/passwd",
        "..\\..\\outside",
        "CON",
        "a\nb",
    ]
    got = await read(opened, "a.docx", documents.word(paragraph("a text of words"), **dict.fromkeys(names, "evil")))

    assert (got.cause, [page.text for page in got.pages]) == (None, ["a text of words"])
    assert not outside.exists()
    assert list(opened.folder.iterdir()) == []


@needs_sealing
@pytest.mark.parametrize(
    "target",
    [
        "../../../../../../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://example.org/",
        "/proc/self/environ",
    ],
)
async def test_a_part_that_lies_outside_of_its_archive_is_not_read(opened: Runner, target: str) -> None:
    slides = documents.zipped(
        {
            "ppt/presentation.xml": '<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst><p:sldId id="256" r:id="rId0"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": f'<Relationships><Relationship Id="rId0" Target="{target}" TargetMode="External"/></Relationships>',
        }
    )
    book = documents.zipped(
        {
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="c.opf"/></rootfiles></container>',
            "c.opf": f'<package><manifest><item id="a" href="{target}"/></manifest><spine><itemref idref="a"/></spine></package>',
        }
    )
    for name, data in (("a.pptx", slides), ("a.epub", book)):
        got = await read(opened, name, data)
        assert (got.cause, got.pages) == (RunnerCause.EMPTY, ())


@needs_sealing
@pytest.mark.parametrize("algorithm", ["AES-256", "RC4-128"])
async def test_a_pdf_that_opens_without_a_password_is_read(opened: Runner, algorithm: str) -> None:
    got = await read(opened, "a.pdf", documents.encrypted_pdf(user="", algorithm=algorithm))

    assert [page.text for page in got.pages] == ["a secret"]


@needs_sealing
async def test_deep_html_is_no_fault(opened: Runner) -> None:
    got = await read(opened, "a.html", b"<div>" * 100_000 + b"text")

    assert [page.text for page in got.pages] == ["text"]


def said(*lines: str, **more: object) -> EndedChild:
    kept = KeptOutput(10_000)
    kept.add("\n".join(lines).encode())
    return EndedChild(**{"exit_code": 0, "seconds": 1.0, "stdout": kept, "stderr": KeptOutput(10), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    ["[]", "{", "null", "[" * 9000, '{"number": 0, "text": "x", "name": ""}', '{"number": "1", "text": "x", "name": ""}', '{"number": 1}'],
)  # fmt: skip
def test_a_line_of_a_reader_that_was_taken_over_is_no_page(line: str) -> None:
    got = result(said(line, '{"end": null, "total": -5, "why": 7}'))

    assert (got.cause, got.pages, got.pages_total) == (None, (), None)


@pytest.mark.parametrize("end", ['{"end": "timed_out"}', '{"end": 7}', '{"end": "nonsense"}', '{"end": []}', ""])
def test_a_reader_cannot_say_more_than_what_is_wrong_with_a_document(end: str) -> None:
    assert result(said('{"number": 1, "text": "a", "name": ""}', end)).cause is RunnerCause.DAMAGED


def test_pages_come_in_their_order() -> None:
    got = result(
        said('{"number": 2, "text": "a", "name": ""}', '{"number": 1, "text": "b", "name": ""}', '{"end": null}')
    )

    assert [page.number for page in got.pages] == [2]
