"""What an agent that was taken over can still do in Redis, and what bounds it. The users are those that are deployed.

The threat model in docs/infrastructure.md names these tests.
"""

import pytest
import redis

from openclaw_core.errors import LostOwnership, StoreFull
from openclaw_core.store import Became
from openclaw_core.tasks.work import Run
from tests.core.store_rights.deployed_bot import POOL, Bot, answered, plain
from tests.core.store_world import ORDER


async def test_it_can_claim_what_waits_read_that_history_and_answer_it_falsely(bot: Bot) -> None:
    await bot.answer(chat=5, text="before", answer="said before")
    one = await bot.hand_over(chat=5)
    thief = bot.world.work("job-of-a-thief")
    run = await thief.claim()
    assert run is not None
    assert [turn.text for turn in run.history] == ["before", "said before"]
    await thief.end(run, answered("a lie"))
    assert await bot.adopt(run) is Became.ENDED

    assert await bot.world.displays.answer(f"t:{one.id}") == "a lie"


async def test_it_cannot_answer_for_a_run_that_another_has_without_its_secret(bot: Bot) -> None:
    one = await bot.hand_over(chat=5)
    honest = bot.world.work("job-1")
    thief = bot.world.work("job-of-a-thief")
    run = await honest.claim()
    assert run is not None
    guessed = Run(name=f"{one.id}.{'0' * 32}", task=one, snapshot=ORDER, history=(), attempt=1, last=False)
    with pytest.raises(LostOwnership):
        await thief.end(guessed, answered("a lie"))
    with plain(bot.server, "agent") as forged:  # a run that the leader never made
        forged.hset(bot.key("agent", "run", guessed.name), mapping={"job": "x", "result": "{}"})
        forged.rpush(bot.key("agent", "news"), guessed.name)
    assert await bot.adopt(guessed) is Became.GONE
    await honest.end(run, answered("the truth"))
    assert await bot.adopt(run) is Became.ENDED

    assert await bot.world.displays.answer(f"t:{one.id}") == "the truth"


async def test_it_learns_of_no_run_that_another_has(bot: Bot) -> None:
    """A Job's name can be guessed, so what stands there of it must not name its run."""
    await bot.hand_over(chat=5)
    honest = bot.world.work("job-1")
    run = await honest.claim()
    assert run is not None
    with plain(bot.server, "agent") as thief:
        state = thief.hget(bot.key("agent", "jobs", POOL), "job-1")

    assert state.startswith("claimed ")
    assert run.name.rpartition(".")[2] not in state


async def test_the_leader_knows_whether_a_job_still_has_what_it_claimed(bot: Bot) -> None:
    await bot.hand_over(chat=5)
    pools = bot.world.pools
    work = bot.world.work("job-1")
    run = await work.claim()
    assert run is not None
    state = (await pools.jobs(POOL))["job-1"]
    assert (state.state, state.task_id) == ("claimed", run.task.id)
    assert await pools.left({"job-1": state.run}) == []
    assert await pools.left({"job-2": state.run}) == ["job-2"]
    assert await work.check_in()
    assert (await pools.jobs(POOL))["job-1"].state == "claimed"

    assert await pools.left({"job-1": f"{run.task.id}.{'0' * 40}"}) == ["job-1"]
    await bot.script.read("DEL", bot.key("agent", "run", run.name))  # as the leader does when the task is stopped
    assert await pools.left({"job-1": state.run}) == ["job-1"]
    assert await work.check_in()
    assert (await pools.jobs(POOL))["job-1"].state == "waiting"


async def test_garbage_in_its_area_costs_no_other_chat_its_answer(bot: Bot) -> None:
    """Rows that cannot be read are skipped: the leader goes on."""
    with plain(bot.server, "agent") as thief:
        for name in ("", "u1", "no such run", "u1.zz", "\x00", "a" * 10_000, bot.key("leader")):
            thief.rpush(bot.key("agent", "news"), name)
        thief.zadd(bot.key("agent", "leases"), {"u99.abc": 1, "garbage": 2})
        thief.hset(
            bot.key("agent", "jobs", POOL),
            mapping={"x": "claimed ", "y": "claimed u99.zz", "z": "\x01", "w": "waiting never"},
        )
    news = bot.world.news
    for heard in await news.adopt((await news.wait(timeout_s=1))[0], epoch=bot.world.epoch):
        assert heard.became is Became.GONE
    await bot.world.pools.jobs(POOL)
    await bot.world.lanes.reconcile(epoch=bot.world.epoch)

    await bot.answer(chat=6, text="hello", answer="as ever")


async def test_it_can_hold_up_its_pool_and_no_message_is_lost_with_it(bot: Bot) -> None:
    one = await bot.hand_over(chat=5)
    with plain(bot.server, "agent") as thief:
        thief.hset(bot.key("agent", "jobs", POOL), "job-1", "retired 1")
    honest = bot.world.work("job-1")
    with pytest.raises(LostOwnership):
        await honest.claim()
    next_one = bot.world.work("job-2")
    run = await next_one.claim()

    assert run is not None
    assert run.task.id == one.id


async def test_it_can_throw_a_waiting_run_away_and_the_leader_finds_it(bot: Bot) -> None:
    one = await bot.hand_over(chat=5)
    with plain(bot.server, "agent") as thief:
        thief.lpop(bot.key("agent", "ready", POOL))
    await bot.world.lanes.reconcile(epoch=bot.world.epoch)
    honest = bot.world.work("job-1")
    run = await honest.claim()

    assert run is not None
    assert run.task.id == one.id


def fill(thief: "redis.Redis", name: str, size: int) -> None:
    for n in range(100_000):
        thief.set(f"{name}-{n}", "x" * size)


async def test_it_can_fill_redis_and_nothing_that_stands_there_goes(bot: Bot) -> None:
    await bot.answer(chat=5, text="hello", answer="kept")
    before = await bot.all_but_the_agents()
    limit = (await bot.script.memory()).used + 4_000_000
    await bot.script.read("CONFIG", "SET", "maxmemory", limit)
    try:
        with plain(bot.server, "agent") as thief:
            for size in (100_000, 100):
                with pytest.raises(redis.OutOfMemoryError):
                    fill(thief, bot.key("agent", "claim.call", size), size)
            with pytest.raises(StoreFull):
                await bot.world.inbox.admit([("inbox", {"update_id": 900})], offset=901, epoch=bot.world.epoch)
        assert await bot.all_but_the_agents() == before
        await bot.script.read("DEL", *await bot.script.read("KEYS", bot.key("agent", "claim.call", "*")))
        assert await bot.world.inbox.admit([("inbox", {"update_id": 900})], offset=901, epoch=bot.world.epoch) == 1
    finally:
        await bot.script.read("CONFIG", "SET", "maxmemory", 256 * 1024 * 1024)
