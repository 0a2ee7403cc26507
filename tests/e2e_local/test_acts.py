"""What a person sends in one act gets one answer, and a topic that is lost costs nobody theirs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e_local.world import World, world

pytestmark = pytest.mark.timeout(300)  # a busy machine is slow, not wrong
FORWARDED = {"forward_origin": {"type": "hidden_user", "sender_user_name": "A", "date": 1}}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as up:
        yield up


def last_request(bot: World) -> str:
    return str(bot.model.prompts[-1][-1]["content"])


async def test_a_comment_is_answered_with_what_is_forwarded_a_moment_later(bot: World) -> None:
    bot.api.users.write(5, "/code warm up")
    await bot.answered(5, "warm up")
    bot.model.first_s = 60  # the forward comes while the model is thinking already
    bot.api.users.write(5, "is this true?")
    await bot.until(lambda: "is this true?" in bot.model.seen)
    bot.model.first_s = 0.05
    bot.api.users.write(5, "The moon is made of cheese.", extra=FORWARDED)
    await bot.until(lambda: "The moon is made of cheese." in last_request(bot))
    assert last_request(bot).endswith("is this true?")
    await bot.until(lambda: len(bot.texts(5)) == 2 and "w19" in bot.texts(5)[-1])
    await asyncio.sleep(1)
    assert len(bot.texts(5)) == 2


async def test_an_album_and_a_paste_are_one_task_each(bot: World) -> None:
    for n in range(3):
        caption = "compare them" if n == 0 else ""
        bot.api.users.upload(
            6,
            f"{n}.txt",
            f"words of {n}".encode(),
            mime_type="text/plain",
            caption=caption,
            extra={"media_group_id": "g"},
        )
    paste = " ".join(str(n) for n in range(3000))
    for at in range(0, len(paste), 4096):
        bot.api.users.write(7, paste[at : at + 4096])
    await bot.until(lambda: len(bot.model.prompts) == 2)
    requests = {prompt[-1]["content"] for prompt in bot.model.prompts}
    assert paste in requests
    [album] = requests - {paste}
    assert [album.index(f"words of {n}") for n in range(3)] == sorted(album.index(f"words of {n}") for n in range(3))
    await bot.all_ended(2)
    assert [len(bot.texts(chat)) for chat in (6, 7)] == [1, len(bot.texts(7))]


async def test_photos_of_an_album_are_told_about_once(bot: World) -> None:
    for n in range(5):
        bot.api.users.upload(8, f"{n}.jpg", b"jpg", kind="photo", extra={"media_group_id": "g"})
    await bot.until(lambda: bot.texts(8) and not bot.texts(8)[-1].startswith("💭"))
    await asyncio.sleep(1)
    assert len(bot.texts(8)) == 1


async def test_an_answer_whose_topic_was_deleted_stands_in_the_chat(bot: World) -> None:
    bot.api.users.add_group(-100500, title="Forum")
    bot.model.first_s = 1
    for topic, question in ((3, "first"), (4, "second")):
        bot.api.users.close_topic(-100500, topic)
        bot.api.users.write(-100500, f"/code@openclaw_local_bot {question}", user_id=7, thread_id=topic)
        await bot.answered(-100500, question)
    answers = [m for m in bot.api.messages(-100500) if m["from"]["id"] != 7]
    assert ["message_thread_id" in m for m in answers] == [False, False]
