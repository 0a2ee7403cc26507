"""The lines below an answer that say which parts of the documents were read: from the record of the steps, never from the model. Pure."""

from collections.abc import Sequence

from openclaw_agent.tools.documents.opened_documents import OpenedDocument
from openclaw_core.ports import Lang
from openclaw_core.tasks.steps import ReadPages, Step
from openclaw_core.texts import wording
from openclaw_core.texts.documents import read_line


def what_was_read(documents: Sequence[OpenedDocument], steps: Sequence[Step], lang: Lang) -> str:
    """Markdown: a line for each document."""
    read = [pages for step in steps for result in step.results for pages in result.read]
    return "\n".join(_line(one, [pages for pages in read if pages.document == one.number], lang) for one in documents)


def _line(document: OpenedDocument, read: Sequence[ReadPages], lang: Lang) -> str:
    name = "`" + document.name.replace("`", "'") + "`"  # as code: an app would make a link of `notes.md`
    if document.fault is not None:
        return f"📄 {name}: {wording.cause_sentence(document.fault, lang)}"
    having_text = {page.number for page in document.pages}
    whole = having_text if document.in_message else _whole(read)
    some = {pages.first for pages in read} - whole
    return f"📄 {name}: " + read_line(
        document.unit,
        # Pages without a text count as read between two that were.
        whole=ranges(sorted(whole & having_text), having_text),
        in_part=ranges(sorted(some & having_text), having_text),
        all_of_it=having_text <= whole and not document.cut,
        total=document.total,
        lang=lang,
    )


def _whole(read: Sequence[ReadPages]) -> set[int]:
    """Pages of which all was given."""
    found = {number for pages in read if pages.pieces == 1 for number in range(pages.first, pages.last + 1)}
    pieces: dict[int, set[int]] = {}
    for pages in read:
        if pages.pieces > 1:
            pieces.setdefault(pages.first, set()).add(pages.piece)
            if len(pieces[pages.first]) == pages.pieces:
                found.add(pages.first)
    return found


def ranges(numbers: Sequence[int], having_text: set[int]) -> str:
    """Ascending *numbers* as `1–4, 9`. Two belong together if no page with text lies between them."""
    found: list[list[int]] = []
    for number in numbers:
        if found and not any(n in having_text for n in range(found[-1][1] + 1, number)):
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in found)
