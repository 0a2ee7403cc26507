"""What docs/gitops.md tells an author to do, done command by command.

Each gives what stands there, a refusal within ten seconds, and at the end all is well.
"""

import os
import re
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.manifests.rendering import tool
from tests.refused.test_changes import ROOT, copy_of_the_tree
from tests.workspace import sources

PAGE = (ROOT / "docs/gitops.md").read_text()
REFUSED_S = 10
"""Of a processor: an author waits no longer for a refusal."""


@dataclass(frozen=True)
class Step:
    command: str
    output: list[str]


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def blocks(title: str, language: str) -> list[str]:
    """What stands between fences of that language."""
    found: list[tuple[str, list[str]]] = []
    inside = False
    for line in section(title).splitlines():
        if line.startswith("```"):
            inside = not inside
            if inside:
                found.append((line[3:], []))
        elif inside:
            found[-1][1].append(line)
    return ["\n".join(lines) + "\n" for name, lines in found if name == language]


def steps(title: str) -> list[Step]:
    found: list[Step] = []
    for block in blocks(title, ""):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:], []))
            else:
                found[-1].output.append(line)
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clone with one commit, in which commands run as an author types them."""
    tool("kustomize")
    made = copy_of_the_tree(tmp_path)
    as_documented(made)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    for command in (["add", "--all"], ["commit", "--quiet", "-m", "Begin"]):
        subprocess.run(["git", *who, *command], cwd=made, check=True, capture_output=True)
    return made


PROD = "platform/openclaw/overlays/prod"
DOCUMENTED = {
    f"{PROD}/kustomization.yaml": {r"RUNNING_CAP=\d+": "RUNNING_CAP=500", r"WARM_AGENTS=\d+": "WARM_AGENTS=4"},
    f"{PROD}/quota.yaml": {r"(jobs\.batch\s+value: ).*": r'\1"600"', r"(pods\s+value: ).*": r'\1"620"', r"(cpu\s+value: ).*": r'\1"14"', r"(memory\s+value: ).*": r"\g<1>108Gi"},
    "platform/openclaw/base/agent/podtemplate.yaml": {r"(cpu: )\w+": r"\g<1>20m", r"( memory: )\w+": r"\g<1>128Mi"},
    "platform/openclaw/base/redis/persistentvolumeclaim.yaml": {r"storage: \w+": "storage: 8Gi"},
    "platform/openclaw/base/config/roles.yaml": {r"(?ms)^  translator:\n.*?(?=^  \w|\Z)": ""},
    "platform/openclaw/base/kustomization.yaml": {r".*prompts/translator\.md\n": ""},
}  # fmt: skip
"""Where the walks of the docs begin. Who has walked one of them, and merged it, finds other values in the repository."""


def as_documented(tree: Path) -> None:
    for file, changes in DOCUMENTED.items():
        text = (tree / file).read_text()
        for pattern, value in changes.items():
            text = re.sub(pattern, value, text)
        (tree / file).write_text(text)
    (tree / "platform/openclaw/base/prompts/translator.md").unlink(missing_ok=True)


def run(tree: Path, command: str) -> "subprocess.CompletedProcess[str]":
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_", "MAKE"))}
    env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join([str(tree), *sources(tree)])}
    # Never installed anew: the environment is that of the work tree.
    command = re.sub(r"^make ", "make --no-print-directory --silent --old-file=.venv/.installed ", command)
    return subprocess.run(["bash", "-c", command], cwd=tree, env=env, capture_output=True, text=True, check=False)


def spent_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def said(line: str, text: str) -> bool:
    """Whether a line of the docs was printed. `…` stands for whatever was left out, and numbers are others as the platform grows."""
    pattern = re.sub(r"\d+", "0", line.rstrip("…"))
    return re.search(re.escape(pattern).replace(re.escape("…"), ".*"), re.sub(r"\d+", "0", text)) is not None


def walk(tree: Path, title: str) -> None:
    for step in steps(title):
        before = spent_s()
        done = run(tree, step.command)
        took_s = spent_s() - before
        text = done.stdout + done.stderr
        refusals = [line for line in step.output if line.startswith("fault") or re.match(r"[\w./-]+\.yaml:\d+: ", line)]
        assert (done.returncode != 0) == bool(refusals), f"{step.command}: {text}"
        for line in step.output:
            assert line == "…" or said(line, text), f"{step.command}: the docs say\n{line}\nand it said\n{text}"
        assert not refusals or took_s < REFUSED_S, f"{step.command}: a refusal after {took_s:.0f} s of a processor"


@pytest.mark.timeout(300)
def test_a_role_is_added_by_the_docs_and_nothing_turns_red(tree: Path) -> None:
    [entry], [prompt] = blocks("Add a role", "yaml"), blocks("Add a role", "markdown")
    roles = tree / "platform/openclaw/base/config/roles.yaml"
    roles.write_text(f"{roles.read_text()}\n{entry}")
    (tree / "platform/openclaw/base/prompts/translator.md").write_text(prompt)

    walk(tree, "Add a role")

    tests = "tests/core/test_roles.py tests/brain/routing/test_decide.py tests/brain/test_intake.py tests/cli/test_doctor.py tests/cli/test_roles_folder.py tests/manifests/test_environments.py"
    done = run(tree, f"{sys.executable} -m pytest -p no:cacheprovider -q -n 0 {tests}")
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("title", ["Change a limit", "Grow Redis' disk"])
def test_a_limit_is_raised_and_a_disk_grown_by_the_docs(title: str, tree: Path) -> None:
    walk(tree, title)

    done = run(
        tree,
        f"{sys.executable} -m pytest -p no:cacheprovider -q -n 0 tests/manifests/test_environments.py tests/manifests/test_policies.py",
    )
    assert done.returncode == 0, done.stdout[-3000:]


WRONG = {
    "a longer deadline than the policy allows": ("kustomization.yaml", r"TASKS_PER_JOB=\d+", "TASKS_PER_JOB=40", "make check-rules", "maxDeadlineSeconds"),
    "a setting that the brain refuses": ("kustomization.yaml", r"TASK_DEADLINE_S=\d+", "TASK_DEADLINE_S=9999", "make check-rules", "TASK_DEADLINE_S must be"),
    "a setting that nothing reads": ("kustomization.yaml", r"TASKS_PER_JOB=", "TASK_PER_JOB=", "make check-rules", "TASK_PER_JOB is no setting of the brain, which would go on without it: did you mean TASKS_PER_JOB?"),
    "a variable that no agent reads": ("agent/podtemplate.yaml", r"name: LOG_LEVEL", "name: LOG_LEVL", "make check-rules", "LOG_LEVL is no setting of the agent"),
    "a prompt that is not there": ("kustomization.yaml", r"prompts/coder.md", "prompts/codr.md", "make check-rules", "there is no file prompts/codr.md"),
    "a PodTemplate that is not there": ("config/roles.yaml", r"template: \w+", "template: large", "make check-roles", "there is no PodTemplate `large`"),
    "two roles with one emoji": ("config/roles.yaml", r"(?s)(emoji: )(\S+)(.*?emoji: )(\S+)", r"\1\2\3\2", "make check-roles", "is emoji of"),
    "more memory for Redis than it has": ("redis/redis.conf", r"maxmemory \w+", "maxmemory 8gb", "make check-rules", "raise the limit"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_change_is_told_in_seconds_with_file_line_and_what_to_do(wrong: str, tree: Path) -> None:
    file, pattern, new, command, words = WRONG[wrong]
    path = tree / "platform/openclaw/base" / file
    changed, times = re.subn(pattern, new, path.read_text(), count=1)
    assert times == 1
    path.write_text(changed)

    before = spent_s()
    done = run(tree, command)

    assert done.returncode != 0
    assert spent_s() - before < REFUSED_S
    lines = [line for line in dict.fromkeys(done.stdout.splitlines()) if words in line]
    assert lines, done.stdout + done.stderr
    assert all(re.search(r"platform/[\w./-]+\.(yaml|conf|md):\d+: ", line) for line in lines), lines
    assert "Traceback" not in done.stdout + done.stderr
