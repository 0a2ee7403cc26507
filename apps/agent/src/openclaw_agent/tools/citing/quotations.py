"""Quotations of a model's text: one that names a page as its source has to be in that page, word for word.

One that nearly does is no quotation, but may be what the page says: it loses its marks. One that does not is invented, and goes.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from openclaw_agent.tools.citing.edits import TextEdit, applied, without_code
from openclaw_agent.tools.citing.numbers import MARK, Pages, numbers_of

LEAST_WORDS = 5
MAX_CHARS = 2000
GONE = "[…]"
NEAR = 0.6
"""From this share of a quotation's pairs of words that are next to each other in the page on, it is a paraphrase."""
CLOSERS = {
    "“": "”“", "„": "“”", "«": "»", "»": "«", "״": "״”", "”": "”", '"': '"', "‟": "”", "「": "」", "『": "』", "《": "》", "＂": "＂", "❝": "❞",
    "〝": "〞〟", "″": "″", "‘": "’", "‚": "‘’", "'": "'", "‹": "›", "›": "‹", "❛": "❜",
}  # fmt: skip
SINGLE = frozenset("‘‚'")
"""Closed by what also is an apostrophe."""
_ALSO_IN_WORDS = frozenset('"״”＂″') | SINGLE
_SHORTENED = re.compile(r"\d|(?:tis|twas|em|cause|til|bout|n)\b", re.IGNORECASE)
"""Behind an apostrophe that opens nothing: ’90s, ’tis."""
_CLOSER = {opener: re.compile(f"[{closers}]") for opener, closers in CLOSERS.items()}
_BEHIND_CLOSER = re.compile(rf"\s*(?:$|\n|{MARK.pattern})|[.,;:!?)…–—]", re.IGNORECASE)
_PREFIX = re.compile(r"(?<![\u05d0-\u05ea])[ושהבכלמ]{1,3}$")
_LEFT_OUT = re.compile(r"…|\.{3,}|\[[^\[\]]{0,80}\]|\(…\)")
_NUMBER_IN_PAGE = re.compile(r"[\[(]\s*\d{1,3}\s*[\])]")
_IN_WORD = re.compile(r"(?<=\w)['’׳״\"`](?=\w)")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?…](?=[\s\"”״»]|$)|\n")
_AFTER = re.compile(rf"[\s.,;:!?)–—-]*(?:{MARK.pattern})", re.IGNORECASE)
_QUOTE_LINES = re.compile(r"(?:^[ \t]{0,3}>[^\n]*(?:\n|\Z))+", re.MULTILINE)
_QUOTE_MARK = re.compile(r"^[ \t]{0,3}(?:>[ \t]?)+", re.MULTILINE)
_NEXT_LINE = re.compile(r"\s{0,3}[^\n>]{0,300}")
_SAID_BY = re.compile(r"(?:^|\n)[ \t]*[—–-][^\n]*\s*$")


class Quotation(NamedTuple):
    start: int
    inner: int
    inner_end: int
    end: int
    """The end of the text for one that is not closed."""
    closed: bool


def checked(text: str, pages: Pages) -> str:
    """*text* without quotations of pages that do not say it."""
    mask = without_code(text)
    return applied(text, [*_of_marks(text, mask, pages), *_of_blocks(text, mask, pages)])


def in_marks(mask: str) -> Iterator[Quotation]:
    """The quotations of a text whose code is hidden, each within its paragraph."""
    for paragraph in re.finditer(r"(?:[^\n]|\n(?!\s*\n))+", mask):
        at, end = paragraph.span()
        while at < end:
            char = mask[at]
            if char not in CLOSERS or not _opens(mask, at):
                at += 1
                continue
            stop = min(end, at + MAX_CHARS + 2)
            close = _close_of(mask, at, stop)
            if close is None:
                if stop == end:
                    yield Quotation(at, at + 1, end, end, False)
                at += 1
            else:
                yield Quotation(at, at + 1, close, close + 1, True)
                at = close + 1


def settled(mask: str, quotation: Quotation) -> bool:
    """Whether nothing that follows can change what becomes of *quotation*: its number or the end of its sentence has come."""
    if not quotation.closed:
        return False
    rest = mask[quotation.end :]
    if "\n" in rest or MARK.search(rest):
        return True
    return re.search(r"[.!?]\s+\w", rest) is not None


def occurs_in(quoted: str, page_text: str) -> bool:
    """Whether *page_text* has the words of *quoted*, and between its left-out places in that order."""
    words = page_words(page_text)
    at = 0
    for piece in _LEFT_OUT.split(quoted):
        said = words_of(piece)
        if not said:
            continue
        found = words.find(f" {' '.join(said)} ", at)
        if found < 0:
            return False
        at = found + len(" ".join(said))
    return True


def words_of(text: str) -> list[str]:
    """The words of *text* as they are compared: without case, points and the marks within them."""
    text = unicodedata.normalize("NFKD", _IN_WORD.sub("", text))
    return _WORD.findall("".join(char for char in text if not unicodedata.combining(char)).casefold())


@lru_cache(maxsize=64)
def page_words(text: str) -> str:
    return f" {' '.join(words_of(_NUMBER_IN_PAGE.sub(' ', text)))} "


def _of_marks(text: str, mask: str, pages: Pages) -> list[TextEdit]:
    edits = []
    for one in in_marks(mask):
        quoted = text[one.inner : one.inner_end]
        if not one.closed or len(quoted) > MAX_CHARS or len(words_of(quoted)) < LEAST_WORDS:
            continue
        numbers = _attributed(mask, one)
        if numbers is None or _in_any(quoted, numbers, pages):
            continue
        if _is_near(quoted, numbers, pages):
            edits += [TextEdit(one.start, one.inner, ""), TextEdit(one.inner_end, one.end, "")]
        else:
            edits.append(TextEdit(one.start, one.end, GONE))
    return edits


def _of_blocks(text: str, mask: str, pages: Pages) -> list[TextEdit]:
    """Quotations by `>`, if a number is in them or on the line behind them."""
    edits = []
    for block in _QUOTE_LINES.finditer(mask):
        after = _NEXT_LINE.match(mask, block.end())
        numbers = _numbers_in(block[0]) or _numbers_in(after[0] if after else "")
        quoted = _SAID_BY.sub("", MARK.sub("", _QUOTE_MARK.sub("", text[block.start() : block.end()])))
        if not numbers or len(words_of(quoted)) < LEAST_WORDS or _in_any(quoted.strip('"“”„״«» \n'), numbers, pages):
            continue
        if _is_near(quoted, numbers, pages):
            edits += [
                TextEdit(block.start() + line.start(), block.start() + line.end(), "")
                for line in _QUOTE_MARK.finditer(block[0])
            ]
        else:
            left = "".join(f" [{number}]" for number in _numbers_in(block[0]))
            edits.append(TextEdit(block.start(), block.end(), f"> {GONE}{left}\n"))
    return edits


def _attributed(mask: str, one: Quotation) -> list[int] | None:
    """The numbers that a quotation goes by: those behind it in its sentence, else those before it; None if there are none."""
    end = _SENTENCE_END.search(mask, one.end)
    stop = end.end() if end else len(mask)
    if after := _AFTER.match(mask, end.start() if end else stop):
        stop = after.end()
    if after := _AFTER.match(mask, one.end):
        stop = max(stop, after.end())
    begin = max((found.end() for found in _SENTENCE_END.finditer(mask, 0, one.start)), default=0)
    return _numbers_in(mask[one.end : stop]) or _numbers_in(mask[begin : one.start]) or None


def _numbers_in(text: str) -> list[int]:
    return [number for found in MARK.finditer(text) for number in numbers_of(found)]


def _in_any(quoted: str, numbers: Sequence[int], pages: Pages) -> bool:
    """Whether one of the named pages says it; any page where none of the numbers is a page's, since those go."""
    named = [pages[number] for number in numbers if number in pages] or list(pages.values())
    return any(occurs_in(quoted, page.text) for page in named)


def _is_near(quoted: str, numbers: Sequence[int], pages: Pages) -> bool:
    """Whether it says nearly what a named page says. Figures are not near: each has to be there."""
    words = words_of(quoted)
    pairs = list(pairwise(words))
    figures = [word for word in words if any(map(str.isdigit, word))]
    named = [page_words(pages[number].text) for number in numbers if number in pages]
    return any(
        sum(f" {first} {second} " in page for first, second in pairs) >= NEAR * len(pairs)
        and all(f" {figure} " in page for figure in figures)
        for page in named
    )


def _close_of(mask: str, at: int, stop: int) -> int | None:
    """Where the quotation that *at* opens ends, before *stop*; None if it does not."""
    found = (one.start() for one in _CLOSER[mask[at]].finditer(mask, at + 1, stop) if _closes(mask, one.start()))
    if mask[at] not in SINGLE:
        return next(found, None)
    # `keepers' lamp` has an apostrophe that looks like an end. The end is where a number or the sentence's own marks
    # follow, else the last one.
    sentence = _SENTENCE_END.search(mask, at, stop)
    last = None
    for close in found:
        if _BEHIND_CLOSER.match(mask, close + 1):
            return close
        if sentence is None or close < sentence.start():
            last = close
    return last


def _opens(mask: str, at: int) -> bool:
    """Whether the mark at *at* begins a quotation. `"` and `״` are in Hebrew abbreviations too, and behind inches."""
    before, after = mask[at - 1 : at] if at else "", mask[at + 1 : at + 2]
    if not after.strip():
        return False
    if mask[at] in SINGLE and (before.isalnum() or _SHORTENED.match(mask, at + 1)):
        return False
    if mask[at] not in _ALSO_IN_WORDS or not before.isalnum():
        return True
    word = re.compile(r"[\u05d0-\u05ea]*").match(mask, at + 1)
    return word is not None and len(word[0]) > 1 and _PREFIX.search(mask, max(0, at - 4), at) is not None


def _closes(mask: str, at: int) -> bool:
    """Whether the mark at *at* ends a quotation: it is none within a word."""
    return not (mask[at - 1 : at].isalnum() and mask[at + 1 : at + 2].isalnum())
