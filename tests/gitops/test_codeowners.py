"""What guards prod has owners."""

import re

import pytest

from tests.gitops.conftest import ROOT

LINES = [line.split() for line in (ROOT / "CODEOWNERS").read_text().splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize(
    "path",
    [
        "CODEOWNERS", "clusters/prod/pins.yaml", "clusters/components/wiring/kustomization.yaml", "platform/policies/job-shape.yaml",
        "platform/argocd/base/rbac-cm.yaml", ".github/workflows/promote.yaml", "scripts/promote",
        "tools/gitops/src/openclaw_gitops/promotion_rules.py",
    ],
)  # fmt: skip
def test_this_does_not_change_without_an_owner(path: str) -> None:
    assert (ROOT / path).exists()
    assert any(f"/{path}".startswith(pattern) for pattern, *_ in LINES)


def test_each_line_names_owners_and_a_path_that_is_there() -> None:
    for pattern, *owners in LINES:
        assert (ROOT / pattern.strip("/")).exists(), pattern
        assert owners
        assert all(re.fullmatch(r"@[\w/-]+", owner) for owner in owners)
