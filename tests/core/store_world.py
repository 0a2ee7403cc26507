"""The store as its tests see it: every part over one real server, and the way of a task to its claim in a call."""

from collections.abc import Mapping

from openclaw_core.store import Answers, Claimed, Inbox, Lanes, Notices, Pools, Runs, Script
from openclaw_core.store.lanes import Dispatched
from openclaw_core.task import Order, Task, to_json

CAPS = {"chat_cap": 20, "total_cap": 5000}
ORDER = Order(role="coder", prompt="p", prompt_sha256="0", models=("m",))


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


def effect(one: Task) -> dict[str, str]:
    return {
        "op": "task", "id": one.id, "record": to_json(one), "chat": str(one.chat_id), "chat_kind": "private", "lang": "en",
        "message_id": str(one.message_id), "user": "9", "admitted_ms": "1", **({} if one.thread_id is None else {"thread": str(one.thread_id)}),
    }  # fmt: skip


class World:
    def __init__(self, script: Script) -> None:
        self.script = script
        self.inbox, self.lanes, self.pools, self.notices, self.runs = (
            Inbox(script),
            Lanes(script),
            Pools(script),
            Notices(script),
            Runs(script),
        )
        self.agent = Answers(script, pool="p", job="job-1")
        self.epoch = 0

    async def lead(self, holder: str = "me") -> int:
        self.epoch = await self.inbox.take_lead(holder, ttl_s=8)
        return self.epoch

    async def ask(self, *tasks: Task) -> None:
        for one in tasks:
            await self.inbox.admit([("inbox", {"update_id": one.update_id})], offset=None, epoch=self.epoch)
            [*_, entry] = await self.inbox.waiting("inbox")
            await self.inbox.handle("inbox", [(entry.entry_id, [effect(one)])], epoch=self.epoch, **CAPS)

    async def effects(self, *effects: Mapping[str, object]) -> None:
        n = 10_000 + await self.inbox.length("control")
        await self.inbox.admit(
            [("control", {"update_id": n + hash(str(effects)) % 10**6})], offset=None, epoch=self.epoch
        )
        [*_, entry] = await self.inbox.waiting("control")
        await self.inbox.handle("control", [(entry.entry_id, list(effects))], epoch=self.epoch, **CAPS)

    async def dispatch(self, one: Task) -> bool:
        handed = await self.lanes.dispatch(
            one.ordered(ORDER), pool="p", decision="rule", route_ms=1, route_tokens=0, epoch=self.epoch
        )
        return handed is Dispatched.READY

    async def claimed(self, one: Task) -> Claimed:
        await self.ask(one)
        assert await self.lanes.release(cap=10, at_most=10, epoch=self.epoch) == [one.id]
        await self.lanes.save_context(one, epoch=self.epoch)
        assert await self.dispatch(one)
        claimed = await self.agent.claim()
        assert claimed is not None
        return claimed

    async def state(self, one: Task) -> str | None:
        return (await self.lanes.fields([one.id], "state"))[0]["state"]
