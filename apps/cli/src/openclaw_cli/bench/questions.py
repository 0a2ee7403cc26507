"""The questions that every benchmark asks, and what run records and the stand-in's journal say of each."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openclaw_core.store import RunRecords, Script
from openclaw_standin.bot_api import BotApi
from openclaw_standin.bot_api.journal import Entry
from openclaw_standin.model import ScriptedModel
from openclaw_standin.model.script import short_digest

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
class Question:
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


async def send(
    api: BotApi, *, messages: int, chats: int, per_s: float, first_chat: int = 1, first_text: int = 0
) -> list[Question]:
    """Send *messages* of the mix, in turn in so many *chats*; with 0 a second all at once."""
    asked: list[Question] = []
    began = time.monotonic()
    for n in range(messages):
        if per_s:
            await asyncio.sleep(max(0.0, began + n / per_s - time.monotonic()))
        chat_id, text = first_chat + n % chats, MIX[(first_text + n) % len(MIX)].format(n=first_text + n)
        sent = time.monotonic()
        asked.append(Question(chat_id=chat_id, text=text, update_id=api.users.write(chat_id, text), sent_s=sent))
        if not per_s and n % 50 == 49:
            await asyncio.sleep(0)
    return asked


async def add_results(asked: Sequence[Question], script: Script, api: BotApi, model: ScriptedModel) -> None:
    """Add to each what its chat, the journal and the run records say of it. A question without a run record has not ended."""
    offset_s = time.time() - time.monotonic()
    records = {run.task: run.row for run in await RunRecords(script).newest(count=RECORDS)}
    signs = {(entry.chat_id, entry.message_id): entry for entry in reversed(api.journal.calls("setMessageReaction"))}
    edits: dict[tuple[int | None, int | None], list[Entry]] = defaultdict(list)
    for entry in api.journal.calls("editMessageText"):
        if entry.outcome == "ok":
            edits[entry.chat_id, entry.message_id].append(entry)
    for one in asked:
        one.fields = records.get(f"u{one.update_id}", {})
        messages = api.messages(one.chat_id)
        sign = signs.get((one.chat_id, next((m["message_id"] for m in messages if m.get("text") == one.text), 0)))
        one.sign_s = sign.at_s - one.sent_s if sign else None
        mine = edits.get((one.chat_id, answer_id(messages, one)), [])
        if mine:
            one.first_text_s = mine[0].at_s - one.sent_s
            one.done_s = next(entry.at_s for entry in mine if entry.text == mine[-1].text) - one.sent_s
        if claimed_ms := one.fields.get("claimed_ms"):
            one.claim_s = float(claimed_ms) / 1000 - offset_s - one.sent_s
        if one.fields.get("run"):
            # The model's own time by its script, so that all that our processes add counts as overhead.
            one.model_s = model.pace.first_token_s + model.pace.tokens / model.pace.tokens_per_s


def answer_id(messages: Sequence[Mapping[str, Any]], one: Question) -> int:
    """The first message that holds the answer to *one*, or says that it failed; 0 if there is none."""
    command, _, rest = one.text.partition(" ")
    mark = short_digest(rest if command.startswith("/") else one.text)
    for message in messages:
        if not message["from"].get("is_bot"):
            continue
        if mark in message.get("text", "") or f"retry:u{one.update_id}" in json.dumps(message.get("reply_markup", {})):
            return int(message["message_id"])
    return 0
