"""What the tests of fetching share."""

from collections.abc import AsyncIterator

import pytest

from tests.agent.tools.web import Web, opened


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with opened() as one:
        yield one
