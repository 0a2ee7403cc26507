"""A folder that stands for a node, with the scripts of nodes and the programs that they find.

aws, journalctl and the like are small scripts on PATH. What a log group refuses is that of tests/machines/aws.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "terraform/modules/user-data/files"
STAND_IN = ROOT / "tests/machines/aws/logs-put-log-events"
VOLUME = "vol-0123456789abcdef0"


SETTINGS = {
    "AWS_REGION": "eu-central-1",
    "CLUSTER": "openclaw-test",
    "CLUSTER_BUCKET": "bucket",
    "ETCD_VOLUME": VOLUME,
    "KMS_KEY": "arn:aws:kms:eu-central-1:111122223333:key/mock",
    "KUBERNETES_KEY_FINGERPRINT": "A" * 40,
    "KUBERNETES_PACKAGE": "1.37.2-1.1",
    "KUBERNETES_VERSION": "1.37.2",
    "CONTAINERD_KEY_FINGERPRINT": "B" * 40,
    "CONTAINERD_PACKAGE": "2.3.6-1~debian.13~trixie",
    "CONTAINERD_VERSION": "2.3.6",
    "LOG_GROUP": "/openclaw/openclaw-test/nodes",
    "METRIC_NAMESPACE": "OpenClaw/openclaw-test",
    "ROLE": "control-plane",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    code: int
    said: str


@dataclass(frozen=True, slots=True)
class Node:
    """A folder that stands for a node's root, and the programs that its scripts find."""

    root: Path

    def path(self, name: str) -> Path:
        path = self.root / name.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str, text: str) -> Path:
        self.path(name).write_text(text)
        return self.path(name)

    def program(self, name: str, text: str = "") -> None:
        """From now on scripts find this program; an empty one does nothing, well."""
        self.write(f"bin/{name}", f"#!/bin/bash\n{text}\n").chmod(0o755)

    def moved(self, text: str) -> str:
        """The text with this folder's names in place of a node's."""
        for folder in ("/usr/local/lib/openclaw", "/var/l", "/etc/", "/run/", "/dev/disk/", "/usr/bin/kube"):
            text = text.replace(folder, f"{self.root}{folder}")
        return text

    def run(self, script: str, *arguments: str) -> Ended:
        done = subprocess.run(
            [self.path(f"/usr/local/lib/openclaw/{script}"), *arguments],
            env={"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "ROOT": str(self.root)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(code=done.returncode, said=done.stdout + done.stderr)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    node = Node(tmp_path)
    for part in ("common", "control-plane"):
        for file in (FILES / part).iterdir():
            node.write(f"/usr/local/lib/openclaw/{file.name}", node.moved(file.read_text())).chmod(0o755)
    node.write("/etc/openclaw/node.env", "".join(f"{name}='{value}'\n" for name, value in SETTINGS.items()))
    node.program("curl", "echo i-0123456789abcdef0")  # the metadata service
    node.program("sync")
    node.program("journalctl", 'cat "$ROOT/journal" 2>/dev/null || true')
    node.program("aws", 'case "$1 $2" in "logs put-log-events") exec "$ROOT/put-log-events" "${@:3}" ;; esac')
    node.write("put-log-events", node.moved(STAND_IN.read_text())).chmod(0o755)
    return node
