"""What a messenger sends, accepts and keeps to itself; answered at the HTTP transport."""

import asyncio
import logging
import traceback
from typing import Any

import pytest

from openclaw_core import errors
from openclaw_core.chat.telegram.messenger import TelegramMessenger
from openclaw_core.ports import AnswerFile, Page
from tests.core.bot_api_answers import (
    CHAT,
    MESSAGE,
    SENDS,
    TOKEN,
    WORDS,
    Answer,
    Server,
    accepted,
    hang_up,
    outcome,
    refused,
    said,
    silence,
)
from tests.fakes.bot_api_emulator import serving


async def test_an_empty_token_is_refused_before_any_call() -> None:
    with pytest.raises(errors.MessengerUnauthorized):
        async with TelegramMessenger.open(""):
            pass


async def test_a_users_file_larger_than_announced_is_refused() -> None:
    described = accepted({"file_id": "f", "file_unique_id": "u", "file_path": "docs/a"})

    fault, server = await outcome("get_file_bytes", described, said("123456"))

    assert type(fault) is errors.MessengerRefused
    assert [path for path, _ in server.asked] == ["getFile", "a"]


async def test_cancelling_passes_through() -> None:
    server = Server([silence])
    async with serving(server.app()) as address, TelegramMessenger.open(TOKEN, address) as messenger:
        sending = asyncio.create_task(messenger.send(CHAT, Page(text="x")))
        while not server.asked:
            await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


@pytest.mark.parametrize(
    "answer",
    [
        refused(400, f"Bad Request: can't parse entities: {WORDS} {TOKEN}"),
        refused(403, f"Forbidden: {WORDS} {TOKEN}"),
        refused(500, f"{WORDS} {TOKEN}"),
        said(f"{WORDS} {TOKEN}"),
        hang_up,
    ],
)
async def test_no_fault_carries_the_token_or_the_users_words(
    answer: Answer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault, _ = await outcome("send", answer)

    assert fault is not None
    shown = "".join(traceback.format_exception(fault)) + repr(fault) + repr(fault.__context__) + repr(fault.__cause__)
    shown += "".join(record.getMessage() for record in caplog.records if record.name.startswith(("http", "telegram")))
    assert TOKEN not in shown
    assert WORDS not in shown.replace("WORDS", "")


@pytest.mark.parametrize("name", ["httpx", "telegram", "telegram.Bot"])
async def test_the_http_client_is_silenced_and_the_repr_is_bare(name: str, caplog: pytest.LogCaptureFixture) -> None:
    client = logging.getLogger(name)
    before = client.level
    client.setLevel(logging.DEBUG)
    try:
        server = Server([accepted(MESSAGE)])
        async with serving(server.app()) as address, TelegramMessenger.open(TOKEN, address) as messenger:
            await messenger.send(CHAT, Page(text=WORDS))
            assert TOKEN not in repr(messenger)
        assert client.level == logging.WARNING
        assert TOKEN not in caplog.text
        assert WORDS not in caplog.text
    finally:
        client.setLevel(before)


async def test_a_reply_that_cannot_be_read_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    for call in ("send", "edit", "get_me"):
        await outcome(call, said(f"{WORDS} {TOKEN}"))

    assert not [record for record in caplog.records if record.name.startswith("telegram")]


async def test_opening_calls_nobody() -> None:
    server = Server([silence])
    async with serving(server.app()) as address, TelegramMessenger.open(TOKEN, address):
        pass

    assert server.asked == []


@pytest.mark.parametrize(
    "message",
    [
        {"message_id": 8},
        MESSAGE | {"entities": "x", "reply_to_message": 5, "new_in_bot_api_99": [{}]},
        MESSAGE | {"chat": {"id": CHAT, "type": "a kind of tomorrow"}},
    ],
)
async def test_a_message_that_landed_is_known_by_its_id_whatever_else_it_holds(message: dict[str, Any]) -> None:
    server = Server([accepted(message)])
    async with serving(server.app()) as address, TelegramMessenger.open(TOKEN, address) as messenger:
        assert await messenger.send(CHAT, Page(text="x")) == 8
        assert await messenger.send_file(CHAT, AnswerFile(name="a.py", content="x")) == 8


@pytest.mark.parametrize("result", [5, "x", [], None, {}, {"message_id": "8"}, {"message_id": 8, "chat": 5}, True])
async def test_a_result_of_another_shape_is_no_usable_answer(result: Any) -> None:
    for call in SENDS:
        assert type((await outcome(call, accepted(result)))[0]) is errors.FateUnknown
    for call in ("get_me", "get_file_bytes"):
        assert type((await outcome(call, accepted(result)))[0]) is errors.MessengerUnavailable


async def test_text_that_cannot_be_encoded_is_refused_and_never_sent() -> None:
    server = Server([accepted(MESSAGE)])
    async with serving(server.app()) as address, TelegramMessenger.open(TOKEN, address) as messenger:
        with pytest.raises(errors.MessengerRefused):
            await messenger.send(CHAT, Page(text="half of an emoji: \ud83d"))

    assert server.asked == []
