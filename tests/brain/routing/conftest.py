"""The shipped roles, and one classifier process for the tests that ask it."""

from pathlib import Path

import pytest

from openclaw_core import roles as roles_of
from openclaw_core.roles import Roles


@pytest.fixture(scope="session")
def roles() -> Roles:
    return roles_of.load(Path(__file__).parents[3] / "platform/openclaw/base")
