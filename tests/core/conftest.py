"""What the tests of the store share."""

import pytest

from openclaw_core.store import Script
from tests.core.store_world import World


@pytest.fixture
async def world(script: Script) -> World:
    world = World(script)
    await world.lead()
    return world
