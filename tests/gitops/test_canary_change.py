"""What a verdict on a canary changes in Git: on a repository with the shipped roles, one of which tries a prompt."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from openclaw_core.roles.check import load_roles
from openclaw_core.tasks.receipt import digest
from openclaw_core.texts.canaries import canary_reply
from openclaw_gitops.__main__ import main
from openclaw_gitops.canary_change import BASE, KUSTOMIZATION, PROMPTS, ROLES, CanaryChange, change
from openclaw_gitops.canary_verdicts import CanaryVerdict, Runs, State, read_verdicts
from openclaw_gitops.errors import FAILED, CommandError
from tests.gitops.conftest import ROOT

NEXT = "You write code, and you say first what it does.\n"
ONE_LINE = "    canary: {prompt: coder-next.md, percent: 5}"
AFTER = "    prompt: coder.md\n"
OF_TRIED = Runs(runs=300, harmed=9, answered=290, took_ms=1_160_000, priced=290, micro_usd=725_000)
OF_OWN = Runs(runs=5700, harmed=171, answered=5500, took_ms=22_000_000, priced=0)


@dataclass
class Repository:
    root: Path

    def git(self, *args: str) -> str:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *who, *args], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)

    def replace(self, path: str, old: str, new: str) -> None:
        assert old in self.read(path)
        self.write(path, self.read(path).replace(old, new, 1))

    def verdict(self, state: State, **other: str) -> CanaryVerdict:
        """On the canary that is in Git."""
        prompts = {"tried": digest(NEXT.strip()), "own": digest(self.read(f"{PROMPTS}/coder.md").strip())} | other
        return CanaryVerdict(role="coder", state=state, **prompts, of_tried=OF_TRIED, of_own=OF_OWN)

    def change(self, *verdicts: CanaryVerdict) -> CanaryChange:
        return change(self.root, verdicts)

    def changed(self) -> list[str]:
        return self.git("status", "--porcelain").splitlines()


def repository_that_tries(root: Path, prompt: str = NEXT) -> Repository:
    """One in *root* with the shipped roles, whose coder tries *prompt*."""
    made = Repository(root)
    shutil.copytree(ROOT / BASE, root / BASE)
    made.write(f"{PROMPTS}/coder-next.md", prompt)
    made.replace(
        KUSTOMIZATION, "      - prompts/coder.md\n", "      - prompts/coder.md\n      - prompts/coder-next.md\n"
    )
    made.replace(ROLES, AFTER, f"{AFTER}{ONE_LINE} # since Monday\n")
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", "--all")
    made.git("commit", "--quiet", "-m", "Try a prompt")
    return made


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return repository_that_tries(tmp_path)


def test_a_bad_canary_goes_with_its_file_and_nothing_else_changes(repository: Repository) -> None:
    made = repository.change(repository.verdict(State.ENDED))

    assert repository.read(ROLES) == (ROOT / ROLES).read_text()
    assert repository.read(KUSTOMIZATION) == (ROOT / KUSTOMIZATION).read_text()
    assert not (repository.root / PROMPTS / "coder-next.md").exists()
    assert len(repository.changed()) == 3
    assert made.title == "roles: take away the tried prompt of coder, which did harm"
    assert "9 (3.0 %)" in made.body
    assert "4.0 s" in made.body
    assert "$0.00250" in made.body
    assert "not known" in made.body  # what the own prompt's answers cost
    assert load_roles(repository.root / BASE).roles["coder"].canary is None


def test_a_good_canary_becomes_the_roles_own_prompt_in_the_roles_own_file(repository: Repository) -> None:
    made = repository.change(repository.verdict(State.GOOD))

    assert repository.read(f"{PROMPTS}/coder.md") == NEXT
    assert repository.read(ROLES) == (ROOT / ROLES).read_text()
    assert not (repository.root / PROMPTS / "coder-next.md").exists()
    assert made.title == "roles: make the tried prompt of coder its own"
    coder = load_roles(repository.root / BASE).roles["coder"]
    assert (digest(coder.prompt), coder.canary) == (digest(NEXT.strip()), None)


@pytest.mark.parametrize("state", [State.ENDED, State.GOOD])
def test_after_the_merge_there_is_nothing_to_do(repository: Repository, state: State) -> None:
    verdict = repository.verdict(state)
    repository.change(verdict)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "-m", "Merge")

    again = repository.change(verdict)

    assert (again.title, again.body) == ("", "")
    assert again.left == ("coder: main tries no prompt any more",)
    assert repository.changed() == []


def test_twice_from_the_same_commit_gives_the_same_tree(repository: Repository) -> None:
    trees = []
    for _ in range(2):
        made = repository.change(repository.verdict(State.GOOD))
        repository.git("add", "--all")
        trees.append((repository.git("write-tree"), made))
        repository.git("reset", "--quiet", "--hard", "main")
    assert trees[0] == trees[1]


@pytest.mark.parametrize(
    ("state", "other", "why"),
    [
        (State.ENDED, {"tried": "0" * 16}, "tries another prompt than the one that was judged"),
        (State.GOOD, {"tried": "0" * 16}, "tries another prompt than the one that was judged"),
        (State.GOOD, {"own": "0" * 16}, "is another one than it was compared with"),
    ],
)
def test_a_verdict_on_another_prompt_than_the_one_in_git_is_left_alone(
    repository: Repository, state: State, other: dict[str, str], why: str
) -> None:
    made = repository.change(repository.verdict(state, **other))

    assert [why in line for line in made.left] == [True]
    assert (made.title, repository.changed()) == ("", [])


def test_a_bad_canary_goes_even_if_the_roles_own_prompt_has_changed_since(repository: Repository) -> None:
    assert repository.change(repository.verdict(State.ENDED, own="0" * 16)).title
    assert not (repository.root / PROMPTS / "coder-next.md").exists()


def test_what_is_still_tried_is_not_touched(repository: Repository) -> None:
    made = repository.change(repository.verdict(State.TRIED))
    assert (made.title, made.left, repository.changed()) == ("", (), [])


@pytest.mark.parametrize(
    "written",
    [
        "    canary:\n      prompt: coder-next.md\n      percent: 5 # of the chats\n",
        "    canary: {prompt: coder-next.md,\n             percent: 5}\n",
        "    canary: # the second try\n      percent: 5\n      prompt: coder-next.md\n",
    ],
)
def test_a_canary_goes_however_it_is_written(repository: Repository, written: str) -> None:
    repository.replace(ROLES, f"{ONE_LINE} # since Monday\n", written)

    repository.change(repository.verdict(State.ENDED))

    assert repository.read(ROLES) == (ROOT / ROLES).read_text()


def test_at_the_end_of_a_role_the_blank_line_and_the_comment_behind_it_stay(repository: Repository) -> None:
    canary = "    canary:\n      prompt: coder-next.md\n      percent: 5\n"
    repository.replace(ROLES, f"{ONE_LINE} # since Monday\n", "")
    repository.replace(ROLES, "\n  summarizer:\n", f"{canary}\n  # the third role\n  summarizer:\n")

    repository.change(repository.verdict(State.ENDED))

    assert repository.read(ROLES) == (ROOT / ROLES).read_text().replace(
        "\n  summarizer:", "\n  # the third role\n  summarizer:"
    )


def test_a_prompt_that_another_role_has_too_is_kept(repository: Repository) -> None:
    repository.replace(
        ROLES,
        "    prompt: summarizer.md\n",
        "    prompt: summarizer.md\n    canary: {prompt: coder-next.md, percent: 1}\n",
    )

    good = repository.change(repository.verdict(State.GOOD))
    assert ["by hand" in line for line in good.left] == [True]
    assert (repository.read(f"{PROMPTS}/coder-next.md"), good.title) == (NEXT, "")

    assert repository.change(repository.verdict(State.ENDED)).title
    assert (repository.root / PROMPTS / "coder-next.md").exists()
    assert "prompts/coder-next.md" in repository.read(KUSTOMIZATION)
    assert "canary" not in yaml.safe_load(repository.read(ROLES))["roles"]["coder"]


def test_a_role_in_one_line_is_left_for_people(repository: Repository) -> None:
    roles = yaml.safe_load(repository.read(ROLES))
    repository.write(ROLES, yaml.safe_dump(roles, default_flow_style=True, width=10_000))
    made = repository.change(repository.verdict(State.ENDED))
    assert ["by hand" in line for line in made.left] == [True]


# ---- from the bot's answer to the command


def said(*canaries: CanaryVerdict) -> str:
    """The bot's answer."""
    rows = [
        {
            "role": one.role, "state": one.state.value, "tried": one.tried, "own": one.own,
            **{name: {field: getattr(runs, field) for field in Runs.__slots__} for name, runs in (("of_tried", one.of_tried), ("of_own", one.of_own))},
        }
        for one in canaries
    ]  # fmt: skip
    return canary_reply(rows, "he")


def test_what_the_bot_says_is_what_is_read(repository: Repository) -> None:
    tried = CanaryVerdict(role="researcher", state=State.TRIED, tried="a" * 16, own="b" * 16)
    judged = [repository.verdict(State.GOOD), tried]
    assert read_verdicts(said(*judged)) == judged
    assert read_verdicts(said()) == []


@pytest.mark.parametrize("without", range(1, 5))
def test_an_answer_that_lacks_a_line_is_refused(repository: Repository, without: int) -> None:
    lines = said(repository.verdict(State.ENDED)).splitlines()
    assert len(lines) == 5
    with pytest.raises(CommandError) as stopped:
        read_verdicts("\n".join(lines[:without] + lines[without + 1 :]))
    assert stopped.value.code == FAILED


def test_an_answer_that_lacks_a_whole_canary_is_refused(repository: Repository) -> None:
    lines = said(repository.verdict(State.ENDED), repository.verdict(State.GOOD)).splitlines()
    with pytest.raises(CommandError, match="named 2 canaries, and its answer has 1"):
        read_verdicts("\n".join(lines[:-3]))


@pytest.mark.parametrize("line", ["coder ended tried=../../x own=y", "$(reboot) ended tried=0 own=0", "coder ended"])
def test_a_line_of_another_form_is_refused(line: str) -> None:
    with pytest.raises(CommandError):
        read_verdicts(f"canaries: 1\n{line}")


def test_the_command_writes_title_and_text_for_the_workflow(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer, into = tmp_path / "answer.txt", tmp_path / "out"
    answer.write_text(said(repository.verdict(State.ENDED)))

    assert main(["canary-change", str(answer), "--into", str(into)], root=repository.root, env={}) == 0
    assert (into / "title.txt").read_text().startswith("roles: take away")
    assert (into / "body.md").read_text() == capsys.readouterr().out != ""
    assert main(["canary-change", str(answer), "--into", str(into)], root=repository.root, env={}) == 0
    assert (into / "body.md").read_text() == ""
    assert "main tries no prompt any more" in capsys.readouterr().err
