"""Word and PowerPoint: zip files of XML, whose text is in few kinds of elements.

Their libraries would bring a C parser and more, for this.
"""

import posixpath
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from openclaw_core.sealed.values import RunnerCause
from openclaw_runner.readers.archive import Archive, attribute, local
from openclaw_runner.readers.document import Document, Text, Unreadable, parts, table

WORD = "word/document.xml"
POWERPOINT = "ppt/presentation.xml"


def read_word(archive: Archive) -> Document:
    """A Word file. Its pages are those that Word itself has last laid out; where it has noted none, parts of equal size."""
    root = archive.xml(WORD)
    body = next((child for child in root if local(child.tag) == "body"), None)
    if body is None:
        raise Unreadable(RunnerCause.DAMAGED, "it has no body")
    pages: list[list[str]] = [[]]
    for page, block in _blocks(body):
        while page >= len(pages):
            pages.append([])
        pages[page].append(block)
    if len(pages) == 1:
        return Document(parts(pages[0]))
    return Document([Text("\n\n".join(blocks)) for blocks in pages], len(pages))


def _blocks(body: ET.Element) -> Iterator[tuple[int, str]]:
    """Paragraphs and tables with the number of the page that they begin on, from 0."""
    laid_out = any(local(element.tag) == "lastRenderedPageBreak" for element in body.iter())
    page = 0
    for element in body:
        kind = local(element.tag)
        if kind == "p":
            text = _paragraph(element)
            if text.strip():
                yield page, text
        elif kind == "tbl":
            rows = [
                ["".join(_texts(cell)) for cell in row if local(cell.tag) == "tc"]
                for row in element
                if local(row.tag) == "tr"
            ]
            yield page, "\n".join(table(rows))
        elif kind == "sdt":  # a field that can be filled in, such as the table of contents
            text = "\n".join(_paragraph(inner) for inner in element.iter() if local(inner.tag) == "p")
            if text.strip():
                yield page, text
        page += sum(_breaks(inner, laid_out) for inner in element.iter())


def _breaks(element: ET.Element, laid_out: bool) -> bool:
    if laid_out:
        return local(element.tag) == "lastRenderedPageBreak"
    return local(element.tag) == "br" and attribute(element, "type") == "page"


def _paragraph(element: ET.Element) -> str:
    text = "".join(_texts(element)).strip()
    style = next((attribute(e, "val") for e in element.iter() if local(e.tag) == "pStyle"), "").lower()
    if text and style == "title":
        return f"# {text}"
    if text and style.startswith("heading") and style[7:8].isdigit():
        return f"{'#' * min(6, int(style[7:8]))} {text}"
    if text and any(local(e.tag) == "numPr" for e in element.iter()):
        return f"- {text}"
    return text


def _texts(element: ET.Element) -> Iterator[str]:
    for each in element.iter():
        match local(each.tag):
            case "t":
                yield each.text or ""
            case "tab":
                yield "\t"
            case "br" | "cr":
                yield "\n"


def read_powerpoint(archive: Archive) -> Document:
    """A presentation: each slide is a page, with its notes below."""
    targets = _relations(archive, POWERPOINT)
    root = archive.xml(POWERPOINT)
    listed = [attribute(each, "id") for each in root.iter() if local(each.tag) == "sldId"]
    # `id` is there twice, once with a namespace: the relation's is the one that has a target.
    names = [targets[name] for each in root.iter() if local(each.tag) == "sldId" for name in each.attrib.values() if name in targets]  # fmt: skip
    if not listed:
        raise Unreadable(RunnerCause.EMPTY, "it has no slide")
    return Document((_slide(archive, name) for name in names), len(names))


def _slide(archive: Archive, name: str) -> Text:
    title, lines = "", []
    for shape in archive.xml(name).iter():
        if local(shape.tag) == "sp":
            text = "\n".join(_lines(shape))
            kinds = {attribute(each, "type") for each in shape.iter() if local(each.tag) == "ph"}
            if kinds & {"title", "ctrTitle"} and text.strip():
                title = title or " ".join(text.split())
            elif text.strip():
                lines.append(text)
        elif local(shape.tag) == "tbl":
            rows = [[" ".join(_lines(cell)) for cell in row if local(cell.tag) == "tc"] for row in shape if local(row.tag) == "tr"]  # fmt: skip
            lines.append("\n".join(table(rows)))
    for target in _relations(archive, name).values():
        if "notesSlide" in target and target in archive.names:
            notes = [line for line in _lines(archive.xml(target)) if line.strip() and not line.strip().isdigit()]
            if notes:
                lines.append("Notes: " + "\n".join(notes))
    return Text("\n\n".join(([f"## {title}"] if title else []) + lines), title[:200])


def _lines(element: ET.Element) -> list[str]:
    return ["".join(_texts(each)) for each in element.iter() if local(each.tag) == "p"]


def _relations(archive: Archive, name: str) -> dict[str, str]:
    """Where the ids in an entry lead, as names of entries."""
    folder, file = posixpath.split(name)
    path = f"{folder}/_rels/{file}.rels"
    if path not in archive.names:
        return {}
    found = {}
    for each in archive.xml(path):
        target = attribute(each, "Target")
        resolved = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        found[attribute(each, "Id")] = resolved
    return {key: value for key, value in found.items() if value in archive.names}
