"""Three of the shipped roles, and one classifier process for the tests that ask it."""

from dataclasses import replace

import pytest

from openclaw_core.roles.values import Roles
from tests.shipped import ROLES

LABELLED = ("researcher", "coder", "summarizer")
"""The roles that the labelled messages know. A pull request that adds another changes what rules decide, and not whether they are right."""


@pytest.fixture(scope="session")
def roles() -> Roles:
    shipped = ROLES
    return replace(shipped, roles={name: shipped.roles[name] for name in LABELLED}, default="researcher")
