"""What chats are to see, as it stands in Redis: what is open, what changed, and what has moved."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from openclaw_core.chat.delivery.displays import Change, Stage
from openclaw_core.errors import StoreFault
from openclaw_core.store import move_chat
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.tasks.work import Answered
from tests.core.display_keys import HEBREW, due, names, notice
from tests.core.store_world import USAGE, World, effect, task


async def test_a_task_is_open_from_its_claim_to_the_moment_when_its_end_is_shown(world: World) -> None:
    await world.ready(task(1))
    assert await world.displays.changed(0) == []
    run = await world.claim()
    growing = await world.opened("t:u1")
    assert (growing.stage, growing.chat_id, growing.reply_to) == (Stage.GROWING, 1, None)
    assert growing.deadline_ms > 180_000
    await world.answered(run)
    answered = await world.opened("t:u1")
    assert (answered.stage, answered.order) == (Stage.ANSWERED, growing.order)
    assert await world.displays.answer("t:u1") == "42"
    assert await world.displays.shown("t:u1", answered.version, Delivery.DELIVERED)
    assert await world.displays.changed(0) == []
    assert await world.state(task(1)) == "closed"


async def test_changed_gives_what_is_newer_than_a_version_and_all_for_zero(world: World) -> None:
    await world.effects(notice("a:1"), notice("b:1"))
    first, second = await world.displays.changed(0)
    assert names([first, second]) == ["n:a:1", "n:b:1"]
    assert first.version < second.version
    assert first.order < second.order
    assert names(await world.displays.changed(first.version)) == ["n:b:1"]
    assert await world.displays.changed(second.version) == []
    await world.effects(notice("a:1"))
    [again] = await world.displays.changed(second.version)
    assert (again.id, again.order) == ("n:a:1", first.order)


async def test_where_the_number_of_changes_was_lost_all_that_is_open_has_changed(world: World) -> None:
    await world.effects(notice("a:1"), notice("b:1"))
    newest = (await world.displays.changed(0))[-1].version
    await world.script.read("DEL", world.script.keys("changes"))
    await world.effects(notice("c:1"))
    assert "n:c:1" in names(await world.displays.changed(newest))
    await world.script.read("SET", world.script.keys("changes"), "no number")
    await world.effects(notice("d:1"))
    assert "n:d:1" in names(await world.displays.changed(newest))


@pytest.mark.parametrize("lost", [("DEL",), ("XADD", "*", "of", "another type")])
async def test_a_change_after_the_number_of_changes_was_lost_is_newer_than_all_before(
    world: World, lost: tuple[str, ...]
) -> None:
    await world.effects(notice("a:1"))
    [read] = await world.displays.changed(0)
    await world.effects(notice("b:1"), notice("c:1"))
    await world.script.read("DEL", world.script.keys("changes"))
    command, *arguments = lost
    await world.script.read(command, world.script.keys("changes"), *arguments)
    with suppress(StoreFault):  # the step that meets a key of another type repairs it
        await world.displays.changed(read.version)
    newest = max(one.version for one in await world.displays.changed(read.version))
    later = [f"d:{n}" for n in range(3)]
    await world.effects(*map(notice, later))
    assert {f"n:{name}" for name in later} <= set(names(await world.displays.changed(newest)))


async def test_a_display_in_a_group_answers_the_message_and_its_topic(world: World) -> None:
    asked = replace(task(1, chat=-5), chat_kind="group", thread_id=3)
    await world.claimed(asked)
    display = await world.opened("t:u1")
    assert (display.chat_id, display.thread_id, display.reply_to, display.is_group) == (-5, 3, 101, True)


async def test_a_failure_is_shown_in_the_language_of_notices_also_when_it_is_put_again(world: World) -> None:
    await world.failed(await world.claimed(HEBREW))
    before = await world.opened("t:u1")
    await world.displays.doubt("t:u1", due_ms=1)
    await world.shown("t:u1")
    [again] = await world.displays.due(2)
    assert (before.lang, again.lang, again.answer_lang) == ("he", "he", "he")
    assert (again.stage, again.cause, again.delivered) == (Stage.FAILED, Cause.MODEL_DOWN, True)


async def test_what_is_heard_of_a_run_that_began_or_ended_is_what_stands_of_its_task(world: World) -> None:
    await world.ready(task(1))
    run = await world.agent.claim()
    assert run is not None
    for stage in (Stage.GROWING, Stage.ANSWERED):
        [heard] = await world.hear()
        assert heard.row is not None
        read = await world.displays.announced({"t:u1": Change(version=heard.version)})
        assert [(display.id, display.stage) for display in read] == [("t:u1", stage)]
        assert await world.displays.announced({"t:u1": Change(version=heard.version, row=heard.row)}) == read
        if stage is Stage.GROWING:
            await world.displays.reserved("t:u1", 0, 555)
            await world.displays.reserved("t:u1", 1, 556)
            await world.agent.end(run, Answered(markdown="42", usage=USAGE))


async def test_what_was_shown_stays_open_while_another_run_has_the_task(world: World) -> None:
    run = await world.claimed(task(1))
    await world.displays.reserved("t:u1", 0, 555)
    await world.agent.write(run, "So far")
    await world.hear()
    await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    display = await world.opened("t:u1")
    assert (display.stage, display.slots) == (Stage.GROWING, {0: 555})
    assert not (await world.displays.growing("t:u1")).began


async def test_the_text_of_a_run_that_was_heard_of_is_read_at_once_and_that_of_the_next_one_is_found(
    world: World,
) -> None:
    run, displays = await world.claimed(task(1)), world.displays
    await displays.announced({"t:u1": Change(version=1, run=run.name)})
    assert not (await displays.growing("t:u1")).began
    await world.agent.write(run, "So far")
    reads, read = list[str](), world.script.read

    async def watched(command: str, *args: Any) -> Any:
        reads.append(command)
        return await read(command, *args)

    world.script.read = watched  # type: ignore[method-assign]
    assert (await displays.growing("t:u1")).text == "So far"
    assert reads == ["HMGET"]
    await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    next_run = await world.claim(world.work("job-2"))
    await world.work("job-2").write(next_run, "Anew")
    assert (await displays.growing("t:u1")).text == "Anew"


async def test_stop_keeps_what_was_shown_also_of_a_run_that_is_gone(world: World) -> None:
    run = await world.claimed(task(1))
    await world.agent.write(run, "So far")
    await world.hear()
    await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    for _ in range(3):
        await world.effects({"op": "stop", "key": "stopped:1", "chat": "1", "lang": "en"})
    display = await world.opened("t:u1")
    assert display.stage is Stage.STOPPED
    assert await world.displays.answer("t:u1") == "So far"


@pytest.mark.parametrize("field", ["chat", "state", "thread"])
async def test_one_that_cannot_be_read_is_met_once(world: World, field: str) -> None:
    await world.claimed(task(1))
    await world.effects(notice())
    await world.script.read("HSET", world.script.keys("task", "u1"), field, "no number")
    await world.displays.doubt("t:u1", due_ms=1)
    assert names(await world.displays.changed(0)) == ["n:new:1"]
    assert await world.script.read("ZSCORE", world.script.keys("open"), "t:u1") is None
    assert await due(world, 2) == []


async def test_a_display_of_which_nothing_is_left_is_met_once(world: World) -> None:
    await world.effects(notice())
    await world.script.read("DEL", world.script.keys("notice", "new:1"))
    assert await world.displays.changed(0) == []
    assert await world.script.read("ZCARD", world.script.keys("open")) == 0


# ---- a chat that moved


async def test_what_is_open_of_a_chat_goes_on_under_its_new_id(world: World) -> None:
    await world.claimed(task(1, chat=-5))
    await world.displays.reserved("t:u1", 0, 7)
    await world.effects(notice("new:-5", chat="-5"), notice("new:8", chat="8"))
    newest = (await world.displays.changed(0))[-1].version
    await move_chat(world.script, -5, -1005)
    moved = await world.displays.changed(newest)
    assert {(display.id, display.chat_id) for display in moved} == {("t:u1", -1005), ("n:new:-5", -1005)}
    assert (await world.opened("t:u1")).slots == {0: 7}
    run = await world.script.read("HGET", world.script.keys("task", "u1"), "run_id")
    await world.agents.step("write", run=run, job="job-1", at=0, piece="goes on")
    assert (await world.displays.growing("t:u1")).text == "goes on"


# ---- small signs


async def test_signs_are_taken_once_and_a_reaction_comes_with_each_task(world: World) -> None:
    await world.ask(task(1))
    await world.effects({"op": "button", "id": "b", "text": "toast", "chat": "1"})
    await world.script.read("RPUSH", world.script.keys("signs"), "no JSON", "{}")
    reaction, button = await world.displays.take_indicators(9)
    assert (reaction.chat_id, reaction.message_id, button.button_id, button.toast) == (1, 101, "b", "toast")
    assert reaction.at_ms > 0
    assert await world.displays.take_indicators(9) == []


@pytest.mark.parametrize("kind", ["private", "group"])
async def test_a_file_can_be_asked_for_again_while_the_answer_is_kept(world: World, kind: str) -> None:
    chat = 5 if kind == "private" else -5
    one = replace(task(1, chat=chat), chat_kind=kind, lang="he")  # type: ignore[arg-type]
    call = {
        "op": "file",
        "key": "file_gone:1",
        "kind": "file_gone",
        "lang": "en",
        "task": "u1",
        "part": "1",
        "chat": str(chat),
    }
    await world.answered(await world.claimed(one))
    await world.shown("t:u1", Delivery.PARTIAL)
    await world.displays.take_indicators(9)
    await world.effects(call)
    [sign] = await world.displays.take_indicators(9)
    assert (sign.task_id, sign.part, sign.answer_lang) == ("u1", 1, "he")
    assert sign.message_id == (101 if kind == "group" else 0)
    await world.effects({**call, "chat": "7"})
    assert [(one.kind, one.chat_id) for one in await world.notices()] == [("file_gone", 7)]


async def test_displays_of_many_chats_are_read_at_once(world: World) -> None:
    await world.effects(*(notice(f"new:{n}", chat=str(n)) for n in range(200)))
    async with asyncio.timeout(30):
        assert len(await world.displays.changed(0)) == 200


async def test_an_edit_of_a_question_that_waits_shows_nothing_of_it(world: World) -> None:
    await world.effects({**effect(task(1)), "heard": "why?", "heard_of": "101"})
    await world.effects(
        {"op": "edited", "key": "e", "chat": "1", "lang": "en", "message_id": "101", "fresh": [notice()]}
    )
    display = await world.opened("t:u1")
    assert (display.stage, display.slots) == (Stage.STOPPED, {})  # there is no message to mark
