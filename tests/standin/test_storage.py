"""What was acknowledged outlives the stand-in, also when it is killed without warning."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from telegram import Bot
from telegram.error import TelegramError

from openclaw_standin.bot_api import BotApi
from tests.standin.conftest import TOKEN, bot_for

PROGRAM = """
import asyncio, pathlib, sys
from openclaw_standin.bot_api import BotApi

async def main():
    async with BotApi.open(token=sys.argv[1], data_dir=pathlib.Path(sys.argv[2]), flood=False) as api:
        print(api.url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, TOKEN, str(data), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        yield (await server.stdout.readline()).decode().strip(), server
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


async def send_until_it_dies(bot: Bot, acknowledged: list[int]) -> None:
    try:
        while True:
            acknowledged.append((await bot.send_message(7, f"part {len(acknowledged)}")).message_id)
    except TelegramError:
        return


async def test_no_acknowledged_send_is_lost_to_a_kill(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    async with BotApi.open(token=TOKEN, data_dir=tmp_path / "chat") as api:
        first = api.users.write(7, "unread")
    async with running(tmp_path / "chat") as (url, server), bot_for(url) as bot:
        sending = asyncio.create_task(send_until_it_dies(bot, acknowledged))
        while len(acknowledged) < 20:
            await asyncio.sleep(0.01)
        server.kill()
        await sending

    async with BotApi.open(token=TOKEN, data_dir=tmp_path / "chat") as api, bot_for(api.url) as bot:
        stored = {message["message_id"]: message.get("text") for message in api.messages(7)}
        assert {n: f"part {at}" for at, n in enumerate(acknowledged)}.items() <= stored.items()
        assert [u.update_id for u in await bot.get_updates()] == [first]
        assert api.users.write(7, "next") == first + 1
        assert (await bot.send_message(7, "later")).message_id > max(acknowledged)


async def test_chats_reactions_files_commands_and_offsets_come_back(tmp_path: Path) -> None:
    async with BotApi.open(token=TOKEN, data_dir=tmp_path) as api, bot_for(api.url) as bot:
        api.users.add_group(-5, title="Team")
        api.users.upload(7, "a.txt", b"content", language_code="he")
        (update,) = await bot.get_updates()
        assert update.message is not None
        assert update.message.document is not None
        file_id = update.message.document.file_id
        await bot.get_updates(offset=update.update_id + 1)
        await bot.set_message_reaction(7, 1, "👀")
        await bot.set_my_commands([("new", "Start over")])
        api.users.block(7)

    async with BotApi.open(token=TOKEN, data_dir=tmp_path) as api, bot_for(api.url) as bot:
        assert await bot.get_updates() == ()
        assert api.reaction(7, 1) == "👀"
        assert api.state.chats[-5].title == "Team"
        assert bytes(await (await bot.get_file(file_id)).download_as_bytearray()) == b"content"
        assert [c.command for c in await bot.get_my_commands()] == ["new"]
        assert (api.state.chats[7].language_code, api.state.chats[7].gone) == ("he", "blocked")
        assert api.users.write(7, "next") == update.update_id + 1


async def test_a_fresh_start_forgets(tmp_path: Path) -> None:
    async with BotApi.open(token=TOKEN, data_dir=tmp_path) as api:
        api.users.write(7, "hello")

    async with BotApi.open(token=TOKEN, data_dir=tmp_path, fresh=True) as api:
        assert api.messages(7) == []


async def test_what_is_kept_is_for_its_user_alone_also_where_it_was_not(tmp_path: Path) -> None:
    old = tmp_path / "chat" / "chats.sqlite3"
    old.parent.mkdir()
    old.touch(0o644)
    for folder in (old.parent, tmp_path / "new"):
        async with BotApi.open(token=TOKEN, data_dir=folder) as api:
            api.users.write(7, "private words")
            files = list(folder.iterdir())
            assert len(files) == 3
            assert [file.stat().st_mode & 0o077 for file in files] == [0, 0, 0]
