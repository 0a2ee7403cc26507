"""Tasks that Redis has released are dispatched, whatever became of its reply."""

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from openclaw_brain.loops import Loop
from openclaw_brain.queue import consumer as module
from openclaw_brain.queue.consumer import QueueConsumer, reading_role, routing_text
from openclaw_core.errors import StoreUnavailable
from openclaw_core.roles.values import READ_DOCUMENT, Roles
from openclaw_core.store import Script
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Attachment
from tests.core.store_world import World, task
from tests.shipped import ROLES


class LostReply:
    """Lanes whose first release happens, and whose reply never comes."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.calls = 0
        self.held_s: float | None = None

    async def release(self, **_: object) -> list[str]:
        self.calls += 1
        if self.calls == 1:
            self.out = ["u1", "u2"]
            raise StoreUnavailable("TimeoutError")
        return []

    async def released(self) -> list[str]:
        return self.out

    async def fields(self, tasks: list[str], *_: str) -> list[dict[str, Any]]:
        return [{"state": "queued"} for _ in tasks]


async def test_tasks_whose_release_was_not_heard_of_are_dispatched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatched: list[str] = []
    over = asyncio.Event()

    async def dispatch(_: QueueConsumer, task_id: str, *_on: object) -> None:
        dispatched.append(task_id)
        await over.wait()

    monkeypatch.setattr(QueueConsumer, "_dispatch", dispatch)
    nothing = cast("Any", None)
    consumer = QueueConsumer(
        lanes=cast("Any", LostReply()), roles=nothing, chat=None, classifier=None, pool_of=lambda _: "agent-00000000", cap=10, epoch=1
    )  # fmt: skip
    looping = asyncio.create_task(consumer.forever(Loop(woken=asyncio.Event())))
    async with asyncio.timeout(10):
        while len(dispatched) < 2:
            await asyncio.sleep(0.02)
    await asyncio.sleep(1.2)  # a further look finds the two under way
    looping.cancel()
    await asyncio.gather(looping, return_exceptions=True)

    assert sorted(dispatched) == ["u1", "u2"]


class Out(LostReply):
    """Lanes with two tasks out. *asked* are those whose states were read."""

    def __init__(self, **states: str) -> None:
        super().__init__()
        self.states, self.asked = states, list[str]()

    async def released(self) -> list[str]:
        return list(self.states)

    async def fields(self, tasks: list[str], *_: str) -> list[dict[str, Any]]:
        self.asked += tasks
        return [{"state": self.states[one]} for one in tasks]


async def test_the_state_of_a_task_that_was_handed_over_is_read_once_in_ten_looks() -> None:
    lanes, nothing = Out(u1="running", u2="queued"), cast("Any", None)
    consumer = QueueConsumer(
        lanes=cast("Any", lanes), roles=nothing, chat=None, classifier=None, pool_of=lambda _: "p", cap=10, epoch=1
    )
    assert [await consumer._orphaned() for _ in range(8)] == [["u2"]] * 8
    assert lanes.asked.count("u1") == 1
    lanes.states["u1"] = "queued"  # its agent was lost, and a reply as well
    assert [await consumer._orphaned() for _ in range(2)] == [["u2"], ["u1", "u2"]]


async def test_tasks_that_another_step_has_let_go_are_routed_without_a_look(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ORPHANS_EVERY_S", 3600)
    world = World(script)
    await world.lead()
    ready, looks = asyncio.Event(), []
    consumer = QueueConsumer(
        lanes=world.lanes, roles=ROLES, chat=None, classifier=None, pool_of=lambda _: "p", cap=2,
        epoch=world.epoch,
    )  # fmt: skip
    looping = asyncio.create_task(
        consumer.forever(Loop(woken=asyncio.Event(), on_heartbeat=lambda: looks.append(1)), on_ready=ready.set)
    )
    async with asyncio.timeout(10):
        while not looks:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # the first look is over: the next one comes in an hour
    await world.ask(task(1))
    reply = await script.step("release", epoch=world.epoch, **(consumer.release_request() or {}))
    looked = len(looks)
    consumer.route_released(reply, {"u1": "of another size"})
    async with asyncio.timeout(10):
        await ready.wait()
    looping.cancel()
    await asyncio.gather(looping, return_exceptions=True)
    assert (await world.claim()).task.id == "u1"
    assert len(looks) == looked


async def test_a_release_that_redis_executes_late_leaks_no_place(script: Script) -> None:
    world = World(script)
    await world.lead()
    await world.ask(*(task(n, chat=n) for n in range(1, 6)))
    consumer = QueueConsumer(
        lanes=world.lanes, roles=ROLES, chat=None, classifier=None, pool_of=lambda _: "p", cap=2,
        epoch=world.epoch,
    )  # fmt: skip
    looping = asyncio.create_task(consumer.forever(Loop(woken=asyncio.Event())))
    done: list[str] = []
    try:
        async with asyncio.timeout(60):
            while len(done) < 5:
                # As by a call that its client had given up: whom it lets go, the loop never hears.
                await script.step("release", cap=2, max=2, epoch=world.epoch)
                claimed = await world.agent.claim()
                if claimed is not None:
                    await world.failed(claimed, Cause.INTERNAL)
                    done.append(claimed.task.id)
                await asyncio.sleep(0.02)
    finally:
        looping.cancel()
        await asyncio.gather(looping, return_exceptions=True)
    assert sorted(done) == [f"u{n}" for n in range(1, 6)]
    assert await world.lanes.released() == []


@pytest.mark.parametrize("loss", ["ready list", "lease", "end half-way", "ring", "record", "lane's other key"])
async def test_what_is_out_and_in_nobodys_hands_is_found_and_what_waits_gets_its_turn(
    script: Script, loss: str
) -> None:
    world = World(script)
    await world.lead()
    key = script.keys
    await world.ask(task(1), task(2))
    if loss == "ring":
        await script.read("DEL", key("ring"))
        await world.lanes.reconcile(epoch=world.epoch)
        assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u1"]
        return
    if loss == "lane's other key":
        await script.read("DEL", key("ring"), key("ring.members"))
        await world.lanes.reconcile(epoch=world.epoch)
        assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u1"]
        return
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    await world.dispatch(task(1))
    match loss:
        case "ready list":
            await script.read("DEL", key("agent", "ready", "p"))
            await world.lanes.reconcile(epoch=world.epoch)
            claimed = await world.agent.claim()
            assert claimed is not None
            assert claimed.task.id == "u1"
        case "lease":
            await world.claim()
            await script.read("DEL", key("agent", "leases"))
            await world.lanes.reconcile(epoch=world.epoch)
            assert await world.pools.overdue() == ["u1"]
        case "end half-way":
            await script.read("HSET", key("task", "u1"), "state", "closed")
            await world.lanes.reconcile(epoch=world.epoch)
            assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u2"]
        case "record":
            await script.read("DEL", key("task", "u1"))
            await world.lanes.reconcile(epoch=world.epoch)
            assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u2"]


def reading_by(*names: str) -> Roles:
    """The shipped roles, of which *names* read documents."""
    having = {
        name: replace(role, functions=(READ_DOCUMENT,) if name in names else ()) for name, role in ROLES.roles.items()
    }
    return replace(ROLES, roles=having)


@pytest.mark.parametrize(
    ("reading", "picked", "taken"),
    [
        (("summarizer",), "coder", "summarizer"),
        (("summarizer", "researcher"), "coder", "researcher"),  # the default comes first
        (("summarizer", "coder"), "coder", "coder"),
        ((), "coder", "coder"),
    ],
)
def test_a_task_with_documents_goes_to_a_role_that_reads_them(
    reading: tuple[str, ...], picked: str, taken: str
) -> None:
    one = replace(
        task(1), attachments=(Attachment(kind="voice", file_id="v"), Attachment(kind="document", file_id="d"))
    )
    assert reading_role(reading_by(*reading), picked, one) == taken
    assert reading_role(reading_by(*reading), picked, replace(one, attachments=one.attachments[:1])) == picked
    assert routing_text(replace(one, text="")) == "summarize this file"


async def test_a_document_is_dispatched_to_a_role_that_reads_it(script: Script) -> None:
    world = World(script)
    await world.lead()
    await world.ask(
        replace(task(1), role="coder", attachments=(Attachment(kind="document", file_id="d", name="a.pdf"),))
    )
    consumer = QueueConsumer(
        lanes=world.lanes, roles=reading_by("summarizer"), chat=None, classifier=None, pool_of=lambda _: "p", epoch=world.epoch, cap=5
    )  # fmt: skip
    [released] = await world.lanes.release(cap=5, at_most=5, epoch=world.epoch)
    await consumer._dispatch(released)
    assert (await world.claim()).snapshot.role == "summarizer"
