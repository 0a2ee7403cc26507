"""The shape of an answer: its language, its length, its format."""

import re

from pydantic import Field

from openclaw_cli.eval.answers.graders.grader import Grader, ToGrade
from openclaw_cli.eval.answers.graders.reading import HEBREW_LETTERS, code_blocks, prose, without_numbering
from openclaw_core.characters import cleaned
from openclaw_core.chat.markdown import blocks
from openclaw_core.ports import Lang
from openclaw_core.texts.language import hebrew_share

_WORD = re.compile(r"[^\W_]+(?:['’׳\"״.,:/-][^\W_]+)*")
_HTML = re.compile(
    r"</?(?:p|br|div|span|b|i|u|a|ul|ol|li|table|tr|td|h[1-6]|img|pre|code|blockquote)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_LATEX = re.compile(r"\$\$.+?\$\$|\\\(|\\\[|\\(?:frac|text|times|sqrt|sum)\b", re.DOTALL)
_LINK = re.compile(r"\]\(https?://|https?://\S|www\.\w")
_TABLE = re.compile(r"^\s*\|?[\s:|-]*-{3,}[\s:|-]*\|[\s:|-]*$", re.MULTILINE)
_FIRST_LETTER = re.compile(rf"[A-Za-z{HEBREW_LETTERS}]")


class Language(Grader):
    lang: Lang | None = None
    """en or he; without it, the task's."""
    share: float = Field(default=0.6, gt=0, le=1)
    """The least share of its letters in the answer's prose. Names and terms of the other script are no fault."""

    def fault(self, seen: ToGrade) -> str:
        lang = self.lang or seen.lang
        text = prose(seen.answer.markdown)
        if not any(map(str.isalpha, text)):
            return "has no prose"
        hebrew = hebrew_share(text)
        share = hebrew if lang == "he" else 1 - hebrew
        return "" if share >= self.share else f"{share:.0%} of its letters are {lang}; {self.share:.0%} must be"


class Length(Grader):
    min_words: int = Field(default=1, ge=0)
    """The fewest words of prose. Code does not count."""
    max_words: int = Field(default=100_000, ge=1)
    """The most words of prose. A phone shows about 60 at once."""

    def fault(self, seen: ToGrade) -> str:
        words = words_in(seen.answer.markdown)
        if words < self.min_words:
            return f"has {words} words; {self.min_words} must be there"
        return "" if words <= self.max_words else f"has {words} words; {self.max_words} are allowed"


class Format(Grader):
    code: bool | None = None
    """true: it has a block of code; false: it has none."""
    code_language: str | None = None
    """A block of code must name this language, such as `bash`."""
    code_line_max_chars: int | None = Field(default=None, ge=20)
    """The longest line of code."""
    min_bullets: int = Field(default=0, ge=0)
    """The fewest items of lists."""
    max_bullets: int | None = Field(default=None, ge=0)
    """The most items of lists."""
    table: bool | None = None
    """true: it has a table; false: it has none."""
    heading: bool | None = None
    """true: it has a heading; false: it has none."""
    html: bool | None = None
    """true: it has HTML; false: it has none."""
    latex: bool | None = None
    """true: it has LaTeX; false: it has none."""
    link: bool | None = None
    """true: it has an address; false: it has none, since the bot writes the links."""
    hebrew_lines: bool = False
    """Whether each line of prose must begin with a Hebrew word, so that a chat shows it from right to left."""

    def fault(self, seen: ToGrade) -> str:
        text = seen.answer.markdown
        fenced = code_blocks(text)
        bare = prose(text)
        tokens = [token.type for token in blocks.tokens(cleaned(text))]
        has = {
            "code": bool(fenced),
            "table": "table_open" in tokens or _TABLE.search(bare) is not None,
            "heading": "heading_open" in tokens,
            "html": _HTML.search(bare) is not None,
            "latex": _LATEX.search(bare) is not None,
            "link": _LINK.search(bare) is not None,
        }
        faults = [
            f"has {'no ' if wanted else ''}{name}"
            for name, there in has.items()
            if (wanted := getattr(self, name)) is not None and wanted is not there
        ]
        if self.code_language is not None and self.code_language not in {block.language for block in fenced}:
            faults.append(f"has no block of {self.code_language}")
        longest = max((len(line) for block in fenced for line in block.code.splitlines()), default=0)
        if self.code_line_max_chars is not None and longest > self.code_line_max_chars:
            faults.append(f"has a line of code of {longest} characters")
        bullets = tokens.count("list_item_open")
        if bullets < self.min_bullets:
            faults.append(f"has {bullets} items; {self.min_bullets} must be there")
        if self.max_bullets is not None and bullets > self.max_bullets:
            faults.append(f"has {bullets} items; {self.max_bullets} are allowed")
        if self.hebrew_lines and (wrong := _lines_that_begin_otherwise(text)):
            faults.append(f"{wrong} lines begin with no Hebrew word")
        return "; ".join(faults)


def words_in(markdown: str) -> int:
    """The words of *markdown*'s prose. A date, a time or an amount is one."""
    return len(_WORD.findall(without_numbering(prose(markdown))))


def _lines_that_begin_otherwise(markdown: str) -> int:
    hidden = re.sub(
        r"`[^`\n]*`", "x", re.sub(r"^ {0,3}(```|~~~).*?^ {0,3}\1[ \t]*$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    )
    firsts = (_FIRST_LETTER.search(line) for line in without_numbering(hidden).splitlines())
    return sum(first is not None and first[0].isascii() for first in firsts)
