"""What a person sends in one act is one task, in order and with all that came along."""

from typing import Any

import pytest

from tests.brain.gather.desk import (
    ALBUM,
    CONTACT,
    FORWARDED,
    GROUP,
    MENTION,
    PHOTO,
    Desk,
    Message,
    Receives,
    document,
    named,
    said,
)


async def test_a_comment_and_what_is_forwarded_with_it_are_one_task(desk: Desk, receives: Receives) -> None:
    await receives(said("is this true?"), said("The moon is made of cheese.", at=101, **FORWARDED))
    [task] = await desk.waiting()
    assert (task.id, task.text, task.quoted) == ("u1", "is this true?", "The moon is made of cheese.")


async def test_several_forwards_and_their_files_keep_their_order(desk: Desk, receives: Receives) -> None:
    await receives(
        said("compare"),
        said("one", **FORWARDED),
        said("two", **FORWARDED, **document("a")),
        said("", **FORWARDED, **document("b")),
        said("three", at=101, **FORWARDED),
    )
    [task] = await desk.waiting()
    assert (task.text, task.quoted) == ("compare", "one\n\ntwo\n\nthree")
    assert [one.file_id for one in task.attachments] == ["a", "b"]


@pytest.mark.parametrize("captioned", [0, 2])
async def test_an_album_is_one_task_with_its_one_caption(desk: Desk, receives: Receives, captioned: int) -> None:
    await receives(*(
        said("sum up" if n == captioned else "", **document(f"f{n}"), media_group_id="g") for n in range(3)
    ))  # fmt: skip
    [task] = await desk.waiting()
    assert (task.text, [one.file_id for one in task.attachments]) == ("sum up", ["f0", "f1", "f2"])


@pytest.mark.parametrize("unit", ["word ", "מילה ", "👍🏽 "])
async def test_a_paste_that_was_cut_is_one_task(desk: Desk, receives: Receives, unit: str) -> None:
    pieces = [unit * (4096 // (len(unit.encode("utf-16-le")) // 2)) for _ in range(3)]
    await receives(*(said(piece, at=100 + n) for n, piece in enumerate(pieces)), said("the end", at=102))
    [task] = await desk.waiting()
    assert task.text.split() == f"{''.join(pieces)} the end".split()


async def test_a_word_that_was_cut_in_two_is_whole_again(desk: Desk, receives: Receives) -> None:
    await receives(said("a" * 4096), said("bc"))
    [task] = await desk.waiting()
    assert task.text == "a" * 4096 + "bc"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (said("translate this:"), said("hello world", at=102)),
        (said("/sum what follows:"), said("a long story", at=102)),
        (said("", **document("a")), said("what does it say? " * 100)),  # longer than a caption may be
        (said("what does it say? " * 100), said("", **document("a"))),
        (said("The moon is made of cheese.", **FORWARDED), said("is it?", at=101)),
        (said("a", **FORWARDED), said("b", **FORWARDED)),
    ],
)
async def test_what_a_cue_announces_belongs_to_it(
    desk: Desk, receives: Receives, first: Message, second: Message
) -> None:
    await receives(first, second)
    assert len(await desk.waiting()) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (said("why is the sky blue?"), said("why is grass green?")),
        (said("why is the sky blue?"), said("news", at=102, **FORWARDED)),
        (said("why is the sky blue?"), said("/research why is grass green?")),
        (said("translate this:"), said("/research why is grass green?")),
        (said("translate this:"), said("too late", at=103)),
        (said("", **document("a"), media_group_id="g"), said("", at=103, **document("b"), media_group_id="h")),
        (said("a" * 3999), said("b")),
        (said("", voice={"file_id": "v"}), said("", voice={"file_id": "w"})),
    ],
)
async def test_what_nothing_links_are_tasks_of_their_own(
    desk: Desk, receives: Receives, first: Message, second: Message
) -> None:
    await receives(first, second)
    assert [task.id for task in await desk.waiting()] == ["u1", "u2"]


@pytest.mark.parametrize("command", ["/new", "/help", "/lang he", "/nonsense"])
async def test_a_command_between_two_messages_keeps_them_apart(desk: Desk, receives: Receives, command: str) -> None:
    await receives(said("translate this:"), said(command), said("hello"))
    assert [task.text for task in await desk.waiting()] == ["translate this:", "hello"]


async def test_what_comes_after_a_stop_is_no_part_of_what_was_stopped(desk: Desk) -> None:
    await desk.receives(said("is this true?"))
    await desk.receives(said("/stop"), stream="control")
    await desk.receives(said("news", **FORWARDED))
    assert [task.id for task in await desk.waiting()] == ["u3"]
    assert await desk.world.state(await desk.world.lanes.asked("u1")) == "cancelled"


async def test_people_and_topics_of_a_group_are_never_mixed(desk: Desk, receives: Receives) -> None:
    topic: dict[str, Any] = {"chat": GROUP, "is_topic_message": True}
    reply: dict[str, Any] = {"reply_to_message": {"message_id": 1, "from": {"id": 42}}}
    await receives(
        said("sum this up:", user=7, **{**topic, "message_thread_id": 3}, **reply),
        said("mine", user=8, **{**topic, "message_thread_id": 3}, **reply),
        said("elsewhere", user=7, **{**topic, "message_thread_id": 4}, **reply),
        said("the story", user=7, **{**topic, "message_thread_id": 3}, **reply),
    )
    tasks = await desk.waiting(-100500)
    assert [(task.user_id, task.thread_id, task.text) for task in tasks] == [
        (7, 3, "sum this up:\nthe story"), (8, 3, "mine"), (7, 4, "elsewhere")
    ]  # fmt: skip


async def test_in_a_group_the_second_half_need_not_name_the_bot_and_nothing_else_is_taken(
    desk: Desk, receives: Receives
) -> None:
    await receives(
        said("@OpenClawBot is this true?", chat=GROUP, **MENTION),
        said("I doubt it.", user=8, chat=GROUP),
        said("The moon is made of cheese.", chat=GROUP, **FORWARDED),
        said("/ban@AnotherBot him", chat=GROUP),
        said("by the way", at=105, chat=GROUP),
        said("news", user=8, chat=GROUP, **FORWARDED),
    )
    [task] = await desk.waiting(-100500)
    assert (task.text, task.quoted) == ("is this true?", "The moon is made of cheese.")
    kept = [
        key.rpartition(":")[2] for key in await desk.world.script.read("KEYS", desk.world.script.keys("heard", "*"))
    ]
    assert sorted(kept) == ["101", "103"], "of what others say to each other nothing is kept"


@pytest.mark.parametrize(
    ("messages", "text", "quoted", "files"),
    [
        ([said(chat=GROUP, **document("a"), **ALBUM), named("@OpenClawBot compare", **document("b"), **ALBUM)], "compare", "", ["a", "b"]),
        ([said("a b " * 1023 + "a b", chat=GROUP), named("c d @OpenClawBot sum up")], f"{'a b ' * 1023}a b\nc d @OpenClawBot sum up", "", []),
        ([said("The moon is cheese.", chat=GROUP, **FORWARDED), named("@OpenClawBot true?")], "true?", "The moon is cheese.", []),
        ([said("one", chat=GROUP, **FORWARDED), said("two", chat=GROUP, at=101, **FORWARDED), named("@OpenClawBot true?", at=102)], "true?", "one\n\ntwo", []),
        ([said(chat=GROUP, **CONTACT), named("@OpenClawBot who is it?")], "who is it?", "Dana\n+1", []),
    ],
)  # fmt: skip
async def test_in_a_group_the_first_half_need_not_name_the_bot_if_a_later_one_of_the_batch_does(
    desk: Desk, messages: list[Message], text: str, quoted: str, files: list[str]
) -> None:
    await desk.receives(said("hello all", chat=GROUP, **FORWARDED, user=8), *messages)
    [task] = await desk.waiting(-100500)
    assert (task.user_id, task.text, task.quoted) == (7, text, quoted)
    assert [one.file_id for one in task.attachments] == files


async def test_in_a_group_what_leads_to_no_question_is_nobodys_business(desk: Desk, receives: Receives) -> None:
    await receives(
        said("news", chat=GROUP, **FORWARDED),
        said("hello all", chat=GROUP, at=101),
        named("@OpenClawBot why is the sky blue?", at=109),
        said("news", chat=GROUP, at=120, **PHOTO, **FORWARDED),
    )
    assert [(task.text, task.quoted) for task in await desk.waiting(-100500)] == [("why is the sky blue?", "")]
    assert await desk.notices() == []


async def test_parts_are_bounded(desk: Desk) -> None:
    await desk.receives(*(said(f"n{n}", **FORWARDED) for n in range(130)))
    assert [len(task.text.split()) for task in await desk.waiting()] == [101, 29]
