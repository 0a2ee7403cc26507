"""What all tests share: one real Redis for the run, an own key space for each test."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from openclaw_core.store import RedisSettings, Script, open_script
from tests.redis_server import RedisServer

_bot_ids = itertools.count(1)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real server with the settings that OpenClaw insists on; one for each worker of the run."""
    with RedisServer.start(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url


@pytest.fixture
def bot_id() -> int:
    return os.getpid() * 1000 + next(_bot_ids)


@pytest.fixture
async def script(redis_url: str, bot_id: int) -> AsyncIterator[Script]:
    async with open_script(RedisSettings(url=redis_url, timeout_s=30), bot_id=bot_id)  # a busy machine is slow, not wrong as opened:
        yield opened


@pytest.fixture
def platform_base() -> Path:
    return Path(__file__).parent.parent / "platform/openclaw/base"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that run the whole bot or the built-in model take turns: side by side on two cores they would measure each other."""
    for item in items:
        if (
            "e2e_local" in item.nodeid
            or "test_up" in item.nodeid
            or "test_builtin_model" in item.nodeid
            or "bench_local" in item.nodeid
        ):
            item.add_marker(pytest.mark.xdist_group("processes"))
