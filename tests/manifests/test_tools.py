"""The two tools that know Kubernetes' own rules: kubeconform (schemas) and checkov (good practice)."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.manifests.rendering import ROOT, Object, files_of, tool

SCHEMAS = ROOT / "tests/schemas"
KUBERNETES = {"the one that runs": "core", "the one before": "core-1.36"}


def kubeconform(objects: list[Object], core: str = "core") -> "subprocess.CompletedProcess[str]":
    """Strict, and a kind without a schema is an error: nothing is skipped."""
    places = (
        f"{core}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
        "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json",
    )
    schemas = [word for place in places for word in ("-schema-location", str(SCHEMAS / place))]
    return subprocess.run(
        [tool("kubeconform"), "-strict", "-summary", *schemas, "-"],
        input=yaml.safe_dump_all(objects),
        capture_output=True,
        text=True,
        check=False,
    )


def refusals(output: str) -> str:
    """kubeconform's lines, each with the files that it speaks of."""
    lines = []
    for line in output.splitlines():
        spoken_of = re.match(r"stdin - (\w+) (\S+) ", line)
        lines.append(f"{files_of('/'.join(spoken_of.groups()))}: kubeconform: {line}" if spoken_of else line)
    return "\n".join(lines)


def checkov(objects: list[Object], folder: Path) -> dict[str, list[dict[str, object]]]:
    """Checks by outcome. Rendered first: checkov's own kustomize runner skips in silence where a tool is missing."""
    file = folder / "rendered.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    done = subprocess.run(
        [tool("checkov"), "--framework", "kubernetes", "--skip-download", "-o", "json", "-f", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    results: dict[str, list[dict[str, object]]] = json.loads(done.stdout)["results"]
    return results


@pytest.mark.parametrize("core", KUBERNETES.values(), ids=KUBERNETES)
def test_every_object_fits_its_schema(objects: list[Object], policies: list[Object], core: str) -> None:
    done = kubeconform([*objects, *policies], core)

    assert done.returncode == 0, refusals(done.stdout)
    assert f"Valid: {len(objects) + len(policies)}, Invalid: 0, Errors: 0, Skipped: 0" in done.stdout


def test_both_minors_have_schemas_of_the_same_kinds() -> None:
    assert {path.name for path in (SCHEMAS / "core-1.36").iterdir()} == {
        path.name for path in (SCHEMAS / "core").iterdir()
    }


def test_a_kind_without_a_schema_is_an_error() -> None:
    done = kubeconform([{"apiVersion": "example.org/v1", "kind": "Unknown", "metadata": {"name": "x"}}])

    assert done.returncode != 0


@pytest.mark.slow
def test_checkov_passes_and_each_skip_has_a_reason(objects: list[Object], tmp_path: Path) -> None:
    results = checkov(objects, tmp_path)
    asked = [
        value
        for obj in objects
        for key, value in obj["metadata"].get("annotations", {}).items()
        if key.startswith("checkov.io/skip")
    ]

    assert [(check["check_id"], check["resource"]) for check in results["failed_checks"]] == []
    assert len(results["passed_checks"]) > 200, "checkov looked at too little"
    assert all(len(value.partition("=")[2]) > 30 for value in asked), "a skip says why"
    assert len(results["skipped_checks"]) == len(asked), "a skip that nothing needs is taken out"
