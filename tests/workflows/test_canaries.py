"""From the bot's answer to the pull request: the scripts of the workflow `canaries`, one after the other, on a clone with a remote."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from openclaw_gitops.canary_change import BASE, KUSTOMIZATION, PROMPTS, ROLES
from tests.workflows.commands import git, run
from tests.workflows.workflow_files import ROOT, workflows

NEXT = "You write code, and you say first what it does.\n"
[WORKFLOW] = [one for one in workflows() if one.name == "canaries.yaml"]


def digest(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()[:16]


@pytest.fixture
def trying(checkout: Path) -> Path:
    """A clone whose coder tries a prompt, as its remote does."""
    shutil.copytree(ROOT / BASE, checkout / BASE, dirs_exist_ok=True)
    (checkout / PROMPTS / "coder-next.md").write_text(NEXT)
    for file, line, more in (
        (ROLES, "    prompt: coder.md\n", "    canary: {prompt: coder-next.md, percent: 5}\n"),
        (KUSTOMIZATION, "      - prompts/coder.md\n", "      - prompts/coder-next.md\n"),
    ):
        text = (checkout / file).read_text()
        assert line in text
        (checkout / file).write_text(text.replace(line, line + more))
    (checkout / ".venv").symlink_to(ROOT / ".venv")
    (checkout / ".git/info/exclude").write_text("scripts\n.venv\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "Try a prompt")
    git(checkout, "push", "--quiet", "origin", "main")
    return checkout


def answer(state: str, *, harmed: int = 8) -> str:
    own = (ROOT / PROMPTS / "coder.md").read_text()
    figures = "answered=0 took_ms=0 priced=0 micro_usd=0"
    return (
        f"Prompts that are tried, by digest:\ncanaries: 1\ncoder {state} tried={digest(NEXT)} own={digest(own)}\n"
        f"tried: runs=8 harmed={harmed} {figures}\nown: runs=160 harmed=4 {figures}\n"
    )


def step(job: str, word: str) -> str:
    """The line of the workflow that runs *word*."""
    scripts = "\n".join(str(one.get("run", "")) for name, one in WORKFLOW.steps() if name == job)
    [line] = [line for line in scripts.splitlines() if word in line]
    return line


def proposed(trying: Path, gh: dict[str, str], temp: Path, said: str, *, open_already: str = "") -> str:
    """Run the jobs `change` and `propose`; the title."""
    git(trying, "switch", "--quiet", "--force-create", "main", "origin/main")
    shutil.rmtree(temp, ignore_errors=True)
    (temp / "canaries").mkdir(parents=True)
    (temp / "canaries/answer.txt").write_text(said)
    env = gh | {"RUNNER_TEMP": str(temp), "GH_OPEN": open_already}
    # `scripts/gitops` goes to the folder that it stands in, so the module is called as it calls it.
    change = step("change", "scripts/canary-change").replace(
        "scripts/canary-change", ".venv/bin/python -m openclaw_gitops canary-change"
    )
    for line in (change, step("change", "git diff"), "git checkout --quiet .", step("propose", "git apply")):
        done = run(["bash", "-ec", line], trying, env)
        assert done.returncode == 0, done.stderr
    title = (temp / "proposal/title.txt").read_text()
    done = run(["bash", "-ec", step("propose", "scripts/deliver")], trying, env | {"TITLE": title})
    assert done.returncode == 0, done.stderr
    git(trying, "fetch", "--quiet", "origin")
    return title


def calls(gh: dict[str, str]) -> list[str]:
    return [
        line for line in Path(gh["GH_LOG"]).read_text().splitlines() if line.startswith("pr ") and "pr list" not in line
    ]


def test_a_bad_canary_becomes_one_pull_request_that_takes_it_away(
    trying: Path, gh: dict[str, str], tmp_path: Path
) -> None:
    title = proposed(trying, gh, tmp_path / "temp", answer("ended"))

    assert title == "roles: take away the tried prompt of coder, which did harm"
    changed = git(trying, "diff", "--name-status", "origin/main", "origin/canaries").split("\n")
    assert changed == [f"M\t{ROLES}", f"M\t{KUSTOMIZATION}", f"D\t{PROMPTS}/coder-next.md"]
    assert git(trying, "show", f"origin/canaries:{ROLES}") == (ROOT / ROLES).read_text().strip()
    assert git(trying, "log", "-1", "--format=%s", "origin/canaries") == title
    [opened] = calls(gh)
    assert re.match(r"pr create --head canaries .*--title roles: take away", opened)
    assert "8 (100.0 %)" in (tmp_path / "temp/proposal/body.md").read_text()


def test_the_next_run_updates_the_same_pull_request(trying: Path, gh: dict[str, str], tmp_path: Path) -> None:
    proposed(trying, gh, tmp_path / "temp", answer("ended"))
    tip = git(trying, "rev-parse", "origin/canaries")
    proposed(trying, gh, tmp_path / "temp", answer("ended", harmed=7), open_already="7")

    assert git(trying, "rev-parse", "origin/canaries") == tip, "a push would start its checks again"
    assert [call.split()[1] for call in calls(gh)] == ["create", "edit"]


def test_a_good_one_is_proposed_as_the_roles_own(trying: Path, gh: dict[str, str], tmp_path: Path) -> None:
    title = proposed(trying, gh, tmp_path / "temp", answer("good"))

    assert title == "roles: make the tried prompt of coder its own"
    assert git(trying, "show", f"origin/canaries:{PROMPTS}/coder.md") == NEXT.strip()


def test_after_the_merge_the_pull_request_is_closed_and_none_is_opened(
    trying: Path, gh: dict[str, str], tmp_path: Path
) -> None:
    proposed(trying, gh, tmp_path / "temp", answer("ended"))
    git(trying, "push", "--quiet", "origin", "origin/canaries:main")
    git(trying, "fetch", "--quiet", "origin")
    Path(gh["GH_LOG"]).unlink()

    assert proposed(trying, gh, tmp_path / "temp", answer("ended"), open_already="7") == "roles: nothing to change"
    assert [call.split()[1] for call in calls(gh)] == ["close"]
