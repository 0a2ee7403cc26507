"""HTML in an answer: the tags that a chat can show become formatting, if they come in pairs. All others are text."""

import re
from collections.abc import Iterable

TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]{0,15})(?P<rest>(?:\s[^<>]{0,500})?)/?>")
HALF_TAG = re.compile(r"</?(?:[A-Za-z][^<>\n]{0,500})?$")
"""A tag, or an address in angle brackets, that the text breaks off in."""
AUTOLINK = re.compile(
    r"<(?:(?:mailto|tel):)?(?P<address>https?://[^\s<>]{1,4096}|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|\+?[\d()-]{5,20})>",
    re.IGNORECASE,
)
REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
HALF_REFERENCE = re.compile(r"&(?:#?[A-Za-z0-9]{0,32})$")
ATTRIBUTE = re.compile(r"""\b(href|src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)

FORMATS: dict[str, str] = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "cite": "italic", "var": "italic", "u": "underline",
    "ins": "underline", "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "mark": "bold", "a": "",
    "span": "", "font": "", "small": "", "big": "", "abbr": "",
}  # fmt: skip
"""What stands between a pair of these gets that formatting, or none."""
VERBATIM = frozenset({"code", "kbd", "samp", "tt"})
"""Nothing between a pair of these is Markdown."""
BREAKS = frozenset({"br", "hr"})
BLOCKS = frozenset(
    [
        "p",
        "div",
        "details",
        "summary",
        "ul",
        "ol",
        "li",
        "center",
        "section",
        "article",
        "header",
        "footer",
        "dl",
        "dt",
        "dd",
    ]
    + [f"h{level}" for level in range(1, 7)]
)
"""These end a line; they count only where they stand at the edge of one, in pairs."""

_SUPERSCRIPT = dict(zip("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", strict=True))
_SUBSCRIPT = dict(zip("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", strict=True))
RAISED = re.compile(r"<(?P<kind>sup|sub)>(?P<text>[^<>\n]{1,40})</(?P=kind)>", re.IGNORECASE)


def raised(kind: str, text: str) -> str:
    """`x<sup>2</sup>` without its tags: x², or x^(…) where there are no such characters, so that no power is lost."""
    table, mark = (_SUPERSCRIPT, "^") if kind.lower() == "sup" else (_SUBSCRIPT, "_")
    if all(char in table for char in text):
        return "".join(table[char] for char in text)
    return f"{mark}{text}" if len(text) == 1 else f"{mark}({text})"


def attributes(tag: str) -> dict[str, str]:
    """The addresses of a tag and the words for its picture."""
    return {
        name.lower(): quoted or single or bare for name, quoted, single, bare in ATTRIBUTE.findall(tag)
    }  # the last of two of a name, as good as the first


def at_edge(source: str, start: int, end: int, *, closing: bool) -> bool:
    """Whether nothing but tags stands before an opening tag on its line, or after a closing one."""
    if closing:
        stop = source.find("\n", end)
        rest = source[end : stop if stop >= 0 else len(source)][:600].strip()
    else:
        rest = source[source.rfind("\n", 0, start) + 1 : start][-600:].strip()
    return not rest or (rest.startswith("<") if closing else rest.endswith(">")) or rest in ("-", "*", "•")


def blocks_in_pairs(sources: Iterable[str]) -> frozenset[str]:
    """The names of `BLOCKS` that are opened at the beginning of a line and closed at the end of one, anywhere in the answer."""
    opened: set[str] = set()
    closed: set[str] = set()
    for source in sources:
        if "<" not in source:
            continue
        for tag in TAG.finditer(source):
            name, closing = tag["name"].lower(), bool(tag["end"])
            if name in BLOCKS and at_edge(source, tag.start(), tag.end(), closing=closing):
                (closed if closing else opened).add(name)
    return frozenset(opened & closed) | ({"li"} if "li" in opened and opened & closed & {"ul", "ol"} else set())
