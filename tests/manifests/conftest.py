"""Each environment is rendered once for a run."""

import os
import shutil
from functools import cache
from pathlib import Path

import pytest

from tests.manifests.argocd_cli import ArgocdAdmin
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


@pytest.fixture
def argocd_admin(tmp_path: Path) -> ArgocdAdmin:
    """Argo CD's own command. Without the program the test is skipped, and the run says so."""
    binary = os.environ.get("ARGOCD") or shutil.which("argocd")
    if not binary:
        pytest.skip(
            "argocd is missing: install it or set ARGOCD to its path; Argo CD's own checks of its settings are NOT run"
        )
    return ArgocdAdmin(binary=binary, folder=tmp_path)


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m argocd` runs what asks the program, so that nothing else runs again where it is built after the other checks."""
    for item in items:
        if "argocd_admin" in getattr(item, "fixturenames", ()):
            item.add_marker("argocd")
