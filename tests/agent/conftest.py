"""What the agent's tests share."""

import pytest

from tests.agent.desk import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()
