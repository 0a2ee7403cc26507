"""The words of a message, wherever the Bot API puts them. Pure: any JSON is taken, and what it gives is bounded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_brain.telegram.wire import integer, listed, mapping, text_of
from openclaw_core.characters import is_blank, trimmed

WORDS_MAX_CHARS = 33_000
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
class Words:
    """What somebody wrote, and whom it names."""

    text: str = field(default="", repr=False)
    prose: str = field(default="", repr=False)
    """The text without what Telegram marks as code, address, mention or command: its letters tell the language."""
    names: frozenset[str] = frozenset()
    """Usernames in lower case that are mentioned, or that a command names."""
    user_ids: frozenset[int] = frozenset()
    """Users without a username that are mentioned."""


def written(message: Mapping[str, Any]) -> Words:
    """What the sender of *message* wrote, trimmed: its text, caption, rich blocks, checklist, poll, or the note of a gift."""
    words = _written(message)
    return replace(words, text=trimmed(words.text))


def _written(message: Mapping[str, Any]) -> Words:
    for name, entities in (("text", "entities"), ("caption", "caption_entities")):
        if not is_blank(words := text_of(message.get(name))):
            return _marked(words, listed(message.get(entities)))
    if blocks := listed(mapping(message.get("rich_message")).get("blocks")):
        rich = _Rich()
        text = "\n".join(rich.lines(blocks, 0))[:WORDS_MAX_CHARS]
        if not is_blank(text):
            prose = "".join(rich.prose)[:WORDS_MAX_CHARS]
            return Words(text=text, prose=prose, names=frozenset(rich.names), user_ids=frozenset(rich.user_ids))
    text = _checklist(mapping(message.get("checklist"))) or _poll(mapping(message.get("poll"))) or _gift(message)
    return Words() if is_blank(text) else Words(text=text, prose=text)


def said(message: Mapping[str, Any]) -> str:
    """All that *message* says: what was written, or the names and addresses in it, for whoever is asked about it."""
    if text := written(message).text:
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
            return text[:WORDS_MAX_CHARS]
    return ""


def quoted(message: Mapping[str, Any]) -> str:
    """The words that *message* replies to: the part that was chosen, else all of that message, also one of another chat."""
    return (
        trimmed(text_of(mapping(message.get("quote")).get("text")))
        or said(mapping(message.get("reply_to_message")))
        or said(mapping(message.get("external_reply")))
    )[:QUOTED_MAX_CHARS]


def _marked(text: str, entities: list[Any]) -> Words:
    """A text with its entities, whose places are counted in UTF-16 units."""
    text = text[:WORDS_MAX_CHARS]
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
    return Words(text=text, prose=prose, names=frozenset(names - {""}), user_ids=frozenset(user_ids - {0}))


def _between(units: bytes, start: int, end: int) -> str:
    return units[start * 2 : end * 2].decode("utf-16-le", "ignore")


def _gaps(hidden: bytearray) -> Iterator[tuple[int, int]]:
    """The runs of *hidden* that are 0."""
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
    """Walks the blocks of a rich message; kinds that are newer than this code give what stands in the fields that all kinds share."""

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
        """The characters of a rich text: a string, a list of rich texts, or an object around one."""
        self.left -= 1
        if depth > _RICH_DEPTH or self.left <= 0:
            return ""
        if isinstance(part, str):
            text = text_of(part)[:WORDS_MAX_CHARS]
            if not hidden:
                self.prose.append(text)
            return text
        if isinstance(part, list):
            return "".join(self.inline(one, depth + 1, hidden=hidden) for one in part)
        around = mapping(part)
        self.names |= {name.removeprefix("@").lower() for name in _fields(around, "username")}
        self.names |= {name.partition("@")[2].lower() for name in _fields(around, "bot_command")} - {""}
        self.user_ids |= {integer(mapping(around.get("user")).get("id"))} - {0}
        hidden = hidden or text_of(around.get("type")) in _NO_PROSE
        inside = next((around[name] for name in ("text", "expression", "alternative_text") if name in around), "")
        return self.inline(inside, depth + 1, hidden=hidden)


def _caption(caption: object) -> tuple[object, ...]:
    """Of a table it is a rich text, of media an object with a text and a credit."""
    if isinstance(caption, Mapping) and "type" not in caption:
        return caption.get("text"), caption.get("credit")
    return (caption,)


def _checklist(checklist: Mapping[str, Any]) -> str:
    # Without what is done: ticking a box off is no change of words.
    tasks = (f"- {line}" for task in listed(checklist.get("tasks"))[:100] for line in _fields(mapping(task), "text"))
    return "\n".join((*_fields(checklist, "title"), *tasks))[:WORDS_MAX_CHARS]


def _poll(poll: Mapping[str, Any]) -> str:
    options = (f"- {line}" for option in listed(poll.get("options"))[:100] for line in _fields(mapping(option), "text"))
    return "\n".join((*_fields(poll, "question", "description"), *options))[:WORDS_MAX_CHARS]


def _gift(message: Mapping[str, Any]) -> str:
    gift = mapping(message.get("gift")) or mapping(message.get("gift_upgrade_sent"))
    return text_of(gift.get("text"))[:WORDS_MAX_CHARS]


def _coordinates(location: Mapping[str, Any]) -> str:
    degrees = location.get("latitude"), location.get("longitude")
    if all(isinstance(value, int | float) and abs(value) <= 180 for value in degrees):
        return "{:.5f}, {:.5f}".format(*degrees)
    return ""


def _fields(part: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(text for name in names if (text := text_of(part.get(name)).strip()[:WORDS_MAX_CHARS]))
