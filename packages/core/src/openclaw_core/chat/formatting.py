"""Removes formatting that a chat refused from a page."""

from dataclasses import replace

from openclaw_core.chat.utf16 import PAGE_MAX_UNITS, Positions, utf16_units
from openclaw_core.ports import Entity, Page


def plain(page: Page) -> Page:
    """The same text without entities, for a chat that refused them."""
    return Page(text=page.text)


def without_formatting(page: Page, *, url: str | None = None, offset: int | None = None) -> Page:
    """*page* without the formatting that a chat refused: links to *url*, or the entity at *offset*.

    If nothing on the page matches, all links are removed; without any link, all formatting. The address of a removed link
    is added after its label if there is room.
    """
    refused = [
        entity
        for entity in page.entities
        if (url is not None and entity.url == url) or (offset is not None and entity.offset == offset)
    ]
    refused = refused or [entity for entity in page.entities if entity.url is not None]
    if not refused:
        return plain(page)
    text, entities = page.text, [entity for entity in page.entities if entity not in refused]
    for link in sorted((entity for entity in refused if entity.url), key=lambda entity: -entity.offset):
        position = Positions(text)
        end = position.of_unit(link.offset + link.length)
        label = text[position.of_unit(link.offset) : end]
        shown = "" if link.url is None or link.url in label else f" ({link.url})"
        grown = text[:end] + shown + text[end:]
        size = utf16_units(shown)
        if not shown or utf16_units(grown) > PAGE_MAX_UNITS:
            continue
        text = grown
        entities = [_moved(entity, link.offset + link.length, size) for entity in entities]
    return Page(text=text, entities=tuple(entities))


def _moved(entity: Entity, at: int, units: int) -> Entity:
    """*entity* after *units* were inserted at *at*: it grows if it covers that place."""
    if entity.offset >= at:
        return replace(entity, offset=entity.offset + units)
    if entity.offset + entity.length > at:
        return replace(entity, length=entity.length + units)
    return entity
