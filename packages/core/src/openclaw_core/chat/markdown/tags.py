"""Converts HTML tags: pairs that a chat can show become formatting. All others are text."""

import re
from collections.abc import Iterable, Sequence

from markdown_it.token import Token

TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]{0,15})(?P<rest>(?:\s[^<>]{0,500})?)/?>")
HALF_TAG = re.compile(r"<(?:!-{0,2}|/?(?:[A-Za-z][^<>\n]{0,500})?)$")
"""An unfinished tag, comment or address in angle brackets at the end of a text."""
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
    "tg-spoiler": "spoiler", "dfn": "italic", "q": "", "span": "", "font": "", "small": "", "big": "", "abbr": "",
}  # fmt: skip
"""What is between a pair of these gets that formatting, or none."""
VERBATIM = frozenset({"code", "kbd", "samp", "tt", "pre"})
"""Nothing between a pair of these is Markdown."""
NESTED_CODE = re.compile(r"\s*<code(?:\s[^<>]{0,200})?>(?P<code>.*)</code>\s*", re.IGNORECASE | re.DOTALL)
BREAKS = frozenset({"br", "hr"})
HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
CELLS = frozenset({"td", "th"})
BLOCKS = (
    HEADINGS
    | CELLS
    | frozenset(
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
            "main",
            "nav",
            "aside",
            "figure",
            "figcaption",
            "address",
            "body",
            "html",
            "table",
            "thead",
            "tbody",
            "tfoot",
            "tr",
            "caption",
            "blockquote",
        ]
    )
)
"""These end a line; they count only where they are at the edge of one, in pairs."""

_SUPERSCRIPT = dict(zip("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", strict=True))
_SUBSCRIPT = dict(zip("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", strict=True))
_CODE_SPAN = re.compile(r"(`+)[^`]*\1")
COMMENT = re.compile(r"<!--[^\n]{0,500}?-->")
HALF_RAISED = re.compile(r"<su[pb]>[^<>\n]{0,40}(?:</?[supbSUPB]{0,3})?$", re.IGNORECASE)
RAISED = re.compile(r"<(?P<kind>sup|sub)>(?P<text>[^<>\n]{1,40})</(?P=kind)>", re.IGNORECASE)


def raised(kind: str, text: str) -> str:
    """`x<sup>2</sup>` without its tags: x², or x^(…) where there are no such characters."""
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
    """Whether only tags are before an opening tag on its line, or after a closing one, or the tag splits a word."""
    if closing:
        if source[end : end + 1].isalnum() and not source[start - 1 : start].isspace():  # `<summary>S</summary>body`
            return True
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


def spread(tokens: Sequence[Token], *, grows: bool, growing: Token | None) -> None:
    """Let a format that is opened in one paragraph and closed in a later one be a pair in each of those between.

    While the answer *grows*, one that is still open goes on to its end, which may be that of the *growing* paragraph.
    """
    texts = [token for token in tokens if token.type == "inline" and token.content]
    opened: dict[str, tuple[int, str]] = {}
    for at, token in enumerate(texts):
        if "<" not in token.content:
            continue
        opens, closes = _unpaired(token.content)
        for name in closes & opened.keys():
            begin, tag = opened.pop(name)
            if texts[begin].level == token.level:
                _pair_each(texts[begin : at + 1], name, tag)
        opened.update({name: (at, tag) for name, tag in opens.items()})
    if grows:
        for name, (begin, tag) in opened.items():
            _pair_each(texts[begin:], name, tag)
            if texts[-1] is not growing:
                texts[-1].content += f"</{name}>"


def _unpaired(source: str) -> tuple[dict[str, str], set[str]]:
    """The formats that *source* leaves open, with their tags, and those that it closes without having opened them."""
    opens: dict[str, str] = {}
    closes: set[str] = set()
    for tag in TAG.finditer(_CODE_SPAN.sub(lambda code: " " * len(code[0]), source)):
        name, after = tag["name"].lower(), source[tag.end() : tag.end() + 1]
        if not FORMATS.get(name):
            continue
        if not tag["end"]:
            if after.strip():
                opens[name] = tag[0]
        elif opens.pop(name, None) is None and source[tag.start() - 1 : tag.start()].strip():
            closes.add(name)
    return opens, closes


def _pair_each(texts: Sequence[Token], name: str, tag: str) -> None:
    for token in texts[:-1]:
        token.content += f"</{name}>"
    for token in texts[1:]:
        token.content = tag + token.content
