"""Every step of both scripts, executed once more at every later moment: it changes nothing, or no more than its header says.

A call whose client has given up may be executed later, and a client that asks again may be answered twice. The steps are those of the Lua
files themselves: a new one without its part in tests/core/store_story.py fails here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest
from redis.exceptions import ResponseError

from openclaw_core.errors import LostOwnership
from openclaw_core.store.client import digest
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.work import Answered, HandedBack
from tests.core.repeated_steps import BOTH, DATA_MD, EFFECTS, SHARED, STEPS, Story, a_story
from tests.core.store_story import told
from tests.core.store_world import World, effect, task


async def test_a_step_that_is_executed_once_more_at_any_later_moment_changes_nothing(
    world: World, redis_url: str
) -> None:
    async with a_story(world, redis_url) as story:
        await told(world)
        used = {(rights, op) for rights, op, _ in story.calls}
        assert {(rights, op) for rights, op in used if op not in SHARED} | {
            ("leader", op) for _, op in used if op in SHARED
        } == STEPS, "each step of the Lua files has its part in the story"
        handled = {e["op"] for _, op, args in story.calls if op == "handle" for e in args["effects"]}
        assert handled == EFFECTS, "and each effect"


def permanent() -> set[str]:
    """Keys that stay for ever, as docs/data.md lists them."""
    rows = [line.split("|") for line in DATA_MD.read_text().splitlines() if line.startswith("| `")]
    return {key for row in rows if row[5].strip().startswith("never") for key in re.findall(r"`([^`]+)`", row[1])}


async def test_every_key_goes_by_itself_or_is_one_that_the_docs_say_stays(world: World, redis_url: str) -> None:
    async with a_story(world, redis_url) as story:
        story.repeats = False
        await told(world)
        assert await staying(story) <= permanent()
        await story.again(story.calls)
        assert await staying(story) <= permanent(), "after each call has come late"


async def staying(story: Story) -> set[str]:
    """Keys that nothing ends: all work is done by now, so what held it has gone."""
    prefix = story.keys.prefix
    names = [str(name) for name in await story.raw.keys(f"{prefix}*")]
    return {name.removeprefix(prefix) for name in names if await story.raw.pttl(name) == -1}


@pytest.mark.parametrize("rights", BOTH)
async def test_a_call_that_redis_gets_to_after_its_time_out_is_refused(
    world: World, rights: Literal["leader", "agent"]
) -> None:
    await world.ask(task(1))
    script = world.script if rights == "leader" else world.agents
    op, prefix = ("release", script.keys.prefix) if rights == "leader" else ("check_in", script.keys("agent", ""))
    args = {"cap": 9, "max": 9, "epoch": world.epoch, "turn": 1, "pool": "p", "job": "j", "by_ms": 1}
    with pytest.raises(ResponseError, match="LATE"):
        await script.redis.evalsha(digest(rights), 1, prefix, op, json.dumps(args))
    assert await world.lanes.released() == []
    assert await world.pools.jobs("p") == {}
    await world.agent.check_in()
    script._ahead_s -= 3600  # our clock, or Redis', was set meanwhile
    assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u1"]
    assert await world.agent.check_in()


async def test_a_claim_whose_answer_was_lost_gives_the_same_run_again(world: World) -> None:
    await world.ready(task(1))
    await world.ready(task(2, chat=2))
    reply = await world.agents.step("claim", pool="p", job="job-1", call="c", lease_ms=15000)
    lost = [part.decode() for part in reply[:5]]
    world.agent._call = "c"  # as after a time-out
    run = await world.agent.claim()
    assert run is not None
    assert (run.name, str(run.attempt)) == (lost[0], lost[4])
    other = await world.agent.claim()
    assert other is not None
    assert other.task.id == "u2"


async def test_a_claim_that_comes_again_after_its_run_was_taken_gives_nothing(world: World) -> None:
    await world.ready(task(1))
    claim = {"pool": "p", "job": "job-1", "call": "c", "lease_ms": 15000}
    assert await world.agents.step("claim", **claim)
    await world.hear()
    await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    assert await world.agents.step("claim", **claim) == []
    assert len(await world.pools.ready("p")) == 1


@pytest.mark.parametrize("step", ["write", "end"])
async def test_words_about_less_than_was_asked_come_too_late(world: World, step: str) -> None:
    """They were refused, since more was sent; executed once more, now that all of it is one record, they would be taken."""
    act = {"act": "1:9", "group": "", "open_s": 2}
    await world.effects({**effect(task(1)), **act, "sent_s": 50})
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    await world.dispatch(task(1))
    run = await world.claim()
    await world.effects({**effect(task(2)), **act, "sent_s": 51})
    late: list[tuple[str, Mapping[str, Any]]] = []
    steps = world.agents.steps

    async def kept(calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        late.extend(calls)
        return await steps(calls)

    world.agents.steps = kept  # type: ignore[method-assign]
    assert not await (world.agent.write(run, "early") if step == "write" else world.agent.end(run, EARLY))
    assert await world.news.regrow(run.name, epoch=world.epoch)
    [(op, args)] = late
    assert await steps([(op, args)]) == [2]
    assert not (await world.displays.growing("t:u1")).began
    whole = await world.agent.grown(run)
    assert whole is not None
    assert await (world.agent.write(whole, "Now.") if step == "write" else world.agent.end(whole, EARLY))


EARLY = Answered(markdown="early", usage=RunUsage())


async def test_a_failure_that_was_judged_of_another_attempt_comes_too_late(world: World) -> None:
    first = await world.claimed(task(1))
    since = await world.field("u1", "attempt_ms")
    await world.end(first, HandedBack())
    await world.script.read("HSET", world.script.keys("task", "u1"), "attempt_ms", "1")
    await world.claim()
    assert not await world.lanes.fail("u1", Cause.DEADLINE, since=f"{since}0", epoch=world.epoch)
    assert not await world.lanes.fail("u1", Cause.QUEUE_DEADLINE, state="ready", epoch=world.epoch)
    assert await world.state(task(1)) == "running"


async def test_an_old_leaders_steps_are_refused_by_name(world: World) -> None:
    old = world.epoch
    await world.leadership.give_up_lead("me")
    await world.lead("other")
    with pytest.raises(LostOwnership):
        await world.lanes.reconcile(epoch=old)
    for step in (
        world.inbox.set_files_at("x", epoch=old),
        world.inbox.make_room(at_most=1, epoch=old),
    ):
        with pytest.raises(LostOwnership):
            await step
