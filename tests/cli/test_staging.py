"""The installation that cluster tests and the benchmark share, as far as it can be seen without a cluster."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from openclaw_cli.bench import staging
from openclaw_cli.bench.kubectl import Unmet, kubectl
from openclaw_gitops.kustomize import Manifest
from tests.e2e.gitops import conftest as gitops
from tests.manifests.rendering import ROOT, tool


@pytest.fixture
def overlay(monkeypatch: pytest.MonkeyPatch) -> list[Manifest]:
    monkeypatch.setitem(os.environ, "KUSTOMIZE", tool("kustomize"))
    return staging.rendered(Path(__file__).parents[2] / staging.OVERLAY)


def test_addresses_of_another_cluster_take_the_place_of_the_overlays(
    overlay: list[Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCLAW_E2E_HOST", "172.18.0.1")
    monkeypatch.setenv("OPENCLAW_E2E_APISERVER", "172.18.0.2")

    moved = staging.adapted(overlay)

    assert staging.OVERLAY_HOST not in json.dumps(moved)
    assert "http://172.18.0.1:8482" in json.dumps(staging.named(moved, "PodTemplate", "agent"))
    assert "http://172.18.0.1:8481" in json.dumps(moved)
    egress = staging.named(moved, "NetworkPolicy", "brain")["spec"]["egress"]
    assert egress[0]["to"] == [{"ipBlock": {"cidr": "172.18.0.2/32"}}]
    assert staging.adapted(overlay) != overlay


def test_what_kubectl_says_is_in_the_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "kubectl"
    fake.write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    with pytest.raises(Unmet, match="no such thing"):
        kubectl("get", "pods")
    assert kubectl("get", "pods", check=False) == ""


LOGGED = """#!/bin/sh
echo "$(basename "$0") $*" >>"$COMMANDS"
case "$(basename "$0") $*" in
  "kubectl get namespace kube-system"*) printf '%s' "$LABEL" ;;
  "tool kubeconfig") echo "$TOOLS_OWN" ;;
esac
"""
ONLY_READ = r"kubectl get namespace kube-system -o jsonpath={.metadata.labels.openclaw\.io/disposable}"


@dataclass
class Machine:
    """Programs that write down what they are told; the cluster's label says what *label* says."""

    folder: Path
    environ: dict[str, str]

    def commands(self) -> list[str]:
        log = self.folder / "commands"
        return log.read_text().splitlines() if log.exists() else []

    def e2e(self, *args: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [ROOT / "scripts/e2e", *args], env=self.environ | environ, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    for name in ("kubectl", "docker", "loader", "tool"):
        (tmp_path / name).write_text(LOGGED)
        (tmp_path / name).chmod(0o755)
    for name in ("admin.conf", "other.conf"):
        (tmp_path / name).touch()
    for name in ("OPENCLAW_CLUSTER_TOOL", "OPENCLAW_E2E_KEEP_IMAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("COMMANDS", str(tmp_path / "commands"))
    monkeypatch.setenv("LABEL", "")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "other.conf"))
    monkeypatch.setenv("KUSTOMIZE", "/bin/true")
    monkeypatch.setenv("TOOLS_OWN", str(tmp_path / "admin.conf"))
    monkeypatch.setenv("OPENCLAW_IMAGE_LOADER", str(tmp_path / "loader"))
    return Machine(tmp_path, dict(os.environ))


@pytest.mark.parametrize("removing", [lambda: staging.Cluster.installed().__enter__(), gitops.clean])
def test_a_cluster_that_is_not_marked_is_only_read(machine: Machine, removing: Callable[[], object]) -> None:
    with pytest.raises(Unmet, match="not marked as one that may be broken, and nothing was changed on it"):
        removing()
    assert machine.commands() == [ONLY_READ]


@pytest.mark.parametrize("args", [(), ("images",), ("bench",), ("tests/e2e/test_load.py",)])
def test_the_script_refuses_it_before_it_builds_anything(machine: Machine, args: tuple[str, ...]) -> None:
    done = machine.e2e(*args)

    assert done.returncode == 1
    assert "not marked as one that may be broken" in done.stderr
    assert machine.commands() == [ONLY_READ]


def test_another_cluster_gets_its_images_by_its_own_loader(machine: Machine) -> None:
    done = machine.e2e("images", OPENCLAW_CLUSTER_TOOL=str(machine.folder / "tool"), LABEL="true")

    assert done.returncode == 0, done.stderr
    assert "the tool is NOT used" in done.stderr
    assert [line for line in machine.commands() if line.startswith("tool ")] == ["tool kubeconfig"]
    assert "loader localhost/openclaw-brain:test" in machine.commands()


def test_the_tools_own_cluster_gets_them_by_the_tool(machine: Machine) -> None:
    own = str(machine.folder / "admin.conf")
    done = machine.e2e("images", OPENCLAW_CLUSTER_TOOL=str(machine.folder / "tool"), KUBECONFIG=own, LABEL="true")

    assert done.returncode == 0, done.stderr
    assert "tool image localhost/openclaw-brain:test apps/brain/Dockerfile ." in machine.commands()
    assert not any(line.startswith(("docker", "loader")) for line in machine.commands())
