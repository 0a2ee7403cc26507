"""Faults on order, the journal that shows them, and the orders that come from another process."""

import asyncio
import json
from dataclasses import asdict
from typing import Any

import httpx
import pytest
from telegram import Bot
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, TelegramError, TimedOut

from openclaw_standin.bot_api import BotApi
from openclaw_standin.bot_api.faults import KINDS
from tests.standin.conftest import TOKEN


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("parse", BadRequest),
        ("not_found", BadRequest),
        ("blocked", Forbidden),
        ("unauthorized", InvalidToken),
        ("conflict", Conflict),
        ("server_error", NetworkError),
        ("bad_gateway", NetworkError),
        ("close", NetworkError),
    ],
)
async def test_the_next_call_is_refused_and_does_nothing(
    api: BotApi, bot: Bot, kind: Any, error: type[TelegramError]
) -> None:
    api.users.write(7, "hello")
    api.faults.next("sendMessage", kind)

    with pytest.raises(error):
        await bot.send_message(7, "first")
    await bot.send_message(7, "second")

    assert api.bot_texts(7) == ["second"]


@pytest.mark.parametrize("kind", ["withhold", "close_after"])
async def test_a_send_can_be_stored_while_its_caller_never_hears_of_it(api: BotApi, bot: Bot, kind: Any) -> None:
    api.users.write(7, "hello")
    api.faults.next("sendMessage", kind)

    with pytest.raises((TimedOut, NetworkError)):
        await bot.send_message(7, "did it land?", read_timeout=0.3)

    assert api.bot_texts(7) == ["did it land?"]


async def test_a_withheld_reply_is_in_the_journal_while_the_caller_still_waits(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    api.faults.next("sendMessage", "withhold")
    sending = asyncio.create_task(bot.send_message(7, "x", read_timeout=20))

    entry = await api.journal.wait_for(lambda entry: entry.outcome == "withheld")

    assert (entry.method, entry.chat_id, entry.message_id, entry.text) == ("sendMessage", 7, 2, "x")
    assert not sending.done()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_a_call_can_hang_without_being_done(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    api.faults.next("sendMessage", "hang")

    with pytest.raises(TimedOut):
        await bot.send_message(7, "x", read_timeout=0.2)

    assert api.bot_texts(7) == []


async def test_a_late_call_is_carried_out_though_its_caller_has_gone(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    message = await bot.send_message(7, "first")
    api.faults.next("editMessageText", "late", hold_s=0.5)
    with pytest.raises(TimedOut):
        await bot.edit_message_text("an old edit", 7, message.message_id, read_timeout=0.1)
    await bot.edit_message_text("a new edit", 7, message.message_id)
    assert api.bot_texts(7) == ["a new edit"]
    async with asyncio.timeout(10):
        while api.bot_texts(7) != ["an old edit"]:
            await asyncio.sleep(0.02)


async def test_a_late_call_is_answered_if_its_caller_waits_and_refused_if_it_cannot_be_carried_out(
    api: BotApi, bot: Bot
) -> None:
    api.users.write(7, "hello")
    message = await bot.send_message(7, "first")
    api.faults.next("editMessageText", "late", times=2, hold_s=0.1)
    await bot.edit_message_text("second", 7, message.message_id)
    with pytest.raises(BadRequest):
        await bot.edit_message_text("third", 7, message.message_id + 1)
    assert api.bot_texts(7) == ["second"]


async def test_a_message_can_be_deleted_as_soon_as_it_stands(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    api.faults.next("sendMessage", "delete", chat_id=7)
    message = await bot.send_message(7, "first")
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        await bot.edit_message_text("second", 7, message.message_id)
    await bot.send_message(7, "third")
    assert api.bot_texts(7) == ["third"]


async def test_a_slow_call_is_done_late(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    api.faults.next("sendMessage", "slow", hold_s=0.3)

    await bot.send_message(7, "late")

    assert api.journal.calls("sendMessage")[0].took_s >= 0.3


async def test_a_fault_can_be_for_one_chat_and_several_calls(
    api: BotApi, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    api.users.write(7, "hello")
    api.users.write(8, "hello")
    api.faults.next("*", "flood", chat_id=8, times=2, retry_after_s=9)

    await bot.send_message(7, "x")
    for _ in range(2):
        with pytest.raises(TelegramError, match="Retry in 0:00:09"):
            await bot.send_message(8, "x")
    assert await bot.send_message(8, "x")


async def test_a_standing_fault_lasts_until_it_is_cleared(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    api.faults.next("sendMessage", "server_error", times=None)
    for _ in range(5):
        with pytest.raises(NetworkError):
            await bot.send_message(7, "x")

    api.faults.clear()
    assert await bot.send_message(7, "x")


def test_every_kind_of_fault_is_tried_here() -> None:
    refusals = {"parse", "not_found", "blocked", "unauthorized", "conflict", "server_error", "bad_gateway", "close"}

    assert set(KINDS) == refusals | {"withhold", "close_after", "hang", "slow", "flood", "late", "delete"}


async def test_the_journal_never_holds_the_token(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    await bot.send_message(7, "x")
    async with httpx.AsyncClient() as client:
        await client.get(f"{api.url}/bot4242:another/getMe")
        await client.get(f"{api.url}/bot{TOKEN}/nonsense?token={TOKEN}")

    written = json.dumps([asdict(entry) for entry in api.journal])

    assert "test-token" not in written
    assert "another" not in written


@pytest.mark.parametrize("form", ["json", "data", "params"])
async def test_parameters_are_read_however_they_are_sent(api: BotApi, form: str) -> None:
    api.users.write(7, "hello")
    call: Any = {"chat_id": 7, "text": "x", "entities": '[{"type":"bold","offset":0,"length":1}]'}

    async with httpx.AsyncClient() as client:
        reply = await client.request(
            "GET" if form == "params" else "POST", f"{api.url}/bot{TOKEN}/sendmessage", **{form: call}
        )

    assert reply.json()["result"]["entities"] == [{"type": "bold", "offset": 0, "length": 1}]


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b'{"chat_id": 7, "text": "\\ud800"}', b'{"chat_id": {}, "text": 1, "entities": 5}']
)
async def test_a_broken_body_is_a_bad_request(api: BotApi, body: bytes) -> None:
    api.users.write(7, "hello")

    async with httpx.AsyncClient() as client:
        reply = await client.post(
            f"{api.url}/bot{TOKEN}/sendMessage", content=body, headers={"Content-Type": "application/json"}
        )

    assert (reply.status_code, reply.json()["ok"]) == (400, False)
