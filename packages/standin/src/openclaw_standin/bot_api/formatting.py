"""Reads message texts as Telegram does: trims them, counts UTF-16 units, and checks or parses their entities."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from openclaw_standin.bot_api.html_markup import parse_html, units
from openclaw_standin.bot_api.link_targets import WrongTarget, checked_target
from openclaw_standin.bot_api.wire import Params, bad_request

MAX_TEXT_UNITS = 4096
MAX_CAPTION_UNITS = 1024
MAX_ENTITIES = 100

GIVEN = frozenset(
    {
        "bold", "italic", "underline", "strikethrough", "spoiler", "blockquote", "expandable_blockquote", "code", "pre",
        "text_link", "text_mention",
        "custom_emoji", "date_time",
    }
)  # fmt: skip
FOUND = frozenset(["mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"])
"""Telegram finds these itself, and ignores them if a bot sends them."""

_TAKEN_OUT = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_EMPTY = frozenset("\u200b\u200c\u200d\u200e\u200f\u202e\ufeff\u180e\u2800\ufffc")
"""A text of these and of white space counts as empty."""

_FINDERS = (
    ("url", re.compile(r"(?:https?|tg|ton|tonsite)://[^\s<>\"]*[^\s<>\".,;:!?)\]}'*]")),
    ("bot_command", re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])")),
    ("mention", re.compile(r"(?<![\w/@])@[A-Za-z]\w{3,31}(?!\w)")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """A text with its entities as they will be in the Message object."""

    text: str = field(repr=False)
    entities: tuple[dict[str, Any], ...] = ()


def read_formatted(
    params: Params, name: str, *, entities_name: str, max_units: int, too_long: str, required: bool = True
) -> Formatted:
    """The text parameter *name* with its formatting. Raises ErrorReply with Telegram's error text."""
    raw = params.text(name)
    mode = params.text("parse_mode").lower()
    if mode == "html":  # Alertmanager's; OpenClaw sends entities
        raw, given = parse_html(raw)
    elif mode:
        raise bad_request("unsupported parse_mode")
    else:
        given = _given(params.parsed(entities_name, "message entities"))
        _check_ranges(raw, given)
    text, given = _trimmed(*_cleaned(raw, given))
    if all(char in _EMPTY or char.isspace() for char in text):
        if required:
            raise bad_request("message text is empty")
        return Formatted(text="")
    if units(text) > max_units:
        raise bad_request(too_long)
    # Telegram silently drops entities beyond the limit.
    return Formatted(text=text, entities=tuple(with_found(text, given)[:MAX_ENTITIES]))


def with_found(text: str, given: Iterable[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """*given* and the links, commands and mentions of *text* that lie outside of code, in order."""
    entities = list(given)
    closed = [(e["offset"], e["offset"] + e["length"]) for e in entities if e["type"] in ("code", "pre", "text_link")]
    for kind, finder in _FINDERS:
        for match in finder.finditer(text):
            start = units(text[: match.start()])
            end = start + units(match.group())
            if all(end <= low or start >= high for low, high in closed):
                entities.append({"type": kind, "offset": start, "length": end - start})
                closed.append((start, end))
    return sorted(entities, key=lambda e: (e["offset"], -e["length"]))


def _given(raw: Any) -> list[dict[str, Any]]:
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise bad_request("can't parse message entities: expected an Array")
    entities = []
    for item in raw:
        if not isinstance(item, dict):
            raise bad_request("can't parse MessageEntity: expected an Object")
        for name in ("type", "offset", "length"):
            if name not in item:
                raise bad_request(f"can't parse MessageEntity: Can't find field \"{name}\"")
        if not isinstance(item["offset"], int) or not isinstance(item["length"], int):
            raise bad_request('can\'t parse MessageEntity: Field "offset" must be a valid Number')
        kind = str(item["type"])
        if kind in FOUND:
            continue
        if kind not in GIVEN:
            raise bad_request("can't parse MessageEntity: Unsupported type specified")
        if kind == "text_link" and not item.get("url"):
            raise bad_request("can't parse MessageEntity: Can't find field \"url\"")
        if item["length"] > 0 and item["offset"] >= 0:
            wanted = ("type", "offset", "length", "url", "language", "user", "custom_emoji_id")
            entity = {key: item[key] for key in wanted if item.get(key) is not None}
            if kind == "text_link":
                entity["url"] = _target(str(item["url"]))
            entities.append(entity)
    return sorted(entities, key=lambda e: (e["offset"], -e["length"]))


def _target(url: str) -> str:
    try:
        return checked_target(url)
    except WrongTarget as exc:
        raise bad_request(f"entity URL '{url}' is invalid: {exc}") from None


def _cleaned(text: str, entities: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Remove separators and direction marks, and turn control characters into spaces, as Telegram does."""
    gone = [units(text[: found.start()]) for found in _TAKEN_OUT.finditer(text)]
    if gone:
        moved = []
        for entity in entities:
            start, end = entity["offset"], entity["offset"] + entity["length"]
            before, within = bisect_left(gone, start), bisect_left(gone, end)
            if end - start > within - before:
                moved.append({**entity, "offset": start - before, "length": end - start - (within - before)})
        entities = moved
    return _CONTROL.sub(" ", _TAKEN_OUT.sub("", text)), entities


def _check_ranges(text: str, entities: list[dict[str, Any]]) -> None:
    """Raises ErrorReply if an entity is outside of *text*, splits a character, or overlaps another one."""
    if not entities:
        return
    edges = {0}
    at = 0
    for char in text:
        at += 2 if ord(char) > 0xFFFF else 1
        edges.add(at)
    open_ends: list[int] = []
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        if start >= at:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {start}")
        while open_ends and open_ends[-1] <= start:
            open_ends.pop()
        if end > at or (open_ends and end > open_ends[-1]):
            raise bad_request(
                f"entity beginning at UTF-16 offset {start} ends after the end of the text at UTF-16 offset {end}"
            )
        if start not in edges:
            raise bad_request(f"entity begins in a middle of a UTF-16 symbol at byte offset {start}")
        if end not in edges:
            raise bad_request(
                f"entity beginning at UTF-16 offset {start} ends in a middle of a UTF-16 symbol at byte offset {end}"
            )
        open_ends.append(end)


def _trimmed(text: str, entities: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Trim white space at both ends, as Telegram does, and move the entities with the text."""
    lead = units(text) - units(text.lstrip())
    text = text.strip()
    size = units(text)
    moved = []
    for entity in entities:
        start = max(0, entity["offset"] - lead)
        end = min(size, entity["offset"] + entity["length"] - lead)
        if end > start:
            moved.append({**entity, "offset": start, "length": end - start})
    return text, moved
