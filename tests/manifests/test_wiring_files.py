"""What stands in clusters/, file by file: faults name the file and the rule, for whoever opened the pull request."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.rendering import ROOT

FILES = [path for path in sorted((ROOT / "clusters").rglob("*.yaml")) if "components" not in path.parts]


def _sources(body: dict[str, Any]) -> list[dict[str, Any]]:
    if body.get("kind") != "Application":
        return []
    return list(body["spec"].get("sources") or [body["spec"]["source"]])


def wiring_only(path: Path, body: dict[str, Any]) -> Iterator[str]:
    if body.get("kind") not in ("Application", "AppProject", "Kustomization", "Environment", "Pins"):
        yield f"{body.get('kind')} belongs into platform/: what is here, Argo CD's root creates unseen by any promotion"


def prod_pins_a_commit(path: Path, body: dict[str, Any]) -> Iterator[str]:
    for source in _sources(body):
        if source["repoURL"] == "repository" and source["targetRevision"] != "main":
            yield f"targetRevision {source['targetRevision']}: staging follows main, prod pins a commit in pins.yaml"
    if body.get("kind") == "Pins" and not re.fullmatch("[0-9a-f]{40}", str(body["commit"])):
        yield f"commit {body['commit']}: staging follows main, prod pins a commit of 40 digits"


def versions_are_exact(path: Path, body: dict[str, Any]) -> Iterator[str]:
    for source in _sources(body):
        if source["repoURL"] != "repository" and not re.fullmatch(r"v?\d+\.\d+\.\d+", str(source["targetRevision"])):
            yield f"targetRevision {source['targetRevision']} is no exact version"
    for part, version in body.get("versions", {}).items():
        if not re.fullmatch(r"v?\d+\.\d+\.\d+", str(version)):
            yield f"{part}: {version} is no exact version"


def retries_end(path: Path, body: dict[str, Any]) -> Iterator[str]:
    """An endless retry holds on to the revision that it began with, so that a revert is never taken up."""
    if body.get("kind") == "Application":
        limit = body["spec"].get("syncPolicy", {}).get("retry", {}).get("limit", 0)
        if not 0 < limit <= 10:
            yield f"retry limit {limit}: 1 to 10"


RULES: list[Callable[[Path, dict[str, Any]], Iterator[str]]] = [
    wiring_only, prod_pins_a_commit, versions_are_exact, retries_end,
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_wiring_keeps_the_rule(rule: Callable[[Path, dict[str, Any]], Iterator[str]]) -> None:
    assert len(FILES) > 15
    name = rule.__name__.replace("_", "-")
    faults = [
        f"{path.relative_to(ROOT)}: {name}: {fault}"
        for path in FILES
        for body in yaml.safe_load_all(path.read_text())
        for fault in rule(path, body)
    ]

    assert not faults, "\n".join(faults)
