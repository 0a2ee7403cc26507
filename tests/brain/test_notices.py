"""Texts of the bot's own cannot crowd each other out: one for each thing that a chat should know.

And `/stop` means what stood before it.
"""

import asyncio
from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.gather import Windows
from openclaw_brain.inbox.handler import UpdateHandler
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.telegram.incoming import Bot
from openclaw_core.budgets.values import Budgets
from openclaw_core.store import Script
from openclaw_core.store.budgets import Spending
from openclaw_core.tasks.outcome import Cause
from tests.core.store_world import CAPS, World, task
from tests.shipped import ROLES

STRANGER = 404


class Desk:
    """The leader's two streams over a real store; `7`, `8` and `9` may use the bot."""

    def __init__(self, script: Script) -> None:
        self.world = World(script)
        self.updates = 0

    async def open(self) -> "Desk":
        await self.world.lead()
        intake = Intake(roles=ROLES, access=Access(users=frozenset({7, 8, 9})))
        self.handler = UpdateHandler(
            inbox=self.world.inbox, lanes=self.world.lanes, runs=self.world.runs, intake=intake,
            bot=Bot(id=42, username="OpenClawBot"), windows=Windows(),
            epoch=self.world.epoch, chat_cap=CAPS["chat_cap"], total_cap=CAPS["total_cap"], spending=Spending(self.world.script, Budgets()),
        )  # fmt: skip
        return self

    async def admit(
        self, text: str, *, user: int = 7, stream: Any = "inbox", chat: dict[str, Any] | None = None
    ) -> int:
        self.updates += 1
        where = chat or {"id": user, "type": "private"}
        message = {
            "message_id": self.updates,
            "date": 1,
            "chat": where,
            "from": {"id": user, "language_code": "en"},
            "text": text,
        }
        update = {"update_id": self.updates, "message": message}
        await self.world.inbox.admit([(stream, update)], offset=None, epoch=self.world.epoch)
        return self.updates

    async def handle(self, *streams: Any) -> None:
        for stream in streams or ("control", "inbox"):
            while await self.handler.handle_batch(stream):
                pass

    async def press(self, data: str, *, user: int = 7) -> None:
        self.updates += 1
        query = {
            "id": f"cb{self.updates}",
            "data": data,
            "from": {"id": user},
            "message": {"message_id": 9, "chat": {"id": user, "type": "private"}},
        }
        update = {"update_id": self.updates, "callback_query": query}
        await self.world.inbox.admit([("control", update)], offset=None, epoch=self.world.epoch)
        await self.handle("control")

    async def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What waits to be told; it is told by this."""
        waiting = [(one.kind, dict(one.args)) for one in await self.world.notices()]
        await self.world.show_all()
        return waiting


@pytest.fixture
async def desk(script: Script) -> Desk:
    return await Desk(script).open()


async def test_a_stranger_is_told_once_a_day_however_much_they_write_and_wherever(desk: Desk) -> None:
    for _ in range(40):
        await desk.admit("let me in", user=STRANGER)
    await desk.handle()
    assert await desk.told() == [("refused", {"user_id": str(STRANGER)})]
    for n in range(40):
        group = {"id": -100500 - n % 3, "type": "supergroup"}
        await desk.admit("@OpenClawBot let me in", user=STRANGER, chat=group if n % 2 else None)
    await desk.handle()
    assert await desk.told() == []
    left_s = await desk.world.script.read("TTL", desk.world.script.keys("told", f"refused:{STRANGER}"))
    assert 23 * 3600 < left_s <= 24 * 3600


async def test_strangers_leave_nothing_behind_but_that_they_were_told(desk: Desk) -> None:
    for user in range(1000, 1020):
        await desk.admit("let me in", user=user)
    await desk.handle()
    assert len(await desk.told()) == 20
    assert await desk.world.lanes.waiting() == 0
    assert await desk.world.script.read("LLEN", desk.world.script.keys("signs")) == 0, "no reaction for them either"


async def test_a_hundred_commands_of_a_chat_are_one_text_for_each_kind_with_the_newest_words(desk: Desk) -> None:
    for n in range(30):
        for text in ("/help", "/status", "/nonsense", "/lang he" if n % 2 else "/lang en"):
            await desk.admit(text, stream="control")
    await desk.admit("/help", user=8, stream="control")
    await desk.handle()
    waiting = await desk.world.notices()
    assert sorted((one.chat_id, one.kind) for one in waiting) == [
        (7, "help"), (7, "lang_set"), (7, "status"), (7, "unknown_command"), (8, "help"),
    ]  # fmt: skip
    [chosen] = [one for one in waiting if one.kind == "lang_set"]
    assert chosen.lang == "he", "as the last one chose"
    await desk.told()
    await desk.admit("/help", stream="control")
    await desk.handle()
    assert [kind for kind, _ in await desk.told()] == ["help"], "asked again after it was told: told again"


async def test_a_full_chat_is_told_once_until_there_was_room_again(desk: Desk) -> None:
    for _ in range(60):
        await desk.admit("/code hello", stream="inbox")
    await desk.handle()
    assert await desk.told() == [("full", {"cap": 20})]
    for _ in range(20):
        await desk.admit("/code hello")
    await desk.handle()
    assert await desk.told() == []
    await desk.world.lanes.release(cap=10, at_most=10, epoch=desk.world.epoch)
    for _ in range(5):
        await desk.admit("/code hello")
    await desk.handle()
    assert await desk.told() == [("full", {"cap": 20})]


async def test_another_chats_failure_stands_before_thousands_of_rows_of_nobody(desk: Desk) -> None:
    """B3: what waits to be shown does not grow with what a chat or a stranger sends."""
    for n in range(300):
        await desk.admit("/help" if n % 2 else "/nonsense", stream="control")
        await desk.admit("let me in", user=STRANGER)
    run = await desk.world.claimed(task(9_999, chat=9))
    await desk.world.failed(run, Cause.MODEL_DOWN)
    async with asyncio.timeout(60):
        await desk.handle()
    shown = await desk.world.displays.changed(0)
    assert len(shown) == 4
    assert "t:u9999" in [display.id for display in shown]


async def test_a_chat_that_asks_for_its_status_again_and_again_has_the_others_read_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0
    waiting = desk.world.inbox.waiting

    async def counted(*args: Any, **how: Any) -> Any:
        nonlocal read
        entries = await waiting(*args, **how)
        read += len(entries)
        return entries

    monkeypatch.setattr(desk.handler.inbox, "waiting", counted)
    for n in range(100):
        await desk.admit("/status" if n % 2 else "/help", stream="control")
    await desk.handle("control")
    assert read == 100
    assert sorted(kind for kind, _ in await desk.told()) == ["help", "status"]


async def test_what_asks_the_store_is_handled_after_what_stood_before_it_and_before_what_comes_after(
    desk: Desk,
) -> None:
    await desk.admit("/lang he", stream="control")
    await desk.admit("/status", stream="control")
    await desk.admit("/lang en", stream="control")
    await desk.handle("control")
    assert {one.kind: one.lang for one in await desk.world.notices()} == {"lang_set": "en", "status": "he"}


async def test_in_a_group_each_person_is_told_what_is_about_that_person(desk: Desk) -> None:
    group = {"id": -100500, "type": "supergroup"}
    for user in (7, 8, 7):
        for text in ("/usage", "/forget", "/help"):
            await desk.admit(text, user=user, stream="control", chat=group)
    await desk.handle()
    assert sorted(kind for kind, _ in await desk.told()) == ["forget_ask", "forget_ask", "help", "usage", "usage"]


# ---- /stop


@pytest.mark.parametrize("first", ["control", "inbox"])
async def test_a_stop_that_overtakes_its_question_stops_it_and_not_the_one_after_it(desk: Desk, first: str) -> None:
    question = await desk.admit("/code long question")
    await desk.admit("/stop", stream="control")
    after = await desk.admit("/code another question")
    await desk.handle(first, "control", "inbox")
    assert await desk.world.lanes.waiting_in(7) == [f"u{after}"]
    assert await desk.world.state(task(question)) in (None, "cancelled")
    assert await desk.told() == [("stopped", {"stopped": 0, "waiting": 1, "late": 0})]


async def test_a_stop_behind_sixty_updates_of_others_stops_its_question(desk: Desk) -> None:
    for n in range(30):
        await desk.admit("/code hello", user=8 + n % 2)
    question = await desk.admit("/code long question")
    await desk.admit("/stop", stream="control")
    for n in range(30):
        await desk.admit("/code hello", user=8 + n % 2)
    await desk.handle("control", "inbox")
    assert await desk.world.lanes.waiting_in(7) == []
    assert await desk.world.state(task(question)) is None, "it never was a task"
    assert ("stopped", {"stopped": 0, "waiting": 1, "late": 0}) in await desk.told()


async def test_a_stop_of_a_topic_or_another_chat_leaves_this_one_alone(desk: Desk) -> None:
    question = await desk.admit("/code hello")
    await desk.admit("/stop", user=8, stream="control")
    await desk.handle("control", "inbox")
    assert await desk.world.lanes.waiting_in(7) == [f"u{question}"]
    assert await desk.told() == [("stopped", {"stopped": 0, "waiting": 0, "late": 0})]


async def test_stop_pressed_three_times_and_said_twice_is_one_text_that_tells_what_was_stopped(desk: Desk) -> None:
    question = await desk.admit("/code hello")
    await desk.handle()
    [released] = await desk.world.lanes.release(cap=10, at_most=10, epoch=desk.world.epoch)
    assert released == f"u{question}"
    for _ in range(3):
        await desk.press(f"stop:u{question}")
    assert await desk.world.notices() == [], "the message itself is marked, and a toast says so"
    signs = await desk.world.displays.take_indicators(10)
    assert [sign.toast for sign in signs if sign.button_id] == ["⏹ Stopping…"] * 3
    for _ in range(2):
        await desk.admit("/stop", stream="control")
    await desk.handle()
    assert await desk.told() == [("stopped", {"stopped": 0, "waiting": 0, "late": 0})]


async def test_two_stops_that_wait_to_be_told_tell_together_what_they_stopped(desk: Desk) -> None:
    for _ in range(2):
        await desk.admit("/code hello")
        await desk.handle()
        await desk.admit("/stop", stream="control")
        await desk.handle()
    assert await desk.told() == [("stopped", {"stopped": 0, "waiting": 2, "late": 0})]
