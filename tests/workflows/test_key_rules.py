"""Code that nobody has reviewed is refused beside a key, in each form in which it could come."""

import re

import pytest
import yaml

from tests.workflows.key_rules import MODEL_KEYS, UNREVIEWED, holds_a_key
from tests.workflows.rules import RULES
from tests.workflows.workflow_files import ALL, Workflow


def test_what_builds_or_installs_has_no_right_and_no_secret() -> None:
    """The other half of keys-meet-reviewed-code-alone: where nothing is held, nothing can be taken."""
    for workflow in ALL.values():
        for name, job in workflow.jobs.items():
            if any(re.search(r"\bmake |docker build", str(step.get("run"))) for step in job.get("steps", [])):
                held = holds_a_key(workflow, name) and (workflow.name, name) not in MODEL_KEYS
                assert not held, f"{workflow.name}: {name}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ref: main # what", "fetch-depth: 1 # what", "checks out what nobody has reviewed"),
        ("environment: answers # has", "name: answers # has", "must be in the environment"),
        ("      - run: make install\n      - env:\n          BASE", "      - run: make install\n        env: {KEY: \"${{ secrets.EVAL_GROQ_API_KEY }}\"}\n      - env:\n          BASE", "shows EVAL_GROQ_API_KEY to a step"),
        ("secrets.EVAL_GROQ_API_KEY", "secrets.AUTOMATION_APP_KEY", "shows AUTOMATION_APP_KEY to a step"),
        ('run: scripts/answers "$BASE" "$HEAD" answers', "run: make test", "runs `make test`"),
        ("    timeout-minutes: 60\n", "    timeout-minutes: 60\n    env: {A: b}\n", "shows more to all of its steps"),
        ("    environment: answers # has the key; its reviewers let a pull request spend it\n    permissions:\n", "    environment: answers\n    permissions:\n      packages: read\n", "has other rights"),
    ],
)  # fmt: skip
def test_a_model_key_that_more_than_its_step_could_see_is_refused(old: str, new: str, said: str) -> None:
    text = ALL["answers.yaml"].text
    changed = text.replace(old, new)

    assert changed != text
    assert said in "\n".join(RULES["a-model-key-is-seen-by-one-step"](Workflow("answers.yaml", changed)))


KEYED = """
permissions: {}
on: {schedule: [{cron: "0 0 * * *"}]}
jobs:
  job:
    runs-on: ubuntu-24.04
    %s
    steps:
      - uses: actions/checkout@x # v1
      - run: |
          %s
"""
KEYS = {
    "secret": "env: {KEY: '${{ secrets.KEY }}'}",
    "environment": "environment: automation",
    "identity": "permissions: {id-token: write}",
    "packages": "permissions: {packages: write}",
    "statuses": "permissions: {statuses: write}",
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "command",
    [
        "make install",
        "uv lock --upgrade",
        "git status && pip install x",
        "true | npx x",
        'git commit -m "$(python3 setup.py --version)"',
        "KEY=1 ./configure",
        "for a in b; do docker build .; done",
        "scripts/lock --upgrade",
        "scripts/pin",
        "go run x@latest",
        "bash -c 'pip install x'",
    ],
)
def test_code_of_others_beside_a_key_is_refused(key: str, command: str) -> None:
    faults = list(RULES["keys-meet-reviewed-code-alone"](Workflow("x.yaml", KEYED % (KEYS[key], command))))

    assert faults
    assert not list(
        RULES["keys-meet-reviewed-code-alone"](Workflow("x.yaml", KEYED % ("permissions: {contents: read}", command)))
    )


@pytest.mark.parametrize(
    "command",
    [
        "git fetch && gh pr list | tee x",
        'skopeo copy "oci-archive:${X%%/*}" y',
        "scripts/deliver push x y",
        "A=$(scripts/fact staging registry)",
        'for a in b c; do echo "$a"; done',
        "! git diff --quiet # pip install x",
    ],
)
def test_what_the_machine_has_may_run_beside_a_key(command: str) -> None:
    text = KEYED % (KEYS["environment"], command)

    assert list(RULES["keys-meet-reviewed-code-alone"](Workflow("x.yaml", text))) == []


def test_an_action_that_builds_and_code_of_a_pull_request_have_no_place_beside_a_key() -> None:
    text = KEYED % (KEYS["identity"], "git status")
    building = text.replace("actions/checkout@x # v1", "docker/build-push-action@x # v1")
    stranger = text.replace('{schedule: [{cron: "0 0 * * *"}]}', "[pull_request]")

    for wrong in (building, stranger):
        assert len(list(RULES["keys-meet-reviewed-code-alone"](Workflow("x.yaml", wrong)))) == 1


TREE = "the-tree-beside-a-key-is-reviewed"
PATCHES = """
permissions: {}
on: {schedule: [{cron: "0 0 * * *"}]}
jobs:
  job:
    environment: automation
    %s
    steps:
      - uses: actions/checkout@x # v1
      - uses: actions/download-artifact@x # v1
        with: {path: "${{ runner.temp }}/in"}
      - run: |
          %s
      - run: scripts/deliver propose a "b" "$RUNNER_TEMP/in/body.md" apps platform/x.yaml
"""
FILTERED = "git apply --include='apps/*' --include=platform/x.yaml \"$RUNNER_TEMP/in/change.patch\""


def tree_faults(script: str, job: str = "timeout-minutes: 5", old: str = "", new: str = "") -> list[str]:
    text = PATCHES % (job, script.replace("\n", "\n          "))
    assert old in text
    return list(RULES[TREE](Workflow("x.yaml", text.replace(old, new) if old else text)))


def test_a_patch_that_is_filtered_by_what_is_delivered_may_be_applied_beside_a_key() -> None:
    assert tree_faults(FILTERED) == []
    assert tree_faults(FILTERED.replace(" --include=p", " \\\n  --allow-empty --verbose --include=p")) == []


@pytest.mark.parametrize(
    "script",
    [
        'git apply "$RUNNER_TEMP/in/change.patch"',
        'git apply --allow-empty "$RUNNER_TEMP/in/change.patch"',
        FILTERED.replace("'apps/*'", "'*'"),
        FILTERED.replace("'apps/*'", "'a*'"),
        FILTERED.replace(" --include=platform/x.yaml", ""),
        FILTERED + " --include='scripts/*'",
        FILTERED + " --directory=scripts",
        FILTERED + " --unsafe-paths",
        FILTERED + ' && git apply "$RUNNER_TEMP/in/change.patch"',
        'git am "$RUNNER_TEMP/in/change.patch"',
        'patch="$RUNNER_TEMP/in/change.patch"; git -C . apply "$patch"',
        "git -c core.fsmonitor=./x status",
        "git checkout FETCH_HEAD",
        "git merge FETCH_HEAD",
        "git restore --source FETCH_HEAD .",
        "gh pr checkout 7",
        "gh run download 7",
        FILTERED + "\nscripts/infra plan staging",
        'echo "$RUNNER_TEMP/in" >>"$GITHUB_PATH"',
        'cat "$RUNNER_TEMP/in/env" >>"$GITHUB_ENV"',
        'cat "$RUNNER_TEMP/in/deliver" >scripts/deliver',
        'tee scripts/deliver <"$RUNNER_TEMP/in/deliver"',
    ],
)
def test_what_brings_unreviewed_files_into_the_tree_beside_a_key_is_refused(script: str) -> None:
    assert tree_faults(script), script
    assert tree_faults(script, old="environment: automation", new="permissions: {contents: read}") == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('with: {path: "${{ runner.temp }}/in"}', "with: {name: in}", "lays an artifact over the tree"),
        ('path: "${{ runner.temp }}/in"', "path: scripts", "lays an artifact over the tree"),
        ('path: "${{ runner.temp }}/in"', 'path: "${{ github.workspace }}"', "lays an artifact over the tree"),
        ("checkout@x # v1", "checkout@x # v1\n        with: {ref: \"${{ github.head_ref }}\"}", "checks out something else"),
        ("- uses: actions/checkout@x", "- uses: actions/github-script@x\n        with: {script: 'require(\"./apps/x\")'}\n      - uses: actions/checkout@x", "requires a module"),
        ("timeout-minutes: 5", "container: {image: debian}", "`container`"),
        ("timeout-minutes: 5", "defaults: {run: {working-directory: apps}}", "working-directory"),
        (" apps platform/x.yaml", " apps platform/x.yaml scripts", "what runs changes by a reviewed commit alone"),
        (" apps platform/x.yaml", " apps platform/x.yaml Makefile", "what runs changes by a reviewed commit alone"),
    ],
)  # fmt: skip
def test_other_ways_into_the_tree_beside_a_key_are_refused(old: str, new: str, said: str) -> None:
    assert any(said in fault for fault in tree_faults(FILTERED, old=old, new=new))


def test_jobs_that_plan_unreviewed_code_only_read() -> None:
    for workflow, name in UNREVIEWED:
        job = ALL[workflow].jobs[name]
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        assert "environment" not in job
        assert "openclaw-github-plan" in yaml.safe_dump(job)
