"""Parses HTML, which a bot may send instead of entities: Alertmanager does."""

import html
import re
from typing import Any

from openclaw_standin.bot_api.wire import bad_request

Parsed = tuple[str, list[dict[str, Any]]]

_TAG = re.compile(r"<(/?)([a-zA-Z-]+)((?:\s+[^<>]*)?)>")
_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
}


def units(text: str) -> int:
    """UTF-16 code units, in which the API counts all lengths and offsets."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cannot_parse(why: str) -> Exception:
    return bad_request(f"can't parse entities: {why}")


def parse_html(raw: str) -> Parsed:
    """Text and entities of HTML markup. Raises ErrorReply for unknown tags and for tags that are not closed in order."""
    out, size, at = [], 0, 0
    entities: list[dict[str, Any]] = []
    open_tags: list[tuple[str, dict[str, Any]]] = []

    def text(piece: str) -> None:
        nonlocal size
        if "<" in piece:
            where = len(raw[:at].encode()) + piece.index("<")
            raise _cannot_parse(f'Unsupported start tag "" at byte offset {where}')
        piece = html.unescape(piece)
        out.append(piece)
        size += units(piece)

    for match in _TAG.finditer(raw):
        text(raw[at : match.start()])
        at = match.end()
        closing, name, rest = match[1], match[2].lower(), match[3]
        where = len(raw[: match.start()].encode())
        if closing:
            if not open_tags or open_tags[-1][0] != name:
                raise _cannot_parse(f"Unexpected end tag at byte offset {where}")
            _, entity = open_tags.pop()
            entity["length"] = size - entity["offset"]
            if entity["length"]:
                entities.append(entity)
            continue
        kind = _TAGS.get(name)
        if kind is None:
            raise _cannot_parse(f'Unsupported start tag "{name}" at byte offset {where}')
        entity = {"type": kind, "offset": size, "length": 0}
        value = re.search(r"""=\s*["']?([^"'>]*)""", rest)
        if name == "a" and value:
            entity["url"] = html.unescape(value[1])
        if name == "code" and value and open_tags and open_tags[-1][0] == "pre":
            open_tags[-1][1]["language"] = value[1].removeprefix("language-")
        open_tags.append((name, entity))
    text(raw[at:])
    if open_tags:
        raise _cannot_parse(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    inner = [e for e in entities if not (e["type"] == "code" and _inside_pre(e, entities))]
    return "".join(out), sorted(inner, key=lambda e: (e["offset"], -e["length"]))


def _inside_pre(code: dict[str, Any], entities: list[dict[str, Any]]) -> bool:
    end = code["offset"] + code["length"]
    return any(
        e["type"] == "pre" and e["offset"] <= code["offset"] and end <= e["offset"] + e["length"] for e in entities
    )
