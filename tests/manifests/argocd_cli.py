"""Argo CD's own command line, for what it can judge of its settings without a cluster."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.manifests.rendering import Object

NO_CLUSTER = {
    "apiVersion": "v1", "kind": "Config", "current-context": "none",
    "users": [{"name": "none", "user": {"token": "none"}}],
    "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
}  # fmt: skip
"""It wants a cluster's address, and never calls it."""


def argocd_admin(folder: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    """`argocd admin …`; *folder* is for the files that it wants. Without the program the test is skipped, loudly."""
    binary = os.environ.get("ARGOCD") or shutil.which("argocd")
    if not binary:
        pytest.skip(
            "argocd is missing: install it or set ARGOCD to its path; Argo CD's own checks of its settings are NOT run"
        )
    env = os.environ | {"KUBECONFIG": manifest(folder, "kubeconfig", NO_CLUSTER)}
    return subprocess.run([binary, "admin", *args], capture_output=True, text=True, check=False, timeout=60, env=env)


def manifest(folder: Path, name: str, obj: Object) -> str:
    """The path of a file that holds *obj*."""
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(obj))
    return str(file)
