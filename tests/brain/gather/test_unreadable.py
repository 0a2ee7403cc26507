"""What no agent can read is told in the answer to its act, or once in a notice."""

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.gather import Windows
from tests.brain.gather.desk import (
    ALBUM,
    ARCHIVE,
    CONTACT,
    FORWARDED,
    GROUP,
    LARGE,
    MENTION,
    PHOTO,
    PLACE,
    Desk,
    Message,
    Receives,
    document,
    named,
    said,
)


@pytest.mark.parametrize(
    ("messages", "text", "quoted", "unseen"),
    [
        ([said("what is this?", **PHOTO, **ALBUM), *[said(**PHOTO, **ALBUM)] * 3], "what is this?", "", "photo"),
        ([*[said(**PHOTO, **ALBUM)] * 3, said("what is this?", **PHOTO, **ALBUM)], "what is this?", "", "photo"),
        ([said("sum up", **document("a"), **ALBUM), said(**ARCHIVE, **ALBUM)], "sum up", "", "file"),
        ([said(**ARCHIVE, **ALBUM), said("sum up", **document("a"), **ALBUM)], "sum up", "", "file"),
        ([said("sum up", **document("a"), **ALBUM), said(**LARGE, **ALBUM)], "sum up", "", "file"),
        ([said("sum up", **LARGE, **ALBUM), said(**document("a"), **ALBUM)], "sum up", "", "file"),
        ([said("/sum them", **LARGE, **ALBUM), said(**document("a"), **ALBUM)], "them", "", "file"),
        ([said("what is it?"), said(**PHOTO, **FORWARDED)], "what is it?", "", "photo"),
        ([said("what is it?"), *[said(**PHOTO, **FORWARDED)] * 3], "what is it?", "", "photo"),
        ([said(**PHOTO, **FORWARDED), said("what is it?", at=101)], "what is it?", "", "photo"),
        ([said("what is it?"), said(**PHOTO)], "what is it?", "", "photo"),
        ([said("what is it?"), said(**ARCHIVE)], "what is it?", "", "file"),
        ([said(**ARCHIVE), said("what is it?")], "what is it?", "", "file"),
        ([said("look at this:"), said(**PHOTO, at=102)], "look at this:", "", "photo"),
        ([said("what is it?"), said(video={"file_id": "v"}, **FORWARDED)], "what is it?", "", "video"),
        ([said("what is it?"), said(sticker={"file_id": "s"}, **FORWARDED)], "what is it?", "", "other"),
        ([said("what is it?"), said(story={}, **FORWARDED)], "what is it?", "", "other"),
        ([said("who is it?"), said(**CONTACT, **FORWARDED)], "who is it?", "Dana\n+1", ""),
        ([said("who is it?"), said(**CONTACT)], "who is it?", "Dana\n+1", ""),
        ([said(**CONTACT, **FORWARDED), said("who is it?")], "who is it?", "Dana\n+1", ""),
        ([said("where is it?"), said(**PLACE, **FORWARDED)], "where is it?", "1.00000, 2.00000", ""),
        ([said("who?"), said(**CONTACT, **FORWARDED), said(**PHOTO, **FORWARDED), said("and news", **FORWARDED)], "who?", "Dana\n+1\n\nand news", "photo"),
        ([said("what does it do?"), said("/help", **FORWARDED)], "what does it do?", "/help", ""),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_part_of_its_act_and_told_in_its_answer(
    desk: Desk, receives: Receives, messages: list[Message], text: str, quoted: str, unseen: str
) -> None:
    await receives(*messages)
    [task] = await desk.waiting()
    assert (task.text, task.quoted, task.unseen) == (text, quoted, unseen)
    assert await desk.notices() == []


@pytest.mark.parametrize(
    "messages",
    [
        [said(**PHOTO, **ALBUM)] * 3,
        [said(**LARGE, **ALBUM)] * 2,
        [said("sum up", **LARGE, **ALBUM), said(**LARGE, **ALBUM)],
        [said("/sum", **PHOTO, **ALBUM), said(**PHOTO, **ALBUM)],
        [said(**PHOTO, **FORWARDED)] * 5,
        [said(**CONTACT, **FORWARDED), said(**PHOTO, **FORWARDED), said(sticker={}, **FORWARDED)],
        [said(sticker={})],
    ],
)
async def test_what_no_task_takes_is_told_once(desk: Desk, receives: Receives, messages: list[Message]) -> None:
    desk.windows(more_ms=60_000, album_ms=60_000, fold_ms=60_000, at_most_ms=60_000)
    await receives(*messages)
    assert await desk.waiting() == []
    if messages[0].get("media_group_id") or messages[0].get("forward_origin"):
        assert await desk.world.notices() == [], "words may come"
    [notice] = await desk.notices()
    await desk.world.show_all()
    await desk.receives(said(**PHOTO, at=1000))
    [another] = await desk.notices()
    assert another.order > notice.order


async def test_what_waits_for_words_is_told_a_moment_after_the_last_part(desk: Desk) -> None:
    later = desk.world.script.keys("later")
    await desk.receives(said(**PHOTO, **FORWARDED))
    first = float(await desk.world.script.read("ZSCORE", later, "n:unsupported:7"))
    await desk.receives(said(**PHOTO, at=101, **FORWARDED))
    assert await desk.put_off() == ["n:unsupported:7"]
    assert float(await desk.world.script.read("ZSCORE", later, "n:unsupported:7")) > first
    seconds, micros = await desk.world.script.read("TIME")
    assert 0 < first - (int(seconds) * 1000 + int(micros) / 1000) <= Windows().more_ms


async def test_words_take_back_what_still_waits_for_them(desk: Desk) -> None:
    desk.windows(more_ms=60_000, at_most_ms=60_000)
    await desk.receives(said(**PHOTO, **FORWARDED))
    assert await desk.put_off() == ["n:unsupported:7"]
    await desk.receives(said("what is it?", at=101))
    assert [task.unseen for task in await desk.waiting()] == ["photo"]
    assert await desk.put_off() == []
    assert await desk.world.script.read("EXISTS", desk.world.script.keys("notice", "unsupported:7")) == 0


@pytest.mark.parametrize("between", [[], [said(**PHOTO, **FORWARDED)]], ids=["words come", "one more part, then words"])
async def test_a_notice_that_is_being_told_stays_and_the_answer_knows_all_the_same(
    desk: Desk, between: list[Message]
) -> None:
    await desk.receives(said(**PHOTO, **FORWARDED))
    [told] = await desk.notices()
    await desk.receives(*between)
    assert await desk.put_off() == [], "it is being told: it cannot wait any more"
    await desk.receives(said("what is it?", at=101))
    assert [task.unseen for task in await desk.waiting()] == ["photo"]
    assert await desk.world.notices() == [told]


@pytest.mark.parametrize("between", [[], [said(**PHOTO, **FORWARDED)]], ids=["words come", "one more part, then words"])
async def test_a_notice_that_was_told_is_not_told_again(desk: Desk, between: list[Message]) -> None:
    await desk.receives(said(**PHOTO, **FORWARDED))
    await desk.moment_passes()
    await desk.world.show_all()
    await desk.receives(*between)
    await desk.receives(said("what is it?", at=101))
    assert [task.unseen for task in await desk.waiting()] == ["photo"]
    assert await desk.notices() == []
    assert await desk.world.script.read("EXISTS", desk.world.script.keys("notice", "unsupported:7")) == 1, (
        "an edit may come late"
    )


async def test_words_of_one_take_back_no_notice_that_another_waits_for(desk: Desk) -> None:
    """A chat is told once of all that cannot be read, so the notice is that of several people."""
    desk.windows(more_ms=60_000, at_most_ms=60_000)
    for user in (7, 8):
        await desk.receives(named("@OpenClawBot", user=user, **PHOTO, **FORWARDED))
    assert await desk.put_off() == ["n:unsupported:-100500"]
    await desk.receives(named("@OpenClawBot what is it?", user=7, at=101))
    assert [task.unseen for task in await desk.waiting(-100500)] == ["photo"]
    assert await desk.put_off() == ["n:unsupported:-100500"]
    await desk.receives(named("@OpenClawBot what is it?", user=8, at=101))
    assert await desk.put_off() == []


async def test_a_notice_that_is_to_be_told_already_waits_for_nobodys_words(desk: Desk) -> None:
    await desk.receives(said(**PHOTO, **FORWARDED))
    [first] = await desk.notices()
    await desk.receives(said(**PHOTO, at=200, **FORWARDED))
    await desk.receives(said("what is it?", at=201))
    assert [notice.id for notice in await desk.world.notices()] == [first.id]


async def test_a_command_between_ends_what_cannot_be_read_too(desk: Desk, receives: Receives) -> None:
    await receives(said(**PHOTO, **FORWARDED), said("/new"), said("what is it?"))
    assert [task.unseen for task in await desk.waiting()] == [""]
    assert [notice.kind for notice in await desk.notices()] == ["new", "unsupported"], "which waited for words"


async def test_an_edit_mends_words_beside_what_could_not_be_read(desk: Desk) -> None:
    await desk.receives(said("sun up", **LARGE, **ALBUM), said(**document("a"), **ALBUM))
    await desk.edits(1, said("sum up", edit_date=101, **PHOTO, **ALBUM))
    [task] = await desk.waiting()
    assert (task.text, task.unseen) == ("sum up", "photo")


async def test_in_a_group_what_nobody_can_read_is_told_of_only_with_what_was_asked(
    desk: Desk, receives: Receives
) -> None:
    await receives(
        said(**PHOTO, chat=GROUP, user=8),
        said("@OpenClawBot what is this?", chat=GROUP, **MENTION),
        said(**PHOTO, chat=GROUP),
        said("hello all", chat=GROUP, user=8),
    )
    [task] = await desk.waiting(-100500)
    assert (task.text, task.unseen, await desk.notices()) == ("what is this?", "photo", [])


@pytest.mark.parametrize(
    "messages",
    [
        [said(**PHOTO, **ALBUM)] * 5,
        [said("look"), *[said("news", **FORWARDED)] * 3],
        [said("hello"), said("hello?", at=105)],
    ],
)
async def test_who_has_no_access_is_told_once(desk: Desk, receives: Receives, messages: list[Message]) -> None:
    object.__setattr__(desk.handler.intake, "access", Access(users=frozenset()))
    await receives(*messages)
    assert [notice.kind for notice in await desk.notices()] == ["refused"]


async def test_photos_of_an_album_are_told_about_once(desk: Desk, receives: Receives) -> None:
    await receives(*(said("", photo=[{"file_id": "p"}], media_group_id="g") for _ in range(5)))
    [notice] = await desk.notices()
    assert notice.args == {"what": "photo"}
    await desk.world.show_all()
    await desk.receives(said("", photo=[{"file_id": "p"}], media_group_id="g"))
    assert await desk.notices() == [], "the album's last photo came late"
    await desk.receives(said("", photo=[{"file_id": "p"}], media_group_id="another", at=110))
    assert len(await desk.notices()) == 1


@pytest.mark.parametrize("name", ["a.pdf", "a.docx"])
async def test_a_document_joins_the_question_that_it_belongs_to(desk: Desk, receives: Receives, name: str) -> None:
    """In a group too, where its message does not name the bot."""
    file: Message = {"document": {"file_id": "d", "file_name": name}}
    await receives(said("@OpenClawBot who wrote it?", chat=GROUP, **MENTION), said(chat=GROUP, **file))
    [task] = await desk.waiting(GROUP["id"])
    assert [(one.kind, one.name) for one in task.attachments] == [("document", name)]
    assert (task.text, task.unseen) == ("who wrote it?", "")
