"""What the tests of Redis' users share: a server with the users that are deployed, and a bot on it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from openclaw_core.store import RedisSettings, open_script
from tests.core.store_rights.deployed_bot import Bot, url_of
from tests.core.store_world import World
from tests.redis_server import NO_OLDEST, SERVERS, RedisServer
from tests.redis_users import deployed


@pytest.fixture(scope="module", params=["packaged", "oldest"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = SERVERS[request.param]()
    if not program:
        pytest.skip(NO_OLDEST)
    with deployed(tmp_path_factory.mktemp("users"), program=program) as started:
        yield started


@pytest.fixture
async def bot(server: RedisServer, bot_id: int) -> AsyncIterator[Bot]:
    async with (
        open_script(RedisSettings(url=url_of(server, "brain"), timeout_s=30), bot_id=bot_id) as brain,
        open_script(RedisSettings(url=url_of(server, "agent"), timeout_s=30), bot_id=bot_id, rights="agent") as agents,
    ):
        world = World(brain)
        world.agents = agents
        await world.lead()
        yield Bot(world=world, server=server)
