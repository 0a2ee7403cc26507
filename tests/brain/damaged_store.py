"""A leader whose loops run over a store that something damages, and what users say to it meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from openclaw_brain.agents.pool import PoolLimits
from openclaw_brain.agents.ports import Pool
from openclaw_brain.agents.recovery import Recovery
from openclaw_brain.agents.results import ResultReader
from openclaw_brain.agents.rollout import Rollout
from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.gather import Windows
from openclaw_brain.inbox.handler import UpdateHandler
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.loops import Loop
from openclaw_brain.metrics import Metrics
from openclaw_brain.queue.consumer import QueueConsumer
from openclaw_brain.queue.spending import TaskBudget
from openclaw_brain.store_capacity import StoreCapacity
from openclaw_brain.telegram.incoming import Bot
from openclaw_cli.bench.roles import folder_without_tools
from openclaw_core.budgets.values import Budgets, Limit, Period, Scope, Unit
from openclaw_core.chat.delivery.dispatcher import Dispatcher
from openclaw_core.errors import LostOwnership, StoreFault
from openclaw_core.roles.check import load_roles
from openclaw_core.store import AgentWork, Inbox, Lanes, News, Pools, RedisDisplays, RunRecords, Script
from openclaw_core.store.budgets import Spending
from openclaw_core.store.packing import packed
from openclaw_core.tasks.task import snapshot_digest, snapshot_json, to_json
from openclaw_core.tasks.work import Answered
from tests.core.store_world import ORDER, USAGE, effect, task
from tests.fakes.launcher import FakeLauncher
from tests.fakes.messenger import FakeMessenger

with TemporaryDirectory() as _folder:
    ROLES = load_roles(
        folder_without_tools(Path(__file__).parents[2] / "platform/openclaw/base", Path(_folder) / "roles")
    )
MUCH = Limit(scope=Scope.ALL, period=Period.DAY, unit=Unit.TOKENS, amount=10**12)
VICTIM = 1
RUNS = {n: f"u{n}.{n:032x}" for n in range(1, 7)}
"""Of the victim's tasks."""
Damage = Callable[["Leader"], Awaitable[Any]]


class _Always(asyncio.Event):
    """Ends each wait soon."""

    async def wait(self) -> Literal[True]:
        await asyncio.sleep(0.02)
        return True


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)  # looked up here, since the fixture replaces it


@dataclass(kw_only=True)
class Leader:
    """All loops of a leader over one store."""

    script: Script
    epoch: int
    messenger: FakeMessenger = field(default_factory=FakeMessenger)
    launcher: FakeLauncher = field(default_factory=lambda: FakeLauncher(pods={"agent": {"spec": {}}}))
    loops: "list[asyncio.Task[None]]" = field(default_factory=list)
    updates: int = 1000

    def __post_init__(self) -> None:
        script, epoch = self.script, self.epoch
        self.inbox, self.lanes, self.pools = Inbox(script), Lanes(script), Pools(script)

        self.rollout = Rollout(
            templates=["agent"], launcher=self.launcher, pools=self.pools, lanes=self.lanes, epoch=epoch,
            limits_of=lambda _template: PoolLimits(warm=1, cap=20, queue_deadline_s=900),
            pool_of=lambda template, pod: Pool.of(template, pod=pod, env={}, deadline_s=1),
        )  # fmt: skip
        self.metrics = Metrics(script=script, roles=sorted(ROLES.roles), leading=True)

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        await self.lanes.reconcile(epoch=self.epoch)
        await self.rollout.refresh()
        handler = UpdateHandler(
            inbox=self.inbox, lanes=self.lanes, runs=RunRecords(self.script),
            intake=Intake(roles=ROLES, access=Access(users=None)), bot=Bot(id=5, username="bot"),
            windows=Windows(), epoch=self.epoch, chat_cap=20, total_cap=5000, spending=Spending(self.script, Budgets()),
        )  # fmt: skip
        lanes = QueueConsumer(
            lanes=self.lanes, roles=ROLES, chat=None, classifier=None, pool_of=self.rollout.current, epoch=self.epoch, cap=20,
            budget=TaskBudget(script=self.script, budgets=Budgets(limits=(MUCH,)), epoch=self.epoch),
        )  # fmt: skip
        recovery = Recovery(
            pools=self.pools, lanes=self.lanes, launcher=self.launcher, controller_of=self.rollout.controller,
            successor_of=self.rollout.successor,
            epoch=self.epoch, task_deadline_s=60, lease_s=0.01,
        )  # fmt: skip
        delivery = Dispatcher(
            displays=RedisDisplays(self.script, epoch=self.epoch), messenger=self.messenger, roles=ROLES, cautious=False
        )  # fmt: skip
        results = ResultReader(
            news=News(self.script), lanes=self.lanes, epoch=self.epoch, on_text=delivery.grew, on_changed=delivery.changed,
            on_claimed=self.launcher.claimed, on_chat_free=delivery.indicators_added,
        )  # fmt: skip
        capacity = StoreCapacity(
            inbox=self.inbox, memory=self.script.memory, epoch=self.epoch, on_share=lambda _: None
        )  # fmt: skip
        soon = Loop(woken=_Always(), sleep=_pause)
        self.loops = [
            asyncio.create_task(handler.forever("inbox", soon), name="inbox"),
            asyncio.create_task(handler.forever("control", soon), name="control"),
            asyncio.create_task(lanes.forever(soon), name="lanes"),
            asyncio.create_task(self.rollout.scale_pools(soon), name="pool"),
            asyncio.create_task(self.rollout.follow_templates(Loop(sleep=_pause)), name="templates"),
            asyncio.create_task(recovery.check_leases(Loop()), name="leases"),
            asyncio.create_task(results.run(Loop()), name="news"),
            asyncio.create_task(delivery.run(), name="delivery"),
            asyncio.create_task(capacity.run(Loop()), name="room"),
        ]
        try:
            yield
        finally:
            for loop in self.loops:
                loop.cancel()
            await asyncio.gather(*self.loops, return_exceptions=True)

    # ---- the chat that the damage is done to

    async def victim(self) -> None:
        """Tasks of one chat in every state, and texts that wait for it."""
        key, pool, read = self.script.keys, self.rollout.current("agent"), self.script.read
        mine = [f"task:u{n}" for n in range(1, 7)] + [f"agent:run:{run}" for run in RUNS.values()]
        mine += [
            f"{name}:{VICTIM}" for name in ("lane", "turns", "busy", "chat", "next_role", "act", "stop", "episode:wait")
        ]
        await read("DEL", *(key(name) for name in [*mine, "notice:bad", "answer:u4", "msg:1:101", "heard:1:101"]))
        order = snapshot_json(ORDER)
        await read("SET", key("agent", "order", snapshot_digest(order), "z"), packed(order))
        for n, state in ((1, "queued"), (2, "ready"), (3, "running"), (4, "answered"), (5, "failed"), (6, "queued")):
            one = task(n, chat=VICTIM)
            fields = {
                **{name: value for name, value in effect(one).items() if name not in ("op", "id")}, "state": state,
                "attempt": "1", "tries": "0",
                "handbacks": "0", "pool": pool, "job": "ghost", "role": "coder", "admitted_ms": "1", "ready_ms": "1", "attempt_ms": "1",
                "queued_ms": "1", "record": to_json(one), "order": snapshot_digest(order), "slot0": "99",
                "order_n": str(n), "generation": "0", "next_role": "coder",
                "delivery": "pending", "run": "{}",
            }  # fmt: skip
            if n in (2, 3):
                run = {
                    "record": to_json(one),
                    "order": snapshot_digest(order),
                    "turns": "[]",
                    "attempt": "1",
                    "ready_ms": "1",
                }
                run |= {"job": "ghost", "claimed_ms": "1", "warm": "0", "text": "Four"} if n == 3 else {}
                fields["run_id"] = RUNS[n]
                await read("HSET", key("agent", "run", RUNS[n]), *[part for pair in run.items() for part in pair])
            await read("HSET", key("task", one.id), *[part for pair in fields.items() for part in pair])
            if n < 4:
                await read("SADD", key("released"), one.id)
            else:
                await self._open(f"t:{one.id}")
        await read("SET", key("answer", "u4"), "Four.")
        await read("SET", key("busy", VICTIM), "u1")
        await read("RPUSH", key("lane", VICTIM), "u6")
        await read("ZADD", key("waiting.since"), 1, "u6")
        await read("RPUSH", key("agent", "ready", pool), RUNS[2])
        await read("ZADD", key("agent", "leases"), 1, RUNS[3])
        await read("RPUSH", key("turns", VICTIM), '{"task_id":"u3","speaker":"user","text":"hello"}')
        await read("HSET", key("chat", VICTIM), "lang", "en", "generation", "0", "last_task", "u5")

    async def _open(self, display: str) -> None:
        """*display* has changed. What stands at the keys of this may be anything."""
        while True:
            try:
                await self.script.read("EVAL", OPEN, 2, self.script.keys("open"), self.script.keys("changes"), display)
                return
            except StoreFault:
                await asyncio.sleep(0.02)

    async def kind(self, key: str) -> str:
        return str(await self.script.read("TYPE", self.script.keys(key.replace("POOL", self.rollout.current("agent")))))

    # ---- somebody else

    async def serves(self) -> None:
        """A message of another chat is taken, routed, answered; `/help` is told; and the page of metrics is there."""
        self.updates += 2
        n, chat = self.updates, 5000 + self.updates
        pool = self.rollout.current("agent")
        async with asyncio.timeout(120):
            await self._admitted("inbox", says(n, chat, "write a python function"))
            await self._admitted("control", says(n + 1, chat + 10_000, "/help"))
            agent = AgentWork(
                Script(self.script.redis, self.script.keys, rights="agent", timeout_s=30), pool=pool, job=f"agent-{pool}-of-the-test"
            )  # fmt: skip
            answer = f"the answer of {n}"
            while not any(answer in text for text in self.messenger.texts):
                self._all_turn()
                try:
                    run = await agent.claim()
                    if run is None:
                        await asyncio.sleep(0.01)
                    else:
                        mine = run.task.chat_id == chat
                        await agent.end(run, Answered(markdown=answer if mine else "another's", usage=USAGE))
                except (LostOwnership, StoreFault):
                    await asyncio.sleep(0.01)
            while not any(wanted in text for text in self.messenger.texts for wanted in ("/help", "/new")):
                self._all_turn()
                await asyncio.sleep(0.01)
        self.messenger.shown.clear()
        assert b"openclaw_queue_length" in await self.metrics.page()
        self._all_turn()

    async def _admitted(self, stream: Any, update: dict[str, Any]) -> None:
        while True:
            try:
                await self.inbox.admit([(stream, update)], offset=None, epoch=self.epoch)
                return
            except StoreFault:
                continue  # as `admit_forever` does

    def _all_turn(self) -> None:
        for loop in self.loops:
            if loop.done():
                raise AssertionError(f"the loop {loop.get_name()} has ended") from loop.exception()


OPEN = "return redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[2]), ARGV[1])"


def says(update_id: int, chat: int, text: str) -> dict[str, Any]:
    person = {"id": chat, "is_bot": False, "first_name": "A"}
    message = {
        "message_id": update_id,
        "date": 1,
        "chat": {"id": chat, "type": "private"},
        "from": person,
        "text": text,
    }
    return {"update_id": update_id, "message": message}


def presses(update_id: int, chat: int, data: str) -> dict[str, Any]:
    person = {"id": chat, "is_bot": False, "first_name": "A"}
    message = {"message_id": 1, "date": 1, "chat": {"id": chat, "type": "private"}}
    return {"update_id": update_id, "callback_query": {"id": "c", "from": person, "message": message, "data": data}}


def command(*parts: str) -> Damage:
    """A Redis command; the word after it is a key, in which POOL stands for the pool in use."""

    async def done(leader: Leader) -> None:
        pool = leader.rollout.current("agent")
        name, key, *rest = (part.replace("POOL", pool) for part in parts)
        await leader.script.read(name, leader.script.keys(key), *rest)

    return done


def notice(kind: str, args: str, **fields: str) -> Damage:
    async def done(leader: Leader) -> None:
        row = {
            "chat": str(9000 + leader.updates),  # one of its own, since a chat takes a call a second
            "kind": kind,
            "args": args,
            "lang": "en",
            "thread": "",
            "reply_to": "",
            "at": "1",
            "order": "1",
            **fields,
        }
        flat = [part for pair in row.items() for part in pair]
        await leader.script.read("HSET", leader.script.keys("notice:bad"), *flat)
        await leader._open("n:bad")

    return done
