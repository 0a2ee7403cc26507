"""A recording through our client: what arrives at the server, and what each refusal means."""

import asyncio

import pytest
from aiohttp import web

from openclaw_core.errors import (
    ChatUnauthorized,
    ChatUnavailable,
    ModelGone,
    OpenClawError,
    RateLimited,
    RequestTooLarge,
)
from tests.core.groq_server import Script, hangs, refuses, replies, serving


async def test_a_recording_is_sent_with_its_name_and_model_and_comes_back_as_words() -> None:
    got: dict[str, object] = {}

    async def hears(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        sound = form["file"]
        assert isinstance(sound, web.FileField)
        got.update(path=request.path, name=sound.filename, content=sound.file.read(), model=form["model"])
        return web.json_response({"text": " hello there "})

    async with serving(hears) as (_, chat):
        said = await chat.transcribe(b"sound", name="recording.ogg", model="whisper-large-v3", timeout_s=20)
    assert said == "hello there"
    assert got == {
        "path": "/openai/v1/audio/transcriptions", "name": "recording.ogg", "content": b"sound", "model": "whisper-large-v3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, ChatUnauthorized), (404, ModelGone), (413, RequestTooLarge), (503, ChatUnavailable)],
)
async def test_a_refusal_has_its_meaning(status: int, error: type[OpenClawError]) -> None:
    async with serving(refuses(status)) as (_, chat):
        with pytest.raises(error):
            await chat.transcribe(b"sound", name="a.ogg", model="m", timeout_s=20)


@pytest.mark.parametrize("reply", ["{}", '{"text": 7}', "[]", "nonsense"])
async def test_a_reply_without_words_is_unavailable(reply: str) -> None:
    async with serving(replies(reply)) as (_, chat):
        with pytest.raises(ChatUnavailable):
            await chat.transcribe(b"sound", name="a.ogg", model="m", timeout_s=20)


async def test_a_server_that_hangs_is_unavailable_after_the_time_out() -> None:
    async def hangs(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with serving(hangs) as (_, chat):
        with pytest.raises(ChatUnavailable):
            await chat.transcribe(b"sound", name="a.ogg", model="m", timeout_s=0.5)


async def test_a_recording_is_sent_as_a_file_and_comes_back_as_words() -> None:
    fields: dict[str, object] = {}

    async def script(request: web.Request) -> web.StreamResponse:
        for name, value in (await request.post()).items():
            fields[name] = value if isinstance(value, str) else (value.filename, value.file.read())  # type: ignore[union-attr]
        return web.json_response({"text": " שלום \n"})

    async with serving(script) as (server, chat):
        assert await chat.transcribe(b"sounds", name="voice.ogg", model="whisper-large-v3", timeout_s=5) == "שלום"

    assert server.paths == ["/openai/v1/audio/transcriptions"]
    assert fields == {
        "file": ("voice.ogg", b"sounds"),
        "model": "whisper-large-v3",
        "response_format": "json",
        "temperature": "0",
    }


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (refuses(413), RequestTooLarge),
        (refuses(429), RateLimited),
        (replies("[]"), ChatUnavailable),
        (replies("{}"), ChatUnavailable),
        (replies('{"text": 7}'), ChatUnavailable),
        (replies("{garbage"), ChatUnavailable),
        (hangs, ChatUnavailable),
    ],
)
async def test_a_recording_that_is_not_heard_is_an_error_of_its_cause(
    script: Script, expected: type[Exception]
) -> None:
    async with serving(script) as (_, chat):
        with pytest.raises(expected):
            await chat.transcribe(b"sounds", name="voice.ogg", model="whisper-large-v3", timeout_s=0.5)
