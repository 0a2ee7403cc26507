"""HTML and e-books. The parser is Python's own: it knows no entities but the standard ones, fetches nothing and runs nothing."""

import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote

from openclaw_core.sealed.values import RunnerCause
from openclaw_runner.readers.archive import Archive, attribute, local
from openclaw_runner.readers.document import Document, Text, Unreadable, parts
from openclaw_runner.readers.plain import decoded

BLOCKS = """address article aside blockquote body dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main
    nav ol p pre section summary table tbody td tfoot th thead tr ul"""
SILENT = "script style noscript template svg math iframe object select textarea button nav title"
VOID = "area base br col embed hr img input link meta source track wbr"
_BLOCKS, _SILENT, _VOID = (frozenset(tags.split()) for tags in (BLOCKS, SILENT, VOID))
_BREAK = "\v"  # of a line, by `br`: those in the source are spaces
EPUB = "META-INF/container.xml"


class _Reader(HTMLParser):
    """Collects blocks of text with headings and lists marked."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.title = ""
        self._text: list[str] = []
        self._mark = ""
        self._silent: list[str] = []
        self._preformatted = 0
        self._cells: list[str] | None = None
        self._in_title = self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_title = tag == "title"
        if self._silent:
            if tag in self._silent and tag not in _VOID:
                self._silent.append(tag)
            return
        if tag in _SILENT:
            self._silent.append(tag)
            return
        if tag == "br":
            self._text.append(_BREAK)
        elif tag == "img" and (alt := dict(attrs).get("alt")):
            self._text.append(f"[picture: {alt}]")
        elif tag == "tr":
            self._flush()
            self._cells = []
        elif tag in ("td", "th"):
            self._end_cell()  # one that was not closed
            self._in_cell = self._cells is not None
        elif tag in _BLOCKS and self._cells is None:
            self._flush()
            if re.fullmatch("h[1-6]", tag):
                self._mark = "#" * int(tag[1]) + " "
            elif tag == "li":
                self._mark = "- "
            elif tag == "blockquote":
                self._mark = "> "
        self._preformatted += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
            return
        if tag in ("td", "th"):
            self._end_cell()
        elif tag == "tr" and self._cells is not None:
            self._end_cell()
            if any(self._cells):
                self.blocks.append(f"| {' | '.join(self._cells)} |")
            self._cells, self._text = None, []
        elif tag in _BLOCKS and self._cells is None:
            self._flush()
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)

    def _end_cell(self) -> None:
        text = " ".join("".join(self._text).split())
        if self._cells is not None and (self._in_cell or text):
            self._cells.append(text.replace("|", "\\|"))
        self._text, self._in_cell = [], False

    def handle_data(self, data: str) -> None:
        if self._in_title and not self.title:
            self.title = " ".join(data.split())[:200]
        if not self._silent:
            self._text.append(data if self._preformatted else data.replace("\n", " "))

    def close(self) -> None:
        super().close()
        self._flush()

    def _flush(self) -> None:
        text = "".join(self._text)
        if self._preformatted:
            code = text.replace(_BREAK, "\n").strip("\n")
            block = f"```\n{code}\n```" if code else ""
        else:
            block = "\n".join(line for raw in text.split(_BREAK) if (line := " ".join(raw.split())))
        if block:
            self.blocks.append(self._mark + block)
        self._text, self._mark = [], ""


def blocks(data: bytes) -> tuple[str, list[str]]:
    """The title of an HTML page, and its text block by block."""
    reader = _Reader()
    found = re.search(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w-]{2,30})", data[:4096], re.IGNORECASE)
    reader.feed(decoded(data, hint=found[1].decode("ascii") if found else ""))
    reader.close()
    return reader.title, reader.blocks


def read_html(data: bytes) -> Document:
    """An HTML page, in parts."""
    title, found = blocks(data)
    return Document(parts([*([f"# {title}"] if title and not any(b.startswith("# ") for b in found) else []), *found]))


def read_epub(archive: Archive) -> Document:
    """An e-book: each file of its spine, which mostly is a chapter, is a page."""
    packages = [attribute(each, "full-path") for each in archive.xml(EPUB).iter() if local(each.tag) == "rootfile"]
    if not packages or packages[0] not in archive.names:
        raise Unreadable(RunnerCause.DAMAGED, "it has no list of chapters")
    package = archive.xml(packages[0])
    folder = posixpath.dirname(packages[0])
    files = {attribute(each, "id"): attribute(each, "href") for each in package.iter() if local(each.tag) == "item"}
    spine = [files.get(attribute(each, "idref"), "") for each in package.iter() if local(each.tag) == "itemref"]
    names = [posixpath.normpath(posixpath.join(folder, unquote(name))) for name in spine if name]
    found = [name for name in names if name in archive.names]
    if "META-INF/encryption.xml" in archive.names and b"rights" in b" ".join(name.encode() for name in archive.names):
        raise Unreadable(RunnerCause.ENCRYPTED, "it is protected against copying")
    return Document(_chapters(archive, found), len(found))


def _chapters(archive: Archive, names: list[str]) -> Iterator[Text]:
    for name in names:
        title, found = blocks(archive.read(name))
        yield Text("\n\n".join(found), title)
