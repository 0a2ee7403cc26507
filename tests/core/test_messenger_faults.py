"""Each fault of the Bot API becomes the cause that tells whether a call may be repeated; answered at the HTTP transport."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from telegram import error

from openclaw_core import errors
from openclaw_core.chat.telegram.error_translation import translated_error
from openclaw_core.chat.telegram.messenger import TelegramMessenger
from openclaw_core.chat.telegram.request import reply_error
from openclaw_core.ports import AnswerFile, Page
from tests.core.bot_api_answers import (
    CALLS,
    GROUP,
    MESSAGE,
    REPEATABLE,
    SENDS,
    SUPERGROUP,
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


@pytest.mark.parametrize(
    ("status", "description", "expected"),
    [
        (400, "Bad Request: can't parse entities: unsupported start tag", errors.MarkupRefused),
        (400, "Bad Request: ENTITY_BOUNDS_INVALID", errors.MarkupRefused),
        (400, "Bad Request: chat not found", errors.ChatGone),
        (400, "Bad Request: not enough rights to send text messages to the chat", errors.ChatGone),
        (403, "Forbidden: bot was blocked by the user", errors.ChatGone),
        (403, "Forbidden: bot was kicked from the group chat", errors.ChatGone),
        (400, "Bad Request: message text is empty", errors.MessengerRefused),
        (413, "Request Entity Too Large", errors.MessengerRefused),
        (401, "Unauthorized", errors.MessengerUnauthorized),
        (404, "Not Found", errors.MessengerUnauthorized),
        (404, "Not Found: method not found", errors.MessengerRefused),
        (409, "Conflict: terminated by other getUpdates request", errors.PollConflict),
        (421, "Misdirected Request", errors.MessengerUnavailable),
        (429, "Too Many Requests: retry after 3", errors.FloodWait),
    ],
)
@pytest.mark.parametrize("call", ["send", "edit", "send_file"])
async def test_a_refusal_becomes_its_cause(
    call: str, status: int, description: str, expected: type[errors.OpenClawError]
) -> None:
    fault, server = await outcome(call, refused(status, description))

    assert type(fault) is expected
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("description", "url", "offset"),
    [
        ("Bad Request: entity URL 'http://a'b' is invalid: Wrong HTTP URL", "http://a'b", None),
        ("Bad Request: entity beginning at UTF-16 offset 7 ends after the end of the text at UTF-16 offset 9", None, 7),
        ("Bad Request: entity begins in a middle of a UTF-16 symbol at byte offset 3", None, None),
        ("Bad Request: wrong HTTP URL", None, None),
    ],
)
async def test_a_refusal_of_formatting_says_what_is_at_fault(
    description: str, url: str | None, offset: int | None
) -> None:
    fault, _ = await outcome("edit", refused(400, description))

    assert isinstance(fault, errors.MarkupRefused)
    assert (fault.url, fault.offset) == (url, offset)
    assert "http" not in str(fault)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("answer", [refused, None])
async def test_a_server_error_leaves_a_sends_fate_unknown_and_an_edit_repeatable(
    status: int, answer: Callable[..., Answer] | None
) -> None:
    reply = answer(status, "Internal Server Error") if answer else said("<html>Bad Gateway</html>", status)

    for call in SENDS:
        assert type((await outcome(call, reply))[0]) is errors.FateUnknown
    for call in REPEATABLE:
        assert type((await outcome(call, reply))[0]) is errors.MessengerUnavailable


@pytest.mark.parametrize("answer", [silence, hang_up, said("not json"), said("[]"), said("")])
async def test_no_usable_answer_leaves_a_sends_fate_unknown_and_an_edit_repeatable(answer: Answer) -> None:
    timeout_s = 1.0 if answer is silence else 8.0  # half of it is for connecting, which a busy machine may need
    for call in SENDS:
        assert type((await outcome(call, answer, timeout_s=timeout_s))[0]) is errors.FateUnknown
    for call in ("edit", "react", "get_me"):
        assert type((await outcome(call, answer, timeout_s=timeout_s))[0]) is errors.MessengerUnavailable


async def test_what_never_left_may_be_repeated_also_if_it_is_a_send() -> None:
    with socket.socket() as reserved:  # bound but not listening: connecting is refused
        reserved.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        async with TelegramMessenger.open(TOKEN, address) as messenger:
            for call in CALLS.values():
                with pytest.raises(errors.MessengerUnavailable):
                    await call(messenger)


async def test_each_call_ends_within_the_time_out_however_the_server_drips() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(200):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    loop = asyncio.get_running_loop()
    started = loop.time()
    fault, _ = await outcome("edit", drip, timeout_s=0.3)

    assert type(fault) is errors.MessengerUnavailable
    assert loop.time() - started < 5


@pytest.mark.parametrize(
    "description",
    [
        "Bad Request: message to edit not found",
        "Bad Request: message can't be edited",
        "Bad Request: MESSAGE_ID_INVALID",
    ],
)
async def test_a_message_that_is_gone_needs_a_new_one(description: str) -> None:
    assert type((await outcome("edit", refused(400, description)))[0]) is errors.MessageGone


async def test_not_modified_is_success() -> None:
    fault, server = await outcome("edit", refused(400, "Bad Request: message is not modified: specified new content"))

    assert fault is None
    assert len(server.asked) == 1


async def test_a_button_pressed_long_ago_is_no_fault() -> None:
    late = refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")

    assert (await outcome("answer_button", late))[0] is None


@pytest.mark.parametrize(("parameters", "seconds"), [({"retry_after": 31}, 31.0), ({}, 1.0)])
async def test_flood_control_says_how_long(parameters: dict[str, Any], seconds: float) -> None:
    fault, _ = await outcome("edit", refused(429, "Too Many Requests", **parameters))

    assert isinstance(fault, errors.FloodWait)
    assert fault.retry_after_s == seconds


async def test_a_group_that_became_a_supergroup_gets_the_message_there_and_is_remembered() -> None:
    moved = refused(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=SUPERGROUP)
    message = {**MESSAGE, "chat": {"id": SUPERGROUP, "type": "supergroup", "title": "x"}}
    server = Server([moved, accepted(message)])
    async with serving(server.app()) as address, TelegramMessenger.open(TOKEN, address) as messenger:
        assert await messenger.send(GROUP, Page(text="x")) == 8
        assert await messenger.send(GROUP, Page(text="y")) == 8

    assert [fields["chat_id"] for _, fields in server.asked] == [str(GROUP), str(SUPERGROUP), str(SUPERGROUP)]


async def test_a_chat_that_only_moves_is_gone() -> None:
    moved = refused(400, "Bad Request: upgraded", migrate_to_chat_id=SUPERGROUP)

    fault, server = await outcome("send", moved)

    assert type(fault) is errors.ChatGone
    assert len(server.asked) == 2


TOPIC_GONE = ["Bad Request: message thread not found", "Bad Request: TOPIC_CLOSED", "Bad Request: TOPIC_DELETED"]


@pytest.mark.parametrize("refusal", TOPIC_GONE)
async def test_what_a_lost_topic_does_not_take_goes_to_its_chat_as_a_reply(refusal: str) -> None:
    lost, landed = refused(400, refusal), accepted(MESSAGE)
    server = Server([lost, landed, lost, lost, landed, lost, landed])
    async with serving(server.app()) as address, TelegramMessenger.open(TOKEN, address) as messenger:
        assert await messenger.send(GROUP, Page(text="x"), thread_id=3, reply_to=5) == 8
        assert await messenger.send(GROUP, Page(text="y"), thread_id=3, reply_to=5) == 8
        assert await messenger.send_file(GROUP, AnswerFile(name="a.py", content="z"), thread_id=3) == 8

    places = [(fields.get("message_thread_id"), "reply_parameters" in fields) for _, fields in server.asked[:5]]
    in_topic, as_reply, bare = ("3", True), (None, True), (None, False)
    # A reply stands in the topic of what it answers: where that is closed, only a message that replies to nothing lands.
    assert places == [in_topic, as_reply, in_topic, as_reply, bare]
    assert [method for method, _ in server.asked[5:]] == ["sendDocument", "sendDocument"]


@pytest.mark.parametrize("refusal", TOPIC_GONE)
async def test_a_lost_topic_is_the_loss_of_a_message_to_edit_and_of_no_chat(refusal: str) -> None:
    assert type((await outcome("edit", refused(400, refusal)))[0]) is errors.MessageGone
    assert type((await outcome("show_typing", refused(400, refusal)))[0]) is errors.TopicGone
    assert type((await outcome("send", refused(400, refusal)))[0]) is errors.ChatGone  # the chat's own topic is closed


@pytest.mark.parametrize(
    "fault",
    [
        error.NetworkError(f"{WORDS} {TOKEN}"),
        error.BadRequest(f"{WORDS} {TOKEN}"),
        error.Forbidden(f"{WORDS} {TOKEN}"),
        error.InvalidToken(f"{WORDS} {TOKEN}"),
        error.TimedOut(f"{WORDS} {TOKEN}"),
    ],
)
def test_a_fault_that_only_the_library_can_have_made_leaves_a_sends_fate_unknown(fault: error.TelegramError) -> None:
    for method, expected in (("sendMessage", errors.FateUnknown), ("editMessageText", errors.MessengerUnavailable)):
        found = translated_error(method, fault)
        assert type(found) is expected
        assert TOKEN not in str(found)
        assert WORDS not in str(found)


def test_the_verdict_of_any_refusal_is_one_of_ours() -> None:
    for status in range(300, 600):
        fault = translated_error("sendMessage", reply_error(status, b""))
        assert isinstance(fault, errors.OpenClawError)
        json.dumps(str(fault))
