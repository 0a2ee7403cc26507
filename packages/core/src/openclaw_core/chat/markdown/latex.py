"""Converts LaTeX to Unicode by telegramify-markdown's tables, except where they would show another value.

Imported by `formula` when a formula comes: with its parser the package takes 50 ms and 5 MB.
"""

import re
from typing import Any
from unicodedata import combining, normalize

from telegramify_markdown.latex_escape.const import COMBINING, FRAC_MAP, SUBSCRIPTS, SUPERSCRIPTS, CombiningType
from telegramify_markdown.latex_escape.helper import LatexToUnicodeHelper

_ALIASES = {
    "dfrac": r"\frac", "tfrac": r"\frac", "cfrac": r"\frac", "sfrac": r"\frac", "nicefrac": r"\frac", "ne": r"\neq",
    "lt": "<", "gt": ">", "degree": "°", "boldsymbol": r"\mathbf", "bm": r"\mathbf", "big": r"\left", "Big": r"\left",
    "bigg": r"\left", "Bigg": r"\left", "bigl": r"\left", "Bigl": r"\left", "bigr": r"\right", "Bigr": r"\right",
}  # fmt: skip
"""Commands that the tables do not know, by ones that they know."""
_ALIAS = re.compile(rf"\\({'|'.join(_ALIASES)})(?![A-Za-z])")
_SPACED_SCRIPT = re.compile(r"(?<!\\)\s*([\^_])\s*(?=\S)")
_ANOTHER_SENSE = frozenset({r"\cancel", r"\bcancel", r"\xcancel", r"\sout", r"\color"})
"""The tables underline what is struck out, and drop a colour's name."""
_SCRIPTS = "".join({*SUPERSCRIPTS.values(), *SUBSCRIPTS.values()} - {" "})
_WORD = re.compile(r"\s*\{?\\(?:text|mathrm|operatorname)\{\s*[^\W\d_]+\s*\}\}?")
_SPACES = re.compile(r"(?:\s|\\[,;:! ]|\\q?quad(?![A-Za-z]))*")
_OPERATOR = (
    r"\\(?:times|cdot|pm|mp|le|leq|ge|geq|neq|approx|equiv|sim|to|implies|iff|rightarrow|Rightarrow|in|{})(?![A-Za-z])"
)
_AFTER = re.compile(rf"{_OPERATOR.format('div|right|text')}|\\\\|\\end")
_BEFORE = re.compile(rf"(?:{_OPERATOR.format('left|q?quad')}\s*)$")
_OPEN_POWER = re.compile(r"(\^)([^\W_])(?=[^\W_])")
_OPEN_SCRIPT = re.compile(r"([\^_])([^\W_])(?=[^\W_])")


class UnsupportedFormula(ValueError):
    """Unicode cannot show this formula."""


def latex_to_unicode(latex: str) -> str:
    """*latex* in Unicode; unknown commands stay in it. Raises UnsupportedFormula."""
    text = _ALIAS.sub(lambda found: _ALIASES[found[1]], latex)
    text = _SPACED_SCRIPT.sub(r"\1", text)
    shown = str(_Converter().parse(text)).replace(" ^", "^")
    # `a^πb` is π as a power or πb. `\text{a\_b}` is a name, and `x_max` says it as the writer does.
    scripts = _OPEN_POWER if r"\_" in latex or "_{" not in latex else _OPEN_SCRIPT
    return scripts.sub(r"\1(\2)", shown)


_Tables: Any = LatexToUnicodeHelper  # the package has no types


class _Converter(_Tables):  # type: ignore[misc]
    def parse_block(self, latex: str, start: int) -> tuple[str, int]:
        _, start = self.parse_spaces(latex, start)  # `\frac ab`
        block: tuple[str, int] = super().parse_block(latex, start)
        return block

    def handle_command(self, command: str, latex: str, index: int) -> tuple[str, int]:
        if command == r"\frac":
            return self._fraction(latex, index)
        shown, end = super().handle_command(command, latex, index)
        several = len(_bare(shown.strip())) > 1
        if command in _ANOTHER_SENSE or (
            several and command in COMBINING and COMBINING[command][1] != CombiningType.EveryChar
        ):
            raise UnsupportedFormula(command)
        return shown, end

    def _fraction(self, latex: str, begin: int) -> tuple[str, int]:
        above, middle = self.parse_block(latex, begin)
        below, end = self.parse_block(latex, middle)
        above, below = above.strip(), below.strip()
        if not above or not below:
            raise UnsupportedFormula(latex[begin:end])
        shown = FRAC_MAP.get((above, below))
        if shown is None:
            derivative = above[0] == below[0] == "d" and len(above) <= 2 and len(below) == 2
            whole = derivative or _is_one_token(below) or _WORD.fullmatch(latex[middle:end])
            shown = f"{self.maybe_parenthesize(above)}/{below if whole else f'({below})'}"
        before, after = latex[: begin - len(r"\frac")].rstrip(), _SPACES.sub("", latex[end:], count=1)
        return f"({shown})" if _touches(shown, before, after) else shown, end


def _touches(shown: str, before: str, after: str) -> bool:
    """Whether a fraction needs brackets to stay one between what is *before* and *after* it."""
    if before[-1:] in ("^", "_"):
        return False  # a script brings its own
    if len(shown) == 1:  # ½
        return after[:1] in ("^", "_", "!", "'") or after[:1].isdigit()
    if before[-1:] in ("/", ":", "÷") or (before[-1:].isalpha() and not _BEFORE.search(before)):
        return True
    if after[:1] == "\\":
        return _AFTER.match(after) is None
    return after[:1].isalnum() or after[:1] in tuple("^_!'({[|")


def _is_one_token(text: str) -> bool:
    stem = _bare(text.rstrip(_SCRIPTS))
    return len(stem) == 1 or re.fullmatch(r"\d+(?:\.\d+)?", stem) is not None


def _bare(text: str) -> str:
    return "".join(char for char in normalize("NFD", text) if not combining(char))
