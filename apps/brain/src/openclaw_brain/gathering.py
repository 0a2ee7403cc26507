"""Pure: which messages go together. What a person sends in one act is one task, and a message alone waits for nothing.

A message goes on with the one that the same person sent just before, in the same chat and topic, if it leads back to that one (a
forward, a file without a word, the same album) or if that one said that more is coming (Telegram's limit, a forward, an album, a
colon at its end). Only after such a cue the task is held back, for a quiet window. The store's step `fold` decides with the same
rule, since the message before may have come in an earlier batch; here it is known only what is in this one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

from openclaw_brain.incoming import Incoming
from openclaw_brain.intake import Effect
from openclaw_core.conversation import place
from openclaw_core.task import from_json, to_json

LONG_UNITS = 4000
"""UTF-16 units from which on a message is probably one piece of a longer text: clients cut at 4096, or at a line's end before."""
LIMIT_UNITS = 4096
"""One as long as this was cut wherever the limit fell, maybe within a word."""
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
    """An entry of the inbox: what it is, and what handling it has for effects."""

    entry_id: str
    update: Mapping[str, Any] = field(repr=False)
    incoming: Incoming
    effects: Sequence[Effect]
    only_joins: bool = False
    """Nobody asked us: it counts only as the second half of what somebody did ask."""

    @property
    def act(self) -> str:
        """Whose act it may be part of: a person's, in a place."""
        return f"{place(self.incoming.chat_id, self.incoming.thread_id)}:{self.incoming.user_id}"

    @property
    def message(self) -> Mapping[str, Any]:
        message = self.update.get("message")
        return message if isinstance(message, Mapping) else {}

    @property
    def sent_s(self) -> int:
        date = self.message.get("date")
        return date if isinstance(date, int) and 0 <= date < 2**40 else 0

    @property
    def units(self) -> int:
        words = self.message.get("text") or self.message.get("caption")
        return len(words.encode("utf-16-le", "surrogatepass")) // 2 if isinstance(words, str) else 0

    @property
    def bare(self) -> bool:
        """A file without a word: clients send a comment that is too long for a caption as a message beside it."""
        return self.incoming.kind in ("file", "photo", "video") and not self.incoming.text

    @property
    def leads_back(self) -> bool:
        return self.incoming.forwarded or self.bare

    def quiet_ms(self, windows: Windows) -> int:
        """For how long more may be coming after it; 0 without a cue."""
        incoming = self.incoming
        more = incoming.forwarded or self.units >= LONG_UNITS or incoming.text.rstrip().endswith(COLONS)
        return max(windows.more_ms if more else 0, windows.album_ms if incoming.media_group_id else 0)

    def open_s(self, windows: Windows) -> int:
        """How many seconds later anything may be sent that goes on with it; -1 for none."""
        open_ms = max(self.quiet_ms(windows), windows.fold_ms if self.bare else 0)
        return ceil(open_ms / 1000) if open_ms else -1


def unasked(update: Mapping[str, Any], incoming: Incoming) -> Incoming | None:
    """*incoming* as if it were meant for us: in a group the second half of what somebody asks us does not name us again.

    None for all that is no such half. Whether it is one, the store decides: it has a task only as part of another.
    """
    if incoming.kind != "ignored" or incoming.chat_kind != "group" or "message" not in update or incoming.command:
        return None
    if not incoming.user_id or incoming.user_is_bot or not (incoming.text or incoming.material):
        return None
    return replace(incoming, kind=incoming.material.kind if incoming.material else "text")


def linked(parts: Sequence[Part], windows: Windows) -> list[list[Effect]]:
    """The effects of each of *parts*, which came in this order, with what the store needs to put together what belongs together."""
    following = _following(parts, windows)
    return [
        [*_ends(part), *(_linked(effect, part, windows, followed=n in following) for effect in part.effects)]
        for n, part in enumerate(parts)
    ]


def _linked(effect: Effect, part: Part, windows: Windows, *, followed: bool) -> Effect:
    if effect["op"] == "notice" and part.incoming.media_group_id and effect["kind"] in ("unsupported", "too_large"):
        return {**effect, "once": f"{part.act}:{part.incoming.media_group_id}:{effect['kind']}"}
    if effect["op"] != "task":
        return effect
    incoming = part.incoming
    return {
        **effect,
        "record": _record(str(effect["record"]), part),
        "act": part.act,
        "only_joins": part.only_joins or None,
        "sent_s": part.sent_s,
        "near_s": ceil(windows.fold_ms / 1000),
        "open_s": part.open_s(windows),
        "group": incoming.media_group_id or None,
        "leads": part.leads_back,
        "hold_ms": max(part.quiet_ms(windows), BATCH_MS if followed else 0),
        "hold_at_most_ms": max(windows.at_most_ms, BATCH_MS),
    }


def _record(record: str, part: Part) -> str:
    cut = part.units >= LIMIT_UNITS
    if not (cut or part.incoming.forwarded):
        return record
    return to_json(replace(from_json(record), forwarded="all" if part.incoming.forwarded else "", cut=cut))


def _ends(part: Part) -> list[Effect]:
    """A command ends what was sent before it."""
    return [{"op": "end_act", "act": part.act}] if part.incoming.kind == "command" and part.incoming.chat_id else []


def _following(parts: Sequence[Part], windows: Windows) -> set[int]:
    """Numbers of those parts that another of *parts* goes on with."""
    found: set[int] = set()
    last: dict[str, int] = {}
    for n, part in enumerate(parts):
        before = last.get(part.act)
        if before is not None and part.incoming.kind != "command" and _goes_on(parts[before], part, windows):
            found.add(before)
        if part.incoming.kind == "command" or any(effect["op"] == "task" for effect in part.effects):
            last[part.act] = n
    return found


def _goes_on(last: Part, part: Part, windows: Windows) -> bool:
    """As the function of the same name in `store/lua/0_gather.lua`."""
    group, apart_s = part.incoming.media_group_id, part.sent_s - last.sent_s
    if group and group == last.incoming.media_group_id:
        return True
    near = part.leads_back and apart_s <= ceil(windows.fold_ms / 1000)
    return apart_s >= 0 and (near or apart_s <= last.open_s(windows))
