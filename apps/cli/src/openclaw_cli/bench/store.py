"""`openclaw bench store`: how many messages a Redis of a given size keeps, measured by filling one with the steps that the bot takes.

No time passes: a key of a message is deleted once as many messages have followed as arrive within the key's time to live.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from openclaw_brain.store_capacity import AT_ONCE as ROOM_AT_ONCE
from openclaw_brain.store_capacity import FULL
from openclaw_cli.bench.bot_steps import BOT_ID, BatchingScript, BotSteps
from openclaw_cli.up.local_redis import local_redis
from openclaw_core.roles.check import load_roles
from openclaw_core.store import Inbox, RedisSettings, Script, open_script

AT_ONCE = 200
"""Messages of one round: as many as are handled at once."""
SAMPLES = 200
"""Keys of each kind whose size is asked for."""
DAYS = {"seen": 2.0, "msg": 2.0, "heard": 2.0, "turns": 1.0, "answer": 0.0, "act": 0.0}
"""How long the keys of a kind are kept (docs/data.md), 0 for minutes. All other keys of a message are kept for a week."""


def main(args: argparse.Namespace, _env: Mapping[str, str]) -> int:
    report = asyncio.run(_run(args))
    show(report)
    print(json.dumps(report))
    return 0


async def _run(args: argparse.Namespace) -> dict[str, Any]:
    roles = load_roles(Path(args.roles))
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="openclaw-bench-store-")))
        url = await stack.enter_async_context(local_redis(folder))
        script = await stack.enter_async_context(open_script(RedisSettings(url=url, timeout_s=30), bot_id=BOT_ID))
        await script.read("CONFIG", "SET", "appendonly", "no")  # it costs time here, and no memory
        await script.read("CONFIG", "SET", "maxmemory", f"{args.maxmemory_mb}mb")
        bot = BotSteps(
            script=BatchingScript.over(script, "leader"), agents=BatchingScript.over(script, "agent"), roles=roles,
            chats=args.chats, answer_tokens=args.answer_tokens,
        )  # fmt: skip
        await bot.lead()
        return await fill(bot, week=args.week, at_most=args.messages)


async def fill(bot: BotSteps, *, week: int, at_most: int) -> dict[str, Any]:
    """Answer messages, *week* of them in a week, until the brain would delete finished records, or *at_most* were answered."""
    script, expiry = bot.script, KeyExpiry(bot=bot, week=week)
    before = (await script.memory()).used
    answered, began = 0, time.monotonic()
    while answered < at_most:
        expiry.add(await bot.answer(AT_ONCE))
        answered += AT_ONCE
        if gone := expiry.expired():
            await script.read("UNLINK", *gone)
        memory = await script.memory()
        if answered % 10_000 == 0:
            print(f"{answered:,} messages: {memory.share:.1%} full", file=sys.stderr, flush=True)
        if memory.share >= FULL:
            break
    memory = await script.memory()
    kept = await sizes_by_kind(script)
    return {
        "messages": answered, "until_records_go": memory.share >= FULL, "week": week, "chats": bot.chats,
        "answer_tokens": bot.answer_tokens,
        "maxmemory_mb": round(memory.limit / 2**20), "used_mb": round(memory.used / 2**20, 1), "share": round(memory.share, 3),
        "bytes_a_message": round((memory.used - before) / answered), "took_s": round(time.monotonic() - began),
        "kinds": kept, "room_made": await measure_cleanup(bot) if memory.share >= FULL else {},
    }  # fmt: skip


async def measure_cleanup(bot: BotSteps) -> dict[str, float]:
    """Delete finished records as the brain does. Returns how many, the bytes that each freed, and the time."""
    before, began = (await bot.script.memory()).used, time.monotonic()
    gone = await Inbox(bot.script).make_room(at_most=ROOM_AT_ONCE, epoch=bot.epoch)
    took_ms = (time.monotonic() - began) * 1000
    freed = before - (await bot.script.memory()).used
    return {"records": gone, "bytes_each": round(freed / max(1, gone)), "took_ms": round(took_ms, 1)}


@dataclass(kw_only=True)
class KeyExpiry:
    """Which keys would have expired by now, if *week* messages came in a week."""

    bot: BotSteps
    week: int
    _count: int = 0
    _due: dict[str, deque[tuple[int, str]]] = field(default_factory=dict)
    _newest: dict[str, int] = field(default_factory=dict)

    def add(self, updates: Iterable[int]) -> None:
        key = self.bot.script.keys
        for n in updates:
            self._count += 1
            chat = self.bot.chat_of(n)
            names = {
                "seen": key("seen", n),
                "turns": key("turns", chat),
                "answer": key("answer", f"u{n}"),
                "act": key("act", chat, chat),
            }
            for kind, name in names.items():
                self._newest[name] = self._count
                self._due.setdefault(kind, deque()).append((self._count, name))
            asked = f"{chat}:{self.bot.asked_as(n)}"
            for kind in ("msg", "heard"):
                self._due.setdefault(kind, deque()).append((self._count, key(kind, asked)))

    def expired(self) -> list[str]:
        """Keys whose time to live is over, each once."""
        out = []
        for kind, due in self._due.items():
            kept = DAYS[kind] / 7 * self.week
            while due and self._count - due[0][0] >= kept:
                at, name = due.popleft()
                if self._newest.get(name, at) == at:
                    self._newest.pop(name, None)
                    out.append(name)
        return out


async def sizes_by_kind(script: Script) -> dict[str, dict[str, int]]:
    """Of each kind of key: how many there are, and the bytes of one, from a sample."""
    prefix, found = script.keys.prefix, Counter[str]()
    samples: dict[str, list[str]] = {}
    async for name in script.redis.scan_iter(f"{prefix}*", count=1000):
        kind = kind_of(name.removeprefix(prefix))
        found[kind] += 1
        if len(samples.setdefault(kind, [])) < SAMPLES:
            samples[kind].append(name)
    out = {}
    for kind, names in samples.items():
        sizes: Sequence[int] = await script.reads([("MEMORY", "USAGE", name, "SAMPLES", 0) for name in names])
        out[kind] = {"keys": found[kind], "bytes_each": round(sum(sizes) / len(sizes))}
    return dict(sorted(out.items(), key=lambda row: -row[1]["keys"] * row[1]["bytes_each"]))


def kind_of(name: str) -> str:
    """The row of docs/data.md that a key belongs to."""
    area, _, rest = name.partition(":")
    return f"agent:{rest.partition(':')[0]}" if area == "agent" else area


def show(report: dict[str, Any]) -> None:
    console = Console()
    out = Table("key", "how many", "bytes each", "MB")
    for kind, row in list(report["kinds"].items())[:12]:
        mb = row["keys"] * row["bytes_each"] / 2**20
        out.add_row(kind, f"{row['keys']:,}", f"{row['bytes_each']:,}", f"{mb:.1f}")
    console.print(out)
    verdict = "finished records begin to go" if report["until_records_go"] else "there is room"
    console.print(
        f"{report['messages']:,} messages of {report['chats']:,} chats, {report['week']:,} a week: {report['used_mb']} "
        f"of {report['maxmemory_mb']} MB, {report['bytes_a_message']:,} bytes a message; {verdict}",
        highlight=False,
    )
