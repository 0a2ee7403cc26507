"""Owners decide in the chat who may use the bot, and everybody else is told the same as before."""

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.telegram.incoming import Incoming
from openclaw_core.roles.access import AccessFile
from openclaw_core.store import Script
from openclaw_core.store.access import AccessEntry, Right
from tests.brain.access_desk import FRIEND, GROUP, GROUP_ID, OWNER, STRANGER, Desk, desk

__all__ = ["desk"]


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
