"""Renders the platform as Argo CD would, and finds its way in what came out."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ("staging", "prod")

Object = dict[str, Any]


def tool(name: str) -> str:
    """The path of *name*: its variable (KUSTOMIZE, KUBECONFORM, CHECKOV), what `make tools` got, or PATH.

    Else the test is skipped, in CI it fails.
    """
    places = os.pathsep.join([str(ROOT / ".tools/bin"), str(ROOT / ".venv/bin"), os.environ.get("PATH", "")])
    path = os.environ.get(name.upper()) or shutil.which(name, path=places)
    if not path:
        missing = f"{name} is missing: run make tools, or set {name.upper()} to its path; what it checks is NOT checked"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


def render(folder: Path) -> list[Object]:
    """What kustomize makes of *folder*. Raises CalledProcessError with kustomize's own words."""
    done = subprocess.run([tool("kustomize"), "build", str(folder)], check=True, capture_output=True, text=True)
    return [document for document in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if document]


def copy_of_the_tree(folder: Path) -> Path:
    """All that kustomize reads, under *folder*, to be changed there."""
    for part in ("platform", "clusters"):
        shutil.copytree(ROOT / part, folder / part)
    return folder


def overlay(environment: str) -> Path:
    return ROOT / "platform/openclaw/overlays" / environment


def label(obj: Object) -> str:
    return f"{obj['kind']}/{obj['metadata']['name']}"


@cache
def _files(root: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted([*(root / "platform").rglob("*.yaml"), *(root / "clusters").rglob("*.yaml")]):
        for document in yaml.safe_load_all(path.read_text()):
            if not isinstance(document, dict):
                continue
            names = [label(document)] if document.get("kind") and "name" in document.get("metadata", {}) else []
            names += [f"ConfigMap/{made['name']}" for made in document.get("configMapGenerator", [])]
            targets = [patch.get("target", {}) for patch in document.get("patches", [])]
            names += [f"{target['kind']}/{target['name']}" for target in targets if target.keys() >= {"kind", "name"}]
            for name in names:
                found.setdefault(name, []).append(path.relative_to(root).as_posix())
            for patch in document.get("patches", []):
                if "path" in patch and patch.get("target", {}).keys() >= {"kind", "name"}:
                    file = (path.parent / patch["path"]).resolve().relative_to(root.resolve()).as_posix()
                    found.setdefault(f"{patch['target']['kind']}/{patch['target']['name']}", []).append(file)
    return found


def files_of(label: str, root: Path = ROOT) -> str:
    """The files that an object is made of, patches too; where none names it, the folder of them all."""
    known = _files(root)
    return ", ".join(known.get(label) or known.get(re.sub(r"-[a-z0-9]{10}$", "", label)) or ["platform"])


def named(objects: Sequence[Object], kind: str, name: str) -> Object:
    return next(obj for obj in objects if obj["kind"] == kind and obj["metadata"]["name"] == name)


def of_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    return [obj for obj in objects if obj["kind"] in kinds]


def pods(objects: Sequence[Object]) -> Iterator[tuple[Object, Object]]:
    """Each workload with its pod (metadata and spec)."""
    for obj in objects:
        if obj["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            yield obj, obj["spec"]["template"]
        elif obj["kind"] == "CronJob":
            yield obj, obj["spec"]["jobTemplate"]["spec"]["template"]
        elif obj["kind"] == "PodTemplate":
            yield obj, obj["template"]
        elif obj["kind"] == "Pod":
            yield obj, obj


def containers(pod: Object) -> list[Object]:
    spec = pod["spec"]
    return [*spec.get("initContainers", []), *spec["containers"], *spec.get("ephemeralContainers", [])]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; the empty one matches everything."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for term in selector.get("matchExpressions", []):
        there, inside = term["key"] in labels, labels.get(term["key"]) in term.get("values", [])
        if not {"In": inside, "NotIn": not inside, "Exists": there, "DoesNotExist": not there}[term["operator"]]:
            return False
    return True
