"""Edits a text with spans before it is cut into pages: long code is moved to files, lines of Hebrew texts get direction marks.

Everything here is pure. Positions are code points.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from openclaw_core.chat.markdown.spans import CODE_KINDS, QUOTE_KINDS, TextSpan
from openclaw_core.ports import AnswerFile, Lang
from openclaw_core.texts import wording
from openclaw_core.texts.language import hebrew_share, is_hebrew

CODE_MAX_LINES = 50
"""Longer code is moved to a file; this many of its lines stay in the message."""
CODE_MAX_CHARS = 3500
"""Longer code is moved to a file too."""
HEBREW_SHARE = 0.3
"""The least share of Hebrew letters in a text that is laid out from right to left."""
DIRECTION_LETTERS = 2000
"""The first letters decide the direction, so that it does not change while a text grows."""
FOREIGN_WORDS = 3
"""A line without Hebrew and with more words keeps its own direction."""

_RLM = "\u200f"
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


def move_long_code(text: str, spans: list[TextSpan], lang: Lang) -> tuple[str, list[TextSpan], tuple[AnswerFile, ...]]:
    edits: list[_Edit] = []
    files: list[AnswerFile] = []
    for span in spans:
        if span.kind != "pre":
            continue
        code = text[span.start : span.end]
        lines = code.split("\n")
        if len(lines) <= CODE_MAX_LINES and len(code) <= CODE_MAX_CHARS:
            continue
        name = _file_name(span.language, lines[0], taken={file.name for file in files})
        files.append(AnswerFile(name=name, content=code + "\n"))
        excerpt = "\n".join(lines[:CODE_MAX_LINES])
        if len(excerpt) > CODE_MAX_CHARS:
            excerpt = excerpt[: max(excerpt.rfind("\n", 0, CODE_MAX_CHARS), 0) or CODE_MAX_CHARS]
        edits += [
            _Edit(span.start + len(excerpt), span.end, "\n…"),
            _Edit(span.end, span.end, "\n" + wording.rest_is_in_file(name, lang)),
        ]
    return *_edited(text, spans, edits), tuple(files)


def _file_name(language: str | None, first_line: str, *, taken: set[str]) -> str:
    """The file name in the first line of the code, else one by language; unique among *taken*."""
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


def add_direction_marks(text: str, spans: list[TextSpan]) -> tuple[str, list[TextSpan]]:
    """Add U+200F to lines of a Hebrew text that would be laid out from left to right.

    Telegram has no direction flag: each line takes the direction of its first strong character.
    """
    if not any("\u0590" <= char <= "\u05ff" for char in text):
        return text, spans
    code = [span for span in spans if span.kind in CODE_KINDS]
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


def _outside(text: str, spans: Sequence[TextSpan]) -> Iterator[str]:
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


def _edited(text: str, spans: list[TextSpan], edits: Sequence[_Edit]) -> tuple[str, list[TextSpan]]:
    """Apply *edits*, which are in order and do not overlap, and move the spans with their text.

    Text inserted at the edge of a span stays outside, except for quotations, which must begin at a line.
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
            start=moved(span.start, past_insertion=span.kind not in QUOTE_KINDS),
            end=moved(span.end, past_insertion=False),
        )
        for span in spans
    ]
