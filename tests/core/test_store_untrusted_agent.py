"""An agent that cannot be trusted: whatever it writes into its run, it changes its own answer at most."""

from collections.abc import Awaitable, Callable

import pytest

from openclaw_core.errors import StoreFault
from openclaw_core.store import Became
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import Run
from tests.core.store_world import World, task

STOP = {"op": "stop", "key": "stopped:1", "chat": "1", "lang": "en"}


async def test_an_unreadable_record_ends_as_bad_task_and_is_told(world: World) -> None:
    await world.ready(task(1))
    [name] = await world.pools.ready("p")
    await world.script.read("HSET", world.script.keys("agent", "run", name), "record", '{"v":99}')
    assert await world.agent.claim() is None
    await world.hear()
    assert (await world.opened("t:u1")).cause is Cause.BAD_TASK


@pytest.mark.parametrize("record", ["no JSON", "[]", '{"v":99}'])
async def test_a_failure_is_told_also_where_the_record_cannot_be_read(world: World, record: str) -> None:
    await world.ask(task(1))
    await world.script.read("HSET", world.script.keys("task", "u1"), "record", record)
    assert await world.lanes.fail("u1", Cause.BAD_TASK, epoch=world.epoch)
    assert (await world.opened("t:u1")).cause is Cause.BAD_TASK
    await world.shown("t:u1")


@pytest.mark.parametrize(
    "result",
    [
        "no JSON", "null", "[]", "42", "{}", '{"kind":null}', '{"kind":"answered"}', '{"kind":"answered","markdown":7,"usage":{}}',
        '{"kind":"answered","markdown":"x","usage":"y"}', '{"kind":"answered","markdown":"\\ud800","usage":{}}', '{"kind":"gave_up"}',
        '{"kind":"gave_up","cause":["x"]}', '{"kind":"gave_up","cause":"No Such; Thing"}',
        '{"kind":"gave_up","cause":"' + "x" * 5000 + '"}',
        '{"kind":"of the next release"}', "[" * 2000 + "]" * 2000,
    ],
)  # fmt: skip
async def test_a_result_that_cannot_be_read_is_a_bad_task(world: World, result: str) -> None:
    run = await world.claimed(task(1))
    await world.run_fields(run, result=result)
    await world.news.adopt([run.name], epoch=world.epoch)
    assert (await world.opened("t:u1")).cause is Cause.BAD_TASK
    assert await world.lanes.running_in(1) is None


async def test_a_cause_that_is_unknown_is_told_as_one_of_ours(world: World) -> None:
    run = await world.claimed(task(1))
    await world.run_fields(run, result='{"kind":"gave_up","cause":"moon_phase"}')
    assert [heard.became for heard in await world.news.adopt([run.name], epoch=world.epoch)] == [Became.ENDED]
    assert (await world.opened("t:u1")).cause is Cause.INTERNAL


@pytest.mark.parametrize(
    "usage",
    [
        '{"prompt_tokens":1e999}',
        '{"prompt_tokens":-5,"cached_tokens":"x"}',
        '{"model":{"a":[]}}',
        "[]",
        '{"others":7}',
        '{"others":{"model":"m"}}',
        '{"others":[7,{"model":{"a":[]},"prompt_tokens":1e999}]}',
        '{"prompt_tokens":5,"others":[{"model":"m","prompt_tokens":-9,"answer_tokens":"x"}]}',
    ],
)
async def test_forged_usage_costs_no_answer_and_lowers_no_counter(world: World, usage: str) -> None:
    run = await world.claimed(task(1))
    await world.run_fields(run, result=f'{{"kind":"answered","markdown":"42","usage":{usage}}}')
    await world.news.adopt([run.name], epoch=world.epoch)
    assert await world.displays.answer("t:u1") == "42"
    await world.shown("t:u1")
    counts = await world.script.read("HGETALL", world.script.keys("counts"))
    values = counts if isinstance(counts, dict) else dict(zip(counts[::2], counts[1::2], strict=True))
    assert all(int(value) >= 0 for value in values.values())
    assert len(await world.runs.newest(count=1)) == 1


async def test_bytes_that_are_no_text_reach_the_chat_as_such_and_end_nothing(world: World) -> None:
    run = await world.claimed(task(1))
    await world.run_fields(run, text=b"\xff\xfe", said=b"\xff")
    await world.script.redis.rpush(
        world.script.keys("agent", "news"), b"\xff\xfe", b"u9.\xff", "u1.", ".ff", "x" * 9000
    )
    assert {heard.became for heard in await world.hear()} == {Became.GONE}
    await world.news.adopt([run.name], epoch=world.epoch)
    assert (await world.displays.growing("t:u1")).text == "\ufffd\ufffd"
    assert await world.history() == [("user", "\ufffd")]
    await world.effects(STOP)
    assert await world.displays.answer("t:u1") == "\ufffd\ufffd"


async def test_a_name_that_is_no_run_of_a_task_changes_nothing(world: World) -> None:
    mine, others = await world.claimed(task(1)), await world.claimed(task(2, chat=2))
    await world.agent.write(others, "of another")
    await world.hear()
    forged = [f"u2.{'0' * 32}", "u2", "", "u99.ff", f"{others.name}.ff", "../task:u2.ff"]
    before = await world.lanes.fields(["u1", "u2"], "state", "run_id", "attempt")
    heard = await world.news.adopt(forged, epoch=world.epoch)
    assert {one.became for one in heard} == {Became.GONE}
    for name in forged:
        assert await world.script.step("regrow", run=name, parts=0, record="{}", turn="{}", epoch=world.epoch) == 1
    assert await world.lanes.fields(["u1", "u2"], "state", "run_id", "attempt") == before
    assert (await world.displays.growing("t:u2")).text == "of another"
    await world.agent.renew(mine)


async def test_an_agent_cannot_put_off_its_deadline(world: World) -> None:
    await world.ready(task(1))
    run = await world.agent.claim()
    assert run is not None
    await world.run_fields(run, claimed_ms="9000000000000", first_text_ms="9000000000000")
    await world.hear()
    seconds, _ = await world.script.read("TIME")
    for name in ("attempt_ms", "claimed_ms", "first_text_ms"):
        assert int(await world.field("u1", name) or 0) <= (int(seconds) + 1) * 1000, name


Damage = Callable[[World, Run], Awaitable[object]]


async def of_another_type(world: World, run: Run) -> None:
    await world.script.read("SET", world.script.keys("agent", "run", run.name), "x")


async def gone(world: World, run: Run) -> None:
    await world.script.read("DEL", world.script.keys("agent", "run", run.name))


async def without_an_owner(world: World, run: Run) -> None:
    await world.script.read("HDEL", world.script.keys("agent", "run", run.name), "job")


@pytest.mark.parametrize("damage", [of_another_type, gone, without_an_owner])
async def test_a_run_that_its_agent_broke_is_begun_again_and_can_be_stopped(world: World, damage: Damage) -> None:
    run = await world.claimed(task(1))
    await damage(world, run)
    await world.lanes.reconcile(epoch=world.epoch)
    again = await world.claim(world.work("job-2"))
    assert again.task.id == "u1"
    await damage(world, again)
    await world.effects(STOP)
    assert await world.state(task(1)) == "cancelled"
    assert (await world.notices())[0].args["stopped"] == 1


async def test_keys_of_the_agents_area_that_hold_something_else_are_mended_within_a_second(world: World) -> None:
    await world.claimed(task(1))
    for name in ("news", "leases", "ready:p", "wake:p", "jobs:p"):
        await world.script.read("SET", world.script.keys("agent", name), "x")
    with pytest.raises(StoreFault):
        await world.pools.overdue()
    await world.lanes.reconcile(epoch=world.epoch)
    assert await world.pools.overdue() == ["u1"]  # whoever has it renews
    assert await world.news.wait(timeout_s=0.01) == ([], [])
    await world.ready(task(2, chat=2))
    assert await world.agent.claim() is not None
