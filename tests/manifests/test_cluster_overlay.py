"""What `make e2e` installs is staging, but for what a test cluster cannot have."""

import re
import shutil
from pathlib import Path

from tests.manifests.rendering import ROOT, containers, copy_of_the_tree, label, named, of_kind, overlay, pods, render
from tests.manifests.rules import RULES
from tests.manifests.test_environments import paths

REPLACED = re.compile(
    r"""^(
      Deployment/brain\.spec\.template\.spec\.containers\.0\.image
    | Deployment/brain\..*\.configMapRef\.name
    | PodTemplate/agent(-tools)?\.template\.spec\.(containers|initContainers)\.0\.image
    | PodTemplate/agent(-tools)?\.template\.spec\.containers\.0\.env\.(GROQ_BASE|SEARCH)_URL\.(name|value)
    | StatefulSet/redis\.spec\.template\.spec\.containers\.0\.image
    | ConfigMap/brain-settings\.(metadata\.name | data\.(TELEGRAM|GROQ)_BASE_URL)
    | ConfigMap/agent-policy\.data\.(image | repository)\.(agent | brain | redis | runner)
    | ConfigMap/agent-policy\.data\.env\.(GROQ_BASE|SEARCH)_URL
    | NetworkPolicy/brain\.spec\.egress\.0\.to\.0\.ipBlock\.cidr
    | NetworkPolicy/(brain|agent)\.spec\.egress\.\d+\..*
    | (ExternalSecret|SecretStore|Secret)/.*
    )$""",
    re.VERBOSE,
)


def test_cluster_tests_run_staging_with_stand_ins_and_nothing_else() -> None:
    staging, tested = render(overlay("staging")), render(ROOT / "tests/e2e/overlay")
    before, after = paths(staging), paths(tested)

    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}

    assert sorted(path for path in changed if not REPLACED.match(path)) == []


def test_cluster_tests_run_the_images_of_the_work_tree_in_a_fork_too(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    shutil.copytree(ROOT / "tests/e2e/overlay", tree / "tests/e2e/overlay")
    facts = tree / "clusters/staging/environment.yaml"
    facts.write_text(
        re.sub(r"^registry: .*$", "registry: registry.example.com/you", facts.read_text(), flags=re.MULTILINE)
    )

    images = {
        container["image"] for _, pod in pods(render(tree / "tests/e2e/overlay")) for container in containers(pod)
    }

    assert images == {
        f"localhost/{name}:test" for name in ("openclaw-agent", "openclaw-brain", "openclaw-runner", "redis")
    }


def test_cluster_tests_add_one_egress_rule_and_the_models_address() -> None:
    staging, tested = render(overlay("staging")), render(ROOT / "tests/e2e/overlay")
    for name in ("brain", "agent"):
        before, after = (named(objects, "NetworkPolicy", name)["spec"]["egress"] for objects in (staging, tested))
        assert after[name == "brain" : len(before)] == before[name == "brain" :]
        assert len(after) == len(before) + 1
    for name in ("agent", "agent-tools"):
        before, after = (
            named(objects, "PodTemplate", name)["template"]["spec"]["containers"][0]["env"]
            for objects in (staging, tested)
        )
        assert after[: len(before)] == before
        added = ["GROQ_BASE_URL"] if name == "agent" else ["GROQ_BASE_URL", "SEARCH_URL"]
        assert [item["name"] for item in after[len(before) :]] == added


def test_cluster_tests_have_the_secrets_of_staging_with_the_same_keys() -> None:
    staging, tested = render(overlay("staging")), render(ROOT / "tests/e2e/overlay")
    wanted = {}
    for external in of_kind(staging, "ExternalSecret"):
        target = external["spec"]["target"]
        wanted[target["name"]] = set(
            target.get("template", {}).get("data") or (item["secretKey"] for item in external["spec"]["data"])
        )

    assert {obj["metadata"]["name"]: set(obj["data"]) for obj in of_kind(tested, "Secret")} == wanted
    assert {label(obj) for obj in tested} - {label(obj) for obj in staging} <= {f"Secret/{name}" for name in wanted} | {
        label(obj) for obj in of_kind(tested, "ConfigMap")
    }


def test_cluster_tests_keep_the_rules_that_do_not_speak_of_pins_and_secrets() -> None:
    tested = render(ROOT / "tests/e2e/overlay")
    exempt = {"images-are-pinned", "no-secret-is-in-git", "secrets-come-from-the-store"}
    exempt.add("single-addresses-are-the-api-servers")  # here the stand-ins' too, in the one rule that may differ

    assert [fault for name, check in RULES.items() if name not in exempt for fault in check(tested)] == []
