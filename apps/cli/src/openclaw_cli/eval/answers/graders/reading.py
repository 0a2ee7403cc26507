"""Texts as graders compare them: folded, without Markdown's marks, and with code apart."""

import re
import unicodedata
from dataclasses import dataclass, field

from openclaw_core.characters import cleaned
from openclaw_core.chat.markdown import blocks
from openclaw_core.chat.markdown.code_ranges import code_ranges

HEBREW_LETTERS = "\u05d0-\u05ea"
_POINTS = re.compile("[\u0591-\u05bd\u05bf-\u05c7]")
_BIDI = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069]")
_SIGNS = str.maketrans({**dict.fromkeys("“”„״‟«»", '"'), **dict.fromkeys("‘’׳‛", "'"), **dict.fromkeys("–—‑‐־−", "-")})
_MARKS = re.compile(r"[*_`~]+")
_SPACE = re.compile(r"\s+")
_CITATION = re.compile(r"\[*\[\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\]\]*(?:\([^()\s]*\))?")
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_STATEMENT = re.compile(
    r"^[ \t]*(?:import [\w.]+|from [\w.]+ import .+|(?:def|class) \w+.*:|(?:for|while|if|with|try|else|except)\b[^.!?]*:|[\w.]+\([^()]*\)"
    r"|[\w.]+ = \S.*|#!/.*)[ \t]*$",
    re.MULTILINE,
)
"""A line that is one of a program and no sentence."""
_ITEM = re.compile(r"^([ \t]*)(?:[-*+•]|\d{1,2}[.)])[ \t]+", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBlock:
    """A fenced block of an answer."""

    language: str
    """In small letters, as it is behind the fence; empty if nothing does."""
    code: str = field(repr=False)


def folded(text: str) -> str:
    """*text* in small letters on one line, without marks, vowel points and signs of direction; quotes and dashes of one kind."""
    text = _POINTS.sub("", unicodedata.normalize("NFKC", _BIDI.sub("", text)))
    return _SPACE.sub(" ", _MARKS.sub("", text.translate(_SIGNS)).casefold()).strip()


def code_blocks(markdown: str) -> tuple[CodeBlock, ...]:
    """The fenced blocks, in order."""
    return tuple(
        CodeBlock(language=(token.info.split() or [""])[0].lower(), code=token.content)
        for token in blocks.tokens(cleaned(markdown))
        if token.type == "fence"
    )


def code_lines(markdown: str) -> int:
    """How many lines of a program there are: in blocks with a fence or indented, in a line of the prose, and statements within one."""
    tokens = list(blocks.tokens(cleaned(markdown)))
    in_blocks = [token.content for token in tokens if token.type in ("fence", "code_block")]
    lines = sum(len(one.splitlines()) for one in in_blocks)
    spans = sum(";" in span for span in _SPAN.findall(cleaned(markdown)))
    return lines + spans + len(_STATEMENT.findall(prose(markdown)))


def prose(markdown: str) -> str:
    """*markdown* without its code."""
    text = cleaned(markdown)
    parts, at = [], 0
    for begin, end in code_ranges(text):
        parts.append(text[at:begin])
        at = end
    return " ".join([*parts, text[at:]])


def without_numbering(markdown: str) -> str:
    """*markdown* without the marks of lists and the numbers of pages: they are no figures of its text."""
    return _CITATION.sub(" ", _ITEM.sub(r"\1", markdown))


def word_forms(word: str) -> set[str]:
    """A folded word, and what is left of it without one to three letters that Hebrew writes at its front."""
    forms = {word}
    for size in (1, 2, 3):
        if len(word) > size + 1 and re.fullmatch("[ושהבכלמ]+", word[:size]):
            forms.add(word[size:].lstrip("-"))
    return forms
