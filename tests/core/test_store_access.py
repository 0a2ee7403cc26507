"""Who may use the bot, in a real store: Git and the bot, and the one that was asked last."""

import pytest

from openclaw_core.errors import LostOwnership
from openclaw_core.store.access import AccessEntry, Right, entry_of, set_git_access
from tests.core.store_world import World, task


async def bot_says(world: World, subject: str, right: str, by: str = "5") -> None:
    await world.effects({"op": "access", "subject": subject, "right": right, "by": by})


async def git_says(world: World, **rights: str) -> int:
    """Keywords are subjects behind a letter."""
    named = {name[1:].replace("_", "-"): Right(right) for name, right in rights.items()}
    return await set_git_access(world.script, named, epoch=world.epoch)


async def entries(world: World) -> tuple[dict[str, str], dict[str, str]]:
    """Rights by the bot and by Git."""
    bot, git = await world.inbox.access_entries()
    return {one: str(entry.right) for one, entry in bot.items()}, {one: str(entry.right) for one, entry in git.items()}


async def test_what_the_bot_was_told_stays_where_git_says_the_same_as_before(world: World) -> None:
    await world.lead()
    assert await git_says(world, u5="owner", u6="user") == 2
    await bot_says(world, "6", "none")
    await bot_says(world, "7", "user")
    before = await world.inbox.access_entries()

    assert await git_says(world, u5="owner", u6="user") == 0  # a restart
    await world.leadership.give_up_lead("me")
    await world.lead("another brain")
    assert await git_says(world, u5="owner", u6="user") == 0

    assert await world.inbox.access_entries() == before
    assert await entries(world) == ({"6": "none", "7": "user"}, {"5": "owner", "6": "user"})
    assert before[0]["6"].by == "5"
    assert 0 < before[1]["6"].at_ms <= before[0]["6"].at_ms


async def test_git_has_the_last_word_about_those_whom_its_change_names_and_no_others(world: World) -> None:
    await world.lead()
    await git_says(world, u5="owner", u6="user")
    for subject, right in (("6", "none"), ("7", "user"), ("8", "none"), ("9", "user")):
        await bot_says(world, subject, right)

    assert await git_says(world, u5="owner", u8="user") == 2  # 6 is taken out, 8 is let in
    assert await entries(world) == ({"7": "user", "9": "user"}, {"5": "owner", "8": "user"})

    await bot_says(world, "8", "none")
    assert await git_says(world, u5="owner", u6="user") == 2  # rolled back: asked anew
    assert await entries(world) == ({"7": "user", "9": "user"}, {"5": "owner", "6": "user"})


async def test_an_older_leader_changes_nothing(world: World) -> None:
    old = await world.lead()
    await git_says(world, u6="user")
    await world.leadership.give_up_lead("me")
    await world.lead("another brain")
    with pytest.raises(LostOwnership):
        await set_git_access(world.script, {}, epoch=old)
    assert await entries(world) == ({}, {"6": "user"})


async def test_taking_access_away_stops_what_runs_and_waits_for_that_person_or_group_alone(world: World) -> None:
    await world.lead()
    for n, chat in ((1, 9), (2, 9), (3, -100), (4, -200), (5, 44)):
        await world.ask(task(n, chat=chat))
    for n, user in ((1, "9"), (2, "9"), (3, "9"), (4, "44"), (5, "44")):
        await world.script.read("HSET", world.script.keys("task", f"u{n}"), "user", user)
    await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)

    await bot_says(world, "9", "none")
    assert [await world.field(f"u{n}", "state") for n in (1, 2, 3, 4, 5)] == ["cancelled"] * 3 + ["queued"] * 2

    await bot_says(world, "-200", "none")
    assert [await world.field(f"u{n}", "state") for n in (4, 5)] == ["cancelled", "queued"]
    assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u5"]


async def test_git_stops_what_it_takes_access_from_unless_the_bot_is_open_to_everyone(world: World) -> None:
    await world.lead()
    await git_says(world, u9="user")
    await world.ask(task(1, chat=9))
    await set_git_access(world.script, {"*": Right.USER}, epoch=world.epoch)
    assert await world.field("u1", "state") == "queued"

    await git_says(world, u9="user")
    await git_says(world)
    assert await world.field("u1", "state") == "cancelled"


async def test_a_group_keeps_its_access_when_it_becomes_a_supergroup(world: World) -> None:
    await world.lead()
    await bot_says(world, "-7", "user")
    await world.effects({"op": "move", "from": "-7", "to": "-1007"})

    [(_, access)] = await world.inbox.chats_and_access([(-1007, 3)])
    assert access[-1007].right is Right.USER
    assert (await entries(world))[0] == {"-1007": "user"}


async def test_a_key_of_another_type_locks_nobody_in_or_out_for_long(world: World) -> None:
    await world.lead()
    await world.script.read("SET", world.script.keys("access"), "x")
    assert await world.inbox.chats_and_access([(1, 1)]) == [({}, {})]

    await bot_says(world, "8", "user")
    assert (await entries(world))[0] == {"8": "user"}


def test_a_row_that_cannot_be_read_gives_no_access() -> None:
    known = AccessEntry(subject="8", right=Right.USER, by="5", at_ms=12)
    assert entry_of("8", "1 user 5 12") == entry_of("8", "1 user 5 12 and more of a newer release") == known
    for raw in ("", "user", "2 user 5 12", "1 admin 5 12", "1"):
        assert entry_of("8", raw).right is Right.NONE
