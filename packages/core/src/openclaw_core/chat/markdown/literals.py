"""Where a backslash is one: in paths, regular expressions and quoted arguments of commands that search.

Elsewhere it escapes a mark, and only one that some Markdown has (docs/decisions/0008).
"""

import re

ESCAPABLE = frozenset("\\`*_{}[]()<>#+-=.!|~&$")
"""Marks of CommonMark, of its tables and formulas, and of Telegram's MarkdownV2. Nobody needs `\\/` or `\\"` in a text."""

_WORD = re.compile(r"\S{1,400}")
_LITERAL_WORD = re.compile(
    r"""\\[A-Za-z0-9]                                        # \\d+, (a)\\1, dir\\name
    | (?<![A-Za-z])[A-Za-z]:\\ | ^[("'`]?\.\.?\\ | \w\\\*\.\w   # C:\\_x, ..\\_x, src\\*.py
    | \\[\])}.][+?*][\w\\([$] | \\\]\+ | \\[\])}.]\{          # \\[a-z\\]+, \\.*x
    | ^[("'`]?\^\S{0,200}\\[^\w\s]                              # ^\\.$
    | ^[("'`]*(?:s|y|m|tr|qr)?/\S{0,200}\\[^\w\s]\S{0,200}/ # s/\\*/x/
    | [^\s\\|]\\\|[^\s|]                                        # x\\|y
    | \[\^?\\[.\]/+-]                                           # [\\.-]
    """,
    re.VERBOSE,
)
_ARGUMENT = re.compile(
    r"""(?<![\w./-])(?:[ef]?grep|rg|sed|awk|perl|find|findstr|expr)[ ]+(?:[\w./=-]{1,60}[ ]+){0,6}("[^"\n]{0,200}"|'[^'\n]{0,200}')"""
)


def ranges(source: str) -> list[tuple[int, int]]:
    """Where backslashes of *source* are said, in order: from the first one of a word to the word's end."""
    if "\\" not in source:
        return []
    words = (word for word in _WORD.finditer(source) if "\\" in word[0] and _LITERAL_WORD.search(word[0]))
    found = [(source.index("\\", word.start()), word.end()) for word in words]
    return sorted([*found, *(argument.span(1) for argument in _ARGUMENT.finditer(source))])
