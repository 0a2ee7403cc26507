"""The list below an answer: "domain · title" of each opened page.

Titles are a stranger's words and nothing else: no mark of theirs is one.
"""

import re
from collections.abc import Sequence

from openclaw_agent.tools.citing.numbers import target
from openclaw_agent.tools.framing import one_line
from openclaw_agent.tools.opened import Source
from openclaw_core.ports import Lang
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence

TITLE_MAX_CHARS = 90
_RTL = "\u200f"
_BRACKETS = str.maketrans("[]［］【】〔〕⁅⁆<>", "()()()()()‹›")
_MARKS = re.compile(r"[!-/:-@\[-`{-~]")


def source_list(cited: Sequence[Source], others: Sequence[Source], lang: Lang) -> str:
    """Markdown: the *cited* pages in that order, the *others* folded below them."""
    # A line of Latin words alone would stand at the left of a Hebrew list: an app takes its direction from its first letter.
    mark = _RTL if lang == "he" else ""
    parts = []
    if cited:
        parts.append(
            "\n".join([f"**{wording.sentence(Sentence.SOURCES, lang)}**", *(f"{mark}{_line(page)}" for page in cited)])
        )
    if others:
        lines = "\n".join(
            [f"**{wording.sentence(Sentence.ALSO_READ, lang)}**", *(f"{mark}{_line(page)}" for page in others)]
        )
        parts.append(f"<blockquote expandable>\n{lines}\n</blockquote>")
    return "\n\n".join(parts)


def _line(page: Source) -> str:
    """All of it is the link: of a domain that is in a title a chat would make one by itself."""
    title = one_line(page.title, TITLE_MAX_CHARS).translate(_BRACKETS)
    words = f"{page.domain} · {title}" if title and title != page.domain else page.domain
    return f"[[{page.number}] {literal(words)}]({target(page.url)})"


def literal(words: str) -> str:
    """*words* as Markdown that says just them."""
    return _MARKS.sub(lambda mark: f"&#{ord(mark[0])};", words)
