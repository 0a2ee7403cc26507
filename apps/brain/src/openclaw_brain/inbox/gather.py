"""Decides which messages become one task: what a person sends in one act. Pure.

A message joins the previous one of the same person in the same chat and topic in two cases. It refers back to that one (a
forward, a file without text, the same album). Or that one said that more is coming (a text at Telegram's limit, a forward, an
album, a colon at its end). Only after such a cue the task is held back, for a quiet window. A message alone waits for nothing.

The previous message may have come in an earlier batch, which this module does not know. So the store's step `fold` decides, by
the same rule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, TypeGuard

from openclaw_brain.telegram.content import MessageKind, kind_of
from openclaw_brain.telegram.incoming import Incoming
from openclaw_brain.telegram.wire import mapping
from openclaw_core.store.effects import ActLink, AddNotice, Effect, EndAct, QueueTask, RetryTask
from openclaw_core.tasks.conversation import conversation_key
from openclaw_core.tasks.task import from_json, to_json

LONG_UNITS = 4000
"""A message of this many UTF-16 units is probably a piece of a longer text. Clients cut at 4096, or at a line end before."""
LIMIT_UNITS = 4096
"""A message this long was cut at the limit, maybe within a word."""
_COMPANIONS = frozenset({"file", "photo", "video", "contact", "place"})
"""People send these beside the text that belongs to them. A sticker after a question is a gesture, unless it is forwarded."""
BATCH_MS = 300
"""How long a task is held for the other parts in its batch: longer than the store takes for them."""
COLONS = (":", "\uff1a")


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How long a task is held back for more parts, in milliseconds. Each further part restarts the time."""

    album_ms: int = 300
    more_ms: int = 1500
    """After a message at Telegram's limit, a forward, or a colon at the end."""
    at_most_ms: int = 6000
    """The limit from the first message on, however many follow."""
    fold_ms: int = 1000
    """How far apart messages may be that join without a window. Telegram dates them in whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPart:
    """An entry of the inbox with its effects, and what decides which other parts it joins."""

    entry_id: str
    incoming: Incoming
    effects: Sequence[Effect]
    only_joins: bool
    """It does not address the bot. It counts only as a further part of a message that does."""
    act: str
    """Key of the act: chat, topic and person."""
    sent_s: int
    cut: bool
    """It is as long as Telegram allows."""
    refers_back: bool
    quiet_ms: int
    """How long more parts may be coming. 0 without a cue."""
    open_s: int
    """How many seconds later a message may be sent and still join this one. -1: none may."""


def make_part(
    entry_id: str, update: Mapping[str, Any], incoming: Incoming, effects: Sequence[Effect], windows: Windows, *, only_joins: bool = False
) -> InboxPart:  # fmt: skip
    """Read from *update* what decides how an entry joins others, whatever the update looks like."""
    message = mapping(update.get("message"))
    date = message.get("date")
    units = _utf16_units(message.get("text") or message.get("caption"))
    # Clients send a comment that is too long for a caption as a message beside the file.
    bare = incoming.kind in _COMPANIONS and not incoming.text
    more = incoming.forwarded or units >= LONG_UNITS or incoming.text.rstrip().endswith(COLONS)
    quiet_ms = max(windows.more_ms if more else 0, windows.album_ms if incoming.media_group_id else 0)
    open_ms = max(quiet_ms, windows.fold_ms if bare else 0)
    return InboxPart(
        entry_id=entry_id,
        incoming=incoming,
        effects=effects,
        only_joins=only_joins,
        act=f"{conversation_key(incoming.chat_id, incoming.thread_id)}:{incoming.user_id}",
        sent_s=date if isinstance(date, int) and 0 <= date < 2**40 else 0,
        cut=units >= LIMIT_UNITS,
        refers_back=incoming.forwarded or bare,
        quiet_ms=quiet_ms,
        open_s=ceil(open_ms / 1000) if open_ms else -1,
    )


def _utf16_units(text: object) -> int:
    """Return the length of *text*, or 0 if that is far from LONG_UNITS or *text* is no string."""
    if not isinstance(text, str) or len(text) < LONG_UNITS // 2:
        return 0
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def as_addressed(update: Mapping[str, Any], incoming: Incoming) -> Incoming | None:
    """Return *incoming* as if it addressed the bot, or None if it cannot be a further part.

    In a group, people do not name the bot again in the second part of a request. The store decides whether this is one.
    """
    if incoming.kind != "ignored" or incoming.chat_kind != "group" or "message" not in update or incoming.command:
        return None
    if not incoming.user_id or incoming.user_is_bot:
        return None
    if incoming.attachment:
        kinds: dict[str, MessageKind] = {"voice": "voice", "picture": "photo"}
        return replace(incoming, kind=kinds.get(incoming.attachment.kind, "file"))
    if incoming.text:
        return replace(incoming, kind="text")
    kind = kind_of(mapping(update["message"]), has_text=False)
    return None if kind in ("ignored", "joined", "text") else replace(incoming, kind=kind)


def link_parts(parts: Sequence[InboxPart], windows: Windows) -> list[Sequence[Effect]]:
    """Return the effects of each part, with what the store needs to join them. The order of *parts* is that of the stream."""
    before = _predecessors(parts, windows)
    addressed = _addressed_later(parts, before)
    followed = set(before.values())
    return [
        _effects(replace(part, only_joins=part.only_joins and n not in addressed), windows, followed=n in followed)
        for n, part in enumerate(parts)
    ]


def _effects(part: InboxPart, windows: Windows, *, followed: bool) -> Sequence[Effect]:
    effects = [_with_link(effect, part, windows, followed=followed) for effect in part.effects]
    if part.incoming.kind == "command" and part.incoming.chat_id:  # a command ends the act before it
        return [EndAct(act=part.act), *effects]
    return effects


def _with_link(effect: Effect, part: InboxPart, windows: Windows, *, followed: bool) -> Effect:
    if not _joinable(effect):
        return effect
    held = part.quiet_ms > 0 or followed
    at_most_ms = max(windows.at_most_ms, BATCH_MS)
    link = ActLink(
        act=part.act,
        sent_s=part.sent_s,
        open_s=part.open_s,
        group=part.incoming.media_group_id or None,
        near_s=ceil(windows.fold_ms / 1000) if part.refers_back else None,
        hold_ms=max(part.quiet_ms, BATCH_MS if followed else 0) if held else None,
        hold_at_most_ms=at_most_ms if held else None,
        wait_ms=min(max(part.quiet_ms, windows.fold_ms), at_most_ms) if isinstance(effect, AddNotice) else None,
        only_joins=part.only_joins or None,
    )
    record = effect.record or ""
    if part.cut or part.incoming.forwarded:
        record = _record(record, part)
    return replace(effect, link=link, record=record)


def _joinable(effect: Effect) -> TypeGuard[QueueTask | AddNotice]:
    """Whether *effect* can join others: a task, or the notice of something unreadable, which carries a task record."""
    if isinstance(effect, RetryTask):
        return False
    return isinstance(effect, QueueTask) or (isinstance(effect, AddNotice) and effect.record is not None)


def _may_start(effect: Effect, part: InboxPart) -> bool:
    """Whether *effect* can start an act. Something unreadable does so only if text may come with it."""
    return isinstance(effect, QueueTask) or part.refers_back or part.open_s >= 0 or part.incoming.media_group_id != ""


def _record(record: str, part: InboxPart) -> str:
    return to_json(replace(from_json(record), forwarded="all" if part.incoming.forwarded else "", cut=part.cut))


def _predecessors(parts: Sequence[InboxPart], windows: Windows) -> dict[int, int]:
    """Map the index of each part that joins another of *parts* to the index of that one."""
    found: dict[int, int] = {}
    last: dict[str, int] = {}
    for n, part in enumerate(parts):
        command = part.incoming.kind == "command"
        before = last.get(part.act)
        if before is not None and not command and _goes_on(parts[before], part, windows):
            found[n] = before
        if command or any(_joinable(effect) and (n in found or _may_start(effect, part)) for effect in part.effects):
            last[part.act] = n
    return found


def _addressed_later(parts: Sequence[InboxPart], before: Mapping[int, int]) -> set[int]:
    """Return the indexes of parts whose act addresses the bot in a later part.

    Clients put the caption of an album at its end, and people put the name of the bot there.
    """
    found: set[int] = set()
    for n in sorted(before, reverse=True):
        if n in found or (not parts[n].only_joins and any(map(_joinable, parts[n].effects))):
            found.add(before[n])
    return found


def _goes_on(last: InboxPart, part: InboxPart, windows: Windows) -> bool:
    """Same as the function `goes_on` of the store's `0_gather.lua`."""
    group, apart_s = part.incoming.media_group_id, part.sent_s - last.sent_s
    if group and group == last.incoming.media_group_id:
        return True
    near = part.refers_back and apart_s <= ceil(windows.fold_ms / 1000)
    return apart_s >= 0 and (near or apart_s <= last.open_s)
