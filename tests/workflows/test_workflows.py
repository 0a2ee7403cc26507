"""Every workflow keeps every rule; what they build on is what the scripts say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from openclaw_gitops.pins import _IMAGE_FILES
from openclaw_gitops.release import BUILT_PATHS
from tests.workflows.rules import RULES
from tests.workflows.workflow_files import ALL, ROOT, Workflow, actions, delivered, path_matches


@pytest.mark.parametrize("rule", RULES)
def test_every_workflow_keeps_the_rule(rule: str) -> None:
    faults = [f".github/workflows/{each.name}: {rule}: {fault}" for each in ALL.values() for fault in RULES[rule](each)]

    assert not faults, "\n".join(faults)


def test_the_workflows_that_the_platform_needs_are_there() -> None:
    names = (
        "ci",
        "manifests",
        "diff",
        "terraform",
        "images",
        "promote",
        "e2e",
        "drift",
        "dependencies",
        "scorecard",
        "smoke",
        "ends",
        "answers",
        "canaries",
    )

    assert {f"{name}.yaml" for name in names} <= ALL.keys()


def test_every_action_of_the_table_is_used() -> None:
    used = {name for name in actions() if any(f"uses: {name}@" in each.text for each in ALL.values())}

    assert used == set(actions())


def test_one_job_sums_up_every_other_job_of_ci() -> None:
    jobs = ALL["ci.yaml"].jobs

    assert set(jobs["success"]["needs"]) == set(jobs) - {"success"}
    assert jobs["success"]["if"] == "always()"


def test_ci_runs_on_every_supported_python() -> None:
    oldest = re.search(r'requires-python = ">=3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert oldest

    versions = ALL["ci.yaml"].jobs["test"]["strategy"]["matrix"]["python"]

    assert versions == [f"3.{minor}" for minor in range(int(oldest[1]), 15)]


def test_images_are_built_from_what_promotion_compares() -> None:
    paths = ALL["images.yaml"].events["push"]["paths"]

    assert sorted(paths) == sorted(f"{folder}**" for folder in BUILT_PATHS)


def test_a_bump_starts_where_the_bump_before_it_ended() -> None:
    """From the commit that was built, the second of two builds in a row would meet the first one's bump in the same lines."""
    [checkout] = [
        step for step in ALL["images.yaml"].jobs["bump"]["steps"] if "actions/checkout@" in str(step.get("uses"))
    ]

    assert checkout["with"]["ref"] == "main"


def test_a_smoke_run_is_not_replaced_by_one_that_will_be_skipped() -> None:
    """Of the runs that wait in a group, GitHub keeps the newest. Every status starts one, and few of them ask anything."""
    smoke = ALL["smoke.yaml"]

    assert "concurrency" not in smoke.body
    assert smoke.jobs["smoke"]["concurrency"] == {"group": "smoke", "cancel-in-progress": False}
    assert "commit" in smoke.events["workflow_dispatch"]["inputs"], (
        "a commit whose run was lost must get its status by hand"
    )


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("github.ref == 'refs/heads/main'", True),
        ("github.ref == 'refs/heads/main' && (a || (b && c))", True),
        ("github.ref == 'refs/heads/main' || a", False),
        ("a && (github.ref == 'refs/heads/main' || b)", False),
    ],
)
def test_a_condition_with_a_way_round_it_demands_nothing(condition: str, holds: bool) -> None:
    text = ALL["promote.yaml"].text
    for job in ALL["promote.yaml"].jobs.values():
        text = text.replace(job["if"], condition)

    assert (not list(RULES["publishing-is-for-main"](Workflow("promote.yaml", text)))) is holds


def test_the_throw_away_cluster_is_the_one_that_is_tested() -> None:
    """scripts/e2e wants a KUBECONFIG by name. kind writes where that says, if it says so before the cluster is made."""
    job = ALL["e2e.yaml"].jobs["e2e"]

    assert job["env"]["KUBECONFIG"].startswith("/")
    assert not [step for step in job["steps"] if "KUBECONFIG" in str(step)]


def test_merging_a_promotion_starts_neither_a_build_nor_a_promotion() -> None:
    [(_, how, paths)] = delivered(ALL["promote.yaml"])
    filters = ALL["images.yaml"].events["push"]["paths"]

    assert how == "propose"
    assert "push" not in ALL["promote.yaml"].events
    assert not any(path_matches(each, f"{path}/apps/openclaw.yaml") for path in paths for each in filters)


def test_terraform_is_the_one_that_the_checks_run_with() -> None:
    versions = {
        step["with"]["terraform_version"]
        for each in ALL.values()
        for _, step in each.steps()
        if "setup-terraform" in str(step.get("uses"))
    }

    assert len(versions) == 1


def test_only_a_job_in_an_environment_may_apply() -> None:
    jobs = ALL["terraform.yaml"].jobs
    text = {name: yaml.safe_dump(job) for name, job in jobs.items()}

    assert [name for name in jobs if "openclaw-github-apply" in text[name]] == ["apply"]
    [role] = [
        step["with"]["role-to-assume"] for step in jobs["apply"]["steps"] if "role-to-assume" in step.get("with", {})
    ]
    assert role.endswith(":role/openclaw-github-apply-${{ matrix.environment }}")
    assert jobs["apply"]["environment"] == "${{ matrix.environment }}"
    for name in ("drift.yaml", "terraform.yaml"):
        readers = [job for job in ALL[name].jobs.values() if "openclaw-github-plan" in yaml.safe_dump(job)]
        assert readers
        assert all("environment" not in job for job in readers)


def test_an_image_is_signed_after_its_scan_and_its_smoke_test() -> None:
    steps = [str(step.get("uses") or step.get("run")) for _, step in ALL["images.yaml"].steps()]
    order = [next(n for n, step in enumerate(steps) if what in step) for what in ("build-push", "image-smoke", "scan-action", "skopeo copy --all", "verify-images", "deliver")]  # fmt: skip

    assert order == sorted(order)
    jobs = ALL["images.yaml"].jobs
    assert [jobs[name]["needs"] for name in ("publish", "release", "bump")] == ["build", "publish", "release"]


def test_an_image_is_for_both_architectures_with_its_origin_its_content_and_a_gate() -> None:
    steps = ALL["images.yaml"].jobs["build"]["steps"]
    built, scanned = (next(step["with"] for step in steps if f"/{name}@" in str(step.get("uses"))) for name in ("build-push-action", "scan-action"))  # fmt: skip
    [signed] = [step for _, step in ALL["images.yaml"].steps() if "cosign sign" in str(step.get("run"))]
    pushed, signature = str(signed["run"]).splitlines()[1:]

    assert built["platforms"] == "linux/amd64,linux/arm64"
    assert built["outputs"].startswith("type=oci,")  # to a file: who builds may not push
    assert (built["sbom"], built["provenance"]) == (True, "mode=max")
    assert (scanned["fail-build"], scanned["severity-cutoff"]) == (True, "high")
    # The bytes that were scanned, and signed by the digest that the push gave: a tag could name another image by then.
    assert "--all --preserve-digests --digestfile" in pushed
    assert signature == 'cosign sign --yes "$IMAGE@$(cat "digests/$APP")"'


def test_a_required_job_sums_up_what_judges_answers() -> None:
    jobs = ALL["answers.yaml"].jobs

    assert set(jobs["verdict"]["needs"]) == set(jobs) - {"verdict", "comment"}
    assert jobs["verdict"]["if"] == "always()"


def test_no_workflow_names_a_registry() -> None:
    """It stands in environment.yaml, from which the workflow that pushes takes it."""
    registry = yaml.safe_load((ROOT / "clusters/staging/environment.yaml").read_text())["registry"]

    assert [name for name, each in ALL.items() if registry.partition("/")[0] in each.text] == []


def test_prod_takes_its_images_from_where_staging_s_are_pushed() -> None:
    facts = [yaml.safe_load((ROOT / f"clusters/{env}/environment.yaml").read_text()) for env in ("staging", "prod")]

    assert facts[0]["registry"] == facts[1]["registry"], "images are pushed once, to staging's registry"


def test_ci_tries_the_oldest_and_the_newest_libraries() -> None:
    jobs = ALL["ci.yaml"].jobs
    ran = {name: [step["run"] for step in jobs[name]["steps"] if "run" in step] for name in ("oldest", "newest")}

    prometheus = "sudo apt-get update && sudo apt-get install --yes --no-install-recommends prometheus"
    assert ran["oldest"] == [prometheus, "make test-oldest"]
    assert ran["newest"] == ["make install", "make lock ARGS=--upgrade", prometheus, "make test"]


def test_ci_tries_the_store_on_the_oldest_redis() -> None:
    """Ubuntu 24.04 has Redis 7.0. Where the variable is set, a server that is not that fails the tests."""
    steps = ALL["ci.yaml"].jobs["test"]["steps"]
    [install] = [n for n, step in enumerate(steps) if "redis-server" in str(step.get("run"))]
    [test] = [n for n, step in enumerate(steps) if step.get("run") == "make test"]

    assert install < test
    assert steps[test]["env"] == {"OPENCLAW_OLDEST_REDIS": "/usr/bin/redis-server"}
    assert ALL["ci.yaml"].jobs["test"]["runs-on"] == "ubuntu-24.04"


@pytest.mark.parametrize("where", [None, "/usr/bin/false"])
def test_without_the_oldest_redis_its_tests_are_skipped_by_name(where: str | None, tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    env |= {"PATH": str(tmp_path), "OPENCLAW_OLDEST_REDIS": where or ""}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "oldest",
        "tests/core/test_store_topics.py",
    ]

    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    said = done.stdout + done.stderr
    if where:
        assert done.returncode != 0
        assert "is no redis-server of version 7.0" in said
    else:
        assert re.search(r"\*\*\* \d+ tests SKIPPED: the oldest supported Redis, 7\.0, is not here", said), said


@pytest.mark.parametrize("secret", ["secrets.X", "secrets['X']", "toJSON(secrets)"])
@pytest.mark.parametrize("where", ["step", "workflow"])
def test_a_secret_is_seen_in_whatever_form(secret: str, where: str) -> None:
    text, env = ALL["manifests.yaml"].text, '{ KEY: "${{ ' + secret + ' }}" }'
    given = {
        "step": text.replace("- run: make check-manifests", f"- env: {env}\n        run: make check-manifests"),
        "workflow": text.replace("permissions: {}\n", f"permissions: {{}}\nenv: {env}\n"),
    }[where]

    faults = list(RULES["forks-reach-no-secret-and-no-right-to-write"](Workflow("manifests.yaml", given)))

    assert faults
    assert all("a fork's pull request starts it" in fault for fault in faults)


def test_locks_and_pins_may_change_wherever_pins_stand() -> None:
    [(_, _, paths)] = delivered(ALL["dependencies.yaml"])

    assert {pattern.partition("/")[0] for pattern in _IMAGE_FILES} <= set(paths)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("apps/**", "apps/brain/src/x.py", True),
        ("apps/**", "platform/apps/x", False),
        ("clusters/*/environment.yaml", "clusters/prod/environment.yaml", True),
        ("clusters/*/environment.yaml", "clusters/prod/apps/environment.yaml", False),
        ("**/x.yaml", "x.yaml", True),
    ],
)
def test_path_filters_are_read_as_github_reads_them(pattern: str, path: str, matches: bool) -> None:
    assert path_matches(pattern, path) is matches


def test_a_loop_is_seen() -> None:
    images = ALL["images.yaml"]
    wider = Workflow("images.yaml", images.text.replace("      - apps/**", "      - platform/**"))

    [fault] = RULES["what-it-delivers-does-not-start-it-again"](wider)

    assert "starts it again" in fault


def test_renovate_waits_groups_and_moves_the_table_with_the_workflows() -> None:
    config = json.loads((ROOT / ".github/renovate.json").read_text())

    assert config["minimumReleaseAge"] == "7 days"
    assert config["automerge"] is False
    assert all("groupName" in rule for rule in config["packageRules"])
    assert {each for rule in config["packageRules"] for each in rule["matchManagers"]} == set(config["enabledManagers"])
    patterns = [pattern.strip("/") for pattern in config["kubernetes"]["managerFilePatterns"]]
    for file in (ROOT / "platform").rglob("*.yaml"):
        if re.search(r"^\s+(- )?image: ", file.read_text(), re.MULTILINE):
            assert any(re.search(pattern, file.relative_to(ROOT).as_posix()) for pattern in patterns), file
    [table] = [
        manager
        for manager in config["customManagers"]
        if manager["managerFilePatterns"] == ["/^tests/workflows/actions\\.txt$/"]
    ]
    # Renovate's expressions are JavaScript's, and match over the whole file.
    pattern = re.compile(table["matchStrings"][0].replace("(?<", "(?P<"))
    found = [match["depName"] for match in pattern.finditer((ROOT / "tests/workflows/actions.txt").read_text())]
    assert found == ["/".join(name.split("/")[:2]) for name in actions()]
