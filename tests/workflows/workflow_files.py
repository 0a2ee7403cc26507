"""The workflows as rules read them: jobs, steps, conditions, rights, and what is delivered."""

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


class Rules(dict[str, Rule]):
    """Rules by name."""

    def rule(self, function: Rule) -> Rule:
        self[function.__name__.replace("_", "-")] = function
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


def closed_to_forks(workflow: Workflow, job: str) -> bool:
    return "pull_request" not in workflow.events or any(
        SAME_REPOSITORY in condition or "github.event_name == 'push'" in condition
        for condition in map(_demanded, conditions(workflow, job))
    )


def only_on_main(workflow: Workflow, job: str) -> bool:
    """Each event of the workflow is of main alone, or the job's condition says so."""
    pushes_to_main = set(workflow.events) == {"push"} and workflow.events["push"].get("branches") == ["main"]
    return pushes_to_main or any(ON_MAIN in _demanded(part) for part in conditions(workflow, job))


def rights_of(job: dict[str, Any]) -> dict[str, str]:
    rights = job.get("permissions")
    return rights if isinstance(rights, dict) else {}


def has_secrets(workflow: Workflow, job: dict[str, Any]) -> bool:
    """Whether *job*, or what the workflow gives to every job, names a secret in whatever form, or inherits them all."""
    given = yaml.safe_dump([job, workflow.body.get("env")], width=1000)
    return re.search(r"\$\{\{[^}]*\bsecrets\b|\bsecrets: inherit\b", given) is not None


def path_matches(pattern: str, path: str) -> bool:
    """GitHub's path filter: `*` stays within a folder, `**` does not."""
    parts = re.split(r"(\*\*/?|\*)", pattern)
    regex = "".join({"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(regex, path) is not None


def delivered(workflow: Workflow) -> Iterator[tuple[str, str, list[str]]]:
    """Job, push or propose, and the paths of each `scripts/deliver`."""
    for job, step in workflow.steps():
        for match in re.finditer(
            r'scripts/deliver (push|propose) (?:[\w-]+ )??"[^"]*"((?: "?[\w./$-]+"?)+)$',
            str(step.get("run", "")),
            re.MULTILINE,
        ):
            paths = match[2].split()
            yield job, match[1], paths[1:] if match[1] == "propose" else paths


ALL = {workflow.name: workflow for workflow in workflows()}
