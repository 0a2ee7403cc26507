"""What every benchmark shares: the messages, who asks them, what the records and the journal say of each, and the judgement."""

import asyncio
import itertools
import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from openclaw_core.store import RunRecords, Script
from openclaw_standin.bot_api import BotApi
from openclaw_standin.journal import Entry
from openclaw_standin.model import ScriptedModel
from openclaw_standin.model_script import digest

# Half is decided by rules or commands, half is Hebrew, as design section 6 asks of the mix.
MIX = (
    "/code write a function that parses a date {n}",
    "/sum the meeting moved from Monday to Tuesday, and Dana brings the slides {n}",
    "why do cats purr, and what is known about it? {n}",
    "tell me about the winter of {n}",
    "כתוב פונקציה בפייתון שממיינת רשימה {n}",
    "/sum הפגישה עברה מיום שני ליום שלישי {n}",
    "למה השמיים כחולים? {n}",
    "ספר לי על החורף של {n}",
)

RECORDS = 20_000
"""Rows that the stream of runs keeps."""


@dataclass(kw_only=True)
class Asked:
    """One message of the run: when it was sent, and what the run record and the journal say of it. Times in seconds."""

    chat_id: int
    text: str
    update_id: int
    sent_s: float
    fields: Mapping[str, str] = field(default_factory=dict)
    claim_s: float | None = None
    sign_s: float | None = None
    first_text_s: float | None = None
    done_s: float | None = None
    model_s: float = 0.0


async def ask(
    api: BotApi, *, messages: int, chats: int, per_s: float, first_chat: int = 1, first_text: int = 0
) -> list[Asked]:
    """Say *messages* of the mix in turn in so many *chats*; 0 a second: all at once."""
    asked: list[Asked] = []
    began = time.monotonic()
    for n in range(messages):
        if per_s:
            await asyncio.sleep(max(0.0, began + n / per_s - time.monotonic()))
        chat_id, text = first_chat + n % chats, MIX[(first_text + n) % len(MIX)].format(n=first_text + n)
        sent = time.monotonic()
        asked.append(Asked(chat_id=chat_id, text=text, update_id=api.user_says(chat_id, text), sent_s=sent))
        if not per_s and n % 50 == 49:
            await asyncio.sleep(0)
    return asked


async def fill_in(asked: Sequence[Asked], script: Script, api: BotApi, model: ScriptedModel) -> None:
    """Add to each what its chat, the journal and the run records say of it. Who has no run record has not ended."""
    offset_s = time.time() - time.monotonic()
    records = {run.task: run.row for run in await RunRecords(script).newest(count=RECORDS)}
    signs = {(entry.chat_id, entry.message_id): entry for entry in reversed(api.journal.calls("setMessageReaction"))}
    edits: dict[tuple[int | None, int | None], list[Entry]] = defaultdict(list)
    for entry in api.journal.calls("editMessageText"):
        if entry.outcome == "ok":
            edits[entry.chat_id, entry.message_id].append(entry)
    for one in asked:
        one.fields = records.get(f"u{one.update_id}", {})
        said = api.messages(one.chat_id)
        sign = signs.get((one.chat_id, next((m["message_id"] for m in said if m.get("text") == one.text), 0)))
        one.sign_s = sign.at_s - one.sent_s if sign else None
        mine = edits.get((one.chat_id, shown_in(said, one)), [])
        if mine:
            one.first_text_s = mine[0].at_s - one.sent_s
            one.done_s = next(entry.at_s for entry in mine if entry.text == mine[-1].text) - one.sent_s
        if claimed_ms := one.fields.get("claimed_ms"):
            one.claim_s = float(claimed_ms) / 1000 - offset_s - one.sent_s
        if one.fields.get("run"):
            # The model's own time by its script, so that all that our processes add counts as overhead.
            one.model_s = model.pace.first_token_s + model.pace.tokens / model.pace.tokens_per_s


def shown_in(said: Sequence[Mapping[str, Any]], one: Asked) -> int:
    """The first message that holds the answer to *one*, or says that it failed; 0 if there is none."""
    command, _, rest = one.text.partition(" ")
    mark = digest(rest if command.startswith("/") else one.text)
    for message in said:
        if not message["from"].get("is_bot"):
            continue
        if mark in message.get("text", "") or f"retry:u{one.update_id}" in json.dumps(message.get("reply_markup", {})):
            return int(message["message_id"])
    return 0


def judge(asked: Sequence[Asked], api: BotApi) -> dict[str, Any]:
    """Lost: neither answered nor told. Twice: the same answer in two messages. Order: answers as their questions came, in each chat."""
    lost = twice = disorder = 0
    for chat_id, mine in _by_chat(asked).items():
        shown = Counter(message.get("text", "") for message in api.messages(chat_id) if message["from"].get("is_bot"))
        twice += sum(count - 1 for text, count in shown.items() if count > 1 and len(text) > 40)
        done = [one.done_s + one.sent_s for one in mine if one.done_s is not None]
        disorder += sum(later < earlier for earlier, later in itertools.pairwise(done))
        lost += sum(one.done_s is None or one.fields.get("state") not in ("closed", "failed") for one in mine)
    claim = [one.claim_s - routed_s(one) for one in asked if one.claim_s is not None]
    return {
        "lost": lost,
        "twice": twice,
        "out_of_order": disorder,
        "seconds": {
            "first_sign": quantiles([one.sign_s for one in asked if one.sign_s is not None]),
            "agent_has_the_task": quantiles(claim),
            "first_answer_text": quantiles([one.first_text_s for one in asked if one.first_text_s is not None]),
            "done": quantiles([one.done_s for one in asked if one.done_s is not None]),
            "overhead": quantiles(
                [one.done_s - one.model_s - routed_s(one) for one in asked if one.done_s is not None]
            ),
            "routing": quantiles([routed_s(one) for one in asked]),
        },
        "per_s": {"admitted": rate(asked, "admitted_ms"), "in_a_lane": rate(asked, "queued_ms")},
        "claims_warm": sum(one.fields.get("warm") == "1" for one in asked),
    }


def routed_s(one: Asked) -> float:
    """What routing took, which has a column of its own."""
    return float(one.fields.get("route_ms", 0)) / 1000


def _by_chat(asked: Sequence[Asked]) -> dict[int, list[Asked]]:
    out: dict[int, list[Asked]] = defaultdict(list)
    for one in asked:
        out[one.chat_id].append(one)
    return out


def routing(asked: Sequence[Asked], model: ScriptedModel) -> dict[str, Any]:
    calls = [call for call in model.calls if call.kind == "json"]
    tokens = [n for one in asked if (n := int(one.fields.get("route_tokens", 0)))]
    return {
        "decided_by": dict(Counter(one.fields.get("decision", "none") for one in asked)),
        "calls": len(calls),
        "tokens_per_call": round(sum(tokens) / len(tokens)) if tokens else 0,
    }


def rate(asked: Sequence[Asked], name: str) -> int:
    """How many tasks a second passed the step whose time is *name*, from the first message's admission to the last one's step."""
    times = [float(one.fields[name]) for one in asked if one.fields.get(name)]
    starts = [float(one.fields["admitted_ms"]) for one in asked if one.fields.get("admitted_ms")]
    took_ms = max(times) - min(starts) if times and starts else 0
    return round(len(times) * 1000 / took_ms) if took_ms else 0


def quantiles(values: list[float]) -> dict[str, float]:
    """p50, p95, p99 and max by nearest rank; empty for no values."""
    if not values:
        return {}
    ranked = sorted(values)
    return {
        name: round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 3)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    }


def table(seconds: "dict[str, dict[str, float]]") -> Table:
    """Quantiles of each figure, one in a row."""
    out = Table("seconds", "p50", "p95", "p99", "max")
    for name, row in seconds.items():
        out.add_row(name.replace("_", " "), *(f"{row[q]:.3f}" if row else "-" for q in ("p50", "p95", "p99", "max")))
    return out
