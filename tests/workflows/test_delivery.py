"""What scripts bring to main and to GitHub: bumps, proposals, signatures, statuses; and what a hostile patch cannot reach."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflows.commands import git, run
from tests.workflows.key_rules import delivered_by, holds_a_key
from tests.workflows.workflow_files import RELEASE, ROOT, Workflow, workflows


def deliver(checkout: Path, gh: dict[str, str], *args: str) -> "subprocess.CompletedProcess[str]":
    return run([ROOT / "scripts/deliver", *args], checkout, gh)


def on_main(checkout: Path, path: str) -> str:
    git(checkout, "fetch", "--quiet", "origin")
    return git(checkout, "show", f"origin/main:{path}")


def test_a_bump_reaches_main(checkout: Path, gh: dict[str, str]) -> None:
    (checkout / RELEASE).write_text("new\n")

    done = deliver(checkout, gh, "push", "Release", RELEASE)

    assert done.returncode == 0, done.stderr
    assert on_main(checkout, RELEASE) == "new"


def test_a_bump_with_anything_else_in_it_is_refused(checkout: Path, gh: dict[str, str]) -> None:
    (checkout / RELEASE).write_text("new\n")
    (checkout / "apps/brain/added.py").write_text("import os\n")

    done = deliver(checkout, gh, "push", "Release", RELEASE)

    assert done.returncode == 65
    assert "apps/brain/added.py" in done.stderr
    assert on_main(checkout, RELEASE) == "old"


def test_a_bump_lands_on_a_main_that_has_moved_on(checkout: Path, gh: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(tmp_path / "remote.git"), str(other))
    (other / "docs/x.md").write_text("moved on\n")
    git(other, "commit", "--quiet", "--all", "-m", "Move on")
    git(other, "push", "--quiet", "origin", "HEAD:main")
    (checkout / RELEASE).write_text("new\n")

    done = deliver(checkout, gh, "push", "Release", RELEASE)

    assert done.returncode == 0, done.stderr
    assert (on_main(checkout, RELEASE), on_main(checkout, "docs/x.md")) == ("new", "moved on")


def test_two_bumps_that_meet_are_told_apart_from_a_refusal(checkout: Path, gh: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(tmp_path / "remote.git"), str(other))
    (other / RELEASE).write_text("newer\n")
    git(other, "commit", "--quiet", "--all", "-m", "Release the build before")
    git(other, "push", "--quiet", "origin", "HEAD:main")
    (checkout / RELEASE).write_text("new\n")

    done = deliver(checkout, gh, "push", "Release", RELEASE)

    assert done.returncode == 75
    assert "run this again on the newest main" in done.stderr
    assert on_main(checkout, RELEASE) == "newer"
    assert "rebase" not in git(checkout, "status")


def test_a_main_that_refuses_the_push_is_a_failure_that_says_so(
    checkout: Path, gh: dict[str, str], tmp_path: Path
) -> None:
    hook = tmp_path / "remote.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (checkout / RELEASE).write_text("new\n")

    done = deliver(checkout, gh, "push", "Release", RELEASE)

    assert done.returncode == 1
    assert "could not be pushed" in done.stderr


@pytest.mark.parametrize(("already", "call"), [("", "pr create --head promote"), ("7", "pr edit promote")])
def test_a_promotion_opens_its_pull_request_once(
    checkout: Path, gh: dict[str, str], tmp_path: Path, already: str, call: str
) -> None:
    (checkout / "clusters").mkdir()
    (checkout / "clusters/pin.yaml").write_text("new\n")
    body = tmp_path / "body.md"
    body.write_text("why")

    done = deliver(checkout, gh | {"GH_OPEN": already}, "propose", "promote", "Promote", str(body), "clusters")

    assert done.returncode == 0, done.stderr
    assert call in (tmp_path / "gh.log").read_text()
    git(checkout, "fetch", "--quiet", "origin")
    assert git(checkout, "show", "origin/promote:clusters/pin.yaml") == "new"
    assert git(checkout, "log", "--format=%s", "origin/main") == "Begin"


def test_the_same_proposal_is_not_pushed_again(checkout: Path, gh: dict[str, str], tmp_path: Path) -> None:
    """It would start the checks anew and dismiss an approval, twice an hour."""
    tips: list[str] = []
    (tmp_path / "body.md").write_text("why")
    for minute, text in (("01", "new\n"), ("02", "new\n"), ("03", "newer\n")):
        git(checkout, "switch", "--quiet", "main")
        (checkout / "docs/x.md").write_text(text)
        now = {"GIT_COMMITTER_DATE": f"2026-01-01T00:{minute}:00Z", "GH_OPEN": "7" if tips else ""}

        done = deliver(checkout, gh | now, "propose", "promote", "Promote", str(tmp_path / "body.md"), "docs")

        assert done.returncode == 0, done.stderr
        tips.append(git(tmp_path / "remote.git", "rev-parse", "promote"))
    assert tips[0] == tips[1] != tips[2]


def test_nothing_to_deliver_is_no_pull_request(checkout: Path, gh: dict[str, str], tmp_path: Path) -> None:
    done = deliver(checkout, gh, "propose", "promote", "Promote", "body.md", "platform")

    assert done.returncode == 0
    assert [line.split()[1] for line in (tmp_path / "gh.log").read_text().splitlines()] == ["list"]


def test_a_proposal_that_main_has_taken_back_is_closed(checkout: Path, gh: dict[str, str], tmp_path: Path) -> None:
    """It would bring to prod what was reverted since."""
    done = deliver(checkout, gh | {"GH_OPEN": "7"}, "propose", "promote", "Promote", "body.md", "platform")

    assert done.returncode == 0, done.stderr
    assert "pr close promote" in (tmp_path / "gh.log").read_text()


# ---- signatures and statuses

DIGESTS = {
    name: f"sha256:{digit * 64}" for name, digit in (("agent", "a"), ("brain", "b"), ("runner", "e"), ("old", "c"))
}
IDENTITY = "https://github.com/owner/platform/.github/workflows/images.yaml@refs/heads/main"
COSIGN = """#!/usr/bin/env bash
printf '%s\\n' "$*" >>"$COSIGN_LOG"
[[ "$*" != *"${UNSIGNED:-nothing}"* ]] || { echo 'no matching signatures' >&2; exit 10; }
"""


def released(text: str, old: str = "none") -> str:
    for name in ("agent", "brain", "runner"):
        text = text.replace("newTag: unreleased", "newTag: main-1", 1)
        text = text.replace(f"digest: sha256:{'0' * 64}", f"digest: {DIGESTS[name]}", 1)
    return text.replace("built-from: unreleased", f"built-from: {'d' * 40}").replace(
        "before.brain=none", f"before.brain={old}"
    )


@pytest.fixture
def signed(checkout: Path, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A checkout with the real release file and a cosign that writes down what it is asked."""
    (checkout / RELEASE).write_text((ROOT / RELEASE).read_text())
    facts = checkout / "clusters/staging/environment.yaml"
    facts.parent.mkdir(parents=True, exist_ok=True)
    facts.write_text("repository: https://github.com/owner/platform # ours\nregistry: ghcr.io/owner\n")
    (checkout / "scripts").unlink()
    (checkout / "scripts").mkdir()
    for name in ("verify-images", "fact"):
        shutil.copy(ROOT / "scripts" / name, checkout / "scripts" / name)
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "Release file")
    folder = tmp_path / "cosign"
    folder.mkdir()
    (folder / "cosign").write_text(COSIGN)
    (folder / "cosign").chmod(0o755)
    return checkout, {"PATH": f"{folder}:{os.environ['PATH']}", "COSIGN_LOG": str(tmp_path / "cosign.log")}


def verify(signed: tuple[Path, dict[str, str]], *args: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return run([signed[0] / "scripts/verify-images", *args], signed[0], signed[1] | env)


def test_every_image_that_may_start_is_verified_by_digest_and_by_our_workflow(
    signed: tuple[Path, dict[str, str]],
) -> None:
    file = signed[0] / RELEASE
    file.write_text(released(file.read_text(), f"main-0@{DIGESTS['old']} main-9@{DIGESTS['agent']}"))

    done = verify(signed)

    asked = Path(signed[1]["COSIGN_LOG"]).read_text().splitlines()
    assert done.returncode == 0, done.stderr
    assert [line.split()[-1] for line in asked] == [
        f"ghcr.io/owner/openclaw-agent@{DIGESTS['agent']}",
        f"ghcr.io/owner/openclaw-brain@{DIGESTS['brain']}",
        f"ghcr.io/owner/openclaw-brain@{DIGESTS['old']}",
        f"ghcr.io/owner/openclaw-brain@{DIGESTS['agent']}",
        f"ghcr.io/owner/openclaw-runner@{DIGESTS['runner']}",
    ]
    assert all(f"--certificate-identity {IDENTITY} " in line for line in asked)
    assert all("--certificate-oidc-issuer https://token.actions.githubusercontent.com " in line for line in asked)


@pytest.mark.parametrize("name", DIGESTS)
def test_an_image_without_our_signature_is_not_released(signed: tuple[Path, dict[str, str]], name: str) -> None:
    file = signed[0] / RELEASE
    file.write_text(released(file.read_text(), f"main-0@{DIGESTS['old']}"))

    done = verify(signed, UNSIGNED=DIGESTS[name])

    assert done.returncode == 1
    assert DIGESTS[name] in done.stderr
    assert "no signature" in done.stderr


def test_before_the_first_build_nothing_is_verified_and_without_cosign_nothing_passes(
    signed: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    before = verify(signed)
    file = signed[0] / RELEASE
    file.write_text(released(file.read_text()))
    bare = tmp_path / "bare"
    bare.mkdir()
    for tool in ("bash", "git", "sed", "tr", "diff", "env", "dirname"):
        (bare / tool).symlink_to(shutil.which(tool) or tool)
    without = verify(signed, PATH=str(bare))

    assert before.returncode == 0
    assert "nothing is released yet" in before.stdout
    assert without.returncode == 69, without.stderr


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        (lambda text: text, True),
        (lambda text: text + "patches: [{path: x.yaml}]\n", False),
        (lambda text: text.replace("newName: registry/openclaw-brain", "newName: elsewhere/openclaw-brain"), False),
        (lambda text: text.replace(DIGESTS["brain"], DIGESTS["brain"] + "\n  - name: redis"), False),
        (lambda text: text.replace("newTag: main-1", 'newTag: "x: y"', 1), False),
        (lambda text: text.replace("before.brain=none", "before.brain=none,image.redis=x"), False),
        (lambda text: text.replace("before.brain=none", f"before.brain=m@{DIGESTS['old']}"), True),
    ],
)
def test_a_patch_from_a_job_that_ran_code_of_others_changes_values_alone(
    signed: tuple[Path, dict[str, str]], change: Callable[[str], str], passes: bool
) -> None:
    file = signed[0] / RELEASE
    file.write_text(change(released(file.read_text())))

    done = verify(signed, "--only-values-changed")

    assert (done.returncode == 0) is passes, done.stderr
    assert passes or "more than its values" in done.stderr


@pytest.mark.parametrize(
    ("code", "state", "what"),
    [("0", "success", "answered after 1.6 s"), ("1", "failure", "no right answer"), ("69", "error", "could not ask")],
)
def test_a_smoke_test_becomes_a_status_without_what_the_bot_said(
    checkout: Path, gh: dict[str, str], code: str, state: str, what: str
) -> None:
    said = "answered after 1.6 s" if code == "0" else "the bot's own words"
    env = gh | {"GITHUB_REPOSITORY": "owner/platform"}

    done = run([ROOT / "scripts/status", "a" * 40, "smoke/staging", code, said], checkout, env)

    [call] = Path(gh["GH_LOG"]).read_text().splitlines()
    assert done.returncode == 0, done.stderr
    assert f"repos/owner/platform/statuses/{'a' * 40}" in call
    assert f"state={state} " in call
    assert f"description={what}" in call
    assert "own words" not in call


def test_a_status_of_what_is_no_commit_is_refused(checkout: Path, gh: dict[str, str]) -> None:
    assert run([ROOT / "scripts/status", "main", "smoke/staging", "0", "x"], checkout, gh).returncode == 64


# ---- what a job with a key makes of the patch of a job without rights


def patching() -> list[tuple[Workflow, str, str]]:
    """Each step that applies a patch beside a key: its workflow, its job, and the script up to where ours run."""
    return [
        (workflow, job, str(step["run"]).partition("scripts/")[0] if "scripts/verify" in step["run"] else step["run"])
        for workflow in workflows()
        for job, step in workflow.steps()
        if "git apply" in str(step.get("run")) and holds_a_key(workflow, job)
    ]


HOSTILE = "echo stolen-by-a-patch"


def hostile_tree(kind: str, tree: Path, wanted: str) -> None:
    """Change *tree* as code of others might, beside the honest change of *wanted*."""
    (tree / wanted).parent.mkdir(parents=True, exist_ok=True)
    (tree / wanted).write_text("honest\n")
    if kind == "link":
        (tree / wanted).parent.joinpath("tools").symlink_to("../" * wanted.count("/") + "scripts")
        return
    for name in ("scripts/deliver", "scripts/verify-images", "Makefile", ".github/workflows/x.yaml", "tests/x.py"):
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((file.read_text() if file.exists() else "") + f"{HOSTILE}\n" * 3)
    if kind == "rename":
        (tree / "scripts/deliver").rename((tree / wanted).parent / "deliver")
        (tree / "scripts/new").rename(tree / "scripts/deliver")


@pytest.mark.parametrize("kind", ["edit", "rename", "link"])
@pytest.mark.parametrize(("workflow", "job", "script"), [pytest.param(*case, id=case[0].name) for case in patching()])
def test_a_patch_on_scripts_reaches_no_job_with_a_key(
    tmp_path: Path, workflow: Workflow, job: str, script: str, kind: str
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "init", "--quiet", str(clone))
    path = delivered_by(workflow, job)[0]
    wanted = path if path.endswith(".yaml") else f"{path}/x.yaml"
    for name, text in (("scripts/deliver", "reviewed\n" * 9), ("scripts/new", f"{HOSTILE}\n"), (wanted, "old\n")):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text)
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "-m", "Reviewed")
    hostile_tree(kind, clone, wanted)
    git(clone, "add", ".")
    patch = run(["git", "diff", "--cached", "--binary", "-M"], clone).stdout
    git(clone, "reset", "--quiet", "--hard")
    for name in ("locks", "promotion", "proposal", "release"):
        (tmp_path / "temp" / name).mkdir(parents=True)
        (tmp_path / "temp" / name / "change.patch").write_text(patch)

    done = run(["bash", "-euo", "pipefail", "-c", script], clone, {"RUNNER_TEMP": str(tmp_path / "temp")})

    assert done.returncode == 0, done.stderr
    assert (clone / wanted).read_text() == "honest\n"
    assert "Skipped patch 'scripts/deliver'" in done.stderr or kind == "link"
    ours = [file for file in (clone / "scripts").iterdir() if file.name != "new"]
    assert [file.name for file in ours if HOSTILE in file.read_text()] == []
    assert not (clone / "Makefile").exists()
    assert not (clone / ".github").exists()


def test_an_artifact_that_is_a_link_is_not_told_to_github(checkout: Path, gh: dict[str, str], tmp_path: Path) -> None:
    """A pull request's text from /proc/self/environ would show the token."""
    (tmp_path / "body.md").symlink_to("/proc/self/environ")
    (checkout / "docs/x.md").write_text("new\n")

    proposed = deliver(checkout, gh, "propose", "locks", "Locks", str(tmp_path / "body.md"), "docs")
    told = run([ROOT / "scripts/one-issue", "Title", str(tmp_path / "body.md"), "Closed"], checkout, gh)

    assert (proposed.returncode, told.returncode) == (65, 65)
    assert "is no plain file" in proposed.stderr
    assert "is no plain file" in told.stderr
    assert not Path(gh["GH_LOG"]).exists()
