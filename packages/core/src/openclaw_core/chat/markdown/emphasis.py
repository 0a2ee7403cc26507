"""Decides which `*`, `_` and `~~` are emphasis and which are text.

CommonMark reads `2*3*4` as italics and leaves `ה**"מודל"** החדש` alone. Here a mark counts if it looks like one: it hugs
its text, and what is around a pair is not a product, a power, a glob, a pointer or a name. In doubt it stays as written.
"""

import re
from dataclasses import dataclass
from unicodedata import category

KINDS = {("*", 1): "italic", ("_", 1): "italic", ("*", 2): "bold", ("_", 2): "bold", ("~", 2): "strikethrough"}
"""By mark and width. Three are both; four and more, or one `~`, are text."""

_OPENING = frozenset("([{")
_BEFORE_NAME = frozenset("$@#\\/.=&%+)]")
_BEHIND_NAME = frozenset("$@#\\/=&%+([")
"""Beside `_` these belong to a name or an address: `$_GET`, `/_next/`, `f(x)_1`."""
_LABEL_ENDS = frozenset(".:!?…%\"'”’״׳»")
_GLOB_STARTS = frozenset("./\\=)]},;:|")
_BEHIND_OPENING = frozenset(",;:)]}=|")
"""`_, x = f()`, `_ => 1`, `{_: 1}`"""
_CLOSING_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "”“", "‘": "’", "«": "»"}
_OPENING_QUOTES = {'"': '"', "'": "'", "”": "“„", "“": "„", "’": "‘", "»": "«"}
_QUOTES = frozenset([*_CLOSING_QUOTES, "״", "׳"])
_ENCLOSED = frozenset([opening + closing for opening in _CLOSING_QUOTES for closing in _CLOSING_QUOTES[opening]])
_ENCLOSED |= {"״״", "׳׳", "``", "()", "[]", "{}", "<>"}
"""A mark between these is text: `"*"`, `[_]`."""
_SAID_IN_WORD = re.compile(r"""[^\W_](?:[^\W_]|["'״׳ .,:-])*|\([^()*_]+\)""")
_LABEL = re.compile(r"\w{1,3}\)")
_DUNDER = re.compile(r"[a-z0-9_]+|[A-Z0-9_]+")
_HEBREW_PREFIX = re.compile(r"(?:^|[^\w\u0590-\u05ff])[ושהכלבמ]{1,3}$")


@dataclass(slots=True)
class MarkRun:
    """Equal marks in a row. *part* is their index among the parts of the text; *left* of them are not used yet."""

    mark: str
    size: int
    part: int
    at: int
    before: str
    after: str
    opens: bool
    closes: bool
    letters_before: int
    """How many letters the word before the marks has; two stand for many."""
    left: int


def run_at(source: str, at: int, end: int, *, part: int) -> MarkRun:
    """The run of marks at source[at:end] with what it may be, judged by its neighbours."""
    mark, size = source[at], end - at
    before, after = _neighbour(source, at - 1, -1), _neighbour(source, end, 1)
    opens = closes = False
    if before + after not in _ENCLOSED and ((mark, size) in KINDS or (size == 3 and mark != "~")):
        hugs_next, hugs_last = not _blank(after), not _blank(before)
        prefix = _HEBREW_PREFIX.search(source, max(0, at - 4), at) is not None
        if mark == "*":
            if size == 1 and _word(before):  # not `price*amount`
                opens = hugs_next and (prefix or (not before.isascii() and after in _QUOTES))
            else:
                opens = hugs_next and _star_opens(before, after, source[end + 1 : end + 2], size)
            closes = hugs_last and _star_closes(before, after, size)
        elif mark == "_":
            called = after in _BEHIND_OPENING or (after == "." and source[end + 1 : end + 2].islower())  # `_.map(x)`
            opens = hugs_next and (not _word(before) or prefix) and before not in _BEFORE_NAME and not called
            goes_on = _word(after) and (after.isascii() or before not in _LABEL_ENDS)
            closes = hugs_last and not goes_on and after not in _BEHIND_NAME
        else:
            opens, closes = hugs_next, hugs_last
    letters = _letter(before) + (_letter(before) and at > 1 and _letter(source[at - 2]))
    return MarkRun(
        mark=mark,
        size=size,
        part=part,
        at=at,
        before=before,
        after=after,
        opens=opens,
        closes=closes,
        letters_before=letters,
        left=size,
    )


def _star_opens(before: str, after: str, second: str, size: int) -> bool:
    if _word(before):
        if _ascii_word(before) and _ascii_word(after):
            return size > 1 and not (before.isdigit() or after.isdigit())
        return not before.isascii() or _word(after)
    if before + after == "//" or (before in (")", "]") and (size == 1 or after.isascii())):
        return False  # `src/**/*.ts`, `f(x)*g`
    if size == 1:
        return after not in _GLOB_STARTS
    if after == "=":
        return not second.isascii() and _letter(second)
    return not (after == "/" and second == "*") and after not in ")]},;"


def _star_closes(before: str, after: str, size: int) -> bool:
    if before in _OPENING or before == "<" or after in ("\\", "$", "#", "@"):
        return False
    if _word(after):
        if _word(before):
            if size == 1:
                return not before.isascii() and not after.isascii()
            return not after.isdigit() and not (before.isdigit() and after.isascii())
        return not after.isascii() or (size > 1 and before in _LABEL_ENDS)
    return not (before == "/" and after in ("/", "."))


def is_pair(opener: MarkRun, closer: MarkRun, width: int, content: str) -> bool:
    """Whether *opener* and *closer* are marks around *content* and not two operators."""
    if not content or _crosses_quotes(opener.before, closer.after, content):
        return False
    if opener.mark == "_":
        if width == 2:  # `__init__`
            return "__" not in content and _DUNDER.fullmatch(content) is None
        return re.fullmatch("[A-Z0-9_]{2,}", content) is None
    if opener.mark == "~":
        return True
    if opener.before + closer.after == "//":
        return False
    if opener.before in (")", "]", ">") and (closer.after in _OPENING or closer.after.isdigit()):
        return False
    if _ascii_word(closer.before) and closer.after in _OPENING and (closer.before.isdigit() or " " in content):
        return False
    goes_on = not _blank(closer.after) and closer.after not in ".,:;!?…"
    label = not closer.after.isascii() and _blank(opener.before) and _LABEL.fullmatch(content)  # `**א)**ב`
    if (opener.before in _OPENING or goes_on) and content.count(")") > content.count("(") and not label:
        return False  # `f(*args)*x`
    if content[0] == "/" and (content[-1] == "/" or " " in content):
        return False
    if _word(opener.before) and _word(closer.after):
        return width == 2 and _is_within_word(opener, closer, content)
    if _ascii_word(opener.before) and not all(_letter(char) or char.isspace() for char in content):
        return False
    suffix = _word(closer.before) and (_ascii_word(closer.after) or (width == 1 and _word(closer.after)))
    if suffix and not all(map(_letter, content)):
        return False
    return width == 2 or any(char.isalpha() or not char.isascii() for char in content)


def _is_within_word(opener: MarkRun, closer: MarkRun, content: str) -> bool:
    """Whether bold *content* is a part of a word, and not of a power or a product."""
    if not _letter(closer.after):
        return False
    if all(map(_letter, content)):
        return opener.letters_before > (len(content) == 1 or opener.before.isascii())
    hebrew = not opener.before.isascii() and not closer.after.isascii()
    return hebrew and len(content) > 1 and _SAID_IN_WORD.fullmatch(content) is not None


def _crosses_quotes(before: str, after: str, content: str) -> bool:
    """Whether a quotation around one of the marks ends or begins between them: `"*a" or "b*"`."""
    quotes = _CLOSING_QUOTES.get(before, "") + _OPENING_QUOTES.get(after, "")
    return bool(quotes) and any(
        not (_word(content[found.start() - 1 : found.start()]) and _word(content[found.end() : found.end() + 1]))
        for found in re.finditer(f"[{quotes}]", content)
    )


def _neighbour(source: str, at: int, step: int) -> str:
    """The next character in that direction, without invisible marks of direction, and after the edge of `__name__`."""
    first = ""
    for _ in range(4):
        if not 0 <= at < len(source):
            break
        char = source[at]
        if char != "_" and category(char) != "Cf":
            return first if first and not _word(char) else char
        first = first or (char if char == "_" else "")
        at += step
    return first


def _blank(char: str) -> bool:
    return not char or char.isspace()


def _letter(char: str) -> bool:
    return bool(char) and (char.isalpha() or category(char)[0] == "M")


def _word(char: str) -> bool:
    return bool(char) and (char.isalnum() or category(char)[0] == "M")


def _ascii_word(char: str) -> bool:
    return char.isascii() and char.isalnum()
