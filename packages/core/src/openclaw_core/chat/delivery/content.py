"""The content of a display: pages and files from Markdown, causes and notices, without formatting that its chat refused before."""

from dataclasses import replace
from typing import TYPE_CHECKING

from openclaw_core.characters import is_blank
from openclaw_core.chat import formatting, paging
from openclaw_core.chat.delivery import notices
from openclaw_core.chat.delivery.display_state import Content, DisplayState
from openclaw_core.chat.delivery.displays import Display, Stage
from openclaw_core.chat.utf16 import PAGE_MAX_UNITS, utf16_units
from openclaw_core.errors import MarkupRefused
from openclaw_core.ports import Entity, Lang, Page
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.steps import Status
from openclaw_core.texts import wording

if TYPE_CHECKING:
    from openclaw_core.roles.values import Roles

REFUSALS_MAX = 6
"""Of formatting in one display; after that the rest of it is plain."""


def of_preview(markdown: str, state: DisplayState) -> Content:
    """A growing text; no page until a reader can see something."""
    if is_blank(markdown):
        return Content(pages=())
    return Content(pages=_accepted(paging.preview(markdown, lang=state.display.answer_lang), state))


def of_status(status: Status, state: DisplayState) -> Content:
    """The line that says what is done before there are words. Its subject is shown as code: no app makes a link of a query or a domain."""
    line, subject = wording.status_line(status, state.display.lang)
    code = Entity(type="code", offset=utf16_units(line), length=utf16_units(subject))
    page = Page(text=line + subject, entities=(code,) if subject else ())
    return Content(pages=_accepted((page,), state), is_status=True)


def of_answer(markdown: str, state: DisplayState, buttons: notices.Buttons = ()) -> Content:
    """The whole answer and its files, with *buttons* below its text; no page if a reader would see nothing."""
    if is_blank(markdown):
        return Content(pages=())
    pages, files = paging.pages(markdown, lang=state.display.answer_lang)
    return Content(pages=_accepted(pages, state), files=files, pictures=state.display.pictures, buttons=buttons)


def of_stopped(markdown: str, state: DisplayState) -> Content:
    """The shown part of a stopped answer: one page for each of its messages, the last one with a mark."""
    display = state.display
    drafts = () if is_blank(markdown) else _accepted(paging.preview(markdown, lang=display.answer_lang), state)
    last = max(state.slots, default=0)
    pages = [drafts[slot] if slot < len(drafts) else Page(text=wording.PLACEHOLDER) for slot in range(last + 1)]
    pages[last] = page_with_stopped_mark(pages[last], display.lang)
    return Content(pages=tuple(pages))


def page_with_stopped_mark(page: Page, lang: Lang) -> Page:
    """*page* with the mark of a stopped answer below it; a full page loses its last words."""
    text = wording.with_stopped_mark(page.text, lang)
    over = utf16_units(text) - PAGE_MAX_UNITS
    if over <= 0:
        return Page(text=text, entities=page.entities)
    shorter = page.text[: -over - 1]  # a character is one unit at least
    shorter = shorter[: shorter.rfind(" ", len(shorter) // 2)] + "…" if " " in shorter[len(shorter) // 2 :] else shorter
    room = utf16_units(shorter)
    entities = (replace(one, length=min(one.length, room - one.offset)) for one in page.entities if one.offset < room)
    return Page(text=wording.with_stopped_mark(shorter, lang), entities=tuple(entities))


def of_failure_or_notice(display: Display, roles: "Roles | None") -> Content:
    """Raises one of `records.UNREADABLE` for a notice whose arguments do not fit."""
    if display.stage is Stage.FAILED:
        page, buttons = notices.failure_page(
            display.cause or Cause.INTERNAL, display.task_id, display.lang, display.budget
        )
    else:
        page, buttons = notices.notice_page(display, roles)
    return Content(pages=(page,), buttons=buttons)


def drop_refused(state: DisplayState, slot: int, exc: MarkupRefused) -> None:
    """Note what the chat refused and remove it from the page of *slot*. Other formatting stays."""
    state.refusals.append(exc)
    if state.content is None or slot >= len(state.content.pages):
        return
    pages = list(state.content.pages)
    if len(state.refusals) > REFUSALS_MAX:
        pages[slot] = formatting.plain(pages[slot])
    else:
        pages[slot] = formatting.without_formatting(pages[slot], url=exc.url, offset=exc.offset)
    state.content = replace(state.content, pages=tuple(pages))


def _accepted(pages: tuple[Page, ...], state: DisplayState) -> tuple[Page, ...]:
    """*pages* without formatting that the chat refused before."""
    if state.minimal or len(state.refusals) > REFUSALS_MAX:
        return tuple(formatting.plain(page) for page in pages)
    return tuple(_without_refused(page, state.refusals) for page in pages) if state.refusals else pages


def _without_refused(page: Page, refusals: list[MarkupRefused]) -> Page:
    for refusal in refusals:
        if not page.entities:
            break
        if refusal.url is None and refusal.offset is None:
            page = formatting.without_formatting(page)
        elif any(entity.url is not None and entity.url == refusal.url for entity in page.entities):
            page = formatting.without_formatting(page, url=refusal.url)
    return page
