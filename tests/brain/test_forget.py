"""`/forget`: after it no key of Redis has the person's words, and what others said stays."""

import json
from dataclasses import replace
from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_core.store import Script
from openclaw_core.tasks.task import Task
from openclaw_core.texts.wording import Sentence
from tests.brain.access_desk import FRIEND, GROUP, GROUP_ID, Desk

OTHER = 8


@pytest.fixture
async def desk(script: Script) -> Desk:
    return await Desk(script, Access(users=frozenset({FRIEND, OTHER}))).open()


async def asks(desk: Desk, user: int, text: str, chat: dict[str, Any] | None = None) -> Task:
    """A question that waits."""
    await desk.handles(desk.message(user, text if chat is None else f"@OpenClawBot {text}", chat))
    waiting = await desk.world.lanes.waiting_in(user if chat is None else chat["id"])
    return await desk.world.lanes.asked(waiting[-1])


async def answered(desk: Desk, user: int, text: str, chat: dict[str, Any] | None = None) -> Task:
    """A question with its answer, which the chat has."""
    task = await asks(desk, user, text, chat)
    await desk.world.lanes.release(cap=9, at_most=9, epoch=desk.world.epoch)
    assert await desk.world.dispatch(task)
    await desk.world.answered(await desk.world.claim(), f"answer to {text}")
    await desk.world.show_all()
    return task


async def presses(desk: Desk, user: int, data: str, chat: dict[str, Any] | None = None) -> list[str]:
    """The toasts."""
    desk.updates += 1
    message = {"message_id": 9, "chat": chat or {"id": user, "type": "private"}}
    await desk.handles(
        {"update_id": desk.updates, "callback_query": {"id": "cb", "data": data, "from": {"id": user}, "message": message}}
    )  # fmt: skip
    return [one.toast for one in await desk.world.displays.take_indicators(99) if one.toast]


async def button(desk: Desk, user: int, chat: dict[str, Any] | None = None) -> str:
    """The data of the button that deletes."""
    [(kind, _, args)] = await desk.handles(
        desk.message(user, "/forget" if chat is None else "/forget@OpenClawBot", chat)
    )
    assert (kind, args["user"], args["group"]) == ("forget_ask", str(user), 0 if chat is None else 1)
    return f"forget:yes:{args['user']}:{args['at_s']}"


async def forgets(desk: Desk, *, at_most: int = 500) -> int:
    """Look until nothing more is to be looked at; gives the number of steps."""
    steps = 1
    while await desk.world.inbox.forget_some(at_most=at_most, epoch=desk.world.epoch):
        steps += 1
        assert steps < 100
    return steps


async def told(desk: Desk) -> list[tuple[str, int]]:
    waiting = [(one.kind, one.chat_id) for one in await desk.world.notices()]
    await desk.world.show_all()
    return waiting


async def everything(desk: Desk) -> dict[str, str]:
    """All keys of the bot, with what they hold."""
    script, found = desk.world.script, {}
    reads: dict[str, tuple[Any, ...]] = {
        "string": ("GET",), "hash": ("HGETALL",), "list": ("LRANGE", 0, -1), "set": ("SMEMBERS",),
        "zset": ("ZRANGE", 0, -1), "stream": ("XRANGE", "-", "+"),
    }  # fmt: skip
    for name in await script.read("KEYS", script.keys("*")):
        command, *rest = reads[await script.read("TYPE", name)]
        found[name.removeprefix(script.keys.prefix)] = json.dumps(await script.read(command, name, *rest), default=str)
    return found


def holding(kept: dict[str, str], *words: str) -> set[str]:
    return {name for name, value in kept.items() if any(word in name or word in value for word in words)}


async def test_no_key_holds_a_word_or_the_chat_of_who_asked_to_be_forgotten(desk: Desk) -> None:
    await desk.says(FRIEND, "/lang he")
    first = await answered(desk, FRIEND, "marker-mine one")
    await answered(desk, FRIEND, "marker-mine in the group", GROUP)
    await answered(desk, OTHER, "marker-theirs in the group", GROUP)
    await answered(desk, OTHER, "marker-theirs alone")
    waiting = await asks(desk, FRIEND, "marker-mine waiting")
    data = await button(desk, FRIEND)
    assert holding(await everything(desk), "marker-mine")

    assert await presses(desk, FRIEND, data) == ["המחיקה התחילה…"]
    await desk.world.show_all()
    await forgets(desk)
    assert await told(desk) == [("forgotten", FRIEND)]

    kept = await everything(desk)
    assert holding(kept, "marker-mine", first.id + '"', waiting.id + '"') <= {"runs", "order"}, (
        "run records have no words"
    )
    assert "marker-mine" not in kept["runs"]
    assert {
        name
        for name in holding(kept, f":{FRIEND}", f'"user_id":{FRIEND}')
        if name.startswith(("chat:", "turns:", "task:", "lane:"))
    } == set()
    assert f"chat:{FRIEND}" not in kept
    said = [text for _, text in await desk.world.history(GROUP_ID)]
    assert said == ["marker-theirs in the group", "answer to marker-theirs in the group"]
    assert [text for _, text in await desk.world.history(OTHER)] == [
        "marker-theirs alone",
        "answer to marker-theirs alone",
    ]


async def test_in_a_group_only_the_askers_own_questions_there_go(desk: Desk) -> None:
    await answered(desk, FRIEND, "alone")
    await answered(desk, FRIEND, "mine", GROUP)
    await answered(desk, OTHER, "theirs", GROUP)
    await desk.says(OTHER, "/lang@OpenClawBot he", GROUP)
    data = await button(desk, FRIEND, GROUP)
    assert await presses(desk, OTHER, data, GROUP) in ([Sentence.NOT_YOURS], ["רק מי ששאל יכול ללחוץ על זה."])
    assert await forgets(desk) == 1
    assert len(await desk.world.history(GROUP_ID)) == 4

    await presses(desk, FRIEND, data, GROUP)
    await forgets(desk)
    assert await told(desk) == [("forgotten", GROUP_ID)]
    assert [text for _, text in await desk.world.history(GROUP_ID)] == ["theirs", "answer to theirs"]
    assert [text for _, text in await desk.world.history(FRIEND)] == ["alone", "answer to alone"]
    assert (await desk.world.inbox.chats([GROUP_ID]))[0]["lang"] == "he", "the language is the group's"


async def test_what_runs_is_stopped_and_goes_once_its_chat_was_shown_that(desk: Desk) -> None:
    task = await asks(desk, FRIEND, "marker-mine")
    await desk.world.lanes.release(cap=9, at_most=9, epoch=desk.world.epoch)
    assert await desk.world.dispatch(task)
    run = await desk.world.claim()
    await desk.world.agent.write(run, "marker-mine so far")
    data = await button(desk, FRIEND)
    await presses_without_showing(desk, FRIEND, data)
    assert await desk.world.state(task) == "cancelled"
    await forgets(desk)
    assert await desk.world.state(task) == "cancelled", "its chat has still to be shown that it was stopped"

    await desk.world.show_all()
    await forgets(desk)
    assert holding(await everything(desk), "marker-mine") == set()
    assert await told(desk) == [("forgotten", FRIEND)]


async def presses_without_showing(desk: Desk, user: int, data: str) -> None:
    desk.updates += 1
    message = {"message_id": 9, "chat": {"id": user, "type": "private"}}
    query = {"id": "cb", "data": data, "from": {"id": user}, "message": message}
    update = {"update_id": desk.updates, "callback_query": query}
    await desk.world.inbox.admit([("inbox", update)], offset=None, epoch=desk.world.epoch)
    await desk.handler.handle_batch("inbox")


async def test_a_chat_that_cannot_be_shown_anything_keeps_no_request_for_ever(desk: Desk) -> None:
    await asks(desk, FRIEND, "waits")
    data = await button(desk, FRIEND)
    await presses_without_showing(desk, FRIEND, data)
    key, script = desk.world.script.keys("forgetting"), desk.world.script
    await forgets(desk)
    [field] = await script.read("HKEYS", key)
    row = await script.read("HGET", key, field)
    version, update, last, asked_ms, lang = row.split(" ")
    await script.read("HSET", key, field, f"{version} {update} {last} {int(asked_ms) - 900_001} {lang}")
    await forgets(desk)
    assert await script.read("EXISTS", key) == 0


async def test_many_records_are_looked_at_step_by_step_and_by_the_next_leader(desk: Desk) -> None:
    for n in range(7):
        await answered(desk, FRIEND if n % 2 else OTHER, f"question {n}")
    script = desk.world.script
    for task in (await script.read("ZRANGE", script.keys("ended"), 0, -1))[1:6]:
        await script.read("ZADD", script.keys("ended"), 12, task)  # five of one millisecond, more than a step looks at
    data = await button(desk, FRIEND)
    await presses(desk, FRIEND, data)
    assert await desk.world.inbox.forget_some(at_most=2, epoch=desk.world.epoch)
    await desk.world.leadership.give_up_lead("me")
    await desk.world.lead("the next leader")

    assert await forgets(desk, at_most=2) > 1
    left = [await desk.world.lanes.asked(one) for one in await script.read("ZRANGE", script.keys("ended"), 0, -1)]
    assert {task.user_id for task in left} == {OTHER}
    assert len(left) == 4


async def test_a_question_that_follows_the_request_stays(desk: Desk) -> None:
    await answered(desk, FRIEND, "before")
    data = await button(desk, FRIEND)
    await presses(desk, FRIEND, data)
    await answered(desk, FRIEND, "after")
    await forgets(desk)
    assert [text for _, text in await desk.world.history(FRIEND)] == ["after", "answer to after"]


async def test_only_that_persons_press_within_an_hour_counts(desk: Desk) -> None:
    await answered(desk, FRIEND, "kept")
    data = await button(desk, FRIEND)
    _, _, user, at_s = data.split(":")
    assert await presses(desk, OTHER, data) == [Sentence.NOT_YOURS]
    assert await presses(desk, FRIEND, f"forget:no:{user}:{at_s}") == [Sentence.FORGET_KEPT]
    for wrong in (
        f"forget:yes:{user}:{int(at_s) - 3700}",
        f"forget:yes:{user}:",
        f"forget:yes:{user}",
        f"forget:maybe:{user}:{at_s}",
    ):
        assert await presses(desk, FRIEND, wrong) == [Sentence.BUTTON_OLD], wrong
    await forgets(desk)
    assert len(await desk.world.history(FRIEND)) == 2


async def test_who_has_no_access_any_more_can_still_be_forgotten(desk: Desk) -> None:
    desk.access = replace(desk.access, owners=frozenset({5}), pairing=True)
    await desk.open()
    await answered(desk, FRIEND, "marker-mine")
    await desk.says(5, f"/remove {FRIEND}")
    data = await button(desk, FRIEND)
    assert await desk.says(FRIEND, "/forget") == [], "asked once an hour"
    assert await desk.says(FRIEND, "@OpenClawBot /forget", GROUP) == ["refused"]

    assert await presses(desk, FRIEND, data) == [Sentence.FORGET_BEGUN]
    await forgets(desk)
    assert holding(await everything(desk), "marker-mine") == set()
    assert (await desk.world.inbox.access_entries())[0][str(FRIEND)].right == "none"


async def test_many_who_ask_at_once_share_the_records_of_a_step(desk: Desk) -> None:
    users = (FRIEND, OTHER)
    for n in range(8):
        await answered(desk, users[n % 2], f"question {n}")
    for user in users:
        await presses(desk, user, await button(desk, user))
    script, key = desk.world.script, desk.world.script.keys
    assert await desk.world.inbox.forget_some(at_most=3, epoch=desk.world.epoch)
    cursors = [row.split(" ")[2] for row in await script.read("HVALS", key("forgetting"))]
    assert sorted(cursor == "0" for cursor in cursors) == [False, True], "one person in a step"

    await forgets(desk, at_most=3)
    assert await script.read("ZCARD", key("ended")) == 0
    assert sorted(await told(desk)) == [("forgotten", FRIEND), ("forgotten", OTHER)]


async def test_a_question_of_before_that_is_handled_after_the_request_begins_no_more(desk: Desk) -> None:
    data, inbox = await button(desk, FRIEND), desk.world.inbox
    await inbox.admit([("inbox", desk.message(FRIEND, "marker-mine"))], offset=None, epoch=desk.world.epoch)
    desk.updates += 1
    message = {"message_id": 9, "chat": {"id": FRIEND, "type": "private"}}
    query = {"id": "cb", "data": data, "from": {"id": FRIEND}, "message": message}
    await inbox.admit(
        [("control", {"update_id": desk.updates, "callback_query": query})], offset=None, epoch=desk.world.epoch
    )
    await desk.handler.handle_batch("control")
    await desk.handler.handle_batch("inbox")

    assert await desk.queued(FRIEND) == 0
    await desk.handles(desk.message(FRIEND, "a question after it"))
    assert await desk.queued(FRIEND) == 1
