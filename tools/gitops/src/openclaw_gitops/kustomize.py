"""Run kustomize on a folder, as Argo CD does in the cluster."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from openclaw_gitops.errors import REFUSED, UNAVAILABLE, CommandError

Manifest = dict[str, Any]

BUILD_S = 120
"""A build reads local files only and takes about a second."""


def kustomize(env: Mapping[str, str]) -> list[str]:
    """The command that builds a folder: $KUSTOMIZE, else kustomize or kubectl on PATH. Raises CommandError if there is none."""
    path = env.get("PATH", os.defpath)
    if named := env.get("KUSTOMIZE"):
        if found := shutil.which(named, path=path):
            return [found, "build"]
        raise CommandError(UNAVAILABLE, "KUSTOMIZE names no program: set it to the path of kustomize 5")
    if found := shutil.which("kustomize", path=path):
        return [found, "build"]
    if found := shutil.which("kubectl", path=path):
        return [found, "kustomize"]
    raise CommandError(
        UNAVAILABLE, "kustomize is missing: install version 5 or kubectl 1.27, or set KUSTOMIZE to its path"
    )


def build(folder: Path, env: Mapping[str, str]) -> str:
    """The manifests of *folder* as text. Raises CommandError with kustomize's words, and if nothing comes out."""
    try:
        done = subprocess.run(  # noqa: S603
            [*kustomize(env), str(folder)], capture_output=True, text=True, check=False, timeout=BUILD_S
        )
    except subprocess.TimeoutExpired:
        raise CommandError(UNAVAILABLE, f"kustomize did not end within {BUILD_S} s on {folder.name}") from None
    if done.returncode:
        raise CommandError(REFUSED, f"{folder.name} does not build: {done.stderr.strip()}")
    # A kustomization that renders nothing is a mistake that Argo CD would carry out as "delete everything".
    if "kind:" not in done.stdout:
        raise CommandError(REFUSED, f"{folder.name} renders no object")
    return done.stdout


def objects(text: str) -> list[Manifest]:
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]
