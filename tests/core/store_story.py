"""A story of a bot in which each step and each effect of the Lua files has its part."""

from dataclasses import replace

import pytest

from openclaw_core.budgets.values import Budgets, Limit, Period, Scope, Spend, Unit
from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.errors import LostOwnership
from openclaw_core.roles.values import ModelSpec
from openclaw_core.store import AloneTasks, RedisDisplays
from openclaw_core.store.access import Right, set_git_access
from openclaw_core.store.budgets import Reserved, reserve, set_budgets, spend_fields
from openclaw_core.store.canaries import Canaries, TriedPrompt
from openclaw_core.store.figures import set_prices
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.tasks.task import to_json
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack
from tests.core.store_world import USAGE, World, completed_step, effect, task


async def told(world: World) -> None:
    """Each step and each effect once at least, in an order as a bot has it."""
    await _settings(world)
    await _a_question_that_three_agents_had(world)
    await _ends_of_other_kinds(world)
    await _one_that_grows(world)
    await _one_that_nobody_can_read(world)
    await _one_alone(world)
    await _a_group_that_moves(world)
    await _all_is_told(world)


CHAT = {"chat": "1", "lang": "en"}


async def _settings(world: World) -> None:
    await world.lead()
    model = ModelSpec(id="m", context_tokens=1, input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)
    await set_prices(world.script, {"m": model}, epoch=world.epoch)
    much = Limit(scope=Scope.USER, period=Period.DAY, unit=Unit.TOKENS, amount=10**6)
    await set_budgets(world.script, Budgets(limits=(much,)), epoch=world.epoch)
    await world.inbox.set_files_at("http://brain", epoch=world.epoch)
    await Canaries(world.script).keep("coder", TriedPrompt(prompt="0", since="0"), epoch=world.epoch)
    await set_git_access(world.script, {"5": Right.OWNER, "6": Right.USER}, epoch=world.epoch)
    await world.effects({"op": "access", "subject": "8", "right": "user", "by": "5"})
    toasts = {name: name for name in ("given", "declined", "already", "expired")}
    asked = {
        "op": "pair",
        "chat": "9",
        "lang": "en",
        "key": "p9",
        "user": "9",
        "code": "c",
        "digest": "d",
        "owners": ["5"],
    }
    decided = {"op": "pair_decide", "chat": "5", "user": "9", "digest": "d", "by": "5", "button": "b", "toasts": toasts}
    await world.effects(asked, {**decided, "right": "user"})
    await world.effects({"op": "choose", "role": "coder", **CHAT}, {"op": "lang", **CHAT})
    await world.effects({"op": "button", "id": "b", "text": "", **CHAT})


async def _a_question_that_three_agents_had(world: World) -> None:
    """It is handed back, put back, its agent is lost, and then it is answered with a file; a message of it is deleted meanwhile."""
    me = world.epoch
    job = await world.pools.new_job("p", "agent", epoch=me)
    world.agent = world.work(job)
    await world.agent.check_in()
    await world.ask(task(1), task(2))
    fresh = {**effect(task(2, text="x")), "record": to_json(task(2, text="x"))}
    await world.effects({"op": "edited", "key": "e", "kind": "edited", "message_id": "102", "fresh": [fresh], **CHAT})
    assert await world.lanes.release(cap=9, at_most=9, epoch=me) == ["u1"]
    calendar = Budgets().calendar(1_800_000_000)
    most = Spend(tokens=100, micro_usd=100)
    assert (await reserve(world.script, "u1", most, calendar, epoch=me)).state is Reserved.DONE
    await world.dispatch(task(1), spend=spend_fields(calendar, most, model="m", asked_tokens=5))
    assert await world.lanes.tell_waiting(["u1"], Cause.QUOTA, epoch=me) == 1
    run = await world.claim()
    await world.displays.changed(0)
    await world.displays.reserved("t:u1", 0, 555)
    await world.displays.reserved("t:u1", 0, 777, gone=555)
    await world.agent.amend(run, "what was said")
    await world.agent.status(run, Status(doing=Doing.SEARCHING, subject="light"))
    assert await world.agent.step(run, 1, completed_step(1))
    assert await world.agent.step(run, 2, completed_step(2))
    assert await world.agent.pictures(run, (b"first", b"second"))
    await world.agent.write(run, "One")
    await world.agent.write(run, "One two")
    await world.hear()
    await world.agent.renew(run)
    await world.end(run, HandedBack())
    await world.end(await world.claim(), PutBack())
    await world.claim()
    await world.pools.lost("u1", Cause.CRASH, job=job, epoch=me)
    await world.pools.note_job("u1", cause=Cause.CRASH, detail="exit 1", log_tail="")
    await world.pools.forget("p", job)
    job = await world.pools.new_job("p", "agent", epoch=me)
    world.agent = world.work(job)
    last = await world.agent.claim(last=True)
    assert last is not None
    await world.end(last, Answered(markdown="42", usage=USAGE))
    assert await world.displays.picture("t:u1", 1) == b"second"
    await world.displays.part("t:u1", 1, "sending")
    await world.displays.part("t:u1", 1, "done")
    await world.effects({"op": "file", "key": "f", "kind": "file_gone", "task": "u1", "part": "1", **CHAT})
    await world.displays.doubt("t:u1", due_ms=10)
    await world.shown("t:u1")
    toasts = {"taken": "Noted", "not_yours": "No", "old": "Old"}
    await world.effects({"op": "vote", "task": "u1", "vote": "down", "button": "b2", "toasts": toasts, **CHAT})
    await world.effects({"op": "correction", "user": "9", "within_ms": 3_600_000, **CHAT})
    await world.displays.settled("t:u1", 10)
    await world.pools.retire("p", job)
    await world.pools.forget("p", job)


async def _ends_of_other_kinds(world: World) -> None:
    """One waits while its pool changes and then fails, two are stopped, before and after the first words, one gives up."""
    me = world.epoch
    assert await world.lanes.release(cap=9, at_most=9, epoch=me) == ["u2"]
    await world.dispatch(task(2))
    assert await world.pools.move_ready("p", "q", epoch=me) == 1
    await world.lanes.fail("u2", Cause.QUEUE_DEADLINE, state="ready", epoch=me)
    await world.effects({**effect(task(2)), "op": "retry", "id": "u2r", "task": "u2", "key": "r", "kind": "retry"})
    await world.effects({"op": "stop", "key": "s1", **CHAT})
    await world.effects({"op": "forget", **CHAT}, {"op": "notice", "key": "n", "kind": "new", **CHAT})
    world.agent = world.work(await world.pools.new_job("p", "agent", epoch=me))
    for n, end in ((3, "stopped before a word"), (4, "stopped"), (5, "gives up")):
        run = await world.claimed(task(n, chat=n))
        await world.displays.reserved(f"t:u{n}", 0, 900 + n)
        if end == "gives up":
            await world.failed(run)
            continue
        if end == "stopped":
            await world.agent.write(run, "So far")
        await world.effects({"op": "stop", "key": f"s{n}", "chat": str(n), "lang": "en", "task": f"u{n}"})
        with pytest.raises(LostOwnership):
            await world.agent.renew(run)


async def _one_that_grows(world: World) -> None:
    """Its user sends more after an agent has taken it, and before it has written anything."""
    first = replace(task(11, chat=11, text="first:"), cut=True)
    act = {"act": "11:1", "group": ""}
    await world.effects({**effect(first), **act, "sent_s": 50, "open_s": 2})
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    await world.dispatch(first)
    run = await world.claim()
    await world.effects({**effect(task(12, chat=11)), **act, "sent_s": 51, "open_s": -1})
    assert not await world.agent.end(run, Answered(markdown="early", usage=RunUsage()))
    assert not await world.agent.write(run, "early")
    assert not await world.agent.step(run, 1, completed_step(1))
    await world.hear()
    assert await world.news.regrow(run.name, epoch=world.epoch)
    whole = await world.agent.grown(run)
    assert whole is not None
    await world.agents.step("grown", run=run.name, job=world.agent.job)
    assert await world.agent.end(whole, GaveUp(cause=Cause.MODEL_DOWN))
    await world.hear()
    await world.effects({"op": "end_act", "act": "11:1", "chat": "11"})


async def _one_that_nobody_can_read(world: World) -> None:
    """It waits for words, which come; another waits for words that never come, and is told."""
    unread = {"op": "notice", "key": "unsupported:12", "kind": "unsupported", "wait_ms": 3_600_000}
    link = {"act": "12:1", "sent_s": 50, "open_s": 2, "group": ""}
    await world.effects({**effect(task(13, chat=12)), **link, **unread})
    await world.displays.changed(0)
    await world.effects({**effect(task(14, chat=12)), **link, **unread, "sent_s": 51})
    later = world.script.keys("later")
    assert await world.script.read("ZRANGE", later, 0, -1) == ["n:unsupported:12"]
    await world.effects({**effect(task(15, chat=12)), **link, "sent_s": 52})
    assert await world.script.read("EXISTS", later) == 0
    assert (await world.lanes.queued("u15")).parts == 2
    await world.effects({"op": "end_act", "act": "12:1", "chat": "12"})
    await world.effects({**effect(task(16, chat=12)), **link, **unread, "sent_s": 60})
    await world.script.read("ZADD", later, "XX", "1", "n:unsupported:12")  # its hour has passed
    assert await world.opened("n:unsupported:12")
    assert await world.lanes.fail("u15", Cause.BAD_TASK, epoch=world.epoch)


async def _one_alone(world: World) -> None:
    """It is started twice; then its answer is shown, and its third start has nothing to do."""
    await AloneTasks(world.script, start="first").begin(task(6, chat=6))
    alone, displays = AloneTasks(world.script, start="second"), RedisDisplays(world.script, alone="second")
    await alone.begin(task(6, chat=6))
    assert await world.field("u6", "start") == "second"
    await displays.reserved("t:u6", 0, 5)
    await alone.end("u6", Answered(markdown="a", usage=RunUsage()))
    await displays.shown("t:u6", 0, Delivery.DELIVERED)
    assert not (await AloneTasks(world.script, start="third").begin(task(6, chat=6))).unshown


async def _a_group_that_moves(world: World) -> None:
    """It has a task that waits and one that is out, and becomes a supergroup, which is heard twice; then both end."""
    me = world.epoch
    for n in (7, 8):
        await world.ask(task(n, chat=-7))
    await world.lanes.release(cap=9, at_most=9, epoch=me)
    await world.effects({"op": "move", "from": "-7", "to": "-1007"})
    await world.script.step("move_chat", **{"from": "-7", "to": "-1007"})
    await world.lanes.reconcile(epoch=me)
    for n in (7, 8):
        assert await world.lanes.fail(f"u{n}", Cause.BAD_TASK, epoch=me)
        await world.lanes.release(cap=9, at_most=9, epoch=me)


async def _all_is_told(world: World) -> None:
    """And the small signs are taken, the oldest record goes, and another leads."""
    for display in await world.displays.changed(0):
        if not display.slots and display.stage is Stage.NOTICE:
            await world.displays.reserved(display.id, 0, 31)
            await world.displays.reserved(display.id, 0, 32, gone=31)
    await world.show_all()
    assert await world.displays.changed(0) == []
    await world.displays.take_indicators(99)
    await world.pools.move_ready("q", "p", epoch=world.epoch)
    for pool in await world.pools.ids():
        for name in await world.pools.jobs(pool):
            await world.pools.forget(pool, name)
    assert await world.inbox.make_room(at_most=1, epoch=world.epoch) == 1
    await world.effects(
        {"op": "forget_user", "chat": "5", "user": "5", "update": "9999999", "lang": "en", "everywhere": True}
    )
    assert not await world.inbox.forget_some(at_most=99, epoch=world.epoch)
    await world.show_all()
    await world.leadership.give_up_lead("me")
    await world.leadership.raise_epoch("another")
