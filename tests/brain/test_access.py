"""Owners decide in the chat who may use the bot, and everybody else is told the same as before."""

from pathlib import Path
from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.gather import Windows
from openclaw_brain.inbox.handler import UpdateHandler
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.telegram.incoming import Bot, Incoming
from openclaw_core.budgets.values import Budgets
from openclaw_core.roles.access import AccessFile
from openclaw_core.roles.check import load_roles
from openclaw_core.store import Script
from openclaw_core.store.access import AccessEntry, Right, set_git_access
from openclaw_core.store.budgets import Spending
from tests.core.store_world import CAPS, World

ROLES = load_roles(Path(__file__).parents[2] / "platform/openclaw/base")
OWNER, FRIEND, STRANGER = 5, 6, 404
GROUP_ID = -100500
GROUP = {"id": GROUP_ID, "type": "supergroup"}


class Desk:
    """The leader's inbox over a real store."""

    def __init__(self, script: Script, access: Access) -> None:
        self.world, self.access, self.updates = World(script), access, 0

    async def open(self) -> "Desk":
        await self.world.lead()
        await set_git_access(self.world.script, self.access.rights(), epoch=self.world.epoch)
        self.handler = UpdateHandler(
            inbox=self.world.inbox, lanes=self.world.lanes, runs=self.world.runs,
            intake=Intake(roles=ROLES, access=self.access), bot=Bot(id=42, username="OpenClawBot"),
            windows=Windows(), epoch=self.world.epoch, chat_cap=CAPS["chat_cap"], total_cap=CAPS["total_cap"],
            spending=Spending(self.world.script, Budgets()),
        )  # fmt: skip
        return self

    def message(self, user: int, text: str, chat: dict[str, Any] | None = None) -> dict[str, Any]:
        self.updates += 1
        where = chat or {"id": user, "type": "private"}
        sender = {"id": user, "is_bot": False, "first_name": "N", "language_code": "en"}
        message = {"message_id": self.updates, "date": self.updates * 100, "chat": where, "from": sender, "text": text}
        return {"update_id": self.updates, "message": message}

    async def handles(self, *updates: dict[str, Any]) -> list[tuple[str, int, dict[str, Any]]]:
        """Handle *updates* as one batch; gives what is told, in which chat, and tells it."""
        await self.world.inbox.admit([("inbox", one) for one in updates], offset=None, epoch=self.world.epoch)
        while await self.handler.handle_batch("inbox"):
            pass
        waiting = [(one.kind, one.chat_id, dict(one.args)) for one in await self.world.notices()]
        await self.world.show_all()
        return waiting

    async def says(self, user: int, text: str, chat: dict[str, Any] | None = None) -> list[str]:
        return [kind for kind, _, _ in await self.handles(self.message(user, text, chat))]

    async def presses(self, user: int, data: str) -> list[str]:
        """The toasts that a press brings, and the kinds of notices."""
        self.updates += 1
        message = {"message_id": 9, "chat": {"id": user, "type": "private"}}
        told = await self.handles(
            {"update_id": self.updates, "callback_query": {"id": "cb", "data": data, "from": {"id": user}, "message": message}}
        )  # fmt: skip
        toasts = [one.toast for one in await self.world.displays.take_indicators(99) if one.toast]
        return toasts + [kind for kind, _, _ in told]

    async def queued(self, chat: int) -> int:
        return len(await self.world.lanes.waiting_in(chat))


@pytest.fixture
async def desk(script: Script) -> Desk:
    return await Desk(script, Access(users=frozenset({FRIEND}), owners=frozenset({OWNER}))).open()


async def test_an_owner_lets_somebody_in_and_takes_access_away_again(desk: Desk) -> None:
    assert await desk.says(STRANGER, "hello?") == ["refused"]
    assert await desk.says(OWNER, f"/allow {STRANGER}") == ["access_given"]
    assert await desk.says(STRANGER, "hello!") == []
    assert await desk.queued(STRANGER) == 1

    assert await desk.says(OWNER, f"/remove {STRANGER}") == ["access_taken"]
    assert await desk.queued(STRANGER) == 0, "what waits is stopped"
    await desk.says(STRANGER, "still there?")
    assert await desk.queued(STRANGER) == 0


async def test_a_message_behind_a_remove_in_the_same_batch_is_not_taken(desk: Desk) -> None:
    await desk.handles(
        desk.message(FRIEND, "one"), desk.message(OWNER, f"/remove {FRIEND}"), desk.message(FRIEND, "two"),
        desk.message(OWNER, f"/allow {FRIEND}"), desk.message(FRIEND, "three"),
    )  # fmt: skip
    [left] = await desk.world.lanes.waiting_in(FRIEND)
    assert (await desk.world.lanes.asked(left)).text == "three"


@pytest.mark.parametrize("command", ["/access", f"/allow {STRANGER}", f"/remove {OWNER}"])
async def test_only_an_owner_decides(desk: Desk, command: str) -> None:
    assert await desk.says(FRIEND, command) == ["owners_only"]
    assert await desk.says(STRANGER, command) == ["refused"]
    assert (await desk.world.inbox.access_entries())[0] == {}


async def test_no_owner_can_be_removed_in_the_chat_and_no_id_is_guessed(desk: Desk) -> None:
    assert await desk.says(OWNER, f"/remove {OWNER}") == ["owner_stays"]
    for wrong in ("/allow", "/allow 0", "/allow me", "/allow 1 2", "/allow ٣", f"/allow {2**52}", "/remove -"):
        assert await desk.says(OWNER, wrong) == ["access_how"], wrong
    assert (await desk.world.inbox.access_entries())[0] == {}


async def test_in_a_group_that_is_let_in_everybody_may_ask_but_whom_an_owner_removed(desk: Desk) -> None:
    assert await desk.says(OWNER, "/allow", GROUP) == [], "another bot may be meant"
    assert await desk.says(OWNER, "/allow@OpenClawBot", GROUP) == ["access_given"]
    await desk.says(STRANGER, "@OpenClawBot hello", GROUP)
    assert await desk.queued(GROUP_ID) == 1
    assert await desk.says(STRANGER, "hello") == ["refused"], "elsewhere as before"

    await desk.says(OWNER, f"/remove {STRANGER}")
    await desk.says(STRANGER, "@OpenClawBot hello again", GROUP)
    assert await desk.queued(GROUP_ID) == 0
    assert await desk.says(OWNER, "/access@OpenClawBot", GROUP) == ["access_private"]


async def test_the_list_names_owners_first_and_the_last_one_who_decided(desk: Desk) -> None:
    await desk.says(OWNER, "/allow 8")
    await desk.says(OWNER, f"/remove {FRIEND}")
    [(kind, chat, args)] = await desk.handles(desk.message(OWNER, "/access"))

    assert (kind, chat, args["more"]) == ("access_list", OWNER, 0)
    assert [row[:3] for row in args["rows"]] == [["5", "owner", "git"], ["6", "none", "5"], ["8", "user", "5"]]
    assert all(int(row[3]) > 0 for row in args["rows"])


async def test_a_remove_button_counts_from_an_owner_and_once(desk: Desk) -> None:
    await desk.says(OWNER, "/allow 8")
    assert await desk.presses(FRIEND, "access:none:8") == ["Only an owner of this bot can do that."]
    assert await desk.presses(OWNER, "access:none:8") == ["access_taken"]
    assert await desk.presses(OWNER, f"access:none:{OWNER}") != ["access_taken"]
    assert {one: entry.right for one, entry in (await desk.world.inbox.access_entries())[0].items()} == {"8": "none"}


async def test_a_bot_that_is_open_to_everyone_is_closed_to_who_was_removed(script: Script) -> None:
    desk = await Desk(script, Access(users=None, owners=frozenset({OWNER}))).open()
    await desk.says(OWNER, f"/remove {STRANGER}")

    assert await desk.says(STRANGER, "hello") == ["refused"]
    await desk.says(FRIEND, "hello")
    assert await desk.queued(FRIEND) == 1


def entry(right: Right) -> AccessEntry:
    return AccessEntry(subject="x", right=right, by="5", at_ms=1)


@pytest.mark.parametrize(
    ("of_user", "of_chat", "listed", "group_listed", "admitted"),
    [
        (None, None, False, False, False), (None, None, True, False, True), (None, None, False, True, True),
        (Right.USER, Right.NONE, False, False, True), (Right.NONE, Right.USER, True, True, False),
        (None, Right.NONE, False, True, False), (None, Right.NONE, True, False, True), (None, Right.USER, False, False, True),
    ],
)  # fmt: skip
def test_a_decision_about_a_person_counts_before_one_about_the_group(
    of_user: Right | None, of_chat: Right | None, listed: bool, group_listed: bool, admitted: bool
) -> None:
    decided = {9: of_user, -100: of_chat}
    access = Access(users=frozenset({9} if listed else ()), groups=frozenset({-100} if group_listed else ()))
    incoming = Incoming(update_id=1, kind="text", chat_id=-100, chat_kind="group", user_id=9)
    known = {one: entry(right) for one, right in decided.items() if right is not None}
    assert access.admits(incoming, known) is admitted


def test_git_and_the_environment_say_together_who_may_use_the_bot() -> None:
    listed = AccessFile(owners=[OWNER], users=[FRIEND], groups=[GROUP_ID])
    access = Access.of(listed, users=frozenset({7}), bots=frozenset({9}))
    assert access == Access(
        users=frozenset({FRIEND, 7}), bots=frozenset({9}), owners=frozenset({OWNER}), groups=frozenset({GROUP_ID}), pairing=True
    )  # fmt: skip
    assert Access.of(listed, users=None, bots=frozenset()).users is None
