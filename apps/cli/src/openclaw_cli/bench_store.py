"""`openclaw bench store`: how many messages a Redis of a given size keeps, found by filling one with the steps that the bot takes.

Time is pressed together: what a message leaves behind goes when so many have followed it as come in that key's time.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from openclaw_brain.inbox.gathering import Windows
from openclaw_brain.inbox.handling import Handling
from openclaw_brain.inbox.intake import Access, Intake
from openclaw_brain.room import AT_ONCE as ROOM_AT_ONCE
from openclaw_brain.room import FULL
from openclaw_brain.telegram.incoming import Bot
from openclaw_cli.bench import MIX
from openclaw_cli.local_redis import local_redis
from openclaw_core.errors import SettingsError
from openclaw_core.roles.orders import order_of
from openclaw_core.roles.values import Roles, load
from openclaw_core.store import AgentWork, Inbox, Lanes, News, RedisDisplays, RedisSettings, Script, open_script
from openclaw_core.store.client import Rights
from openclaw_core.tasks.outcome import Decision, Delivery
from openclaw_core.tasks.work import Answered
from openclaw_standin.model_script import answer_for

BOT_ID, FIRST_CHAT, FIRST_UPDATE = 7_770_000_002, 1_000_000_000, 700_000_000
"""As long as Telegram's, since they stand in every key."""
AT_ONCE = 200
"""Messages of one round: as many as are handled at once."""
SAMPLES = 200
"""Keys of each kind whose size is asked for."""
DAYS = {"seen": 2.0, "msg": 2.0, "heard": 2.0, "turns": 1.0, "answer": 0.0, "act": 0.0}
"""Of a week: how long the keys of a kind are kept (docs/data.md), 0 for minutes. All others of a message are kept for the whole week."""


def main(args: argparse.Namespace) -> int:
    report = asyncio.run(_run(args))
    show(report)
    print(json.dumps(report))
    return 0


async def _run(args: argparse.Namespace) -> dict[str, Any]:
    roles = load(Path(args.roles))
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="openclaw-bench-store-")))
        url = await stack.enter_async_context(local_redis(folder))
        script = await stack.enter_async_context(open_script(RedisSettings(url=url, timeout_s=30), bot_id=BOT_ID))
        await script.read("CONFIG", "SET", "appendonly", "no")  # it costs time here, and no memory
        await script.read("CONFIG", "SET", "maxmemory", f"{args.maxmemory_mb}mb")
        bot = PressedBot(
            script=Together.over(script, "leader"), agents=Together.over(script, "agent"), roles=roles, chats=args.chats, answer_tokens=args.answer_tokens,
        )  # fmt: skip
        await bot.lead()
        return await fill(bot, week=args.week, at_most=args.messages)


@dataclass(kw_only=True)
class PressedBot:
    """The steps of brain, agents and delivery for many messages at once, without their processes."""

    script: Script
    agents: Script
    roles: Roles
    chats: int
    answer_tokens: int = 120
    epoch: int = 0
    _next: int = FIRST_UPDATE

    async def lead(self) -> None:
        self.epoch = await Inbox(self.script).take_lead("bench", ttl_s=86400)

    async def answer(self, count: int) -> list[int]:
        """Take so many messages from admission to delivery; gives the numbers of their updates."""
        updates = [self._update() for _ in range(count)]
        texts = {f"u{update['update_id']}": update["message"]["text"] for update in updates}
        inbox, lanes, news = Inbox(self.script), Lanes(self.script), News(self.script)
        await inbox.admit([("inbox", update) for update in updates], offset=None, epoch=self.epoch)
        handling = Handling(
            inbox=inbox, lanes=lanes, intake=Intake(roles=self.roles, access=Access(users=None)), bot=Bot(id=BOT_ID, username="bench"),
            windows=Windows(), epoch=self.epoch, chat_cap=count, total_cap=5000,
        )  # fmt: skip
        while await handling.batch("inbox"):
            pass
        left = count
        while left:  # of one chat, one after the other
            ids = await lanes.release(cap=count, at_most=count, epoch=self.epoch)
            if not ids:
                raise SettingsError(
                    "a message is left that nobody can take: the steps of this benchmark are not the bot's"
                )
            await asyncio.gather(*(self._dispatch(lanes, task_id) for task_id in ids))
            await asyncio.gather(*(self._answer(n, texts) for n in range(len(ids))))
            while runs := await self.script.read("LPOP", self.script.keys("agent", "news"), 1000):
                await news.adopt(list(dict.fromkeys(runs)), epoch=self.epoch)
            displays = RedisDisplays(self.script, epoch=self.epoch)
            await asyncio.gather(*(self._show(displays, one) for one in await displays.changed(0)))
            await displays.signs(count)
            left -= len(ids)
        return [update["update_id"] for update in updates]

    def chat_of(self, n: int) -> int:
        return FIRST_CHAT + (n - FIRST_UPDATE) % self.chats

    def asked_as(self, n: int) -> int:
        """The id of the message of an update in its chat: questions have odd ones, since each has one answer."""
        return 2 * ((n - FIRST_UPDATE) // self.chats) + 1

    def _update(self) -> dict[str, Any]:
        n = self._next
        self._next += 1
        chat, text = self.chat_of(n), MIX[n % len(MIX)].format(n=n)
        message: dict[str, Any] = {
            "message_id": self.asked_as(n), "date": 1_700_000_000 + n * 60, "chat": {"id": chat, "type": "private"},
            "from": {"id": chat, "is_bot": False}, "text": text,
        }  # fmt: skip
        if text.startswith("/"):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]
        return {"update_id": n, "message": message}

    async def _dispatch(self, lanes: Lanes, task_id: str) -> None:
        queued = await lanes.queued(task_id)
        role = self.roles.roles[queued.task.role or self.roles.default]
        how = {"decision": Decision.RULE.value, "route_ms": 1, "route_tokens": 0, "epoch": self.epoch}
        await lanes.dispatch(queued.task.ordered(order_of(role)), pool="agent-00000000", **how)  # type: ignore[arg-type]

    async def _answer(self, n: int, texts: dict[str, str]) -> None:
        agent = AgentWork(self.agents, pool="agent-00000000", job=f"agent-agent-00000000-{n}")
        run = await agent.claim()
        if run is None:
            raise SettingsError("there is nothing to claim: the steps of this benchmark are not the bot's")
        usage = {
            "model": run.order.models[0], "prompt_tokens": 300, "cached_tokens": 0, "answer_tokens": self.answer_tokens, "first_token_ms": 300, "model_ms": 1500,
        }  # fmt: skip
        await agent.end(run, Answered(markdown=answer_for(texts[run.task.id], tokens=self.answer_tokens), usage=usage))

    async def _show(self, displays: RedisDisplays, one: Any) -> None:
        await displays.reserved(one.id, 0, self.asked_as(int(one.task_id[1:])) + 1)
        await displays.shown(one.id, one.version, Delivery.DELIVERED)


class Together(Script):
    """Sends what many tasks ask in the same turn of the loop in one round trip: a message's 25 would take as long as all else."""

    _steps: list[tuple[Sequence[tuple[str, Mapping[str, Any]]], asyncio.Future[list[Any]]]]
    _reads: list[tuple[Sequence[tuple[Any, ...]], asyncio.Future[list[Any]]]]

    @classmethod
    def over(cls, script: Script, rights: Rights) -> "Together":
        made = cls(script.redis, script.keys, rights=rights, timeout_s=60)
        made._steps, made._reads = [], []
        return made

    async def steps(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        return await _asked(calls, self._steps, super().steps)

    async def reads(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        return await _asked(commands, self._reads, super().reads)

    async def read(self, command: str, *args: Any) -> Any:
        return (await self.reads([(command, *args)]))[0]


async def _asked(
    wanted: Sequence[Any],
    waiting: list[tuple[Sequence[Any], "asyncio.Future[list[Any]]"]],
    ask: Callable[[list[Any]], Awaitable[list[Any]]],
) -> list[Any]:
    """What *ask* gives for *wanted*. The first who waits asks for all who came until then, in their order."""
    mine: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
    waiting.append((wanted, mine))
    if len(waiting) == 1:
        await asyncio.sleep(0)
        together = list(waiting)
        waiting.clear()
        replies = iter(await ask([one for some, _ in together for one in some]))
        for some, future in together:
            future.set_result([next(replies) for _ in some])
    return await mine


async def fill(bot: PressedBot, *, week: int, at_most: int) -> dict[str, Any]:
    """Answer messages, *week* of them in a week, until the brain would let finished records go, or *at_most* were answered."""
    script, ages = bot.script, Ages(bot=bot, week=week)
    before = (await script.memory()).used
    answered, began = 0, time.monotonic()
    while answered < at_most:
        ages.came(await bot.answer(AT_ONCE))
        answered += AT_ONCE
        if gone := ages.gone():
            await script.read("UNLINK", *gone)
        memory = await script.memory()
        if answered % 10_000 == 0:
            print(f"{answered:,} messages: {memory.share:.1%} full", file=sys.stderr, flush=True)
        if memory.share >= FULL:
            break
    memory = await script.memory()
    kept = await kinds(script)
    return {
        "messages": answered, "until_records_go": memory.share >= FULL, "week": week, "chats": bot.chats, "answer_tokens": bot.answer_tokens,
        "maxmemory_mb": round(memory.limit / 2**20), "used_mb": round(memory.used / 2**20, 1), "share": round(memory.share, 3),
        "bytes_a_message": round((memory.used - before) / answered), "took_s": round(time.monotonic() - began),
        "kinds": kept, "room_made": await room_made(bot) if memory.share >= FULL else {},
    }  # fmt: skip


async def room_made(bot: PressedBot) -> dict[str, float]:
    """What letting finished records go gives, as the brain lets them go."""
    before, began = (await bot.script.memory()).used, time.monotonic()
    gone = await Inbox(bot.script).make_room(at_most=ROOM_AT_ONCE, epoch=bot.epoch)
    took_ms = (time.monotonic() - began) * 1000
    freed = before - (await bot.script.memory()).used
    return {"records": gone, "bytes_each": round(freed / max(1, gone)), "took_ms": round(took_ms, 1)}


@dataclass(kw_only=True)
class Ages:
    """Which keys would have gone by now, if *week* messages came in a week."""

    bot: PressedBot
    week: int
    _came: int = 0
    _due: dict[str, deque[tuple[int, str]]] = field(default_factory=dict)
    _newest: dict[str, int] = field(default_factory=dict)

    def came(self, updates: Iterable[int]) -> None:
        key = self.bot.script.keys
        for n in updates:
            self._came += 1
            chat = self.bot.chat_of(n)
            names = {
                "seen": key("seen", n),
                "turns": key("turns", chat),
                "answer": key("answer", f"u{n}"),
                "act": key("act", chat, chat),
            }
            for kind, name in names.items():
                self._newest[name] = self._came
                self._due.setdefault(kind, deque()).append((self._came, name))
            asked = f"{chat}:{self.bot.asked_as(n)}"
            for kind in ("msg", "heard"):
                self._due.setdefault(kind, deque()).append((self._came, key(kind, asked)))

    def gone(self) -> list[str]:
        """Keys whose time is over, each once."""
        out = []
        for kind, due in self._due.items():
            kept = DAYS[kind] / 7 * self.week
            while due and self._came - due[0][0] >= kept:
                at, name = due.popleft()
                if self._newest.get(name, at) == at:
                    self._newest.pop(name, None)
                    out.append(name)
        return out


async def kinds(script: Script) -> dict[str, dict[str, int]]:
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
        f"{report['messages']:,} messages of {report['chats']:,} chats, {report['week']:,} a week: {report['used_mb']} of {report['maxmemory_mb']} MB, "
        f"{report['bytes_a_message']:,} bytes a message; {verdict}",
        highlight=False,
    )
