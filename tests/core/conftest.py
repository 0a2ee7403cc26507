"""What the tests of the core share."""

import pytest

from openclaw_core.store import Script
from tests.core.store_world import World

pytest.register_assert_rewrite("tests.core.page_checks")  # its asserts explain themselves as those of a test do


@pytest.fixture
async def world(script: Script) -> World:
    world = World(script)
    await world.lead()
    return world
