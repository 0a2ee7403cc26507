"""The installation that cluster tests and the benchmark share, as far as it can be seen without a cluster."""

import json
import os
from pathlib import Path

import pytest

from openclaw_cli import staging
from openclaw_cli.gitops.kustomizing import Object
from tests.manifests.rendering import tool


@pytest.fixture
def overlay(monkeypatch: pytest.MonkeyPatch) -> list[Object]:
    monkeypatch.setitem(os.environ, "KUSTOMIZE", tool("kustomize"))
    return staging.rendered(Path(__file__).parents[2] / staging.OVERLAY)


def test_addresses_of_another_cluster_take_the_place_of_the_overlays(
    overlay: list[Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCLAW_E2E_HOST", "172.18.0.1")
    monkeypatch.setenv("OPENCLAW_E2E_APISERVER", "172.18.0.2")

    moved = staging.adapted(overlay)

    assert staging.OVERLAY_HOST not in json.dumps(moved)
    assert "http://172.18.0.1:8481" in json.dumps(staging.named(moved, "PodTemplate", "agent"))
    egress = staging.named(moved, "NetworkPolicy", "brain")["spec"]["egress"]
    assert egress[0]["to"] == [{"ipBlock": {"cidr": "172.18.0.2/32"}}]
    assert staging.adapted(overlay) != overlay


def test_what_kubectl_says_is_in_the_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "kubectl"
    fake.write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    with pytest.raises(staging.Unmet, match="no such thing"):
        staging.kubectl("get", "pods")
    assert staging.kubectl("get", "pods", check=False) == ""
