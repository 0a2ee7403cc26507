"""Argo CD's own command line, for what it can judge of its settings without a cluster."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.manifests.rendering import Object

NO_CLUSTER = {
    "apiVersion": "v1", "kind": "Config", "current-context": "none",
    "users": [{"name": "none", "user": {"token": "none"}}],
    "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
}  # fmt: skip
"""It wants a cluster's address, and never calls it."""


@dataclass(frozen=True)
class ArgocdAdmin:
    """`argocd admin …`"""

    binary: str
    folder: Path
    """For the files that it wants."""

    def __call__(self, *args: str) -> "subprocess.CompletedProcess[str]":
        env = os.environ | {"KUBECONFIG": manifest(self.folder, "kubeconfig", NO_CLUSTER)}
        return subprocess.run(
            [self.binary, "admin", *args], capture_output=True, text=True, check=False, timeout=60, env=env
        )


def manifest(folder: Path, name: str, obj: Object) -> str:
    """The path of a file that holds *obj*."""
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(obj))
    return str(file)
