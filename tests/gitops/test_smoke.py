"""The smoke test of a deployed bot: through the stand-in, with a real brain and real agents."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openclaw_gitops.__main__ import main
from openclaw_gitops.errors import FAILED, UNAVAILABLE, USAGE, CommandError
from openclaw_gitops.smoke import BotAnswer, Settings, is_reply, smoke
from openclaw_standin.bot_api import BotApi
from tests.e2e_local.world import World, world
from tests.fakes.second_bot import SecondBot
from tests.gitops.conftest import ROOT
from tests.gitops.smoke_bot import GROUP, SECOND_TOKEN, SMOKE_BOT, TARGET, variables


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, SMOKE_BOT_IDS=SMOKE_BOT, ALLOWED_USER_IDS="1") as up:
        up.api.users.add_group(GROUP, title="Smoke")
        SecondBot(up.api, token=SECOND_TOKEN)
        yield up


async def ask(api: BotApi, *, within_s: float = 30, **changes: str) -> BotAnswer:
    settings = Settings.from_env(variables(api, **changes))
    return await asyncio.to_thread(smoke, settings, within_s=within_s)


def said_by_smoke_bot(api: BotApi) -> list[dict[str, Any]]:
    return [message for message in api.messages(GROUP) if message["from"]["id"] == int(SMOKE_BOT)]


async def test_a_deployed_bot_answers_its_smoke_bot_and_nothing_follows(bot: World) -> None:
    answer = await ask(bot.api)

    assert 0 < answer.sign_s <= answer.answer_s < 30
    await bot.all_ended(1)
    await asyncio.sleep(1)
    assert len(bot.model.seen) == 1  # neither bot took the answer for a question
    assert [message["text"].split("@")[0] for message in said_by_smoke_bot(bot.api)] == ["/research"]


async def test_an_answer_is_found_even_if_bots_do_not_hear_of_edits(bot: World) -> None:
    SecondBot(bot.api, token=SECOND_TOKEN, hears_edits=False)  # in the place of the first

    await ask(bot.api)

    assert len(said_by_smoke_bot(bot.api)) == 1  # the copies by which it looked are gone


async def test_a_bot_that_is_not_listed_gets_no_answer_and_the_error_says_what_to_look_at(bot: World) -> None:
    await bot.stop_brain()
    await bot.start_brain(SMOKE_BOT_IDS="77")

    with pytest.raises(CommandError, match=f"is {SMOKE_BOT} in its SMOKE_BOT_IDS") as stopped:
        await ask(bot.api, within_s=6)
    assert stopped.value.code == FAILED
    assert bot.model.seen == []


async def test_a_failure_that_the_bot_tells_ends_the_wait_at_once(bot: World) -> None:
    bot.model.fail = [401]

    with pytest.raises(CommandError, match="could not answer, and says: ") as stopped:
        await ask(bot.api, within_s=60)
    assert stopped.value.code == FAILED


async def test_an_answer_without_the_word_is_no_answer(bot: World) -> None:
    bot.model.answer = "The sky is blue."

    with pytest.raises(CommandError, match=r"not with the word within 9 s. It shows: The sky is blue") as stopped:
        await ask(bot.api, within_s=9)
    assert stopped.value.code == FAILED


async def test_the_command_says_how_long_it_took_or_fails(bot: World, capsys: pytest.CaptureFixture[str]) -> None:
    env = variables(bot.api)

    assert await asyncio.to_thread(main, ["smoke", "staging"], root=ROOT, env=env) == 0
    assert "staging: answered after" in capsys.readouterr().out
    bot.model.fail = [401]
    assert await asyncio.to_thread(main, ["smoke", "staging"], root=ROOT, env=env) == FAILED
    assert SECOND_TOKEN not in capsys.readouterr().err


def test_it_runs_where_nothing_is_installed(tmp_path: Path) -> None:
    """Beside the bot's token no code of others is imported: `-S` leaves out what is installed, `-E` and `-s` what a user adds."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S -s "$@"\n')
    python.chmod(0o755)
    env = {"PATH": os.environ["PATH"], "PYTHON": str(python)}

    def run(*args: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [ROOT / "scripts/smoke", *args], env=env, capture_output=True, text=True, check=False, timeout=60
        )

    help_, unset, unknown = run("--help"), run("staging"), run("nowhere")

    assert help_.returncode == 0, help_.stderr
    assert (unset.returncode, unknown.returncode) == (USAGE, USAGE)
    assert "SMOKE_BOT_TOKEN" in unset.stderr
    assert "no environment nowhere" in unknown.stderr


async def test_a_bot_cannot_ask_itself() -> None:
    async with BotApi.open(token="4242:token") as api:
        SecondBot(api, token=SECOND_TOKEN)
        with pytest.raises(CommandError, match="take a second one") as stopped:
            await ask(api, SMOKE_TARGET="openclaw_smoke_bot")
    assert stopped.value.code == USAGE


async def test_a_refused_token_and_a_silent_server_are_told_without_the_token() -> None:
    async with BotApi.open(token="4242:token") as api:
        with pytest.raises(CommandError, match="Telegram refuses getMe: Unauthorized") as stopped:
            await ask(api)
    assert stopped.value.code == UNAVAILABLE
    with pytest.raises(CommandError, match="cannot be reached") as stopped:
        await ask(api)
    assert SECOND_TOKEN not in str(stopped.value)
    assert SECOND_TOKEN not in repr(Settings.from_env(variables(api)))


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"from": {"username": TARGET.upper()}}, True),
        ({"from": {"username": "another_bot"}}, False),
        ({"reply_to_message": {"message_id": 6}}, False),
        ({"reply_to_message": {}}, False),
        ({"chat": {"id": GROUP - 1}}, False),
    ],
)
def test_only_the_asked_bots_reply_to_this_question_counts(changes: dict[str, Any], counts: bool) -> None:
    settings = Settings(token="1:t", chat_id=GROUP, target=TARGET)
    reply = {"chat": {"id": GROUP}, "from": {"username": TARGET}, "reply_to_message": {"message_id": 7}, **changes}

    assert is_reply(reply, 7, settings) is counts


def test_every_missing_variable_is_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", "staging"], root=ROOT, env={"SMOKE_BOT_TOKEN": "secret-without-colon"}) == USAGE
    said = capsys.readouterr().err
    assert all(name in said for name in ("SMOKE_BOT_TOKEN", "SMOKE_CHAT_ID", "SMOKE_TARGET"))
    assert "secret-without-colon" not in said


def test_the_token_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("1:t\n")

    assert (
        Settings.from_env({"SMOKE_BOT_TOKEN_FILE": str(file), "SMOKE_CHAT_ID": "-1", "SMOKE_TARGET": "@OpenBot"}).token
        == "1:t"
    )
