"""Pictures of a run in the store: they go with the task, reach its answer, and all of them together are bounded."""

import base64

import pytest

from openclaw_core.errors import LostOwnership
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.work import Answered, HandedBack
from tests.core.store_world import World, completed_step, task

ANSWERED = Answered(markdown="Drawn.", usage=RunUsage(model="m", calls=1))
BIG = bytes(6 << 20)


@pytest.fixture(autouse=True)
async def lead(world: World) -> None:
    await world.lead()


async def kept(world: World) -> list[str]:
    """The keys that hold pictures."""
    found = await world.script.read("KEYS", f"{world.script.keys.prefix}*pictures:*")
    return sorted(str(key).removeprefix(world.script.keys.prefix) for key in found)


async def sizes(world: World) -> list[int]:
    rows = await world.script.read("ZRANGE", world.script.keys("agent", "pictures"), 0, -1)
    return [int(row.split(" ")[1]) for row in rows]


async def test_pictures_of_a_run_are_those_of_its_answer(world: World) -> None:
    run = await world.claimed(task(1))
    assert await world.agent.pictures(run, (b"earlier", b"ones"))
    assert await world.agent.pictures(run, (b"\x89PNG\xff",))
    await world.end(run, ANSWERED)
    [display] = await world.displays.changed(0)

    assert display.pictures == 1
    assert await world.displays.picture("t:u1", 0) == b"\x89PNG\xff"
    assert await world.displays.picture("t:u1", 1) is None
    assert await kept(world) == ["pictures:u1"]
    await world.shown("t:u1")
    assert await sizes(world) == []
    assert 0 < await world.script.read("TTL", world.script.keys("pictures", "u1")) <= 180


async def test_pictures_go_with_a_task_that_another_agent_takes_over(world: World) -> None:
    run = await world.claimed(task(1))
    await world.agent.step(run, 1, completed_step(1))
    await world.agent.pictures(run, (b"drawn",))
    await world.end(run, HandedBack())
    again = await world.claim()
    assert await kept(world) == [f"agent:pictures:{again.name}"]
    await world.end(again, ANSWERED)

    assert await world.displays.picture("t:u1", 0) == b"drawn"


async def test_a_task_that_is_stopped_leaves_no_picture(world: World) -> None:
    run = await world.claimed(task(1))
    await world.agent.pictures(run, (b"drawn",))
    await world.effects({"op": "stop", "key": "s", "chat": str(run.task.chat_id), "lang": "en", "task": "u1"})

    assert (await kept(world), await sizes(world)) == ([], [])
    with pytest.raises(LostOwnership):
        await world.agent.pictures(run, (b"late",))


async def test_all_pictures_together_are_bounded_and_make_room_when_they_go(world: World) -> None:
    runs = [await world.claimed(task(n, chat=n)) for n in range(1, 4)]
    assert await world.agent.pictures(runs[0], (BIG, BIG, BIG))
    assert await world.agent.pictures(runs[1], (BIG,))
    assert not await world.agent.pictures(runs[2], (BIG, BIG, BIG))
    assert sum(await sizes(world)) == len(base64.b64encode(BIG)) * 4
    assert await world.agent.pictures(runs[1], (b"small",))
    assert await world.agent.pictures(runs[2], (BIG,))


async def test_an_answer_without_pictures_has_none(world: World) -> None:
    await world.end(await world.claimed(task(1)), ANSWERED)
    [display] = await world.displays.changed(0)

    assert display.pictures == 0
