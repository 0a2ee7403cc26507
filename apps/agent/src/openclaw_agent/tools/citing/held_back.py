"""What a preview holds back: the end of a growing text of which the next words decide what becomes of it."""

import re

from openclaw_agent.tools.citing.edits import HIDDEN, without_code
from openclaw_agent.tools.citing.numbers import CLOSE, MARK, OPEN
from openclaw_agent.tools.citing.quotations import LEAST_WORDS, MAX_CHARS, SINGLE, in_marks, settled, words_of

_HALF = re.compile(
    rf"""(?:
      !?\\?(?:[{OPEN}]\s*){{1,99}}[^{OPEN}{CLOSE}\n]{{0,400}}$                                  # [1
    | !?(?!{MARK.pattern}$)\[(?:[^\[\]\n]|\[[^\[\]\n]{{0,200}}\]){{0,400}}(?:\](?:\([^)\n]{{0,4096}})?)?$  # [label](https://…
    | (?:https?|ftp|tg|ton)(?::\S*)?$ | (?<![\w.@/-])w{{2,3}}(?:\.\S*)?$
    | <[^<>\n]{{0,4096}}$ | &[\#\w]{{0,10}}$ | \\+$ | [ ]+$ | !$
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_FROM = re.compile(rf"[!\\{OPEN}<&hftw ]", re.IGNORECASE)
_LAST_CHARS = 4600
_QUOTE_LINES_AT_END = re.compile(r"(?:^|\n)(?:[ \t]{0,3}>[^\n]*(?:\n|$))+(?:\s*[^\n>]{0,300})?$")
_LIST_HEAD = re.compile(
    r"^[ \t]{0,3}(?:#{1,6}[ \t]*|\*{1,2}|_{1,2})?(?:sources?|references?|citations?|links|מקורות|מקור|קישורים)(?:[ \t]used)?[ \t]*:?(?:\*{1,2}|_{1,2})?[ \t]*:?[ \t]*$",
    re.IGNORECASE,
)
_LIST_LINE = re.compile(
    rf"[ \t]{{0,6}}(?:[-*•>]|\d{{1,3}}[.)]|\\?[{OPEN}])[^\n]{{0,600}}|[^\n]{{0,300}}https?://[^\n]{{0,600}}|[ \t-]*"
)


def shown(text: str) -> str:
    """*text* up to where the next words may change what was shown."""
    mask = without_code(text, grows=True)
    end = _before_own_list(mask, len(text))
    end = _before_half(mask, end)
    return text[: _before_open_quotation(mask, end)].rstrip(" ")


def without_own_list(text: str) -> str:
    """*text* without the list of sources that a model wrote below it: ours comes there, of what was opened."""
    mask = without_code(text)
    end = _before_own_list(mask, len(text), open_end=False)
    return text if end == len(text) else text[:end].rstrip()


def _before_own_list(mask: str, end: int, *, open_end: bool = True) -> int:
    """Where the list begins that the text ends with, if it does.

    With an *open_end* its last line may become anything, and more may come.
    """
    begin, has_lines, at = end, False, end
    while at > 0:
        start = mask.rfind("\n", 0, at - 1) + 1
        line = mask[start:at].rstrip("\n")
        if _LIST_HEAD.fullmatch(line):
            if has_lines or open_end:
                begin = start
        elif HIDDEN in line or not (_LIST_LINE.fullmatch(line) or (open_end and at == end)):
            break
        has_lines = has_lines or bool(line.strip())
        at = start
    return begin


def _before_half(mask: str, end: int) -> int:
    last = mask[max(0, end - _LAST_CHARS, mask.rfind("\n", 0, end) + 1) : end]
    half = next((half for at in _FROM.finditer(last) if (half := _HALF.match(last, at.start()))), None)
    return end if half is None else end - len(last) + half.start()


def _before_open_quotation(mask: str, end: int) -> int:
    text = mask[:end]
    if block := _QUOTE_LINES_AT_END.search(text):
        end = block.start()
    for one in in_marks(text):
        if one.start >= end or settled(text, one):
            continue
        quoted = text[one.inner : one.inner_end]
        if not one.closed and ("\n\n" in text[one.start :] or len(quoted) > MAX_CHARS):
            continue  # it has no end in its paragraph
        if one.closed and len(words_of(quoted)) < LEAST_WORDS and text[one.start] not in SINGLE:
            continue  # a single mark that ends it may yet turn out to be an apostrophe
        return one.start
    return end
