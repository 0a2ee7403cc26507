"""What chats are to see, as it stands in Redis: what is open, what changed, what was shown, and what has to be put again."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from openclaw_core.chat.delivery.displays import Change, Display, Stage
from openclaw_core.errors import LostOwnership
from openclaw_core.store import AloneTasks, RedisDisplays, move_chat
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.work import Answered, GaveUp
from tests.core.store_world import USAGE, World, effect, task

HEBREW = replace(task(1), lang="he", notice_lang="he")
KEEP_TEXT_S = 180
KEEP_DOUBT_S = 600


def notice(key: str = "new:1", kind: str = "new", chat: str = "1", **more: object) -> dict[str, object]:
    return {"op": "notice", "key": key, "kind": kind, "chat": chat, "lang": "en", **more}


def names(displays: Sequence[Display]) -> list[str]:
    return [display.id for display in displays]


async def due(world: World, now_ms: int) -> list[str]:
    return names(await world.displays.due(now_ms))


async def ttl(world: World, *key: object) -> int:
    return int(await world.script.read("TTL", world.script.keys(*key)))


# ---- open and changed


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


# ---- shown


async def test_what_changed_since_it_was_read_is_not_shown_yet(world: World) -> None:
    run = await world.claimed(task(1))
    stale = await world.opened("t:u1")
    await world.answered(run)
    assert not await world.displays.shown("t:u1", stale.version, Delivery.DELIVERED)
    assert (await world.opened("t:u1")).stage is Stage.ANSWERED
    await world.shown("t:u1")
    assert await world.displays.shown("t:u1", stale.version, Delivery.UNDELIVERABLE)  # late: nothing
    assert await world.field("u1", "delivery") == "delivered"
    assert len(await world.runs.newest(count=9)) == 1


async def test_a_notice_that_changed_while_it_was_told_is_told_too(world: World) -> None:
    await world.effects(notice("status:1", "status", args={"waiting": 1}))
    first = await world.opened("n:status:1")
    await world.effects(notice("status:1", "status", args={"waiting": 2}))
    assert not await world.displays.shown("n:status:1", first.version, Delivery.DELIVERED)
    assert (await world.opened("n:status:1")).args == {"waiting": 2}


async def test_after_a_notice_was_told_the_next_one_is_a_message_of_its_own(world: World) -> None:
    await world.effects(notice())
    await world.displays.reserved("n:new:1", 0, 555)
    await world.shown("n:new:1")
    await world.effects(notice())
    fresh = await world.opened("n:new:1")
    assert fresh.slots == {}


async def test_an_answer_alone_is_recorded_once(world: World) -> None:
    for n, result in ((1, Answered(markdown="42", usage=RunUsage())), (2, GaveUp(cause=Cause.MODEL_DOWN))):
        alone, displays = AloneTasks(world.script, start=f"s{n}"), RedisDisplays(world.script, alone=f"s{n}")
        await alone.begin(task(n))
        await displays.reserved(f"t:u{n}", 0, 7)
        await alone.end(f"u{n}", result)
        display = await displays.read(f"t:u{n}")
        assert display is not None
        for _ in range(2):
            assert await displays.shown(f"t:u{n}", display.version, Delivery.DELIVERED)
        assert len(await world.runs.newest(count=9)) == n
    assert await world.runs.outcomes() == {"closed:": 1, "failed:model_down": 1}


@pytest.mark.parametrize("delivery", list(Delivery)[1:])
async def test_what_became_of_an_answer_is_counted(world: World, delivery: Delivery) -> None:
    await world.answered(await world.claimed(task(1)))
    await world.shown("t:u1", delivery)
    counted = await world.script.read("HGET", world.script.keys("counts"), f"delivery:answer:{delivery.value}")
    assert counted == "1"
    assert await world.field("u1", "delivery") == delivery.value


# ---- messages and files


async def test_a_part_keeps_its_message_until_that_is_gone(world: World) -> None:
    await world.claimed(task(1))
    for slot, message, gone in (
        (0, 5, None),
        (0, 6, None),
        (1, 9, None),
        (0, 7, 5),
        (0, 7, 5),
        (0, 8, 5),
        (0, 5, None),
    ):
        await world.displays.reserved("t:u1", slot, message, gone=gone)
    display = await world.opened("t:u1")
    assert (display.slots, display.replaced) == ({0: 7, 1: 9}, 1)


@pytest.mark.parametrize(("pages", "files"), [(1, 0), (4, 0), (9, 2), (3, 2), (2, 5), (20, 12)])
async def test_all_messages_of_a_long_answer_are_known(world: World, pages: int, files: int) -> None:
    await world.answered(await world.claimed(task(1)))
    for slot in range(pages):
        await world.displays.reserved("t:u1", slot, 500 + slot)
    for part in range(pages, pages + files):
        await world.displays.part("t:u1", part, "sending")
    display = await world.opened("t:u1")
    assert display.slots == {slot: 500 + slot for slot in range(pages)}
    assert display.parts == dict.fromkeys(range(pages, pages + files), "sending")


async def test_a_message_is_known_also_when_its_task_has_ended_meanwhile(world: World) -> None:
    run = await world.claimed(task(1))
    await world.answered(run)
    await world.displays.reserved("t:u1", 0, 5)
    await world.shown("t:u1")
    await world.displays.reserved("t:u1", 1, 6)
    assert await world.lanes.fields(["u1"], "slot0", "slot1") == [{"slot0": "5", "slot1": "6"}]


async def test_a_part_of_nothing_is_kept_nowhere(world: World) -> None:
    await world.displays.reserved("t:none", 0, 5)
    await world.displays.part("n:none", 0, "sending")
    assert (
        await world.script.read("EXISTS", world.script.keys("task", "none"), world.script.keys("notice", "none")) == 0
    )


async def test_a_file_that_is_done_stays_so(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    for status in ("sending", "done", "sending"):
        await world.displays.part("t:u1", 1, status)
    assert (await world.opened("t:u1")).parts == {1: "done"}


# ---- texts are kept until nobody can overwrite them


async def test_an_answer_is_kept_for_a_while_after_it_was_shown_and_longer_for_a_file(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    assert await ttl(world, "answer", "u1") > 6 * 86400
    await world.shown("t:u1")
    assert KEEP_TEXT_S - 60 < await ttl(world, "answer", "u1") <= KEEP_TEXT_S
    await world.answered(await world.claimed(task(2)))
    await world.shown("t:u2", Delivery.PARTIAL)
    assert await ttl(world, "answer", "u2") > 6 * 86400


async def test_a_doubt_keeps_the_text_until_it_was_put_again(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    await world.shown("t:u1")
    await world.effects(notice())
    await world.shown("n:new:1")
    for display, key in (("t:u1", ("answer", "u1")), ("n:new:1", ("notice", "new:1"))):
        await world.displays.doubt(display, due_ms=1)
        assert KEEP_DOUBT_S - 60 < await ttl(world, *key) <= KEEP_DOUBT_S
    assert await ttl(world, "task", "u1") > 6 * 86400


async def test_a_doubt_of_a_running_task_gives_it_no_end(world: World) -> None:
    await world.claimed(task(1))
    await world.displays.doubt("t:u1", due_ms=1)
    assert await ttl(world, "task", "u1") == -1


async def test_the_latest_of_several_doubts_counts_and_a_settled_one_is_gone(world: World) -> None:
    await world.effects(notice())
    for due_ms in (100, 300, 200):
        await world.displays.doubt("n:new:1", due_ms=due_ms)
    assert await due(world, 299) == []
    [display] = await world.displays.due(300)
    assert not display.delivered
    await world.displays.settled("n:new:1", 299)  # put again before the last one was due
    assert await due(world, 300) == ["n:new:1"]
    await world.displays.settled("n:new:1", 300)
    assert await due(world, 10**15) == []


async def test_who_leads_no_more_may_tell_a_doubt_and_nothing_else(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    display, old = await world.opened("t:u1"), world.displays
    await world.leadership.give_up_lead("me")
    await world.lead("other")
    for step in (
        old.changed(0),
        old.reserved("t:u1", 0, 5),
        old.part("t:u1", 0, "done"),
        old.shown("t:u1", display.version, Delivery.DELIVERED),
        old.settled("t:u1", 10**15),
    ):
        with pytest.raises(LostOwnership):
            await step
    await old.doubt("t:u1", due_ms=1)
    assert await due(world, 2) == ["t:u1"]
    assert await world.opened("t:u1") == display


# ---- notices


async def test_a_notice_that_waits_takes_the_newest_words(world: World) -> None:
    for n in range(3):
        await world.effects(notice("status:1", "status", args={"waiting": n}))
    [only] = await world.notices()
    assert only.args == {"waiting": 2}


async def test_what_several_stops_ended_is_told_in_one_sum_until_it_is_told(world: World) -> None:
    stop = {"op": "stop", "key": "stopped:1", "chat": "1", "lang": "en"}
    await world.claimed(task(1))
    await world.ask(task(2), task(3))
    await world.effects(stop)
    await world.effects(stop)
    await world.answered(await world.claimed(task(4)))
    await world.ask(task(5))
    await world.effects(stop)
    [only] = await world.notices()
    assert only.args == {"stopped": 1, "waiting": 3, "late": 0}
    await world.shown(only.id)
    await world.effects(stop)
    assert (await world.notices())[0].args == {"stopped": 0, "waiting": 0, "late": 0}


@pytest.mark.parametrize("args", ["no JSON", "[]", '{"waiting":"x","late":[],"stopped":null}'])
async def test_a_stop_is_told_whatever_was_to_be_told_before(world: World, args: str) -> None:
    stop = {"op": "stop", "key": "stopped:1", "chat": "1", "lang": "en"}
    await world.effects(stop)
    await world.script.read("HSET", world.script.keys("notice", "stopped:1"), "args", args)
    await world.ask(task(1))
    await world.effects(stop)
    assert (await world.notices())[0].args == {"stopped": 0, "waiting": 1, "late": 0}


async def test_a_stranger_is_told_once_a_day(world: World) -> None:
    refused = notice("refused:9", "refused", chat="9", args={"user_id": "9"}, once="refused:9", once_s=86400)
    await world.effects(refused)
    await world.show_all()
    for _ in range(3):
        await world.effects(refused)
    assert await world.notices() == []
    assert 86000 < await ttl(world, "told", "refused:9") <= 86400
    await world.script.read("DEL", world.script.keys("told", "refused:9"))
    await world.effects(refused)
    assert len(await world.notices()) == 1


async def test_a_notice_that_could_not_be_kept_is_not_taken_for_told(world: World) -> None:
    await world.script.read("SET", world.script.keys("order"), "no number")
    await world.effects(notice(once="x", once_s=60))
    assert len(await world.notices()) == 1


async def test_a_full_chat_is_told_once_until_there_was_room(world: World) -> None:
    await world.ask(*(task(n) for n in range(1, 24)))
    [full] = await world.notices()
    assert (full.id, full.args) == ("n:full:1", {"cap": 20})
    await world.show_all()
    await world.ask(task(30))
    assert await world.notices() == []
    assert await world.lanes.release(cap=1, at_most=1, epoch=world.epoch) == ["u1"]
    await world.ask(task(31), task(32))  # the first of them finds room
    assert [one.id for one in await world.notices()] == ["n:full:1"]


async def test_a_chat_that_waits_is_told_once_for_each_cause_until_one_of_its_tasks_runs(world: World) -> None:
    await world.ready(task(1))
    await world.ask(task(2))

    async def tell(cause: Cause) -> int:
        return await world.lanes.tell_waiting(["u1", "u2", "none"], cause, epoch=world.epoch)

    assert await tell(Cause.QUOTA) == 1
    [waits] = await world.notices()
    assert (waits.kind, waits.args) == ("pool_wait", {"cause": "quota"})
    assert await tell(Cause.QUOTA) == 0
    assert await tell(Cause.IMAGE) == 1
    await world.show_all()
    assert await tell(Cause.IMAGE) == 0
    run = await world.claim()
    await world.answered(run)
    assert await tell(Cause.IMAGE) == 1
    assert await world.lanes.tell_waiting(["u1"], Cause.QUOTA, epoch=world.epoch) == 0  # it waits no more


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
    async with asyncio.timeout(5):
        assert len(await world.displays.changed(0)) == 200


async def test_an_edit_of_a_question_that_waits_shows_nothing_of_it(world: World) -> None:
    await world.effects({**effect(task(1)), "heard": "why?", "heard_of": "101"})
    await world.effects(
        {"op": "edited", "key": "e", "chat": "1", "lang": "en", "message_id": "101", "fresh": [notice()]}
    )
    display = await world.opened("t:u1")
    assert (display.stage, display.slots) == (Stage.STOPPED, {})  # there is no message to mark
