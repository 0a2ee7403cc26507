"""What kustomize and Helm refuse in words of their own, or take without a word, is told with file, line and what to do."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.manifests.rendering import copy_of_the_tree, named, overlay, render, tool
from tests.manifests.rules.sources import chart_faults, patch_faults
from tests.manifests.rules.unrendered import sentence

STAGING = "platform/openclaw/overlays/staging"
BASE = "platform/openclaw/base"
OWN = f"{STAGING}/kustomization.yaml"

UNRENDERED = {
    "a setting twice": (OWN, "- LOG_LEVEL=debug", "- LOG_LEVEL=debug\n      - LOG_LEVEL=info", f"{OWN}:27: ", "stands twice"),
    "a setting without a value": (OWN, "- LOG_LEVEL=debug", "- LOG_LEVEL", f"{OWN}:27: ", "LOG_LEVEL=VALUE"),
    "a field that is none": (OWN, "configMapGenerator", "configMapGeneratr", f"{OWN}:23: ", "correct its spelling"),
    "a resource that is not there": (f"{BASE}/kustomization.yaml", "podtemplate.yaml", "podtemplat.yaml", f"{BASE}/kustomization.yaml:7: ", "there is no file agent/podtemplat.yaml"),
    "a prompt that is not there": (f"{BASE}/kustomization.yaml", "coder.md", "codr.md", f"{BASE}/kustomization.yaml:", "there is no file prompts/codr.md"),
    "a folder that is not there": (OWN, "../../base", "../../bas", f"{OWN}:7: ", "correct the name"),
    "no YAML": (f"{BASE}/agent/podtemplate.yaml", "  name: agent\n", "  name: agent: x\n", f"{BASE}/agent/podtemplate.yaml:6: ", "no YAML"),
    "no YAML in the overlay": (OWN, "namespace: openclaw-staging", "namespace: [openclaw", f"{OWN}:", "no YAML"),
    "an object without a kind": (f"{BASE}/agent/serviceaccount.yaml", "kind: ServiceAccount", "knd: ServiceAccount", f"{BASE}/agent/serviceaccount.yaml:1: ", "no `kind`"),
    "an object twice": (f"{BASE}/kustomization.yaml", "  - redis/service.yaml\n", "  - redis/service.yaml\n  - redis/poddisruptionbudget.yaml\n", f"{BASE}/redis/poddisruptionbudget.yaml:1: ", "defined twice"),
    "a fact without its place": (f"{BASE}/secrets/secretstore.yaml", "      region", "      regn", "platform/openclaw/components/facts/kustomization.yaml:14: ", "spec.provider.aws.region"),
    "a place by position that moved": (f"{BASE}/network/brain.yaml", "  egress:\n", "  egress:\n    - to: [{podSelector: {}}]\n", "platform/openclaw/components/facts/kustomization.yaml:10: ", "positions count from 0"),
    "a merge without behavior": (OWN, "    behavior: merge\n", "", f"{OWN}:24: ", "write `behavior: merge`"),
    "a merge into nothing": (OWN, "name: brain-settings", "name: brain-setings", f"{OWN}:24: ", "there is no ConfigMap brain-setings"),
    "a patch of nobody": (f"{STAGING}/agent-log-level.yaml", "  name: agent\n", "  name: agnt\n", f"{STAGING}/agent-log-level.yaml:5: ", "there is no PodTemplate agnt"),
    "a patch that is no YAML": (f"{STAGING}/agent-log-level.yaml", "  name: agent\n", "\tname: agent\n", f"{STAGING}/agent-log-level.yaml:1: ", "cannot be read"),
    "a patch by position": (OWN, "patches:\n", "patches:\n  - target: {kind: PodTemplate, name: agent}\n    patch: |\n      - op: test\n        path: /template/spec/containers/0/env/0/name\n        value: X\n", f"{OWN}:", "write the patch as a merge by names"),
    "a removal of nothing": (OWN, "patches:\n", "patches:\n  - target: {kind: PodTemplate, name: agent}\n    patch: |\n      - op: remove\n        path: /template/spec/nodeName\n", f"{OWN}:", "there is nothing at /template/spec/nodeName"),
}  # fmt: skip


def changed(tmp_path: Path, file: str, old: str, new: str) -> Path:
    root = copy_of_the_tree(tmp_path)
    text = (root / file).read_text()
    assert old in text, f"{file} no longer holds {old}"
    (root / file).write_text(text.replace(old, new, 1))
    return root


@pytest.mark.parametrize("case", UNRENDERED)
def test_what_does_not_render_is_told_with_file_line_and_what_to_do(case: str, tmp_path: Path) -> None:
    file, old, new, place, words = UNRENDERED[case]
    root = changed(tmp_path, file, old, new)
    done = subprocess.run(
        [tool("kustomize"), "build", str(root / STAGING)], capture_output=True, text=True, check=False
    )

    said = sentence(done.stderr, "staging", root)

    assert done.returncode != 0
    assert said.startswith(place), said
    assert re.match(r"[\w./-]+:\d+: ", said)
    assert words in said
    assert "accumulat" not in said


def test_words_that_nobody_has_seen_yet_still_name_the_overlay_and_the_cause() -> None:
    said = sentence(
        "Error: accumulating resources: accumulation err='a': recursed accumulation of path '/x': odd", "prod"
    )

    assert said.startswith("platform/openclaw/overlays/prod/kustomization.yaml:1: ")
    assert "kustomize says: odd." in said
    assert "scripts/render prod" in said


def test_another_variable_of_agents_moves_no_overlays_patch(tmp_path: Path) -> None:
    """`HTTPS_PROXY` before all others, and the log level of the overlay still is the log level."""
    first = "          - name: LOG_LEVEL\n"
    root = changed(
        tmp_path,
        f"{BASE}/agent/podtemplate.yaml",
        first,
        "          - name: HTTPS_PROXY\n            value: http://p\n" + first,
    )

    template = named(render(root / STAGING), "PodTemplate", "agent")
    env = {entry["name"]: entry["value"] for entry in template["template"]["spec"]["containers"][0]["env"]}

    assert (env["HTTPS_PROXY"], env["LOG_LEVEL"]) == ("http://p", "debug")


def test_a_patch_that_selects_nothing_is_told(tmp_path: Path) -> None:
    root = changed(
        tmp_path,
        "platform/openclaw/overlays/prod/kustomization.yaml",
        "kind: ResourceQuota, name: openclaw",
        "kind: ResourceQuota, name: opnclaw",
    )

    [fault] = patch_faults("prod", render(root / "platform/openclaw/overlays/prod"), root)

    assert re.match(r"platform/openclaw/overlays/prod/kustomization\.yaml:\d+: patch-without-a-target: ", fault)


def test_a_replacement_of_what_is_not_there_is_told(tmp_path: Path) -> None:
    quota = "platform/openclaw/overlays/prod/quota.yaml"
    root = changed(tmp_path, quota, "/spec/hard/requests.cpu", "/spec/hard/requests.cpuu")

    [fault] = patch_faults("prod", render(root / "platform/openclaw/overlays/prod"), root)

    assert re.match(rf"{quota}:\d+: patch-of-nothing: /spec/hard/requests.cpuu is not in ", fault)


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_patches_and_values_that_are_committed_are_right(environment: str) -> None:
    assert list(patch_faults(environment, render(overlay(environment)))) == []
    assert [fault for fault in chart_faults(environment) if "--write-keys" not in fault] == []


def test_a_misspelt_value_of_a_chart_is_told_by_the_quick_check(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/schemas").symlink_to(Path("tests/schemas").resolve())
    file = "platform/cluster-autoscaler/values.yaml"
    root = changed(tmp_path, file, "cloudProvider", "cloudProvder")

    [fault] = chart_faults("staging", root)

    assert re.match(rf"{file}:\d+: charts-know-our-values: .*did you mean cloudProvider\?", fault)


def test_a_chart_version_that_nobody_has_looked_at_is_told(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/schemas").symlink_to(Path("tests/schemas").resolve())
    file = "clusters/base/apps/metrics-server.yaml"
    version = re.search(r"targetRevision: (3\.\d+\.\d+)", Path(file).read_text())
    assert version
    root = changed(tmp_path, file, version[0], "targetRevision: 3.99.0")

    [fault] = chart_faults("staging", root)

    assert re.match(rf"{file}:\d+: charts-know-our-values: .*3\.99\.0.*--write-keys", fault)
