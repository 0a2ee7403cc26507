"""Cuts an answer in Markdown into pages: messages within Telegram's limits of text and entities.

Pure. Positions are code points until a page is built, so no cut can split a surrogate pair.
"""

from collections.abc import Iterator, Sequence
from unicodedata import combining

from openclaw_core import characters
from openclaw_core.chat.markdown import links
from openclaw_core.chat.markdown.spans import CODE_KINDS, QUOTE_KINDS, TextSpan
from openclaw_core.chat.text_edits import add_direction_marks, move_long_code
from openclaw_core.chat.utf16 import PAGE_MAX_UNITS, Positions
from openclaw_core.ports import AnswerFile, Entity, Lang, Page

PAGE_MAX_ENTITIES = 100
_KINDS = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler", "text_link"}) | CODE_KINDS | QUOTE_KINDS


def pages(markdown: str, *, lang: Lang) -> tuple[tuple[Page, ...], tuple[AnswerFile, ...]]:
    """The pages and files of a finished answer. A blank text has no page, any other at least one.

    *lang* is the language of the line below moved code.
    """
    text, spans = _converted(markdown)
    text, spans, files = move_long_code(text, spans, lang)
    done = _paged(*add_direction_marks(text, spans))
    if not done:  # only markup, such as an empty code block: its marks are better than no answer
        done = _paged(characters.cleaned(markdown), [])
    return done, files


def preview(markdown: str, *, lang: Lang) -> tuple[Page, ...]:
    """The pages of a growing text: open formatting is closed, and full pages do not change. Empty until something is visible."""
    text, spans = _converted(markdown, grows=True)
    text, spans, _ = move_long_code(text, spans, lang)
    return _paged(*add_direction_marks(text, spans))


# ---- Markdown → text and spans


def _converted(markdown: str, *, grows: bool = False) -> tuple[str, list[TextSpan]]:
    # Imported here, at the first text: the brain starts sooner without it.
    from openclaw_core.chat.markdown import blocks

    text, spans = blocks.convert_markdown(markdown, grows=grows)
    # Telegram turns these into links, except in code.
    deep = [TextSpan(start, end, "code") for start, end in links.deep_links(text)]
    return text, _tidy([*spans, *deep], len(text))


def _tidy(spans: Sequence[TextSpan], length: int) -> list[TextSpan]:
    """Known kinds only, in bounds, properly nested, and without code in code or quotes in quotes."""
    kept: list[TextSpan] = []
    open_spans: list[TextSpan] = []
    code_end = quote_end = 0
    # Outer spans first. Where kinds cover the same range, quotes are outermost, then links, then code, which wins alone.
    ordered = sorted(
        spans,
        key=lambda span: (
            span.start,
            -span.end,
            span.kind not in QUOTE_KINDS,
            span.kind != "text_link",
            span.kind not in CODE_KINDS,
        ),
    )
    for span in ordered:
        start, end = span.start, min(span.end, length)
        while open_spans and open_spans[-1].end <= start:
            open_spans.pop()
        if open_spans:
            end = min(end, open_spans[-1].end)  # a span ends with the one around it
        if start >= end or span.kind not in _KINDS or start < code_end:
            continue
        if span.kind in QUOTE_KINDS and start < quote_end:
            continue
        if any(outer.kind == span.kind for outer in open_spans):
            continue
        if span.kind == "code" and any(outer.kind == "text_link" for outer in open_spans):
            continue  # Telegram allows no link on code: keep the link
        if span.kind in CODE_KINDS:
            code_end = end
        if span.kind in QUOTE_KINDS:
            quote_end = end
        span = span._replace(start=start, end=end)
        kept.append(span)
        open_spans.append(span)
    return _without_formatted_code(kept)


# ---- pages


def _paged(text: str, spans: Sequence[TextSpan]) -> tuple[Page, ...]:
    position = Positions(text)
    return tuple(_page(text[start:end], inside, start) for start, end, inside in _cuts(text, spans, position))


def _cuts(text: str, spans: Sequence[TextSpan], position: Positions) -> Iterator[tuple[int, int, list[TextSpan]]]:
    """Ranges of *text* that are visible pages, with the spans of each."""
    length = len(text)
    start = behind = 0
    current: list[TextSpan] = []  # of those before *behind*, in order of their start
    while start < length:
        end = position.after_units(start, PAGE_MAX_UNITS)
        while behind < len(spans) and spans[behind].start < end:
            current.append(spans[behind])
            behind += 1
        inside = current = [span for span in current if span.end > start]
        crowded = len(inside) > PAGE_MAX_ENTITIES
        if crowded:
            end = max(inside[PAGE_MAX_ENTITIES].start, start + 1)
        if end < length:
            end = _boundary(text, inside, start, end)
        first, last = _trimmed(text, inside, start, end)
        if not characters.is_blank(text[first:last]):
            yield first, last, [span for span in inside if span.start < last]
        start = end


def _boundary(text: str, spans: Sequence[TextSpan], start: int, end: int) -> int:
    """Where to cut at or before *end*: between paragraphs, else lines, else words, but not before half of the page."""
    half = start + (end - start) // 2
    blocks = [span for span in spans if span.kind == "pre"]
    cut = text.rfind("\n\n", half, end + 1)
    while cut >= 0 and any(block.start <= cut < block.end for block in blocks):
        cut = text.rfind("\n\n", half, cut + 1)
    for mark in ("\n", " "):
        if cut < 0:
            cut = text.rfind(mark, half, end + 1)
    if cut > start:
        return cut
    cut = end
    for _ in range(16):  # not inside an emoji of several parts or before vowel points; 16 is longer than any real one
        if cut - 1 <= start or not (_joins(text[cut]) or text[cut - 1] == "\u200d"):
            return cut
        cut -= 1
    return end


def _joins(char: str) -> bool:
    return bool(combining(char)) or char in "\u200d\ufe0f\u20e3" or "\U0001f3fb" <= char <= "\U0001f3ff"


def _trimmed(text: str, spans: Sequence[TextSpan], start: int, end: int) -> tuple[int, int]:
    """Without the blank space around a page, but with the indentation of its first line of code."""
    while start < end and text[start].isspace():
        if text[start] != "\n" and any(span.kind == "pre" and span.start <= start < span.end for span in spans):
            break
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _page(text: str, spans: Sequence[TextSpan], start: int) -> Page:
    unit = Positions(text).unit_of
    here = [
        span._replace(start=max(span.start - start, 0), end=min(span.end - start, len(text)))
        for span in spans
        if max(span.start - start, 0) < min(span.end - start, len(text))
    ]
    entities = [
        Entity(
            type=span.kind,
            offset=unit(span.start),
            length=unit(span.end) - unit(span.start),
            url=span.url,
            language=span.language,
        )
        for span in _without_formatted_code(here)
    ]
    return Page(text=text, entities=tuple(entities[:PAGE_MAX_ENTITIES]))


def _without_formatted_code(spans: Sequence[TextSpan]) -> list[TextSpan]:
    """Without bold or a link around exactly one piece of code: Telegram allows no other formatting on code."""
    alone = {(span.start, span.end) for span in spans if span.kind in CODE_KINDS}
    return [
        span
        for span in spans
        if span.kind in CODE_KINDS or span.kind in QUOTE_KINDS or (span.start, span.end) not in alone
    ]
