"""Each environment is rendered once for a run."""

from functools import cache

import pytest

from tests.manifests.rendering import ENVIRONMENTS, ROOT, Object, overlay, render

_rendered = cache(render)


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def objects(environment: str) -> list[Object]:
    return _rendered(overlay(environment))


@pytest.fixture
def policies() -> list[Object]:
    return _rendered(ROOT / "platform/policies")
