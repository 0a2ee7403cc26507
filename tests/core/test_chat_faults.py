"""Our client against a server that answers badly: every fault becomes one of our errors."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from openclaw_core.errors import (
    AnswerFiltered,
    ChatRefused,
    ChatUnauthorized,
    ChatUnavailable,
    EmptyAnswer,
    ModelGone,
    ModelSilent,
    OpenClawError,
    RateLimited,
    RequestTooLarge,
    StreamCut,
    ToolCalled,
)
from openclaw_core.models.refusals import retry_after_s
from openclaw_core.ports import Piece
from tests.core.groq_server import (
    CALL,
    END,
    ROLE_SCHEMA,
    Script,
    collected,
    delta,
    hangs,
    open_groq,
    refuses,
    replies,
    serving,
    streams,
    thinking,
)

FAULTS: list[Any] = [
    (refuses(401), ChatUnauthorized),
    (refuses(403), ChatUnauthorized),
    (refuses(403, code="model_permission_blocked_org"), ModelGone),
    (refuses(404, code="model_not_found"), ModelGone),
    (refuses(400, code="model_decommissioned"), ModelGone),
    (refuses(413, code="rate_limit_exceeded"), RequestTooLarge),
    (refuses(400, code="context_length_exceeded"), RequestTooLarge),
    (refuses(400, code="json_validate_failed"), ChatUnavailable),
    (refuses(400), ChatRefused),
    (refuses(422), ChatRefused),
    (refuses(429), RateLimited),
    (refuses(498, code="capacity_exceeded"), ChatUnavailable),
    (refuses(500), ChatUnavailable),
    (refuses(502), ChatUnavailable),
    (refuses(503), ChatUnavailable),
]


@pytest.mark.parametrize(("script", "expected"), FAULTS)
async def test_refusal_becomes_the_error_of_its_cause_after_one_request(
    script: Script, expected: type[Exception]
) -> None:
    async with serving(script) as (server, chat):
        with pytest.raises(OpenClawError) as caught:
            await collected(chat)
        assert type(caught.value) is expected
        assert len(server.bodies) == 1

        with pytest.raises(expected):
            await chat.complete_json(CALL, schema=ROLE_SCHEMA, timeout_s=5)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Wed, 25 Nov 2026 10:00:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 25 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_both_of_its_forms(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers, now=1795600800.0) == expected  # Wed, 25 Nov 2026 10:00:00 GMT


async def test_rate_limit_carries_the_wait_that_the_server_asks_for() -> None:
    async with serving(refuses(429, headers={"retry-after": "12"})) as (_, chat):
        with pytest.raises(RateLimited) as caught:
            await collected(chat)

    assert caught.value.retry_after_s == 12.0


async def test_server_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with open_groq("gsk_x", f"http://127.0.0.1:{port}") as chat:
        with pytest.raises(ChatUnavailable):
            await collected(chat)
        with pytest.raises(ChatUnavailable):
            await chat.models()


async def test_server_that_never_answers_is_silent_after_the_first_token_timeout() -> None:
    async with serving(hangs) as (server, chat):
        with pytest.raises(ModelSilent) as caught:
            await collected(chat, replace(CALL, first_token_timeout_s=1))
        assert caught.value.silent_s == 1
        async with asyncio.timeout(15):
            await server.hung_up.wait()


# ---- faults during the stream


async def test_stream_that_begins_without_text_and_hangs_is_silent() -> None:
    async with serving(streams(delta(), then="hang")) as (_, chat):
        with pytest.raises(ModelSilent):
            await collected(chat, replace(CALL, first_token_timeout_s=0.1))


async def test_stream_that_hangs_after_some_text_is_silent_and_says_for_how_long() -> None:
    async with serving(streams(delta("some"), then="hang")) as (_, chat):
        with pytest.raises(ModelSilent) as caught:
            await collected(chat, replace(CALL, first_token_timeout_s=30, idle_timeout_s=0.2))
    assert caught.value.silent_s == 0.2


@pytest.mark.parametrize("part", [thinking("reasoning"), thinking("reasoning_content"), delta("<think>hm")])
async def test_a_model_that_thinks_is_not_silent(part: str) -> None:
    """Its thoughts come for longer than a first word may take."""

    async def script(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(13):
            await response.write(part.encode())
            await asyncio.sleep(0.1)
        await response.write(f"{delta('</think>yes' if 'think>' in part else 'yes')}{END}".encode())
        return response

    async with serving(script) as (_, chat):
        pieces = await collected(chat, replace(CALL, first_token_timeout_s=1, idle_timeout_s=5))
    assert "".join(piece.text for piece in pieces) == "yes"


async def test_empty_chunks_are_no_sign_of_life() -> None:
    async def script(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(delta("some").encode())
        while True:
            await response.write(delta().encode())
            await asyncio.sleep(0.05)

    async with serving(script) as (_, chat):
        async with asyncio.timeout(10):
            with pytest.raises(ModelSilent):
                await collected(chat, replace(CALL, idle_timeout_s=0.3))


ERROR_EVENT = 'event: error\ndata: {"error": {"message": "marker-5d1e", "type": "server_error"}}\n\n'


async def _noting(pieces: AsyncIterator[Piece], texts: list[str]) -> AsyncIterator[Piece]:
    async for piece in pieces:
        texts.append(piece.text)
        yield piece


BROKEN: list[Any] = [
    streams(delta("some"), then="cut"),
    streams(delta("some"), then="end"),
    streams(delta("some"), "data: [DONE]\n\n"),
    streams(delta("some"), ERROR_EVENT),
    streams(delta("some"), 'data: {"error": {"message": "over capacity"}}\n\n'),
    streams(delta("some"), "data: {garbage\n\n"),
    streams(delta("some"), "data: 7\n\n"),
    streams(delta("some"), 'data: {"choices": 3}\n\n'),
    streams(delta("some"), 'data: {"choices": [{"delta": {"content": 9}}]}\n\n'),
]


@pytest.mark.parametrize("script", BROKEN)
async def test_stream_that_breaks_after_some_text_is_cut(script: Script) -> None:
    got: list[str] = []
    async with serving(script) as (_, chat):
        with pytest.raises(StreamCut) as caught:
            got.extend([piece.text async for piece in _noting(chat.stream(replace(CALL, idle_timeout_s=0.2)), got)])

    assert got == ["some"]
    assert "marker" not in str(caught.value)


@pytest.mark.parametrize(
    "script",
    [
        streams(ERROR_EVENT),
        streams(then="cut"),
        streams(then="end"),
        streams("data: {garbage\n\n"),
        replies("<html>not an API</html>", "text/html"),
        replies("{garbage"),
    ],
)
async def test_stream_that_breaks_before_any_text_is_unavailable(script: Script) -> None:
    async with serving(script) as (_, chat):
        with pytest.raises(ChatUnavailable):
            await collected(chat)


@pytest.mark.parametrize(
    "parts",
    [[END], [delta(" \n"), END], [delta(reason="length")], [delta("<think>hm"), END], [delta("hm</think>"), END]],
)
async def test_end_without_a_word_is_an_empty_answer(parts: list[str]) -> None:
    async with serving(streams(*parts)) as (_, chat):
        with pytest.raises(EmptyAnswer):
            await collected(chat)


CALLS_A_TOOL = 'data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": "x"}}]}, "finish_reason": null}]}\n\n'


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([delta("Let me look."), delta(reason="tool_calls")], ToolCalled),
        ([delta("Let me look."), delta(reason="function_call")], ToolCalled),
        ([delta(reason="tool_calls")], ToolCalled),
        ([delta("Let me look."), CALLS_A_TOOL, delta(reason="stop")], ToolCalled),
        ([delta("I cannot"), delta(reason="content_filter")], AnswerFiltered),
        ([delta(reason="content_filter")], AnswerFiltered),
        ([delta("Half"), delta(reason="error")], StreamCut),
        ([delta("Half"), delta(reason="abort")], StreamCut),
        ([delta(reason="error")], ChatUnavailable),
    ],
)
async def test_end_that_is_not_the_end_of_an_answer_is_a_fault(parts: list[str], expected: type[Exception]) -> None:
    async with serving(streams(*parts, "data: [DONE]\n\n")) as (_, chat):
        with pytest.raises(expected):
            await collected(chat)
