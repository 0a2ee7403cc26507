"""Our client against a server that answers as Groq does: what is read of a good answer, what is sent, and what is never seen."""

import asyncio
import json
import logging
from dataclasses import replace

import pytest
from aiohttp import web

from openclaw_core.errors import (
    ChatUnavailable,
    OpenClawError,
    SettingsError,
)
from openclaw_core.ports import Piece, Usage
from tests.core.groq_server import (
    CALL,
    END,
    collected,
    delta,
    open_groq,
    refuses,
    replies,
    serving,
    streams,
    thinking,
)
from tests.core.test_chat_faults import ERROR_EVENT


async def test_answer_comes_piece_by_piece_with_the_servers_counts_at_the_end() -> None:
    async with serving(streams(delta("של"), delta("ום"), END)) as (_, chat):
        pieces = await collected(chat)

    assert [piece.text for piece in pieces] == ["של", "ום", ""]
    assert pieces[-1].usage == Usage(prompt_tokens=11, answer_tokens=3, cached_tokens=8)
    assert not pieces[-1].truncated


async def test_answer_that_reached_its_limit_is_marked() -> None:
    async with serving(streams(delta("half a"), delta(reason="length"))) as (_, chat):
        assert (await collected(chat))[-1].truncated


async def test_counts_in_a_chunk_of_their_own_are_read() -> None:
    tail = 'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}\n\ndata: [DONE]\n\n'
    async with serving(streams(delta("hi"), delta(reason="stop"), tail)) as (_, chat):
        assert (await collected(chat))[-1].usage == Usage(prompt_tokens=5, answer_tokens=2)


async def test_counts_that_the_server_does_not_give_are_estimated_and_say_so() -> None:
    async with serving(streams(delta("hello"), delta(reason="stop"), "data: [DONE]\n\n")) as (_, chat):
        usage = (await collected(chat))[-1].usage

    assert usage is not None
    assert (usage.counted, usage.prompt_tokens > 10, usage.answer_tokens) == (False, True, 2)


@pytest.mark.parametrize("then", ["cut", "hang"])
async def test_whole_answer_counts_even_if_the_tail_is_lost(then: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw_core.models.client.TAIL_TIMEOUT_S", 0.05)
    async with serving(streams(delta("done"), delta(reason="stop"), then=then)) as (_, chat):
        assert "".join(piece.text for piece in await collected(chat)) == "done"


MISTRALS = (
    '{"choices": [{"delta": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]}]}}]}',
    '{"choices": [{"delta": {"content": [{"type": "text", "text": "yes"}]}}]}',
)


@pytest.mark.parametrize(
    "parts",
    [
        [thinking("reasoning"), delta("yes")],
        [thinking("reasoning_content"), delta("yes")],
        [thinking("thinking"), delta("yes")],
        [f"data: {MISTRALS[0]}\n\n", f"data: {MISTRALS[1]}\n\n"],
        [delta("<think>h"), delta("mm</th"), delta("ink>yes")],
        [delta("hmm"), delta("</think>"), delta("yes")],
        [delta("<|channel|>analysis<|message|>hmm<|end|><|start|>assistant<|channel|>fi"), delta("nal<|message|>yes<|return|>")],
        [delta("Okay, so hmm"), delta("</think>"), delta("yes")],
    ],
)  # fmt: skip
async def test_thoughts_and_tool_runs_are_not_part_of_the_answer(parts: list[str]) -> None:
    async with serving(streams(*parts, END)) as (_, chat):
        assert said(await collected(chat)) == "yes"


def said(pieces: list[Piece]) -> str:
    text = ""
    for piece in pieces:
        text = piece.text if piece.restarted else text + piece.text
    return text


async def test_a_model_whose_thoughts_began_without_a_mark_is_held_back_the_next_time() -> None:
    async with serving(streams(delta("plan"), delta("</think>yes"), END)) as (_, chat):
        assert [piece.text for piece in await collected(chat)] == ["plan", "yes", ""]
        assert [piece.text for piece in await collected(chat)] == ["yes", ""]
        other = replace(CALL, model="another")
        assert [piece.text for piece in await collected(chat, other)] == ["plan", "yes", ""]


async def test_citation_marks_before_a_thoughts_end_are_forgotten_with_it() -> None:
    call = replace(CALL, tools=("browser_search",))
    async with serving(streams(delta("hmm【3"), delta("</think>yes【4†L1】"), END)) as (_, chat):
        assert said(await collected(chat, call)) == "yes"


@pytest.mark.parametrize(
    "parts",
    [
        ["It rains【3†L10-L15】."],
        ["It rains【3", "†L10-", "L15】."],
        ["It rains", "【", "3†L10-L15", "】【4†L1】", "."],
    ],
)
async def test_citation_marks_of_the_search_tool_are_taken_out(parts: list[str]) -> None:
    call = replace(CALL, tools=("browser_search",))
    async with serving(streams(*map(delta, parts), END)) as (_, chat):
        assert "".join(piece.text for piece in await collected(chat, call)) == "It rains."


@pytest.mark.parametrize("text", ["a 【note】 b", "open 【", "x" * 5 + "【" + "y" * 80])
async def test_other_brackets_stay(text: str) -> None:
    call = replace(CALL, tools=("browser_search",))
    async with serving(streams(*map(delta, text), END)) as (_, chat):
        assert "".join(piece.text for piece in await collected(chat, call)) == text


async def test_a_stream_is_read_however_it_is_cut() -> None:
    """By lines alone: separators of other kinds are text, and a character may come in two parts."""
    chunk = {"choices": [{"delta": {"content": "שלום\u2028\x85world"}, "finish_reason": None}]}
    whole = f": a comment\n\ndata: {json.dumps(chunk, ensure_ascii=False)}\n\n{END}"

    async def script(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for byte in raw:
            await response.write(bytes([byte]))
        return response

    for newline in ("\n", "\r\n"):
        raw = whole.replace("\n", newline).encode()
        async with serving(script) as (_, chat):
            assert "".join(piece.text for piece in await collected(chat)) == "שלום\u2028\x85world"


async def test_leaving_an_answer_early_closes_its_connection() -> None:
    async with serving(streams(delta("one"), then="hang")) as (server, chat):
        stream = chat.stream(CALL)
        assert (await anext(stream)).text == "one"
        await stream.aclose()
        async with asyncio.timeout(5):
            await server.hung_up.wait()


# ---- what is sent


async def test_limits_are_always_sent_and_only_known_parameters() -> None:
    async with serving(streams(delta("hi"), END)) as (server, chat):
        await collected(chat, replace(CALL, tools=("browser_search",)))

    body = server.bodies[0]
    assert server.paths == ["/openai/v1/chat/completions"]
    assert body.pop("messages")[0] == {"role": "system", "content": "Be brief."}
    assert body == {
        "model": "openai/gpt-oss-20b",
        "max_completion_tokens": 200,
        "temperature": 0.2,
        "include_reasoning": False,
        "reasoning_effort": "low",
        "tools": [{"type": "browser_search"}],
        "stream": True,
    }


async def test_model_of_another_server_gets_no_parameter_of_groqs() -> None:
    async with serving(streams(delta("hi"), END)) as (server, chat):
        await collected(chat, replace(CALL, model="smollm2-135m-instruct", tools=("browser_search",)))

    assert not server.bodies[0].keys() & {"tools", "include_reasoning", "reasoning_effort", "reasoning_format"}
    assert server.bodies[0]["stream_options"] == {"include_usage": True}, "llama.cpp counts only when asked"
    assert "extra_body" not in server.bodies[0], "that is a word between a program and an SDK"


async def test_qwen_keeps_its_thoughts_to_itself() -> None:
    async with serving(streams(delta("hi"), END)) as (server, chat):
        await collected(chat, replace(CALL, model="qwen/qwen3.8-27b"))

    assert server.bodies[0]["reasoning_format"] == "hidden"
    assert "include_reasoning" not in server.bodies[0]


@pytest.mark.parametrize(
    ("model", "sent"), [("openai/gpt-oss-20b", "low"), ("qwen/qwen3.8-27b", "none"), ("smollm2-135m-instruct", None)]
)
async def test_as_little_thought_as_the_model_can_is_asked_for_in_its_own_word(model: str, sent: str | None) -> None:
    async with serving(streams(delta("hi"), END)) as (server, chat):
        await collected(chat, replace(CALL, model=model, reasoning_effort="none"))

    assert server.bodies[0].get("reasoning_effort") == sent


@pytest.mark.parametrize("key", ["", "gsk_two words", "gsk_ש", "gsk_line\n"])
async def test_key_that_cannot_be_sent_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(SettingsError, match="copy it again") as caught:
        async with open_groq(key):
            pass

    assert not key or key not in str(caught.value)


# ---- the model list, and what must never be seen


async def test_model_list_is_the_set_of_ids() -> None:
    listed = '{"object": "list", "data": [{"id": "a", "object": "model"}, {"id": "b", "object": "model"}]}'
    async with serving(replies(listed)) as (server, chat):
        assert await chat.models() == {"a", "b"}

    assert server.paths == ["/openai/v1/models"]


async def test_model_that_is_not_active_is_not_served_and_a_latest_one_has_two_names() -> None:
    listed = (
        '{"object": "list", "data": [{"id": "a", "object": "model", "active": true}, '
        '{"id": "b", "object": "model", "active": false}, {"id": "c:latest", "object": "model"}]}'
    )
    async with serving(replies(listed)) as (_, chat):
        assert await chat.models() == {"a", "c", "c:latest"}


@pytest.mark.parametrize(
    "text", ["[]", "{}", "nonsense", '{"data": 3}', '{"data": [7]}', '{"data": null}', '{"data": [{}]}']
)
async def test_model_list_that_is_none_is_unavailable(text: str) -> None:
    async with serving(replies(text)) as (_, chat):
        with pytest.raises(ChatUnavailable):
            await chat.models()


async def test_neither_key_nor_users_words_reach_a_log_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []
    for script in (streams(delta("some"), ERROR_EVENT), refuses(400, message="marker-5d1e")):
        async with serving(script) as (_, chat):
            with pytest.raises(OpenClawError) as caught:
                await collected(chat)
            seen.append(f"{caught.value!r} {caught.value} {caught.value.__cause__!r}")
            assert caught.value.__suppress_context__ or caught.value.__context__ is None
    async with serving(streams(delta("a"), END)) as (_, chat):
        await collected(chat)

    assert "marker" not in "".join(seen) + caplog.text
