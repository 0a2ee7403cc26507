"""`openclaw up` after what happens to a machine: everything killed at once, a full disk. What was said is there, and is answered."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from openclaw_cli.up.local_redis import free_port
from openclaw_standin.model import ScriptedModel
from openclaw_standin.model.script import short_digest
from tests.cli.test_up import address, from_bot, greeting, say, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SMALL_MB = 24


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, small enough to be filled."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("NOT ROOT: what a full disk does was NOT tried")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_MB}m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("NO MOUNT HERE: what a full disk does was NOT tried")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room at all on *disk*; gives the file that takes it."""
    file = disk / "filler"
    with file.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while out.write(b"\0" * size) == size:
                    pass
    return file


@asynccontextmanager
async def running(folder: Path, model: ScriptedModel, *args: str) -> AsyncIterator[tuple[str, Any]]:
    up = await start(folder, *args, GROQ_API_KEY="k", GROQ_BASE_URL=model.url, WARM_AGENTS="2")
    try:
        yield await address(up), up
    finally:
        if up.returncode is None:
            up.send_signal(signal.SIGINT)
            await up.wait()


async def refused(folder: Path, model: ScriptedModel, *args: str) -> str:
    """What a start that does not succeed says."""
    up = await start(folder, *args, GROQ_API_KEY="k", GROQ_BASE_URL=model.url)
    out, _ = await up.communicate()
    assert up.returncode == 78, out.decode()
    assert "Traceback" not in out.decode()
    return " ".join(out.decode().split())


async def new_chat(http: aiohttp.ClientSession, url: str) -> int:
    async with http.post(f"{url}page/chats", json={"language": "en"}, headers={"X-OpenClaw-Page": "1"}) as reply:
        return int((await reply.json())["id"])


async def answered(http: aiohttp.ClientSession, url: str, chat: int, questions: list[str]) -> None:
    """Wait until each question has its one answer."""
    marks = [short_digest(question) for question in questions]
    seen: list[str] = []
    async with asyncio.timeout(120):
        while True:
            messages = [m for m in await from_bot(http, url, chat) if not m.get("reply_markup")]
            seen = [mark for m in messages for mark in marks if mark in m.get("text", "").split(":")[0]]
            if sorted(seen) == sorted(marks):
                return
            await asyncio.sleep(0.3)


async def test_everything_killed_in_the_middle_of_answers_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    async with (
        ScriptedModel.open(first_token_s=0.1, tokens_per_s=60, tokens=60) as model,
        aiohttp.ClientSession() as http,
    ):
        questions, port = [f"question {n}" for n in range(4)], str(free_port())
        async with running(tmp_path, model, "--port", port) as (url, up):
            chat = await new_chat(http, url)
            for question in questions:
                await say(http, url, chat, f"/code {question}")
            async with asyncio.timeout(60):
                while not model.calls:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.5)
            family = [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            await up.wait()
        async with running(tmp_path, model, "--port", port) as (again, _):
            assert again == url
            await answered(http, again, chat, questions)


async def test_a_full_disk_is_said_and_with_room_again_all_goes_on(small_disk: Path) -> None:
    data = small_disk / "data"
    async with (
        ScriptedModel.open(first_token_s=0, tokens_per_s=1000, tokens=20) as model,
        aiohttp.ClientSession() as http,
    ):
        async with running(data, model) as (url, up):
            chat = await new_chat(http, url)
            await say(http, url, chat, "/code before")
            await answered(http, url, chat, ["before"])
            filler = fill(small_disk)
            said = 0
            with contextlib.suppress(aiohttp.ClientError, AssertionError):
                while up.returncode is None:  # each one is refused, or stands
                    await say(http, url, chat, "/code " + "x" * 3000)
                    said += 1
            async with asyncio.timeout(60):
                out = " ".join((await up.stdout.read()).decode().split())
                assert await up.wait() == 1, out
            assert f"the disk of {data}/redis is full: make room, then start again. What was confirmed is kept" in out
            assert "Traceback" not in out
        assert re.search(r"the disk of \S+ is full.*make room, then start again", await refused(data, model))
        filler.unlink()
        async with running(data, model) as (url, _):
            await answered(http, url, chat, ["before"])
            await say(http, url, chat, "/code after")
            await answered(http, url, chat, ["before", "after"])


async def test_a_start_on_a_full_disk_leaves_nothing_half_made(small_disk: Path) -> None:
    filler = fill(small_disk)
    async with ScriptedModel.open() as model:
        for _ in range(2):
            assert "is full" in await refused(small_disk / "data", model)
        filler.unlink()
        async with running(small_disk / "data", model):
            pass


async def test_damaged_data_is_left_alone_until_it_is_repaired_or_forgotten(tmp_path: Path) -> None:
    async with (
        ScriptedModel.open(first_token_s=0, tokens_per_s=1000, tokens=20) as model,
        aiohttp.ClientSession() as http,
    ):
        async with running(tmp_path, model) as (url, _):
            chat = await new_chat(http, url)
            await say(http, url, chat, "/code before")
            await answered(http, url, chat, ["before"])
        chats, [log] = tmp_path / "chat/chats.sqlite3", list((tmp_path / "redis/appendonlydir").glob("*.incr.aof"))
        chats.write_bytes(b"\0" * 5000)
        for left in chats.parent.glob("chats.sqlite3-*"):
            left.unlink()
        whole = log.read_bytes()
        begins = whole.index(b"\r\n*", len(whole) // 2) + 2  # a command: behind a length, the server reads past them
        log.write_bytes(whole[:begins] + b"\0" * 50 + whole[begins:])
        before = log.read_bytes()

        assert "make up ARGS=--repair" in await refused(tmp_path, model)
        assert (log.read_bytes(), chats.read_bytes()) == (before, b"\0" * 5000)

        up = await start(tmp_path, "--repair", GROQ_API_KEY="k", GROQ_BASE_URL=model.url)
        try:
            url, said = await greeting(up)
            assert "the store goes on without" in said
            assert "the chats were damaged: 0 entries" in said
        finally:
            up.send_signal(signal.SIGINT)
            await up.wait()

        log.write_bytes(before)
        up = await start(tmp_path, "--fresh", GROQ_API_KEY="k", GROQ_BASE_URL=model.url)
        try:
            url, said = await greeting(up)
            assert "forgot the chats and the store's data" in said
        finally:
            up.send_signal(signal.SIGINT)
            await up.wait()
