"""Finds the text of a message, wherever the Bot API puts it. Pure. Takes any JSON and returns bounded text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_brain.telegram.wire import integer, listed, mapping, text_of
from openclaw_core.characters import is_blank, trimmed

MESSAGE_MAX_CHARS = 33_000
"""A rich message has up to 32,768 characters, a text 4096, a caption 1024 (4096 with Premium)."""
QUOTED_MAX_CHARS = 16_000
_ENTITIES_MAX = 500
_RICH_DEPTH = 40
"""Telegram nests 16 levels deep."""
_RICH_NODES = 20_000
_NO_PROSE = frozenset(
    {"pre", "code", "url", "email", "email_address", "mention", "bot_command", "phone_number", "bank_card_number"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageText:
    """The text of a message, and whom it mentions."""

    text: str = field(default="", repr=False)
    prose: str = field(default="", repr=False)
    """The text without what Telegram marks as code, address, mention or command. Its letters tell the language."""
    names: frozenset[str] = frozenset()
    """Usernames in lower case, from mentions and commands."""
    user_ids: frozenset[int] = frozenset()
    """Mentioned users who have no username."""


def sender_text(message: Mapping[str, Any]) -> MessageText:
    """Return what the sender wrote, trimmed: text, caption, rich blocks, checklist, poll, or the note of a gift."""
    found = _sender_text(message)
    return replace(found, text=trimmed(found.text))


def _sender_text(message: Mapping[str, Any]) -> MessageText:
    for name, entities in (("text", "entities"), ("caption", "caption_entities")):
        if not is_blank(text := text_of(message.get(name))):
            return _with_entities(text, listed(message.get(entities)))
    if blocks := listed(mapping(message.get("rich_message")).get("blocks")):
        rich = _Rich()
        text = "\n".join(rich.lines(blocks, 0))[:MESSAGE_MAX_CHARS]
        if not is_blank(text):
            prose = "".join(rich.prose)[:MESSAGE_MAX_CHARS]
            return MessageText(text=text, prose=prose, names=frozenset(rich.names), user_ids=frozenset(rich.user_ids))
    text = _checklist(mapping(message.get("checklist"))) or _poll(mapping(message.get("poll"))) or _gift(message)
    return MessageText() if is_blank(text) else MessageText(text=text, prose=text)


def full_text(message: Mapping[str, Any]) -> str:
    """Return the text of *message*, or without one the names and addresses in it: of a contact, a place, a game."""
    if text := sender_text(message).text:
        return text
    contact, venue, location = (mapping(message.get(name)) for name in ("contact", "venue", "location"))
    game, invoice = mapping(message.get("game")), mapping(message.get("invoice"))
    prize = mapping(message.get("giveaway")) or mapping(message.get("giveaway_winners"))
    for lines in (
        (" ".join(filter(None, _fields(contact, "first_name", "last_name"))), *_fields(contact, "phone_number")),
        _fields(venue, "title", "address"),
        (_coordinates(location),),
        _fields(game, "title", "description", "text"),
        _fields(invoice, "title", "description"),
        _fields(prize, "prize_description"),
    ):
        if not is_blank(text := "\n".join(filter(None, lines))):
            return text[:MESSAGE_MAX_CHARS]
    return ""


def quoted_text(message: Mapping[str, Any]) -> str:
    """Return the text that *message* replies to: the quoted part, else the whole message, also one of another chat."""
    return (
        trimmed(text_of(mapping(message.get("quote")).get("text")))
        or full_text(mapping(message.get("reply_to_message")))
        or full_text(mapping(message.get("external_reply")))
    )[:QUOTED_MAX_CHARS]


def _with_entities(text: str, entities: list[Any]) -> MessageText:
    """Read *text* with its *entities*. Their offsets and lengths are in UTF-16 units."""
    text = text[:MESSAGE_MAX_CHARS]
    units = text.encode("utf-16-le")
    hidden = bytearray(len(units) // 2)
    names, user_ids = set(), set()
    for entity in map(mapping, entities[:_ENTITIES_MAX]):
        kind, start, length = text_of(entity.get("type")), integer(entity.get("offset")), integer(entity.get("length"))
        if start < 0 or length <= 0:
            continue
        start, end = min(start, len(hidden)), min(start + length, len(hidden))
        if kind == "mention":
            names.add(_between(units, start, end).removeprefix("@").lower())
        elif kind == "bot_command":
            names.add(_between(units, start, end).partition("@")[2].lower())
        elif kind == "text_mention":
            user_ids.add(integer(mapping(entity.get("user")).get("id")))
        if kind in _NO_PROSE:
            hidden[start:end] = b"\1" * (end - start)
    prose = " ".join(_between(units, start, end) for start, end in _gaps(hidden))
    return MessageText(text=text, prose=prose, names=frozenset(names - {""}), user_ids=frozenset(user_ids - {0}))


def _between(units: bytes, start: int, end: int) -> str:
    return units[start * 2 : end * 2].decode("utf-16-le", "ignore")


def _gaps(hidden: bytearray) -> Iterator[tuple[int, int]]:
    """Yield start and end of each run of zeros in *hidden*."""
    start = 0
    while start < len(hidden):
        end = hidden.find(b"\1", start)
        end = len(hidden) if end < 0 else end
        if end > start:
            yield start, end
        start = hidden.find(b"\0", end)
        if start < 0:
            return


@dataclass(kw_only=True)
class _Rich:
    """Walks the blocks of a rich message. Of a kind that is newer than this code, it reads the fields that all kinds share."""

    prose: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    user_ids: set[int] = field(default_factory=set)
    left: int = _RICH_NODES

    def lines(self, blocks: list[Any], depth: int) -> Iterator[str]:
        for block in map(mapping, blocks):
            if depth > _RICH_DEPTH or self.left <= 0:
                return
            self.left -= 1
            hidden = block.get("type") == "pre"
            for name in ("summary", "text", "expression"):
                if line := self.inline(block.get(name), depth + 1, hidden=hidden):
                    yield line
            for row in listed(block.get("cells")):
                cells = (self.inline(mapping(cell).get("text"), depth + 1) for cell in listed(row))
                yield " | ".join(cells)
            for item in map(mapping, listed(block.get("items"))):
                inner = "\n".join(self.lines(listed(item.get("blocks")), depth + 1))
                yield f"{text_of(item.get('label'))[:20]} {inner}".strip()
            yield from self.lines(listed(block.get("blocks")), depth + 1)
            caption = block.get("caption")
            for part in (*_caption(caption), block.get("credit")):
                if line := self.inline(part, depth + 1):
                    yield line
            self.prose.append("\n")

    def inline(self, part: object, depth: int, *, hidden: bool = False) -> str:
        """Return the characters of a rich text: a string, a list of rich texts, or an object around one."""
        self.left -= 1
        if depth > _RICH_DEPTH or self.left <= 0:
            return ""
        if isinstance(part, str):
            text = text_of(part)[:MESSAGE_MAX_CHARS]
            if not hidden:
                self.prose.append(text)
            return text
        if isinstance(part, list):
            return "".join(self.inline(one, depth + 1, hidden=hidden) for one in part)
        wrapper = mapping(part)
        self.names |= {name.removeprefix("@").lower() for name in _fields(wrapper, "username")}
        self.names |= {name.partition("@")[2].lower() for name in _fields(wrapper, "bot_command")} - {""}
        self.user_ids |= {integer(mapping(wrapper.get("user")).get("id"))} - {0}
        hidden = hidden or text_of(wrapper.get("type")) in _NO_PROSE
        inside = next((wrapper[name] for name in ("text", "expression", "alternative_text") if name in wrapper), "")
        return self.inline(inside, depth + 1, hidden=hidden)


def _caption(caption: object) -> tuple[object, ...]:
    """Return the rich texts of a caption: a table has one, media have an object with text and credit."""
    if isinstance(caption, Mapping) and "type" not in caption:
        return caption.get("text"), caption.get("credit")
    return (caption,)


def _checklist(checklist: Mapping[str, Any]) -> str:
    # Without the state of the boxes: ticking one does not change the text.
    tasks = (f"- {line}" for task in listed(checklist.get("tasks"))[:100] for line in _fields(mapping(task), "text"))
    return "\n".join((*_fields(checklist, "title"), *tasks))[:MESSAGE_MAX_CHARS]


def _poll(poll: Mapping[str, Any]) -> str:
    options = (f"- {line}" for option in listed(poll.get("options"))[:100] for line in _fields(mapping(option), "text"))
    return "\n".join((*_fields(poll, "question", "description"), *options))[:MESSAGE_MAX_CHARS]


def _gift(message: Mapping[str, Any]) -> str:
    gift = mapping(message.get("gift")) or mapping(message.get("gift_upgrade_sent"))
    return text_of(gift.get("text"))[:MESSAGE_MAX_CHARS]


def _coordinates(location: Mapping[str, Any]) -> str:
    degrees = location.get("latitude"), location.get("longitude")
    if all(isinstance(value, int | float) and abs(value) <= 180 for value in degrees):
        return "{:.5f}, {:.5f}".format(*degrees)
    return ""


def _fields(part: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(text for name in names if (text := text_of(part.get(name)).strip()[:MESSAGE_MAX_CHARS]))
