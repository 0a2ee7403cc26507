"""What every workflow must be, one function a rule: it gives its faults as sentences, none if all is well."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
RELEASE = "platform/openclaw/components/release/kustomization.yaml"
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
ON_MAIN = "github.ref == 'refs/heads/main'"


@dataclass(frozen=True)
class Workflow:
    name: str
    text: str

    @cached_property
    def body(self) -> dict[str, Any]:
        # YAML 1.1 reads the key `on` as true.
        return {("on" if key is True else str(key)): value for key, value in yaml.safe_load(self.text).items()}

    @property
    def events(self) -> dict[str, Any]:
        on = self.body["on"]
        return on if isinstance(on, dict) else dict.fromkeys([on] if isinstance(on, str) else on)

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        jobs: dict[str, dict[str, Any]] = self.body["jobs"]
        return jobs

    def steps(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for job, body in self.jobs.items():
            for step in body.get("steps", []):
                yield job, step


Rule = Callable[[Workflow], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    RULES[function.__name__.replace("_", "-")] = function
    return function


def workflows(root: Path = ROOT) -> list[Workflow]:
    folder = root / ".github/workflows"
    return [Workflow(path.name, path.read_text()) for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])]


def actions() -> dict[str, tuple[str, str]]:
    """The table of actions: name → version and commit."""
    lines = (Path(__file__).parent / "actions.txt").read_text().splitlines()
    return {name: (version, commit) for name, version, commit in (line.split() for line in lines if line[0] != "#")}


def needs_of(workflow: Workflow, job: str) -> Iterator[str]:
    """*job* and every job that must have run before it."""
    yield job
    needs = workflow.jobs[job].get("needs", [])
    for other in [needs] if isinstance(needs, str) else needs:
        yield from needs_of(workflow, other)


def conditions(workflow: Workflow, job: str) -> list[str]:
    """What must hold for *job* to run. A job with `always()` runs whatever became of those before it."""
    own = str(workflow.jobs[job].get("if", ""))
    earlier = [] if "always()" in own else [str(workflow.jobs[name].get("if", "")) for name in needs_of(workflow, job)]
    return [own, *earlier]


def _demanded(condition: str) -> str:
    """What *condition* asks for whatever else holds: nothing if it has alternatives, and nothing that stands in brackets."""
    inner = r"\([^()]*\)"
    while re.search(inner, condition):
        condition = re.sub(inner, "", condition)
    return "" if "||" in condition else condition


def _closed_to_forks(workflow: Workflow, job: str) -> bool:
    return "pull_request" not in workflow.events or any(
        SAME_REPOSITORY in condition or "github.event_name == 'push'" in condition
        for condition in map(_demanded, conditions(workflow, job))
    )


def _only_on_main(workflow: Workflow, job: str) -> bool:
    """Each event of the workflow is of main alone, or the job's condition says so."""
    pushes_to_main = set(workflow.events) == {"push"} and workflow.events["push"].get("branches") == ["main"]
    return pushes_to_main or any(ON_MAIN in _demanded(part) for part in conditions(workflow, job))


def _rights(job: dict[str, Any]) -> dict[str, str]:
    rights = job.get("permissions")
    return rights if isinstance(rights, dict) else {}


def _has_secrets(workflow: Workflow, job: dict[str, Any]) -> bool:
    """Whether *job*, or what the workflow gives to every job, names a secret in whatever form, or inherits them all."""
    given = yaml.safe_dump([job, workflow.body.get("env")], width=1000)
    return re.search(r"\$\{\{[^}]*\bsecrets\b|\bsecrets: inherit\b", given) is not None


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
        power = _has_secrets(workflow, job) or "write" in _rights(job).values() or "environment" in job
        if power and not _closed_to_forks(workflow, name):
            yield f"job {name} has a secret or a right to write, and a fork's pull request starts it"


@rule
def publishing_is_for_main(workflow: Workflow) -> Iterator[str]:
    for name, job in workflow.jobs.items():
        publishes = (
            "environment" in job
            or _rights(job).get("packages") == "write"
            or _rights(job).get("contents") == "write"
            or any("create-github-app-token" in str(step.get("uses")) for step in job.get("steps", []))
        )
        if publishes and not _only_on_main(workflow, name):
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


def _matches(pattern: str, path: str) -> bool:
    """GitHub's path filter: `*` stays within a folder, `**` does not."""
    parts = re.split(r"(\*\*/?|\*)", pattern)
    regex = "".join({"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(regex, path) is not None


def delivered(workflow: Workflow) -> Iterator[tuple[str, str, list[str]]]:
    """Job, push or propose, and the paths of each `scripts/deliver`."""
    for job, step in workflow.steps():
        for match in re.finditer(
            r'scripts/deliver (push|propose) (?:[\w-]+ )??"[^"]*"((?: [\w./-]+)+)$',
            str(step.get("run", "")),
            re.MULTILINE,
        ):
            paths = match[2].split()
            yield job, match[1], paths[1:] if match[1] == "propose" else paths


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
            if not filters or any(_matches(each, path) for each in filters):
                yield f"it delivers {path}, which starts it again"


@rule
def main_is_pushed_by_the_bump_alone(workflow: Workflow) -> Iterator[str]:
    for job, how, paths in delivered(workflow):
        if how == "push" and (workflow.name, job, paths) != ("images.yaml", "bump", [RELEASE]):
            yield f"job {job} pushes {' '.join(paths)} to main: only the bump may, and only {RELEASE}"
    if re.search(r"\bgit (push|commit)\b", workflow.text):
        yield "`git push` belongs into scripts/deliver, which refuses what nobody asked for"
