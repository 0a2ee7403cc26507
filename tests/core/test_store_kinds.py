"""Which servers can be the store: real ones of each kind, and what INFO says of others. Each that cannot is refused in one sentence."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from openclaw_core.environment import Environment
from openclaw_core.errors import SettingsError, StoreMisconfigured, StoreUnavailable
from openclaw_core.store import Inbox, Leadership, RedisSettings, Script, open_script
from openclaw_core.store.server import WANTED, Memory, memory_of, server_fault
from tests.core.store_world import World, task
from tests.redis_server import NO_OLDEST, SERVERS, RedisServer

STATED = ",".join(f"{name}={value}" for name, value in WANTED.items())


@pytest.fixture(params=list(SERVERS))
def program(request: pytest.FixtureRequest) -> str:
    found = SERVERS[request.param]()
    if found is None:
        pytest.skip(NO_OLDEST)
    return found


@asynccontextmanager
async def a_server(
    tmp_path_factory: pytest.TempPathFactory, program: str, *options: str, stated: str = ""
) -> AsyncIterator[Script]:
    settings = Environment({"REDIS_URL": "redis://unset", "REDIS_SETTINGS_STATED": stated}).redis()
    with RedisServer.start(tmp_path_factory.mktemp("kind"), *options, program=program) as server:
        async with open_script(RedisSettings(url=server.url, stated=settings.stated), bot_id=1) as script:
            yield script


NO_CONFIG = ("--rename-command", "CONFIG", "")


async def test_a_plain_server_is_supported_and_says_who_it_is(
    tmp_path_factory: pytest.TempPathFactory, program: str
) -> None:
    async with a_server(tmp_path_factory, program) as script:
        server = await script.check()
        assert server.name in ("Redis", "Valkey")
        assert str(server) == f"{server.name} {server.version}"
        assert server.version[0].isdigit()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--cluster-enabled", "yes"), "runs as a cluster.*cluster-enabled no"),
        (("--replicaof", "127.0.0.1 1"), "is a replica.*name its primary"),
        (("--min-replicas-to-write", "1"), "fewer replicas than its min-replicas-to-write.*set it to 0"),
        (("--appendfsync", "everysec"), "appendfsync is everysec, set it to always"),
        (("--appendonly", "no"), "appendonly is no, set it to yes"),
        (("--maxmemory-policy", "allkeys-lru"), "maxmemory-policy is allkeys-lru, set it to noeviction"),
        (NO_CONFIG, "does not tell its settings.*REDIS_SETTINGS_STATED=appendfsync=always$"),
        ((*NO_CONFIG, "--maxmemory-policy", "volatile-ttl"), "maxmemory-policy is volatile-ttl, set it to noeviction"),
        ((*NO_CONFIG, "--appendonly", "no"), "appendonly is no, set it to yes"),
        (("--rename-command", "INFO", ""), "INFO has to be allowed"),
        (("--rename-command", "EVAL", ""), "EVAL has to be allowed"),
    ],
)
async def test_a_server_of_another_kind_is_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, program: str, options: tuple[str, ...], sentence: str
) -> None:
    async with a_server(tmp_path_factory, program, *options) as script:
        with pytest.raises(StoreMisconfigured, match=sentence) as refused:
            await script.check()
    assert "\n" not in str(refused.value)


async def test_a_managed_server_without_config_works_if_its_settings_are_stated_to_be_right(
    tmp_path_factory: pytest.TempPathFactory, program: str
) -> None:
    async with a_server(tmp_path_factory, program, *NO_CONFIG, stated="appendfsync=always") as script:
        await script.check()
        world = World(script)
        await world.lead()
        await world.ask(task(1))
        assert await world.lanes.waiting_in(1) == ["u1"]


async def test_a_user_that_may_not_ask_for_settings_is_one_without_config(
    tmp_path_factory: pytest.TempPathFactory, program: str
) -> None:
    async with a_server(tmp_path_factory, program, stated=STATED) as script:
        await script.read("ACL", "SETUSER", "default", "-config")
        await script.check()


@pytest.mark.parametrize(
    ("stated", "options"),
    [
        ("appendfsync=everysec", NO_CONFIG),
        ("maxmemory-policy=noeviction", NO_CONFIG),  # not all that is untold
        (STATED, ("--appendfsync", "everysec")),  # what the server tells counts
        (STATED, (*NO_CONFIG, "--appendonly", "no")),
    ],
)
async def test_a_statement_that_is_wrong_or_not_enough_or_denied_by_the_server_is_refused(
    tmp_path_factory: pytest.TempPathFactory, program: str, stated: str, options: tuple[str, ...]
) -> None:
    async with a_server(tmp_path_factory, program, *options, stated=stated) as script:
        with pytest.raises(StoreMisconfigured):
            await script.check()


async def test_replicas_that_go_away_later_are_waited_for(
    tmp_path_factory: pytest.TempPathFactory, program: str
) -> None:
    async with a_server(tmp_path_factory, program) as script:
        epoch = await Leadership(script).take_lead("me", ttl_s=8)
        await script.read("CONFIG", "SET", "min-replicas-to-write", "1")
        with pytest.raises(StoreUnavailable):
            await Inbox(script).admit([("inbox", {"update_id": 1})], offset=2, epoch=epoch)


SOUND = {"redis_version": "7.0.0", "redis_mode": "standalone", "role": "master", "cluster_enabled": "0"}


@pytest.mark.parametrize(
    ("info", "sentence"),
    [
        ({"redis_version": "6.2.14"}, "Redis 6.2.14 is not supported: use Redis 7.0 or newer"),
        ({"redis_version": "garbage"}, "Redis garbage is not supported"),
        ({"redis_version": "7.2.4", "valkey_version": "7.0.9"}, "Valkey 7.0.9 is not supported: use Valkey 7.2"),
        ({"redis_version": "7.4.0", "dragonfly_version": "df-1.30"}, "Dragonfly df-1.30 is not supported: use Redis or Valkey"),
        ({"redis_mode": "sentinel"}, "Sentinel.*name the primary"),
        ({"redis_mode": "cluster"}, "cluster"),
        ({"role": "slave"}, "replica"),
        ({"redis_version": "8.10.1"}, "^$"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, "^$"),
    ],
)  # fmt: skip
def test_what_a_server_says_of_itself_decides(info: Mapping[str, str], sentence: str) -> None:

    assert re.search(sentence, server_fault({**SOUND, **info}, WANTED, {}))


def test_a_statement_names_known_settings_only() -> None:
    read = Environment({"REDIS_URL": "redis://r", "REDIS_SETTINGS_STATED": "appendfsync=always, save=no"})
    assert read.redis().stated == {}
    with pytest.raises(SettingsError, match=r"REDIS_SETTINGS_STATED.*appendonly=yes,appendfsync=always"):
        read.done()


@pytest.mark.parametrize(
    ("info", "used", "limit", "share"),
    [
        ({"used_memory": "80", "maxmemory": "100"}, 80, 100, 0.8),
        ({"used_memory": "80", "maxmemory": "0"}, 80, 0, 0.0),  # no limit
        ({"used_memory": "120", "maxmemory": "100"}, 120, 100, 1.2),
        ({"used_memory": "no number"}, 0, 0, 0.0),
        ({}, 0, 0, 0.0),
    ],
)
def test_how_full_a_server_is(info: Mapping[str, str], used: int, limit: int, share: float) -> None:
    memory = memory_of(info)
    assert memory == Memory(used=used, limit=limit)
    assert memory.share == pytest.approx(share)
