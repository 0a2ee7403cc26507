"""The bot as its users meet it: answers, follow-ups, Stop, Retry, failures that are told."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from openclaw_core.store import RunRecords
from tests.e2e_local.world import TOKEN, World, world

pytestmark = pytest.mark.timeout(300)  # a busy machine is slow, not wrong


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as up:
        yield up


async def test_a_message_is_answered_and_remembered(bot: World) -> None:
    bot.api.users.write(5, "/code first question")
    await bot.answered(5, "first question")
    bot.api.users.write(5, "/code second question")
    await bot.answered(5, "second question")
    said = [(m["role"], m["content"].split(".")[0]) for m in bot.model.prompts[-1][1:]]
    assert said == [("user", "first question"), ("assistant", "Answer to first question"), ("user", "second question")]
    await bot.until(lambda: bot.api.reaction(5, 1) == "👀")


@pytest.mark.parametrize(
    "thought",
    [
        "<think>\nmarker-of-a-thought, and more of it than a few words\n</think>\n\n",
        "The user wants marker-of-a-thought, and more of it than a few words.\n</think>\n",
        "<|channel|>analysis<|message|>marker-of-a-thought and more<|end|><|start|>assistant<|channel|>final<|message|>",
    ],
)
async def test_thoughts_reach_no_chat_no_history_and_no_other_call(bot: World, thought: str) -> None:
    bot.model.thought = thought
    bot.api.users.write(5, "/code first question")
    await bot.answered(5, "first question")
    bot.api.users.write(5, "/code second question")
    await bot.answered(5, "second question")

    shown = [entry.text or "" for entry in bot.api.journal.calls(chat_id=5)]
    assert any("Answer to second" in text for text in shown)
    assert "marker-of-a-thought" not in "".join(shown)
    assert "marker-of-a-thought" not in str(bot.model.prompts[-1])


async def test_a_model_that_the_server_lists_no_more_is_asked_by_nobody_and_told(bot: World) -> None:
    await bot.stop_brain()
    bot.model.listed = ["openai/gpt-oss-20b", "whisper-large-v3", "whisper-large-v3-turbo"]
    await bot.start_brain(DEMO_MODEL="no")
    await bot.until(lambda: '"models.gone"' in bot.log.read_text(errors="replace"))
    bot.api.users.write(5, "/code first question")
    await bot.answered(5, "first question")

    assert bot.model.asked_of == ["openai/gpt-oss-20b"]


async def test_new_forgets(bot: World) -> None:
    bot.api.users.write(5, "/code first question")
    await bot.answered(5, "first question")
    bot.api.users.write(5, "/new")
    bot.api.users.write(5, "/code second question")
    await bot.answered(5, "second question")
    assert [m["role"] for m in bot.model.prompts[-1]] == ["system", "user"]


async def test_stop_ends_a_running_answer_and_it_does_not_come_back(bot: World) -> None:
    bot.model.words, bot.model.word_s = 1000, 0.1
    bot.api.users.write(5, "/code long question")
    await bot.until(lambda: any(t.startswith("Answer to long") for t in bot.texts(5)))
    bot.api.users.write(5, "/stop")
    # Unstopped, it would take 100 s.
    await bot.until(lambda: any("Stopped" in t and t.startswith("Answer") for t in bot.texts(5)), timeout_s=60)
    await bot.until(lambda: len(bot.texts(5)) == 2 and not any(t.startswith("💭") for t in bot.texts(5)))
    shown = bot.texts(5)
    await asyncio.sleep(1.5)
    assert bot.texts(5) == shown
    assert bot.model.seen == ["long question"]


async def test_in_a_group_an_edit_and_an_anonymous_administrator_are_answered_and_the_same_words_are_not_again(
    bot: World,
) -> None:
    group = -100500
    bot.api.users.add_group(group)
    bot.api.users.write(group, "first question", user_id=5)
    first = bot.api.messages(group)[-1]["message_id"]
    bot.api.users.edit(group, first, "@openclaw_local_bot /code first question")
    await bot.answered(group, "first question")
    bot.api.users.edit(group, first, "@openclaw_local_bot /code first question")  # as for a link preview
    bot.api.users.write(group, "/ban somebody", user_id=5)
    bot.api.users.write(group, "/code second question", user_id=6, as_group=True)
    await bot.answered(group, "second question")
    assert len(bot.texts(group)) == 2
    assert bot.model.seen == ["first question", "second question"]


def told_with_retry(bot: World, chat_id: int) -> bool:
    """Whether a failure is told; a placeholder has a button too, which stops."""
    buttons = (
        b
        for m in bot.api.messages(chat_id)
        if "reply_markup" in m
        for row in m["reply_markup"]["inline_keyboard"]
        for b in row
    )
    return any(b["callback_data"].startswith("retry:") for b in buttons)


async def test_a_failure_is_told_with_a_retry_button_that_works_once(bot: World) -> None:
    bot.model.fail = [401]
    bot.api.users.write(5, "/code doomed question")
    await bot.until(lambda: told_with_retry(bot, 5))
    [told] = [m for m in bot.api.messages(5) if "reply_markup" in m]  # no placeholder with its Stop button beside it
    assert "doomed" not in told["text"]
    data = told["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    bot.api.users.press(5, told["message_id"], data)
    await bot.answered(5, "doomed question")
    bot.api.users.press(5, told["message_id"], data)
    await bot.until(lambda: len(bot.texts(5)) == 3)
    assert sum(t.startswith("Answer to doomed") for t in bot.texts(5)) == 1


async def test_a_chat_does_not_wait_for_another(bot: World) -> None:
    bot.model.held["busy 0"] = goes_on = asyncio.Event()
    for n in range(10):
        bot.api.users.write(5, f"/code busy {n}")
    bot.api.users.write(6, "/code quick")
    await bot.answered(6, "quick")
    assert not any("busy" in text for text in bot.texts(5)), "its first answer is still held back"
    goes_on.set()
    await bot.answered(5, "busy 9")
    assert bot.verdict({5: [f"busy {n}" for n in range(10)]}) == {"lost": [], "twice": [], "order": []}


async def test_sigterm_leaves_nothing_running_and_the_next_brain_goes_on(bot: World) -> None:
    bot.model.words, bot.model.word_s = 200, 0.02
    bot.api.users.write(5, "/code handed over")
    await bot.until(lambda: bot.model.seen)
    assert await bot.stop_brain(within_s=20) == 0  # then a pod of it is killed
    assert bot.agents() == []
    bot.model.words, bot.model.word_s = 20, 0.005
    await bot.start_brain()
    await bot.answered(5, "handed over")
    await bot.all_ended(1)
    fields = await bot.script.read(
        "HMGET", bot.script.keys("task", f"u{next(iter(bot_updates(bot)))}"), "tries", "state"
    )
    assert fields == [None, "closed"]


def bot_updates(bot: World) -> list[int]:
    import json

    return [int(json.loads(line)["task_id"][1:]) for line in bot.log.read_text().splitlines() if '"task.ready"' in line]


async def test_two_words_of_markers_reach_no_log(bot: World) -> None:
    bot.model.fail = [500, 413, 429, 400, 404, 500]
    bot.api.users.write(5, "/code marker-text-never-logged")
    await bot.until(lambda: told_with_retry(bot, 5), timeout_s=120)
    bot.api.state.updates.add({"update_id": 1, "message": {"message_id": "marker-text-never-logged", "chat": 3}})
    bot.api.users.write(5, "/status")
    await asyncio.sleep(0.5)
    await bot.stop_brain()
    log = bot.log.read_text()
    for marker in ("marker-text-never-logged", TOKEN, TOKEN.split(":")[1], "marker-key-never-logged"):
        assert marker not in log
    assert "model.failed" in log


async def test_a_text_file_is_read_and_a_role_chosen_by_its_button_answers_the_next_message(bot: World) -> None:
    bot.api.users.upload(5, "notes.txt", b"The cat sat.", mime_type="text/plain", caption="/sum how many cats?")
    await bot.until(lambda: bot.model.prompts)
    asked = bot.model.prompts[0][-1]["content"]
    assert "> The cat sat." in asked
    assert asked.endswith("how many cats?")
    await bot.all_ended(1)
    bot.api.users.write(5, "/start")
    await bot.until(lambda: any("reply_markup" in m for m in bot.api.messages(5) if "Hello" in m.get("text", "")))
    [hello] = [m for m in bot.api.messages(5) if "Hello" in m.get("text", "")]
    data = {b["callback_data"] for row in hello["reply_markup"]["inline_keyboard"] for b in row}
    assert data == {"role:coder", "role:researcher", "role:summarizer"}
    bot.api.users.press(5, hello["message_id"], "role:coder")
    await bot.until(lambda: any("write your question" in t for t in bot.texts(5)))
    bot.api.users.write(5, "who won in 1966?")
    await bot.all_ended(2)
    [run, _] = await RunRecords(bot.script).newest(count=5)
    assert (run.role, run.decision) == ("coder", "explicit")


async def test_a_voice_message_is_heard_and_answered(bot: World) -> None:
    await bot.stop_brain()
    await bot.start_brain(DEMO_MODEL="no")
    bot.api.users.upload(5, "a.ogg", b"sound", kind="voice", mime_type="audio/ogg", caption="/code")
    await bot.answered(5, "spoken question")
    await bot.all_ended(1)
    bot.api.users.write(5, "/code and then?")
    await bot.answered(5, "and then?")
    assert [m["content"] for m in bot.model.prompts[-1] if m["role"] == "user"] == ["spoken question", "and then?"]


async def test_the_command_menu_is_registered_in_both_languages(bot: World) -> None:
    wanted = {"research", "code", "sum", "new", "stop", "retry", "status", "usage", "why", "forget", "lang", "help"}
    for language in ("", "en", "he"):
        await bot.until(partial(has_commands, bot, language, wanted))


def has_commands(bot: World, language: str, wanted: set[str]) -> bool:
    return {command["command"] for command in bot.api.state.commands.get(f"default/{language}", ())} >= wanted
