"""`openclaw up` as a newcomer runs it: an answer of the built-in model on the page, and nothing left after Ctrl-C."""

import asyncio
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from aiohttp import web

from openclaw_cli.up import command as up
from openclaw_cli.up.local_redis import free_port
from openclaw_core.errors import SettingsError
from openclaw_standin.bot_api import BotApi
from openclaw_standin.model import ScriptedModel
from tests.core.groq_server import listening, streams
from tests.core.model_recordings import STREAMS
from tests.redis_server import RedisServer

ROOT = Path(__file__).parents[2]


async def start(folder: Path, *args: str, **settings: str) -> asyncio.subprocess.Process:
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TELEGRAM_", "GROQ_", "MODEL_", "REDIS_", "ALLOWED_", "SEARCH_", "BRAVE_", "TAVILY_"))
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openclaw_cli", "up", "--data", str(folder), *args, env=env | settings, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def address(process: asyncio.subprocess.Process) -> str:
    return (await greeting(process))[0]


async def greeting(process: asyncio.subprocess.Process) -> tuple[str, str]:
    """The page's address, and all that is said at the start."""
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(120):
        while line := await process.stdout.readline():
            said += line.decode()
            if "Ctrl-C" in said and (found := re.search(r"http://127\.0\.0\.1:\d+(/\S+)?", said)):
                return found[0], said
    raise AssertionError(said)


async def say(http: aiohttp.ClientSession, url: str, chat: int, text: str) -> None:
    async with http.post(f"{url}page/chats/{chat}/say", json={"text": text}, headers={"X-OpenClaw-Page": "1"}) as reply:
        assert reply.status == 200, await reply.text()


async def from_bot(http: aiohttp.ClientSession, url: str, chat: int) -> list[dict[str, Any]]:
    async with http.get(f"{url}page/chats/{chat}") as reply:
        body: dict[str, Any] = await reply.json()
    return [message for message in body["messages"] if message["from"].get("is_bot")]


async def settled(http: aiohttp.ClientSession, url: str, chat: int, count: int, log: Path) -> list[str]:
    """The bot's texts once there are *count*, all of them finished: while an answer is written, it has a Stop button."""
    deadline = time.monotonic() + 240
    messages: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        messages = await from_bot(http, url, chat)
        texts = [message.get("text", "") for message in messages]
        if len(texts) >= count and not any(message.get("reply_markup") for message in messages) and "💭" not in texts:
            return texts
        await asyncio.sleep(0.5)
    raise AssertionError(f"{messages}; the log ends:\n" + log.read_text()[-3000:])


@pytest.mark.slow
@pytest.mark.timeout(700)
async def test_the_bot_answers_survives_a_restart_and_leaves_nothing_running(tmp_path: Path) -> None:
    port = str(free_port())
    up = await start(tmp_path, "--port", port, DEMO_MODEL="yes")
    try:
        url = await address(up)
        async with aiohttp.ClientSession() as http:
            async with http.post(
                f"{url}page/chats", json={"language": "en"}, headers={"X-OpenClaw-Page": "1"}
            ) as reply:
                chat = (await reply.json())["id"]
            await say(http, url, chat, "/research What is the capital of France?")
            [answer] = await settled(http, url, chat, 1, tmp_path / "brain.log")
            assert len(answer) > 5
            await say(http, url, chat, "מה בירת צרפת?")
            hebrew = (await settled(http, url, chat, 2, tmp_path / "brain.log"))[1]
            assert "GROQ_API_KEY" in hebrew
        children = psutil.Process(up.pid).children(recursive=True)
        assert len(children) >= 4  # store, model, brain, agents
        up.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            assert await up.wait() == 0
        assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
        up = await start(tmp_path, "--port", port, DEMO_MODEL="yes")
        assert await address(up) == url  # a bookmark lives as long as the chats
        async with aiohttp.ClientSession() as http:
            assert (await from_bot(http, url, chat))[0]["text"] == answer
    finally:
        if up.returncode is None:
            up.send_signal(signal.SIGINT)
            await up.wait()


@pytest.mark.timeout(400)
async def test_without_a_key_a_server_that_runs_here_answers_and_the_start_says_so(tmp_path: Path) -> None:
    answers = streams(*STREAMS["ollama"])

    async def ollama(request: web.Request) -> web.StreamResponse:
        if request.path == "/v1/models":
            return web.json_response({"object": "list", "data": [{"id": "qwen3:4b", "object": "model"}]})
        return await answers(request)

    async with listening(ollama, "/v1") as server:
        up = await start(tmp_path, OLLAMA_BASE_URL=server.url)
        try:
            url, said = await greeting(up)
            assert f"model  qwen3:4b, by Ollama at {server.url}/v1 (found running;" in said
            async with aiohttp.ClientSession() as http:
                headers = {"X-OpenClaw-Page": "1"}
                async with http.post(f"{url}page/chats", json={"language": "en"}, headers=headers) as reply:
                    chat = (await reply.json())["id"]
                await say(http, url, chat, "What is 2 and 2?")
                [answer] = await settled(http, url, chat, 1, tmp_path / "brain.log")
        finally:
            up.send_signal(signal.SIGINT)
            assert await up.wait() == 0
    assert "Four." in answer
    assert [body["model"] for body in server.bodies] == ["qwen3:4b"]  # and none for routing


async def test_a_taken_port_is_named_with_the_option_that_moves_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = await start(tmp_path, "--port", str(port))
        out, _ = await up.communicate()
    assert up.returncode == 78
    assert f"port {port} is taken: choose another with --port" in out.decode()


@pytest.mark.timeout(400)
async def test_with_a_token_of_ones_own_the_bot_is_closed_and_says_how_to_open_it(tmp_path: Path) -> None:
    async with BotApi.open(token="4242:own") as api, ScriptedModel.open() as model:
        settings = {
            "TELEGRAM_TOKEN": "4242:own",
            "TELEGRAM_BASE_URL": api.url,
            "GROQ_API_KEY": "k",
            "GROQ_BASE_URL": model.url,
        }
        up = await start(tmp_path, **settings)
        try:
            where, said = await greeting(up)
            assert where == api.url
            assert f"model  {model.url}" in said
            assert "search ddgs" in said
            assert "access closed: write to the bot, it tells you your id; then ALLOWED_USER_IDS=<id> make up" in said
            api.users.write(777, "let me in")
            async with asyncio.timeout(90):
                while not any("777" in text for text in api.bot_texts(777)):
                    await asyncio.sleep(0.2)
            assert model.calls == []
        finally:
            up.send_signal(signal.SIGINT)
            assert await up.wait() == 0


async def test_a_store_of_a_kind_that_is_not_supported_is_told_before_anything_starts(tmp_path: Path) -> None:
    lossy = RedisServer.start(tmp_path, "--appendfsync", "everysec")
    with lossy as server, pytest.raises(SettingsError, match="appendfsync is everysec, set it to always"):
        await up._check_store({"REDIS_URL": server.url})
    with pytest.raises(SettingsError, match="start the server that REDIS_URL names"):
        await up._check_store({"REDIS_URL": "redis://127.0.0.1:1"})
