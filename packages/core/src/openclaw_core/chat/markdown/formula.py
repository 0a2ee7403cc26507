"""Finds LaTeX in an answer and converts it to Unicode."""

import re
from unicodedata import normalize

from openclaw_core.chat.markdown.spans import RichText

MAX_CHARS = 1000
_MAX_DEPTH = 20
_PRICE = re.compile(r"\$\d[\d,.]*(?:[kKmMbB]\b)?(?![\w^\\{])(?!\s*[-+=*^<>\\]\s*(?:[\d\\{(]|[A-Za-z]\b))")
_NUMBER_ONLY = re.compile(r"\$\d[\d,.]*[kKmMbB]?\s*[-+=*^<>\\]?\s*$")
_NOT_MATH = re.compile(r"`|&&|(?<!\\);\s*[a-z]{2,}\b|\\[dDwWsSbB](?![A-Za-z])|\\[()\[\]]")
"""Code, commands of a shell, a regular expression, another formula."""
_TEXT = re.compile(r"\\\w+\{[^{}]*\}|\\[A-Za-z]+")
_PROSE = re.compile(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_LIKE_MATH = re.compile(r"[\\^_={}]")
_ALTERNATIVES = re.compile(r"[\w.*+?]+(?:\\\|[\w.*+?]+)+")
"""A group of `grep` and `sed`, `\\(x\\|y\\)`; a norm has its signs in pairs around something."""
_ALONE = re.compile(r"(?:[_^](?:\{[^{}]*\}|\\[A-Za-z]+|[^\W_])){1,2}")
"""A script of the word before the formula, as in `CO$_2$`."""
_ONE_TOKEN = re.compile(r"[A-Za-z](?:\S{0,11}[^\s*/+:.,;=-])?")


def is_price(source: str, at: int) -> bool:
    """Whether the `$` at *at* begins an amount of money."""
    return _PRICE.match(source, at) is not None


def undecided(source: str, at: int) -> bool:
    """Whether the text ends so soon after `$` that it may become a price or a formula."""
    return _NUMBER_ONLY.match(source, at) is not None


def is_formula(text: str, *, spaced_word: bool = True) -> bool:
    """Whether what is between two `$`, or in `\\(…\\)`, is math: not two prices, shell variables or a regular expression.

    Without *spaced_word* a word with spaces around it is none: `kill $$ and $$`.
    """
    if len(text) > MAX_CHARS or not text.strip() or _NOT_MATH.search(text) or _ALTERNATIVES.fullmatch(text):
        return False
    if text.lstrip()[0] in "_^" and not _ALONE.fullmatch(text.strip()):
        return False
    if _PROSE.search(_TEXT.sub(" ", text)):
        return False
    if not spaced_word and text[0].isspace() and len(text.strip()) > 1 and not _LIKE_MATH.search(text):
        return False
    return _LIKE_MATH.search(text) is not None or _ONE_TOKEN.fullmatch(text.strip()) is not None


def render_formula(latex: str) -> RichText:
    """The formula in Unicode, as code. It stays LaTeX if a letter would be lost or it is nested too deep."""
    text = latex.strip()
    shown = _unicode(text)
    # The converter drops what it does not understand: then the writer's own notation says more.
    if shown is None or _COMMAND.search(shown) or not _kept(text, shown):
        shown = text
    rows = [" ".join(row.split()) for row in shown.split("\n") if row.strip()]
    return RichText("\n".join(rows)).marked("code" if len(rows) == 1 else "pre")


def _unicode(latex: str) -> str | None:
    if re.fullmatch(r"(?:[^\W_]|[\s.,])*", latex):
        return latex
    depth = deepest = 0
    for char in latex:
        depth += (char == "{") - (char == "}")
        deepest = max(deepest, depth)
        if depth < 0:
            return None
    if depth or deepest > _MAX_DEPTH or latex.count("\\sqrt") + latex.count("\\frac") > 2 * _MAX_DEPTH:
        return None
    # Imported here: it takes 50 ms and 5 MB, and few answers have formulas.
    from openclaw_core.chat.markdown import latex as unicode

    try:
        return unicode.latex_to_unicode(latex)
    except (unicode.UnsupportedFormula, RecursionError, IndexError):
        return None


def _kept(latex: str, shown: str) -> bool:
    """Whether every letter and digit of *latex* outside of commands is in *shown*, in any order."""
    left = list(_letters(shown))
    for char in _letters(_COMMAND.sub(" ", re.sub(r"\\(?:begin|end)\{\w+\*?\}", " ", latex))):
        if char not in left:
            return False
        left.remove(char)
    return True


def _letters(text: str) -> str:
    return "".join(char for char in normalize("NFKD", text).replace("⁄", "/") if char.isalnum())
