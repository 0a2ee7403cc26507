"""The two tools that know Kubernetes' own rules: kubeconform (schemas) and checkov (good practice)."""

from pathlib import Path

import pytest

from tests.manifests.object_checks import KUBERNETES, SCHEMAS, checkov, kubeconform, refusals
from tests.manifests.rendering import Object


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
