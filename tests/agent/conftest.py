"""What the agent's tests share."""

import pytest

from tests.agent.harness import AgentHarness


@pytest.fixture
def harness() -> AgentHarness:
    return AgentHarness()
