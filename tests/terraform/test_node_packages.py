"""Which packages a node installs and which it refuses, run here but for the folders that the script works in."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.terraform.node_folder import Node, node

__all__ = ["node"]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("jq") is None, reason="nodes' scripts need Linux and jq"
)


CONTAINERD = """case "$*" in
  --version) echo "containerd containerd.io v$(cat "$ROOT/containerd") 0123abc" ;;
  *) printf "    sandbox = '%s'\\n  SystemdCgroup = %s\\n" registry.k8s.io/pause:3.10 "${CGROUP:-false}" ;;
esac"""
APT = """echo "$*" >>"$ROOT/apt"
[[ $* != *"containerd.io=2.3.6-1~debian.13~trixie" ]] || echo 2.3.6 >"$ROOT/containerd" """
GPG = """case $1 in
  --show-keys) printf 'pub:::\\nfpr:::::::::%s:\\nsub:::\\nfpr:::::::::%s:\\n' "$(cat "$ROOT/key")" CCCC ;;
  *) cat ;;
esac"""


@pytest.fixture
def fresh(node: Node) -> Node:
    """A machine of Debian 13 with Kubernetes' packages and what containerd its release has."""
    for program in ("apt-mark", "kubectl", "kubelet", "modprobe", "systemctl", "sysctl"):
        node.program(program)
    for program in ("kubectl", "kubelet"):
        node.program(f"../usr/bin/{program}")
    for name in ("aws", "conntrack", "envsubst", "gpgv", "mkfs.ext4"):
        node.program(name)
    node.program("kubeadm", 'if [[ $1 == version ]]; then echo v1.37.2; else echo "registry.example/pause:3.11"; fi')
    node.program("containerd", CONTAINERD)
    node.program("apt-get", APT)
    node.program("gpg", GPG)
    node.write("containerd", "1.7.24\n")
    node.write("key", "B" * 40)
    node.write("/etc/os-release", "VERSION_CODENAME=trixie\n")
    return node


def apt_calls(node: Node) -> list[str]:
    file = node.root / "apt"
    return file.read_text().splitlines() if file.exists() else []


def test_a_containerd_that_kubernetes_will_refuse_is_replaced_once(fresh: Node) -> None:
    ended = [fresh.run("prepare-node") for _ in range(2)]

    assert [end.code for end in ended] == [0, 0], ended
    installed = [call for call in apt_calls(fresh) if " install " in f" {call} "]
    assert len(installed) == 1
    assert installed[0].endswith("containerd.io=2.3.6-1~debian.13~trixie")
    source = fresh.path("/etc/apt/sources.list.d/containerd.list").read_text()
    assert source.endswith("https://download.docker.com/linux/debian trixie stable\n")
    [update] = [call for call in apt_calls(fresh) if call.startswith("update")]
    assert "APT::Key::GPGVCommand=/usr/bin/gpgv" in update
    assert "Dir::Etc::sourceparts=-" in update, "gpgv in place of sqv is for this source alone"


def test_containerd_of_a_stranger_is_not_installed(fresh: Node) -> None:
    fresh.write("key", "D" * 40)

    ended = fresh.run("prepare-node")

    assert ended.code != 0
    assert "nothing installed. If its owner announced a new key, set containerd_key_fingerprint" in ended.said
    assert apt_calls(fresh) == []


def test_kubernetes_of_a_stranger_is_not_installed(fresh: Node) -> None:
    fresh.write("containerd", "2.3.6\n")
    fresh.program("kubeadm", "echo v1.36.0")

    ended = fresh.run("prepare-node")

    assert ended.code != 0
    assert "set kubernetes_key_fingerprint" in ended.said
    assert apt_calls(fresh) == []


def test_containerd_keeps_to_the_kubelets_cgroups_and_to_kubeadms_pause_image(fresh: Node) -> None:
    fresh.write("containerd", "2.3.6\n")

    ended = fresh.run("prepare-node")

    assert ended.code == 0, ended.said
    written = fresh.path("/etc/containerd/config.toml").read_text()
    assert written.splitlines() == ["    sandbox = 'registry.example/pause:3.11'", "  SystemdCgroup = true"]


def test_a_configuration_of_another_form_is_refused(fresh: Node) -> None:
    fresh.write("containerd", "2.3.6\n")
    fresh.program("containerd", CONTAINERD.replace("sandbox", "pause"))

    ended = fresh.run("prepare-node")

    assert ended.code != 0
    assert "has another form of configuration" in ended.said


def test_packages_are_fetched_by_https_only(fresh: Node) -> None:
    fresh.write("containerd", "2.3.6\n")
    sources = {
        "/etc/apt/sources.list": "deb http://mirror.example/debian trixie main\n",
        "/etc/apt/sources.list.d/debian.sources": "URIs: http://mirror.example/debian https://mirror.example/security\n",
        "/etc/apt/mirrors/debian.list": "http://mirror.example/debian\n",
    }
    for name, text in sources.items():
        fresh.write(name, text)

    ended = [fresh.run("prepare-node") for _ in range(2)]

    assert [end.code for end in ended] == [0, 0], ended
    assert {name: fresh.path(name).read_text() for name in sources} == {
        name: text.replace("http://", "https://") for name, text in sources.items()
    }
