"""What every workflow must be, one function a rule: it gives its faults as sentences, none if all is well."""

import re
from collections.abc import Iterator

from tests.workflows.key_rules import KEY_RULES, MODEL_KEYS
from tests.workflows.workflow_files import (
    RELEASE,
    Rules,
    Workflow,
    actions,
    closed_to_forks,
    delivered,
    has_secrets,
    only_on_main,
    path_matches,
    rights_of,
)

RULES = Rules(KEY_RULES)
rule = RULES.rule


@rule
def actions_are_pinned(workflow: Workflow) -> Iterator[str]:
    known = actions()
    for line in re.findall(r"^\s*-?\s*uses:.*$", workflow.text, re.MULTILINE):
        match = re.fullmatch(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (v[\d.]+)", line.strip().removeprefix("- "))
        if not match:
            yield f"`{line.strip()}` is not pinned by a commit with its version beside it"
        elif known.get(match[1]) != (match[3], match[2]):
            yield f"{match[1]} {match[3]} at {match[2][:12]} is not in tests/workflows/actions.txt"


@rule
def rights_are_given_job_by_job(workflow: Workflow) -> Iterator[str]:
    if workflow.body.get("permissions") != {}:
        yield "needs `permissions: {}` at its top"
    for name, job in workflow.jobs.items():
        if not isinstance(job.get("permissions"), dict):
            yield f"job {name} must list each right that it needs"


@rule
def jobs_end_by_themselves(workflow: Workflow) -> Iterator[str]:
    for name, job in workflow.jobs.items():
        if not 0 < job.get("timeout-minutes", 0) <= 120:
            yield f"job {name} needs timeout-minutes, 120 at most"
        if job.get("runs-on") != "ubuntu-24.04":
            yield f"job {name} must run on ubuntu-24.04, not on whatever is newest"


@rule
def forks_reach_no_secret_and_no_right_to_write(workflow: Workflow) -> Iterator[str]:
    for event in workflow.events.keys() & {"pull_request_target", "workflow_run", "issue_comment"}:
        yield f"{event} runs with our rights on what a stranger wrote"
    for name, job in workflow.jobs.items():
        power = has_secrets(workflow, job) or "write" in rights_of(job).values() or "environment" in job
        if power and not closed_to_forks(workflow, name):
            yield f"job {name} has a secret or a right to write, and a fork's pull request starts it"


@rule
def publishing_is_for_main(workflow: Workflow) -> Iterator[str]:
    for name, job in workflow.jobs.items():
        publishes = (
            ("environment" in job and (workflow.name, name) not in MODEL_KEYS)
            or rights_of(job).get("packages") == "write"
            or rights_of(job).get("contents") == "write"
            or any("create-github-app-token" in str(step.get("uses")) for step in job.get("steps", []))
        )
        if publishes and not only_on_main(workflow, name):
            yield f"job {name} publishes, so it must run on main alone"


@rule
def checkouts_keep_no_credentials(workflow: Workflow) -> Iterator[str]:
    for job, step in workflow.steps():
        if (
            "actions/checkout@" in str(step.get("uses"))
            and step.get("with", {}).get("persist-credentials") is not False
        ):
            yield f"job {job}: checkout needs persist-credentials: false"


@rule
def no_workflow_reaches_a_cluster(workflow: Workflow) -> Iterator[str]:
    throw_away = any("helm/kind-action@" in str(step.get("uses")) for _, step in workflow.steps())
    for word in ("KUBECONFIG", "kubectl", "argocd ", "update-kubeconfig", "helm "):
        if word in workflow.text and not throw_away:
            yield f"`{word.strip()}` has no place here: clusters follow Git, and report by commit statuses"


@rule
def a_step_fails_with_any_part_of_its_pipes(workflow: Workflow) -> Iterator[str]:
    """GitHub's own default is bash without pipefail: `plan | tee` would be green whatever becomes of the plan."""
    default = workflow.body.get("defaults", {}).get("run", {}).get("shell")
    for job, step in workflow.steps():
        if "run" in step and step.get("shell", default) != "bash":
            yield f"job {job}: `{str(step['run']).splitlines()[0]}` … needs `defaults: run: shell: bash` at the workflow's top"


@rule
def decisions_are_scripts(workflow: Workflow) -> Iterator[str]:
    """So that they run the same on a laptop, and have tests."""
    for job, step in workflow.steps():
        lines = [line for line in str(step.get("run", "")).splitlines() if line.strip()]
        if len(lines) > 6 or any(re.match(r"\s*(if|case|while)\b", line) for line in lines):
            yield f"job {job}: `{lines[0].strip()}` … decides or does too much for a step: make it a script"
        if any("${{" in line for line in lines):
            yield f"job {job}: `{lines[0].strip()}` … takes an expression into the shell: pass it by env"


@rule
def what_it_delivers_does_not_start_it_again(workflow: Workflow) -> Iterator[str]:
    calls = list(delivered(workflow))
    if workflow.text.count("scripts/deliver ") != len(calls):
        yield "a call of scripts/deliver is not of the form that this rule can read"
    if not calls or "push" not in workflow.events:
        return
    filters = workflow.events["push"].get("paths")
    for _, _, paths in calls:
        for path in paths:
            if not filters or any(path_matches(each, path) for each in filters):
                yield f"it delivers {path}, which starts it again"


@rule
def main_is_pushed_by_the_bump_alone(workflow: Workflow) -> Iterator[str]:
    for job, how, paths in delivered(workflow):
        if how == "push" and (workflow.name, job, paths) != ("images.yaml", "bump", [RELEASE]):
            yield f"job {job} pushes {' '.join(paths)} to main: only the bump may, and only {RELEASE}"
    if re.search(r"\bgit (push|commit)\b", workflow.text):
        yield "`git push` belongs into scripts/deliver, which refuses what nobody asked for"
