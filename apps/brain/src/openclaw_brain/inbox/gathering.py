"""Pure: which messages go together. What a person sends in one act is one task, and a message alone waits for nothing.

A message goes on with the one that the same person sent just before, in the same chat and topic, if it leads back to that one (a
forward, a file without a word, the same album) or if that one said that more is coming (Telegram's limit, a forward, an album, a
colon at its end). Only after such a cue the task is held back, for a quiet window. The store's step `fold` decides with the same
rule, since the message before may have come in an earlier batch; here it is known only what is in this one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from openclaw_brain.inbox.saying import Effect
from openclaw_brain.telegram.content import kind_of
from openclaw_brain.telegram.incoming import Incoming
from openclaw_brain.telegram.wire import mapping
from openclaw_core.tasks.conversation import place
from openclaw_core.tasks.task import from_json, to_json

LONG_UNITS = 4000
"""UTF-16 units from which on a message is probably one piece of a longer text: clients cut at 4096, or at a line's end before."""
LIMIT_UNITS = 4096
"""One as long as this was cut wherever the limit fell, maybe within a word."""
_BARE = frozenset({"file", "photo", "video", "contact", "place"})
"""What is sent beside words that belong to it. A sticker after a question is a gesture, unless it is forwarded."""
BATCH_MS = 300
"""How long a task is kept for the parts that stand beside it in its batch: longer than the store takes for them."""
COLONS = (":", "\uff1a")


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How long a task is held back for what may follow, in milliseconds; each further part begins the time anew."""

    album_ms: int = 300
    more_ms: int = 1500
    """After a message at Telegram's limit, a forward, or a colon at the end."""
    at_most_ms: int = 6000
    """From the first message on, however many follow."""
    fold_ms: int = 1000
    """How far apart messages may be that go together without a window. Telegram dates them in whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An entry of the inbox: what it is, what handling it has for effects, and how it goes together with others."""

    entry_id: str
    incoming: Incoming
    effects: Sequence[Effect]
    only_joins: bool
    """Nobody asked us: it counts only as the second half of what somebody did ask."""
    act: str
    """Whose act it may be part of: a person's, in a place."""
    sent_s: int
    cut: bool
    """It is as long as Telegram lets a message be."""
    leads_back: bool
    quiet_ms: int
    """For how long more may be coming after it; 0 without a cue."""
    open_s: int
    """How many seconds later anything may be sent that goes on with it; -1 for none."""


def part_of(
    entry_id: str, update: Mapping[str, Any], incoming: Incoming, effects: Sequence[Effect], windows: Windows, *, only_joins: bool = False
) -> Part:  # fmt: skip
    """What an entry is beside others. Also the date and the length of its message are read here, whatever the update looks like."""
    message = mapping(update.get("message"))
    date = message.get("date")
    units = _units(message.get("text") or message.get("caption"))
    # Clients send a comment that is too long for a caption as a message beside the file.
    bare = incoming.kind in _BARE and not incoming.text
    more = incoming.forwarded or units >= LONG_UNITS or incoming.text.rstrip().endswith(COLONS)
    quiet_ms = max(windows.more_ms if more else 0, windows.album_ms if incoming.media_group_id else 0)
    open_ms = max(quiet_ms, windows.fold_ms if bare else 0)
    return Part(
        entry_id=entry_id,
        incoming=incoming,
        effects=effects,
        only_joins=only_joins,
        act=f"{place(incoming.chat_id, incoming.thread_id)}:{incoming.user_id}",
        sent_s=date if isinstance(date, int) and 0 <= date < 2**40 else 0,
        cut=units >= LIMIT_UNITS,
        leads_back=incoming.forwarded or bare,
        quiet_ms=quiet_ms,
        open_s=ceil(open_ms / 1000) if open_ms else -1,
    )


def _units(words: object) -> int:
    """UTF-16 units of *words*, 0 for anything short: nothing is done with how short it is."""
    if not isinstance(words, str) or len(words) < LONG_UNITS // 2:
        return 0
    return len(words.encode("utf-16-le", "surrogatepass")) // 2


def unasked(update: Mapping[str, Any], incoming: Incoming) -> Incoming | None:
    """*incoming* as if it were meant for us: in a group the second half of what somebody asks us does not name us again.

    None for all that is no such half. Whether it is one, the store decides: it has a task only as part of another.
    """
    if incoming.kind != "ignored" or incoming.chat_kind != "group" or "message" not in update or incoming.command:
        return None
    if not incoming.user_id or incoming.user_is_bot:
        return None
    if incoming.text or incoming.material:
        return replace(incoming, kind=incoming.material.kind if incoming.material else "text")
    kind = kind_of(mapping(update["message"]), has_words=False)
    return None if kind in ("ignored", "joined", "text") else replace(incoming, kind=kind)


def linked(parts: Sequence[Part], windows: Windows) -> list[Sequence[Effect]]:
    """The effects of each of *parts*, which came in this order, with what the store needs to put together what belongs together."""
    before = _before(parts, windows)
    asked = _with_asked(parts, before)
    followed = set(before.values())
    return [
        _effects(replace(part, only_joins=part.only_joins and n not in asked), windows, followed=n in followed)
        for n, part in enumerate(parts)
    ]


def _effects(part: Part, windows: Windows, *, followed: bool) -> Sequence[Effect]:
    effects = [_linked(effect, part, windows, followed=followed) for effect in part.effects]
    if part.incoming.kind == "command" and part.incoming.chat_id:  # it ends what was sent before it
        return [{"op": "end_act", "act": part.act}, *effects]
    return effects


def _linked(effect: Effect, part: Part, windows: Windows, *, followed: bool) -> Effect:
    group = part.incoming.media_group_id
    if not _is_part(effect):
        return effect
    link: dict[str, Any] = {"act": part.act, "sent_s": part.sent_s, "open_s": part.open_s}
    if part.cut or part.incoming.forwarded:
        link["record"] = _record(str(effect["record"]), part)
    if part.only_joins:
        link["only_joins"] = True
    if group:
        link["group"] = group
    if part.leads_back:
        link["near_s"] = ceil(windows.fold_ms / 1000)
    if part.quiet_ms or followed:
        link["hold_ms"] = max(part.quiet_ms, BATCH_MS if followed else 0)
        link["hold_at_most_ms"] = max(windows.at_most_ms, BATCH_MS)
    if effect["op"] == "notice":
        link["wait_ms"] = min(max(part.quiet_ms, windows.fold_ms), max(windows.at_most_ms, BATCH_MS))
    return {**effect, **link}


def _is_part(effect: Effect) -> bool:
    """Whether *effect* may be part of an act: a task, or the notice of what cannot be read, which has a record of it."""
    return effect["op"] == "task" or (effect["op"] == "notice" and "record" in effect)


def _begins(effect: Effect, part: Part) -> bool:
    """Whether *effect* begins an act where none is: what cannot be read does so only if words may come with it."""
    return effect["op"] == "task" or part.leads_back or part.open_s >= 0 or part.incoming.media_group_id != ""


def _record(record: str, part: Part) -> str:
    return to_json(replace(from_json(record), forwarded="all" if part.incoming.forwarded else "", cut=part.cut))


def _before(parts: Sequence[Part], windows: Windows) -> dict[int, int]:
    """By the number of a part that goes on with another of *parts*: the number of that one."""
    found: dict[int, int] = {}
    last: dict[str, int] = {}
    for n, part in enumerate(parts):
        command = part.incoming.kind == "command"
        before = last.get(part.act)
        if before is not None and not command and _goes_on(parts[before], part, windows):
            found[n] = before
        if command or any(_is_part(effect) and (n in found or _begins(effect, part)) for effect in part.effects):
            last[part.act] = n
    return found


def _with_asked(parts: Sequence[Part], before: Mapping[int, int]) -> set[int]:
    """Numbers of those parts that count as asked since a later one of the same act is: clients put the caption of an album of files,
    and people put our name, at the end."""
    found: set[int] = set()
    for n in sorted(before, reverse=True):
        if n in found or (not parts[n].only_joins and any(map(_is_part, parts[n].effects))):
            found.add(before[n])
    return found


def _goes_on(last: Part, part: Part, windows: Windows) -> bool:
    """As the function of the same name in `store/lua/0_gather.lua`."""
    group, apart_s = part.incoming.media_group_id, part.sent_s - last.sent_s
    if group and group == last.incoming.media_group_id:
        return True
    near = part.leads_back and apart_s <= ceil(windows.fold_ms / 1000)
    return apart_s >= 0 and (near or apart_s <= last.open_s)
