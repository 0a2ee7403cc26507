"""What the tests of the core share."""

import pytest

from openclaw_core.store import Script
from tests.core.store_world import World
from tests.redis_server import NO_OLDEST, oldest


@pytest.fixture
async def world(script: Script) -> World:
    world = World(script)
    await world.lead()
    return world


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The store's tests run on the packaged server and on the oldest that is supported; where there is none of those,
    they are skipped by name.
    """
    if metafunc.module.__name__.rpartition(".")[2].startswith("test_store") and "redis_server" in metafunc.fixturenames:
        marks = [] if oldest() else [pytest.mark.skip(reason=NO_OLDEST)]
        servers = ["packaged", pytest.param("oldest", marks=marks)]
        metafunc.parametrize("redis_server", servers, indirect=True, scope="session")
