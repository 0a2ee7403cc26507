"""The brain's own texts reach their chat once, whatever the chat or a restart does to them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from openclaw_brain.report import Reporter
from openclaw_core.errors import ChatGone, FateUnknown, FloodWait, LostOwnership, MessengerUnavailable
from openclaw_core.outcome import Cause
from openclaw_core.ports import Page
from openclaw_core.roles import Roles, load
from openclaw_core.store import Flood, Notices, Script
from openclaw_core.store.flood import CHAT_BURST, Priority
from tests.core.store_world import World, task
from tests.fakes.messenger import FakeMessenger


@pytest.fixture(scope="module")
def roles() -> Roles:
    return load(Path(__file__).parents[2] / "platform/openclaw/base")


@pytest.fixture
async def world(script: Script) -> World:
    world = World(script)
    await world.lead()
    return world


def reporter(world: World, messenger: FakeMessenger, roles: Roles) -> Reporter:
    return Reporter(
        notices=Notices(world.script), lanes=world.lanes, messenger=messenger, flood=Flood(world.script), roles=roles, epoch=world.epoch
    )  # fmt: skip


async def told(world: World, messenger: FakeMessenger, roles: Roles) -> None:
    """Run the loop until nothing is left to tell."""

    async def left() -> bool:
        return bool(await world.notices.waiting())

    telling = reporter(world, messenger, roles).tell_forever(nudge=asyncio.Event(), turned=lambda: None)
    await run_while(left, telling)


async def run_while(left: Callable[[], Awaitable[bool]], forever: Coroutine[Any, Any, None]) -> None:
    running = asyncio.create_task(forever)
    try:
        async with asyncio.timeout(60):
            while await left():
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def notice(world: World, key: str = "n", chat: str = "1", kind: str = "new") -> None:
    await world.effects({"op": "notice", "key": key, "chat": chat, "kind": kind, "lang": "en"})


async def test_a_text_is_edited_into_a_message_reserved_for_it(world: World, roles: Roles) -> None:
    messenger = FakeMessenger()
    await notice(world)
    await told(world, messenger, roles)
    assert messenger.calls == ["send", "edit"]
    assert "A fresh start" in messenger.texts[0]


async def test_texts_of_a_chat_keep_their_order(world: World, roles: Roles) -> None:
    messenger = FakeMessenger()
    for key, kind in (("a", "new"), ("b", "status"), ("c", "unknown_command")):
        await notice(world, key, kind=kind)
    await told(world, messenger, roles)
    assert [text.split()[0] for text in messenger.texts] == ["A", "All", "I"]


@pytest.mark.parametrize("fault", [MessengerUnavailable("502"), FloodWait(retry_after_s=0.1)])
async def test_an_edit_that_fails_for_a_while_is_done_later_in_the_same_message(
    world: World, roles: Roles, fault: Exception
) -> None:
    messenger = FakeMessenger(faults={"edit": [fault]})
    await notice(world)
    await told(world, messenger, roles)
    assert messenger.calls.count("send") == 1
    assert "A fresh start" in messenger.texts[0]


async def test_a_placeholder_of_unknown_fate_is_reserved_anew(world: World, roles: Roles) -> None:
    messenger = FakeMessenger(faults={"send": [FateUnknown("send")]})
    await notice(world)
    await told(world, messenger, roles)
    assert "A fresh start" in messenger.texts[-1]


async def test_a_chat_that_is_gone_holds_up_no_other_and_is_given_up(world: World, roles: Roles) -> None:
    messenger = FakeMessenger(faults={"send": [ChatGone("403")]})
    await notice(world, "a", chat="1")
    await told(world, messenger, roles)
    await notice(world, "b", chat="2")
    await told(world, messenger, roles)
    assert len(messenger.texts) == 1


async def test_a_message_that_the_user_deleted_is_replaced(world: World, roles: Roles) -> None:
    messenger = FakeMessenger()
    await notice(world)
    assert await world.notices.intent("n", epoch=world.epoch) is None
    await world.notices.reserved("n", 77, epoch=world.epoch)  # reserved by a brain before, then deleted
    await told(world, messenger, roles)
    assert "A fresh start" in messenger.texts[0]


async def test_a_restart_between_reserving_and_telling_uses_the_same_message(world: World, roles: Roles) -> None:
    messenger = FakeMessenger(faults={"edit": [MessengerUnavailable("502")] * 99})
    await notice(world)
    first = asyncio.create_task(
        reporter(world, messenger, roles).tell_forever(nudge=asyncio.Event(), turned=lambda: None)
    )
    async with asyncio.timeout(60):
        while "edit" not in messenger.calls:
            await asyncio.sleep(0.02)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    messenger.faults.clear()
    await world.inbox.give_up_lead("me")
    await world.lead("another")
    await told(world, messenger, roles)
    assert messenger.calls.count("send") == 1


async def told_to_go_while_it_sends(last: Reporter, messenger: FakeMessenger) -> "asyncio.Task[None]":
    """Its loop, cancelled as soon as a text is on its way."""
    telling = asyncio.create_task(last.tell_forever(nudge=asyncio.Event(), turned=lambda: None))
    while "send" not in messenger.calls:
        await asyncio.sleep(0.02)
    telling.cancel()
    return telling


async def test_a_brain_that_is_told_to_go_finishes_the_text_it_has_begun_and_begins_no_other(
    world: World, roles: Roles
) -> None:
    messenger = FakeMessenger()
    messenger.sends_land.clear()
    await notice(world, "n1")
    await notice(world, "n2")
    last = reporter(world, messenger, roles)
    last.drain_s = 60
    async with asyncio.timeout(60):
        telling = await told_to_go_while_it_sends(last, messenger)
        await asyncio.sleep(0.1)
        messenger.sends_land.set()
        await asyncio.gather(telling, return_exceptions=True)
    assert telling.cancelled()
    assert messenger.calls == ["send", "edit"]
    assert [waiting.key for waiting in await world.notices.waiting()] == ["n2"]


async def test_a_text_that_does_not_come_to_its_end_keeps_no_brain(world: World, roles: Roles) -> None:
    messenger = FakeMessenger()
    messenger.sends_land.clear()
    await notice(world)
    last = reporter(world, messenger, roles)
    last.drain_s = 0.05
    async with asyncio.timeout(60):
        telling = await told_to_go_while_it_sends(last, messenger)
        await asyncio.gather(telling, return_exceptions=True)
    assert messenger.calls == ["send"]
    assert [waiting.key for waiting in await world.notices.waiting()] == ["n"]


async def test_a_failure_is_told_in_the_tasks_own_message_with_a_retry_button(world: World, roles: Roles) -> None:
    messenger = FakeMessenger()
    claimed = await world.claimed(task(1))
    await world.agent.intent(claimed, 0)
    message_id = await messenger.send(1, Page(text="💭"))
    await world.agent.reserved(claimed, 0, message_id)
    await world.agent.give_up(claimed, Cause.MODEL_DOWN)
    await told(world, messenger, roles)
    assert list(messenger.shown) == [message_id]
    assert "not answering at the moment" in messenger.texts[0]
    assert [button.data for button in messenger.buttons[message_id]] == ["retry:u1"]
    assert (await world.lanes.fields(["u1"], "delivery"))[0]["delivery"] == "delivered"


async def test_an_old_leader_tells_nothing(world: World, roles: Roles) -> None:
    messenger = FakeMessenger()
    await notice(world)
    old = reporter(world, messenger, roles)
    await world.inbox.give_up_lead("me")
    await world.lead("another")
    with pytest.raises(ExceptionGroup) as lost:
        async with asyncio.timeout(60):
            await old.tell_forever(nudge=asyncio.Event(), turned=lambda: None)
    assert lost.group_contains(LostOwnership)
    assert messenger.calls == []


async def test_a_file_is_sent_again_when_asked_for_also_one_of_a_newer_agent(world: World, roles: Roles) -> None:
    messenger = FakeMessenger()
    file = {"name": "a.py", "content": "print()", "mood": "good"}
    claimed = await world.claimed(task(1))
    await world.agent.answered(claimed, {"pages": [{"text": "Hi", "entities": []}], "files": [file]}, {"model": "m"})
    wish = {"op": "file", "key": "a", "chat": "1", "kind": "file_gone", "lang": "en", "task": "u1", "part": "1"}
    await world.effects(wish)

    async def left() -> bool:
        return not messenger.files

    await run_while(left, reporter(world, messenger, roles).signs_forever(nudge=asyncio.Event(), turned=lambda: None))
    assert [(sent.name, sent.content) for sent in messenger.files] == [("a.py", "print()")]


async def test_in_a_group_no_placeholder_stands_alone_until_there_is_room_for_the_text(
    world: World, roles: Roles
) -> None:
    messenger = FakeMessenger()
    flood = Flood(world.script)
    for _ in range(CHAT_BURST["group"] - 1):  # one call may go at once, the next in 3 s
        assert not await flood.take(-5, "group", Priority.FINAL)
    await notice(world, chat="-5")
    begun = asyncio.get_running_loop().time()

    async def soon() -> bool:
        return asyncio.get_running_loop().time() - begun < 0.8

    await run_while(soon, reporter(world, messenger, roles).tell_forever(nudge=asyncio.Event(), turned=lambda: None))
    assert messenger.calls == []
