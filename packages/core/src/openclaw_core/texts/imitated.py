"""Takes out of a model's text the lines that only we write below an answer: what ran, what was read of a document, that nothing was opened.

They are true because a record makes them. A model that has seen them in the chat's memory writes them too, and a page can ask it to. Pure.
"""

import re
import unicodedata

from openclaw_core.texts import code_words, wording
from openclaw_core.texts.code_words import claims_run
from openclaw_core.texts.documents import claims_read
from openclaw_core.texts.wording import Sentence

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)(.*)$")
_OUTPUT = frozenset({"", "text", "txt", "console", "output"})
"""Languages of a block that shows what a program printed."""
_MARKS = re.compile(r"^(?:[\s#>•+-]|[*_]+|\d{1,2}[.)])+|[`*_]+|\s+$")
_MAYBE = re.compile(r"[▶►▷⏵📄]|(?:try|ניסיון)\b", re.IGNORECASE)
"""How such a line begins."""
_NOTES = frozenset(
    words.casefold()
    for words in (
        *(
            wording.sentence(one, lang)
            for one in (Sentence.FROM_MEMORY, Sentence.FROM_PICTURE)
            for lang in ("en", "he")
        ),
        *(words for said in (*code_words.NOT_RUN.values(), code_words.NOT_ASKED) for words in said.values()),
    )
)


def without_imitated(markdown: str, *, grows: bool = False) -> str:
    """*markdown* without such lines, and without a block of output that follows them. Other code is left as it is.

    *grows*: the last line is not whole, and is held back if it begins like one of ours.
    """
    lines = markdown.split("\n")
    kept: list[str] = []
    fence, claimed, dropping, dropped = "", False, False, False
    for n, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not (mark[2] or mark[3].strip()):
                fence, claimed = "", False
                if dropping:
                    dropping, dropped = False, True
                    continue
        elif mark and (mark[1][0] == "~" or "`" not in mark[3]):
            fence, dropping = mark[1], claimed and mark[2].lower() in _OUTPUT
        elif _is_ours(line) or (grows and n == len(lines) - 1 and _MAYBE.match(_bare(line))):
            claimed, dropped = claimed or claims_run(_bare(line)), True
            continue
        elif not line.strip():
            if dropped and (not kept or not kept[-1].strip()):
                continue
        else:
            claimed = False
        if not dropping:
            kept.append(line)
            dropped = dropped and not line.strip()
    return markdown if len(kept) == len(lines) else "\n".join(kept).rstrip()


def _is_ours(line: str) -> bool:
    bare = _bare(line)
    return bool(bare) and (claims_run(bare) or claims_read(bare) or bare.casefold() in _NOTES)


def _bare(line: str) -> str:
    """*line* without marks of Markdown and characters without a look."""
    seen = "".join(char for char in line if unicodedata.category(char) != "Cf" and char != "\ufe0f")
    return _MARKS.sub("", seen)
