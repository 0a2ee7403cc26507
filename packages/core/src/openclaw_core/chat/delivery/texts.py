"""Markdown, causes and notices become the pages of a display, without what its chat has refused before."""

from dataclasses import replace
from typing import TYPE_CHECKING

from openclaw_core.characters import is_blank
from openclaw_core.chat import paging
from openclaw_core.chat.delivery import notices
from openclaw_core.chat.delivery.displays import Display, Stage
from openclaw_core.chat.delivery.view import Texts, View
from openclaw_core.errors import MarkupRefused
from openclaw_core.ports import Lang, Page
from openclaw_core.tasks.outcome import Cause
from openclaw_core.texts import wording

if TYPE_CHECKING:
    from openclaw_core.roles.values import Roles

REFUSALS_MAX = 6
"""Of formatting in one display; after that the rest of it is plain."""


def growing(markdown: str, view: View) -> Texts:
    """A text that is still being written; no page until something can be seen."""
    if is_blank(markdown):
        return Texts(pages=())
    return Texts(pages=_accepted(paging.preview(markdown, lang=view.display.answer_lang), view))


def answer(markdown: str, view: View) -> Texts:
    """The whole answer and its files; no page if there is nothing to see."""
    if is_blank(markdown):
        return Texts(pages=())
    pages, files = paging.pages(markdown, lang=view.display.answer_lang)
    return Texts(pages=_accepted(pages, view), files=files)


def stopped(markdown: str, view: View) -> Texts:
    """What was shown of a stopped answer, a page for each of its messages, the last one with a mark."""
    display = view.display
    drafts = () if is_blank(markdown) else _accepted(paging.preview(markdown, lang=display.answer_lang), view)
    last = max(view.slots, default=0)
    pages = [drafts[slot] if slot < len(drafts) else Page(text=wording.PLACEHOLDER) for slot in range(last + 1)]
    pages[last] = marked(pages[last], display.lang)
    return Texts(pages=tuple(pages))


def marked(page: Page, lang: Lang) -> Page:
    """*page* with the mark of a stopped answer below it; a full page loses some of its last words to it."""
    text = wording.with_stopped_mark(page.text, lang)
    over = paging.utf16_units(text) - paging.PAGE_MAX_UNITS
    if over <= 0:
        return Page(text=text, entities=page.entities)
    shorter = page.text[: -over - 1]  # a character is one unit at least
    shorter = shorter[: shorter.rfind(" ", len(shorter) // 2)] + "…" if " " in shorter[len(shorter) // 2 :] else shorter
    room = paging.utf16_units(shorter)
    entities = (replace(one, length=min(one.length, room - one.offset)) for one in page.entities if one.offset < room)
    return Page(text=wording.with_stopped_mark(shorter, lang), entities=tuple(entities))


def own(display: Display, roles: "Roles | None") -> Texts:
    """A failure or a notice. Raises one of `records.UNREADABLE` for a notice that has no sentence."""
    if display.stage is Stage.FAILED:
        page, buttons = notices.failed(display.cause or Cause.INTERNAL, display.task_id, display.lang)
    else:
        page, buttons = notices.told(display, roles)
    return Texts(pages=(page,), buttons=buttons)


def refused(view: View, slot: int, exc: MarkupRefused) -> None:
    """Remember what the chat refused, and take it out of the page of *slot*: one bad entity costs no other formatting."""
    view.refusals.append(exc)
    if view.texts is None or slot >= len(view.texts.pages):
        return
    pages = list(view.texts.pages)
    if len(view.refusals) > REFUSALS_MAX:
        pages[slot] = paging.plain(pages[slot])
    else:
        pages[slot] = paging.without(pages[slot], url=exc.url, offset=exc.offset)
    view.texts = Texts(pages=tuple(pages), files=view.texts.files, buttons=view.texts.buttons)


def _accepted(pages: tuple[Page, ...], view: View) -> tuple[Page, ...]:
    """*pages* as the chat takes them, after what it refused before."""
    if view.bare or len(view.refusals) > REFUSALS_MAX:
        return tuple(paging.plain(page) for page in pages)
    return tuple(_without_refused(page, view.refusals) for page in pages) if view.refusals else pages


def _without_refused(page: Page, refusals: list[MarkupRefused]) -> Page:
    for refusal in refusals:
        if not page.entities:
            break
        if refusal.url is None and refusal.offset is None:
            page = paging.without(page)
        elif any(entity.url is not None and entity.url == refusal.url for entity in page.entities):
            page = paging.without(page, url=refusal.url)
    return page
