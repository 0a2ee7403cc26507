"""An answer in Markdown becomes messages: text and entities within Telegram's limits, right-to-left marks, long code as files.

Everything here is pure. Positions are code points until a page is built, so no cut can fall inside a surrogate pair.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple
from unicodedata import combining

from openclaw_core import characters
from openclaw_core.chat.markdown import links
from openclaw_core.chat.markdown.spans import Span as _Span
from openclaw_core.ports import Attachment, Entity, Lang, Page
from openclaw_core.texts import wording
from openclaw_core.texts.language import hebrew_share, is_hebrew

PAGE_MAX_UNITS = 4096
"""UTF-16 code units in one message."""
PAGE_MAX_ENTITIES = 100
CODE_MAX_LINES = 50
"""Longer code goes into a file as well; so many of its lines stay in the message."""
CODE_MAX_CHARS = 3500
"""Also a file: code that would fill a message by itself."""
HEBREW_SHARE = 0.3
"""From this share of Hebrew letters on, a text is laid out from right to left."""
DIRECTION_LETTERS = 2000
"""Letters that decide the direction: the first ones, so that a growing text does not change its mind on later pages."""
FOREIGN_WORDS = 3
"""A line without Hebrew and with more words than this is a quotation and keeps its own direction."""

_RLM = "\u200f"
_ALONE = frozenset({"pre", "code"})
_BLOCKS = frozenset({"blockquote", "expandable_blockquote"})
_KINDS = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler", "text_link"}) | _ALONE | _BLOCKS
_FILE_NAME = re.compile(r"^\W*(?:file(?:name)?:\s*)?(?:[\w.-]+/)*([\w-]+\.\w{1,8})\W*$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_ENDINGS = {
    "bash": "sh", "shell": "sh", "sh": "sh", "zsh": "sh", "console": "sh", "c": "c", "cpp": "cpp", "c++": "cpp",
    "csharp": "cs", "cs": "cs", "c#": "cs", "css": "css", "csv": "csv", "dart": "dart", "diff": "diff", "go": "go",
    "golang": "go", "haskell": "hs", "hcl": "tf", "html": "html", "ini": "ini", "java": "java", "javascript": "js",
    "js": "js", "json": "json", "jsx": "jsx", "kotlin": "kt", "latex": "tex", "lua": "lua", "markdown": "md", "md": "md",
    "php": "php", "perl": "pl", "powershell": "ps1", "proto": "proto", "py": "py", "python": "py", "python3": "py",
    "r": "r", "ruby": "rb", "rb": "rb", "rs": "rs", "rust": "rs", "scala": "scala", "scss": "scss", "sql": "sql",
    "svg": "svg", "swift": "swift", "terraform": "tf", "toml": "toml", "ts": "ts", "tsx": "tsx", "typescript": "ts",
    "vue": "vue", "xml": "xml", "yaml": "yaml", "yml": "yaml", "zig": "zig",
}  # fmt: skip
_WHOLE_NAMES = {"dockerfile": "Dockerfile", "makefile": "Makefile", "make": "Makefile"}


class _Edit(NamedTuple):
    start: int
    end: int
    new: str


def pages(markdown: str, *, lang: Lang) -> tuple[tuple[Page, ...], tuple[Attachment, ...]]:
    """The finished *markdown* as messages in order, and the files that belong to it.

    Nothing comes of a text that `characters.is_blank`, and at least one page of any other. *lang* is that of the sentence
    beside a file.
    """
    text, spans = _converted(markdown)
    text, spans, files = _with_files(text, spans, lang)
    done = _paged(*_directed(text, spans))
    if not done:  # markup that says nothing, such as an empty code block: better the bare marks than no answer
        done = _paged(characters.cleaned(markdown), [])
    return done, files


def preview(markdown: str, *, lang: Lang) -> tuple[Page, ...]:
    """The same for a text that is still streaming: what is open is closed, and full pages stay as they are.

    Empty until something can be seen.
    """
    text, spans = _converted(markdown, grows=True)
    text, spans, _ = _with_files(text, spans, lang)
    return _paged(*_directed(text, spans))


def plain(page: Page) -> Page:
    """The same text without entities, for a chat that refused them."""
    return Page(text=page.text)


def without(page: Page, *, url: str | None = None, offset: int | None = None) -> Page:
    """*page* without the formatting that a chat refused: links to *url*, or what begins at *offset*.

    If neither is known, or nothing on the page is it, all links go, and with no link left all formatting. The address of
    a link that goes is shown behind its label where there is room.
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
        position = _Positions(text)
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
    """*entity* after *units* were inserted at *at*: those that go on there grow."""
    if entity.offset >= at:
        return replace(entity, offset=entity.offset + units)
    if entity.offset + entity.length > at:
        return replace(entity, length=entity.length + units)
    return entity


def utf16_units(text: str) -> int:
    """The length of *text* as Telegram counts it."""
    return len(text) + sum(1 for char in text if char > "\uffff")


# ---- Markdown → text and spans


def _converted(markdown: str, *, grows: bool = False) -> tuple[str, list[_Span]]:
    # Imported here: a waiting agent and the brain's start do without it until the first text comes.
    from openclaw_core.chat.markdown import blocks

    text, spans = blocks.converted(markdown, grows=grows)
    # Telegram makes links of these by itself, but not in code.
    deep = [_Span(start, end, "code") for start, end in links.deep_links(text)]
    return text, _tidy([*spans, *deep], len(text))


def _tidy(spans: Sequence[_Span], length: int) -> list[_Span]:
    """Known kinds only, in bounds, properly nested, code and quotes with nothing of their kind inside."""
    kept: list[_Span] = []
    open_spans: list[_Span] = []
    code_end = quote_end = 0
    # Outer spans first. Where kinds cover the same range, quotes are outermost, then links, then code, which wins alone.
    ordered = sorted(
        spans,
        key=lambda span: (
            span.start,
            -span.end,
            span.kind not in _BLOCKS,
            span.kind != "text_link",
            span.kind not in _ALONE,
        ),
    )
    for span in ordered:
        start, end = span.start, min(span.end, length)
        while open_spans and open_spans[-1].end <= start:
            open_spans.pop()
        if open_spans:
            end = min(end, open_spans[-1].end)  # what would cross its surroundings ends with them
        if start >= end or span.kind not in _KINDS or start < code_end:
            continue
        if span.kind in _BLOCKS and start < quote_end:
            continue
        if any(outer.kind == span.kind for outer in open_spans):
            continue
        if span.kind == "code" and any(outer.kind == "text_link" for outer in open_spans):
            continue  # Telegram allows code no company, and the link is worth more than the font
        if span.kind in _ALONE:
            code_end = end
        if span.kind in _BLOCKS:
            quote_end = end
        span = span._replace(start=start, end=end)
        kept.append(span)
        open_spans.append(span)
    return _without_company(kept)


# ---- long code → files


def _with_files(text: str, spans: list[_Span], lang: Lang) -> tuple[str, list[_Span], tuple[Attachment, ...]]:
    edits: list[_Edit] = []
    files: list[Attachment] = []
    for span in spans:
        if span.kind != "pre":
            continue
        code = text[span.start : span.end]
        lines = code.split("\n")
        if len(lines) <= CODE_MAX_LINES and len(code) <= CODE_MAX_CHARS:
            continue
        name = _file_name(span.language, lines[0], taken={file.name for file in files})
        files.append(Attachment(name=name, content=code + "\n"))
        excerpt = "\n".join(lines[:CODE_MAX_LINES])
        if len(excerpt) > CODE_MAX_CHARS:
            excerpt = excerpt[: max(excerpt.rfind("\n", 0, CODE_MAX_CHARS), 0) or CODE_MAX_CHARS]
        edits += [
            _Edit(span.start + len(excerpt), span.end, "\n…"),
            _Edit(span.end, span.end, "\n" + wording.rest_is_in_file(name, lang)),
        ]
    return *_edited(text, spans, edits), tuple(files)


def _file_name(language: str | None, first_line: str, *, taken: set[str]) -> str:
    """The name that the code's first line gives, else one by language; never one that is taken."""
    key = (language or "").lower()
    ending = _ENDINGS.get(key, "txt")
    named = _FILE_NAME.match(first_line)
    if named and named[1].rpartition(".")[2].lower() == ending:
        name = named[1]
    else:
        name = _WHOLE_NAMES.get(key, f"code.{ending}")
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{stem}-{number}{dot}{ending}", number + 1
    return unique


# ---- direction


def _directed(text: str, spans: list[_Span]) -> tuple[str, list[_Span]]:
    """U+200F before lines of a Hebrew text that would else be laid out from left to right.

    Telegram has no direction flag: each line takes the direction of its first strong character.
    """
    if not any("\u0590" <= char <= "\u05ff" for char in text):
        return text, spans
    code = [span for span in spans if span.kind in _ALONE]
    if hebrew_share("".join(_outside(text, code)), first_letters=DIRECTION_LETTERS) <= HEBREW_SHARE:
        return text, spans
    blocks = [span for span in code if span.kind == "pre"]
    edits: list[_Edit] = []
    start = 0
    for line in text.split("\n"):
        while blocks and blocks[0].end <= start:
            blocks.pop(0)
        in_code = bool(blocks) and blocks[0].start < start + max(len(line), 1)
        if not in_code and _wants_mark(line):
            edits.append(_Edit(start, start, _RLM))
        start += len(line) + 1
    return _edited(text, spans, edits)


def _outside(text: str, spans: Sequence[_Span]) -> Iterator[str]:
    at = 0
    for span in spans:
        yield text[at : span.start]
        at = span.end
    yield text[at:]


def _wants_mark(line: str) -> bool:
    first = line.lstrip()[:1]
    if not first or first == _RLM or is_hebrew(first):
        return False
    return any(map(is_hebrew, line)) or len(_WORD.findall(line)) <= FOREIGN_WORDS


def _edited(text: str, spans: list[_Span], edits: Sequence[_Edit]) -> tuple[str, list[_Span]]:
    """Apply *edits*, which are in order and do not overlap, and move the spans with their text.

    What is inserted where a span begins or ends stays outside of it, but for quotations, which must begin with a line.
    """
    if not edits:
        return text, spans
    parts: list[str] = []
    at = 0
    for edit in edits:
        parts += [text[at : edit.start], edit.new]
        at = edit.end
    keys = [(edit.end, edit.start == edit.end) for edit in edits]
    growth = [0, *accumulate(len(edit.new) - (edit.end - edit.start) for edit in edits)]

    def moved(position: int, *, past_insertion: bool) -> int:
        return position + growth[bisect_right(keys, (position, past_insertion))]

    return "".join([*parts, text[at:]]), [
        span._replace(
            start=moved(span.start, past_insertion=span.kind not in _BLOCKS),
            end=moved(span.end, past_insertion=False),
        )
        for span in spans
    ]


# ---- pages


def _paged(text: str, spans: Sequence[_Span]) -> tuple[Page, ...]:
    position = _Positions(text)
    return tuple(_page(text[start:end], inside, start) for start, end, inside in _cuts(text, spans, position))


def _cuts(text: str, spans: Sequence[_Span], position: "_Positions") -> Iterator[tuple[int, int, list[_Span]]]:
    """Ranges of *text*, each a valid page with something to see on it, and the spans that reach into it."""
    length = len(text)
    start = behind = 0
    current: list[_Span] = []  # of those before *behind*, which stand in the order of their beginnings
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


def _boundary(text: str, spans: Sequence[_Span], start: int, end: int) -> int:
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


def _trimmed(text: str, spans: Sequence[_Span], start: int, end: int) -> tuple[int, int]:
    """Without the blank space around a page, but with the indentation of its first line of code."""
    while start < end and text[start].isspace():
        if text[start] != "\n" and any(span.kind == "pre" and span.start <= start < span.end for span in spans):
            break
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _page(text: str, spans: Sequence[_Span], start: int) -> Page:
    unit = _Positions(text).unit_of
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
        for span in _without_company(here)
    ]
    return Page(text=text, entities=tuple(entities[:PAGE_MAX_ENTITIES]))


def _without_company(spans: Sequence[_Span]) -> list[_Span]:
    """Without bold or a link around nothing but a piece of code: Telegram allows code no company."""
    alone = {(span.start, span.end) for span in spans if span.kind in _ALONE}
    return [
        span for span in spans if span.kind in _ALONE or span.kind in _BLOCKS or (span.start, span.end) not in alone
    ]


class _Positions:
    """Code points to UTF-16 units and back, by the places of the characters that take two."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._wide = [at for at, char in enumerate(text) if char > "\uffff"] if not text.isascii() else []
        self._wide_units = [at + before for before, at in enumerate(self._wide)]

    def unit_of(self, position: int) -> int:
        return position + bisect_left(self._wide, position)

    def of_unit(self, unit: int) -> int:
        """The character at *unit*, also for its second half."""
        return unit - bisect_left(self._wide_units, unit)

    def after_units(self, start: int, units: int) -> int:
        """The furthest position that is at most *units* after *start*."""
        return min(self.of_unit(self.unit_of(start) + units), self._length)
