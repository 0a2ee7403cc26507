"""The store as its tests see it: every part over one real server, and the way of a task to its claim, its answer or its end in a call."""

import itertools
from collections.abc import Mapping
from typing import Any

from openclaw_core.chat.delivery.displays import Display, Stage
from openclaw_core.ports import FunctionCall, Usage
from openclaw_core.records import read
from openclaw_core.store import (
    Adopted,
    AgentWork,
    Inbox,
    Lanes,
    Leadership,
    News,
    Pools,
    RedisDisplays,
    RunRecords,
    Script,
)
from openclaw_core.store import effects as effect_classes
from openclaw_core.store.effects import ActLink, Effect
from openclaw_core.store.lanes import Dispatched
from openclaw_core.store.news import TEXT
from openclaw_core.store.turns import turn_json
from openclaw_core.tasks.conversation import Turn, conversation_key
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.steps import CallResult, OpenedPage, Step
from openclaw_core.tasks.task import RoleSnapshot, Task, to_json
from openclaw_core.tasks.work import Answered, GaveUp, Result, Run

_updates = itertools.count(10_000)
CAPS: Any = {"chat_cap": 20, "total_cap": 5000}
ORDER = RoleSnapshot(role="coder", prompt="p", prompt_sha256="0", models=("m",))
USAGE = RunUsage(model="m", prompt_tokens=10, answer_tokens=2)


def task(n: int, chat: int = 1, text: str = "hello") -> Task:
    return Task(
        id=f"u{n}",
        chat_id=chat,
        chat_kind="private",
        user_id=9,
        message_id=100 + n,
        update_id=n,
        lang="en",
        text=text,
        admitted_ms=1,
    )


def completed_step(n: int, text: str = "found") -> Step:
    """A completed step with one call."""
    return Step(
        text="I look.",
        calls=(FunctionCall(id=f"c{n}", name="open_page", arguments='{"url":"https://a.org/"}'),),
        results=(
            CallResult(
                text=text, ms=12, pages=(OpenedPage(number=1, url="https://a.org/", domain="a.org", title="שלום"),)
            ),
        ),
        model="m",
        usage=Usage(prompt_tokens=10, answer_tokens=2),
        model_ms=7,
    )


def effect(one: Task) -> dict[str, str]:
    return {
        "op": "task", "id": one.id, "record": to_json(one), "chat": str(one.chat_id), "chat_kind": one.chat_kind, "lang": one.notices_in,
        "message_id": str(one.message_id), "user": str(one.user_id), "admitted_ms": "1",
        **({} if one.thread_id is None else {"thread": str(one.thread_id)}),
    }  # fmt: skip


EFFECT_CLASSES: list[type[Effect]] = [
    one for one in vars(effect_classes).values() if "kind_of_effect" in getattr(one, "__dict__", {})
]


def typed(row: Mapping[str, Any]) -> Effect:
    """The effect that a test writes as Lua reads it."""
    named = {"old": row["from"], "new": row["to"]} if row["op"] == "move" else dict(row)
    if "act" in row and row["op"] != "end_act":
        named["link"] = ActLink(**{name: row[name] for name in ActLink.__dataclass_fields__ if name in row})
    if "fresh" in row:
        named["fresh"] = [typed(fresh) for fresh in row["fresh"]]
    return read(next(one for one in EFFECT_CLASSES if one.kind_of_effect == row["op"]), named)


class World:
    """A leader, and agents that have an agent's script. *agent* is the first of them."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.agents = Script(script.redis, script.keys, rights="agent", timeout_s=30)
        self.inbox, self.lanes, self.pools, self.news, self.runs = (
            Inbox(script),
            Lanes(script),
            Pools(script),
            News(script),
            RunRecords(script),
        )
        self.leadership = Leadership(script)
        self.agent = self.work()
        self.epoch = 0
        self.seen = 0
        """The newest version that delivery has seen."""

    def work(self, job: str = "job-1", *, pool: str = "p", lease_s: float = 15.0) -> AgentWork:
        """Another agent."""
        return AgentWork(self.agents, pool=pool, job=job, lease_s=lease_s)

    @property
    def displays(self) -> RedisDisplays:
        return RedisDisplays(self.script, epoch=self.epoch)

    async def lead(self, holder: str = "me") -> int:
        self.epoch = await self.leadership.take_lead(holder, ttl_s=60)  # a busy machine is slow, not wrong
        return self.epoch

    # ---- what a brain does

    async def ask(self, *tasks: Task) -> None:
        for one in tasks:
            await self.inbox.admit([("inbox", {"update_id": one.update_id})], offset=None, epoch=self.epoch)
            [*_, entry] = await self.inbox.waiting("inbox")
            await self.inbox.handle("inbox", [(entry.entry_id, [typed(effect(one))])], epoch=self.epoch, **CAPS)

    async def effects(self, *effects: Mapping[str, object]) -> None:
        await self.inbox.admit([("control", {"update_id": next(_updates)})], offset=None, epoch=self.epoch)
        [*_, entry] = await self.inbox.waiting("control")
        await self.inbox.handle(
            "control", [(entry.entry_id, [typed(one) for one in effects])], epoch=self.epoch, **CAPS
        )

    async def dispatch(self, one: Task, *, parts: int = 0, spend: Mapping[str, Any] | None = None) -> bool:
        handed = await self.lanes.dispatch(
            one.with_snapshot(ORDER),
            pool="p",
            decision="rule",
            route_ms=1,
            route_tokens=0,
            parts=parts,
            epoch=self.epoch,
            spend=spend,
        )
        return handed is Dispatched.READY

    async def ready(self, one: Task) -> None:
        """Asked, released, remembered and handed to the pool."""
        await self.ask(one)
        assert await self.lanes.release(cap=10, at_most=10, epoch=self.epoch) == [one.id]
        assert await self.dispatch(one)

    async def said(self, one: Task, *, ttl_s: int = 86400) -> None:
        """The user's turn of *one* stands in the memory of its chat."""
        key = self.script.keys("turns", conversation_key(one.chat_id, one.thread_id))
        await self.script.read("RPUSH", key, turn_json(Turn(task_id=one.id, speaker="user", text=one.text)))
        await self.script.read("EXPIRE", key, ttl_s)

    async def claimed(self, one: Task) -> Run:
        await self.ready(one)
        return await self.claim()

    async def claim(self, agent: AgentWork | None = None) -> Run:
        """The next run, claimed by *agent*; the leader has heard of it."""
        run = await (agent or self.agent).claim()
        assert run is not None
        await self.hear()
        return run

    async def hear(self) -> list[Adopted]:
        """Carry out what there is of news."""
        names = await self.script.read("LPOP", self.script.keys("agent", "news"), 1000)
        runs = [name for name in dict.fromkeys(names or ()) if not name.endswith(TEXT)]
        return await self.news.adopt(runs, epoch=self.epoch)

    async def end(self, run: Run, result: Result) -> None:
        """The agent ends the run, and the leader hears of it."""
        assert await self.agent.end(run, result)
        await self.hear()

    async def answered(self, run: Run, markdown: str = "42") -> None:
        await self.end(run, Answered(markdown=markdown, usage=USAGE))

    async def failed(self, run: Run, cause: Cause = Cause.MODEL_DOWN) -> None:
        await self.end(run, GaveUp(cause=cause))

    # ---- what delivery does

    async def opened(self, display_id: str) -> Display:
        [found] = [display for display in await self.displays.changed(0) if display.id == display_id]
        return found

    async def notices(self) -> list[Display]:
        """Those that wait to be told, the one that changed last at the end."""
        return [display for display in await self.displays.changed(0) if display.stage is Stage.NOTICE]

    async def shown(self, display_id: str, delivery: Delivery = Delivery.DELIVERED) -> None:
        display = await self.opened(display_id)
        assert await self.displays.shown(display_id, display.version, delivery)

    async def show_all(self) -> None:
        for display in await self.displays.changed(0):
            if display.stage is not Stage.GROWING:
                await self.shown(display.id)

    # ---- what stands

    async def state(self, one: Task) -> str | None:
        return (await self.lanes.fields([one.id], "state"))[0]["state"]

    async def field(self, task_id: str, name: str) -> str | None:
        return (await self.lanes.fields([task_id], name))[0][name]

    async def history(self, chat: int = 1, thread: int | None = None) -> list[tuple[str, str]]:
        """Who said what."""
        turns: tuple[Turn, ...] = await self.lanes.history(chat, thread)
        return [(turn.speaker, turn.text) for turn in turns]

    async def put(self, fields: Mapping[str, Any], *key: object) -> None:
        """Write *fields* into a hash by hand."""
        flat = [part for pair in fields.items() for part in pair]
        await self.script.read("HSET", self.script.keys(*key), *flat)

    async def run_fields(self, run: Run, **fields: object) -> None:
        """Write into a run as its agent can: by hand, without a step."""
        await self.put(fields, "agent", "run", run.name)
