"""What workflows leave to scripts, run as on a laptop: which jobs a change starts, whether CI has passed, drift, images, checkers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflows.commands import FAKE_GH, git, run
from tests.workflows.workflow_files import RELEASE, ROOT


@pytest.mark.parametrize(
    ("path", "code", "images"),
    [
        ("docs/x.md", "false", "false"),
        ("platform/openclaw/base/prompts/coder.md", "true", "false"),
        ("apps/brain/x.py", "true", "true"),
        (RELEASE, "true", "false"),
    ],
)
def test_a_change_starts_what_it_touches(checkout: Path, path: str, code: str, images: str) -> None:
    (checkout / path).write_text("new\n")
    git(checkout, "commit", "--quiet", "--all", "-m", "Change")

    assert changed(checkout) == [f"code={code}", f"images={images}"]


def changed(checkout: Path) -> list[str]:
    # The script changes into its own checkout, so it is run from a copy inside of this one.
    script = checkout / ".git/scripts/changed"
    script.parent.mkdir(exist_ok=True)
    script.write_text((ROOT / "scripts/changed").read_text().replace('cd "$(dirname "$0")/.."', f"cd '{checkout}'"))
    return run(["bash", script, "HEAD~1"], checkout).stdout.split()


@pytest.mark.parametrize(
    ("path", "code", "images"),
    [
        ("tests/core/test_x.py", "true", "false"),
        ("requirements/dev.txt", "true", "true"),
        ("apps/brain/src/y.py", "true", "true"),
        ("apps/brain/src/שלום.py", "true", "true"),
        ('packages/core/a "b".py', "true", "true"),
        ("README.md", "false", "false"),
    ],
)
@pytest.mark.parametrize("renames", ["true", "copies", "false"])
def test_a_file_moved_into_docs_counts_where_it_was(
    checkout: Path, path: str, code: str, images: str, renames: str
) -> None:
    git(checkout, "config", "diff.renames", renames)
    (checkout / path).parent.mkdir(parents=True, exist_ok=True)
    (checkout / path).write_text("".join(f"line {n}\n" for n in range(20)))
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "Add")
    git(checkout, "mv", path, "docs/moved.txt")
    git(checkout, "commit", "--quiet", "-m", "Move")

    assert changed(checkout) == [f"code={code}", f"images={images}"]


def test_a_file_copied_out_of_docs_is_code(checkout: Path) -> None:
    (checkout / "apps/brain/z.py").write_text((checkout / "docs/x.md").read_text())
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "Copy")

    assert changed(checkout) == ["code=true", "images=true"]


def test_a_change_that_cannot_be_compared_starts_everything() -> None:
    done = run([ROOT / "scripts/changed", "0" * 40], ROOT)

    assert done.stdout.split() == ["code=true", "images=true"]


FINE = {
    "changes": {"result": "success", "outputs": {"code": "true", "images": "false"}},
    "check": {"result": "success", "outputs": {}},
    "test": {"result": "success", "outputs": {}},
    "image": {"result": "skipped", "outputs": {}},
}


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        ({}, True),
        ({"test": {"result": "failure", "outputs": {}}}, False),
        ({"test": {"result": "cancelled", "outputs": {}}}, False),
        ({"test": {"result": "skipped", "outputs": {}}}, False),  # it was to run
        ({"check": {"result": "skipped", "outputs": {}}}, False),
        ({"changes": {"result": "failure", "outputs": {}}}, False),
    ],
)
def test_ci_passes_when_all_that_was_to_run_has_passed(change: dict[str, object], passes: bool) -> None:
    done = run([ROOT / "scripts/ci-passed"], ROOT, stdin=json.dumps(FINE | change))

    assert (done.returncode == 0) is passes
    assert passes or next(iter(change)) in done.stdout


def test_ci_without_jobs_does_not_pass() -> None:
    assert run([ROOT / "scripts/ci-passed"], ROOT, stdin="{}").returncode == 1


ANSWERS = {
    "changes": {"result": "success", "outputs": {"answers": "true", "judged": "false"}},
    "mechanics": {"result": "success", "outputs": {}},
    "answers": {"result": "skipped", "outputs": {}},
}


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        ({}, True),
        ({"changes": {"result": "success", "outputs": {"answers": "true", "judged": "true"}}}, False),  # it was to run
        ({"answers": {"result": "failure", "outputs": {}}}, False),
        ({"mechanics": {"result": "skipped", "outputs": {}}}, False),
    ],
)
def test_answers_pass_when_no_verdict_is_due_or_it_is_good(change: dict[str, object], passes: bool) -> None:
    done = run([ROOT / "scripts/ci-passed"], ROOT, stdin=json.dumps(ANSWERS | change))

    assert (done.returncode == 0) is passes, done.stdout


@pytest.mark.parametrize(
    ("path", "limit", "same", "printed"),
    [
        ("platform/openclaw/base/prompts/coder.md", "2", "true", ["answers=true", "judged=true"]),
        ("platform/openclaw/base/prompts/coder.md", "", "true", ["answers=true", "judged=false"]),
        ("platform/openclaw/base/prompts/coder.md", "2", "false", ["answers=true", "judged=false"]),  # a fork
        ("docs/x.md", "2", "true", ["answers=false", "judged=false"]),
    ],
)
def test_answers_are_judged_where_a_prompt_changed_and_a_key_is_set(
    checkout: Path, path: str, limit: str, same: str, printed: list[str]
) -> None:
    (checkout / path).write_text("new\n")
    git(checkout, "commit", "--quiet", "--all", "-m", "Change")
    script = checkout / ".git/scripts/answers"
    script.parent.mkdir(exist_ok=True)
    script.write_text((ROOT / "scripts/answers").read_text().replace('cd "$(dirname "$0")/.."', f"cd '{checkout}'"))

    done = run(["bash", script, "--touched", "HEAD~1"], checkout, {"EVAL_LIMIT_USD": limit, "SAME_REPOSITORY": same})

    assert done.stdout.split() == printed


def test_a_fact_is_read_from_the_one_file() -> None:
    assert run([ROOT / "scripts/fact", "prod", "account"], ROOT).stdout.strip().isdigit()
    assert run([ROOT / "scripts/fact", "prod", "registry"], ROOT).stdout.strip()
    assert run([ROOT / "scripts/fact", "prod", "nothing"], ROOT).returncode == 65
    assert run([ROOT / "scripts/fact", "../prod", "account"], ROOT).returncode == 64


PLAN = """  # aws_instance.node will be updated in-place
      ~ secret_value = "hush" -> "louder"
Plan: 0 to add, 1 to change, 0 to destroy.
"""


@pytest.mark.parametrize(
    ("plan", "already", "status", "calls"),
    [
        (f"cat <<'E'\n{PLAN}E", "", 0, ["issue list", "issue create"]),
        (f"cat <<'E'\n{PLAN}E", "9", 0, ["issue list", "issue edit 9"]),
        ("echo 'No changes. Your infrastructure matches the configuration.'", "9", 0, ["issue list", "issue close 9"]),
        ("echo 'No changes. Your infrastructure matches the configuration.'", "", 0, ["issue list"]),
        ("echo broken; exit 1", "", 1, []),
    ],
)
def test_drift_keeps_one_issue(
    tmp_path: Path, gh: dict[str, str], plan: str, already: str, status: int, calls: list[str]
) -> None:
    scripts = tmp_path / "tree/scripts"
    scripts.mkdir(parents=True)
    for name, text in (
        ("drift", (ROOT / "scripts/drift").read_text()),
        ("one-issue", (ROOT / "scripts/one-issue").read_text()),
        ("infra", f"#!/usr/bin/env bash\n{plan}\n"),
    ):
        (scripts / name).write_text(text)
        (scripts / name).chmod(0o755)

    done = run([scripts / "drift", "staging"], tmp_path, gh | {"GH_OPEN": already})

    log = Path(gh["GH_LOG"])
    made = log.read_text().splitlines() if log.exists() else []
    assert done.returncode == status, done.stderr
    assert len(made) == len(calls)
    assert all(line.startswith(call) for line, call in zip(made, calls, strict=True)), made


def test_an_issue_about_drift_names_what_differs_and_no_value(tmp_path: Path, gh: dict[str, str]) -> None:
    bodies = (
        f'python3 "{FAKE_GH}" "$@" || exit\n'
        + 'while (($#)); do if [[ $1 == --body-file ]]; then cat "$2" >>"$GH_LOG"; fi; shift; done\n'
    )
    (tmp_path / "bin/gh").write_text(f"#!/usr/bin/env bash\n{bodies}")
    scripts = tmp_path / "tree/scripts"
    scripts.mkdir(parents=True)
    for name, text in (
        ("drift", (ROOT / "scripts/drift").read_text()),
        ("one-issue", (ROOT / "scripts/one-issue").read_text()),
        ("infra", f"#!/usr/bin/env bash\ncat <<'E'\n{PLAN}E\n"),
    ):
        (scripts / name).write_text(text)
        (scripts / name).chmod(0o755)

    run([scripts / "drift", "staging"], tmp_path, gh)

    log = Path(gh["GH_LOG"]).read_text()
    assert "aws_instance.node will be updated" in log
    assert "hush" not in log


ENGINE = """#!/usr/bin/env bash
if [[ $1 == image ]]; then echo "$USER_OF_IMAGE"; exit; fi
printf '%s' "$SAID" >&2
exit "$STATUS"
"""


@pytest.mark.parametrize(
    ("user", "said", "status", "fine"),
    [
        ("65532:65532", "wrong settings:\n  - REDIS_URL or REDIS_HOST is missing", "78", True),
        ("", "wrong settings:\n  - REDIS_URL or REDIS_HOST is missing", "78", False),  # as root
        ("65532:65532", "ModuleNotFoundError: No module named 'openclaw_core'", "1", False),
        ("65532:65532", "exec format error", "255", False),
        ("65532:65532", "", "0", False),
    ],
)
def test_an_image_that_does_not_come_up_is_refused(
    tmp_path: Path, user: str, said: str, status: str, fine: bool
) -> None:
    engine = tmp_path / "engine"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    env = {"CONTAINER_ENGINE": str(engine), "USER_OF_IMAGE": user, "SAID": said, "STATUS": status}

    assert (run([ROOT / "scripts/image-smoke", "openclaw-brain:test"], ROOT, env).returncode == 0) is fine


@pytest.mark.parametrize("app", ["brain", "agent"])
def test_what_the_smoke_test_waits_for_is_what_the_code_says(app: str) -> None:
    done = run([sys.executable, "-m", f"openclaw_{app}"], ROOT, {"REDIS_URL": "", "REDIS_HOST": ""})

    assert done.returncode == 78
    assert "REDIS_HOST" in done.stderr


@pytest.mark.parametrize(("ci", "status"), [("false", 0), ("true", 1)])
def test_a_missing_checker_is_told_and_red_in_ci(tmp_path: Path, ci: str, status: int) -> None:
    if any(shutil.which(name, path="/usr/bin:/bin") for name in ("go", "kustomize", "kubeconform", "actionlint")):
        pytest.skip("a checker, or the Go that builds them, is installed where every command is")
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "tools").write_text((ROOT / "scripts/tools").read_text())
    (scripts / "checkov").write_text("#!/bin/sh\necho /bin/true\n")
    (scripts / "checkov").chmod(0o755)
    given = dict.fromkeys(("KUSTOMIZE", "KUBECONFORM"), "") | dict.fromkeys(
        ("ACTIONLINT", "ALERTMANAGER", "AMTOOL", "OTELCOL"), "/bin/true"
    )

    done = run(["bash", scripts / "tools"], tmp_path, given | {"PATH": "/usr/bin:/bin", "CI": ci})

    assert done.returncode == status
    assert "kustomize kubeconform: MISSING" in done.stderr
    assert (tmp_path / ".tools/bin/actionlint").resolve() == Path("/bin/true").resolve()


def test_a_resolution_runs_no_code_of_what_it_resolves(tmp_path: Path) -> None:
    """A source distribution's metadata is what its own code prints. The stand-in for uv shows what scripts/lock asks of it."""
    for name in ("lock", "changed"):
        (tmp_path / "scripts").mkdir(exist_ok=True)
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    (tmp_path / "requirements").mkdir()
    uv = tmp_path / "uv"
    uv.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$*" >>"$UV_LOG"\n[[ $1 != export ]] || touch "${@: -1}"\n')
    uv.chmod(0o755)
    log = tmp_path / "uv.log"

    done = run([tmp_path / "scripts/lock", "--upgrade"], tmp_path, {"UV": str(uv), "UV_LOG": str(log)})

    assert done.returncode == 0, done.stderr
    first, *others = log.read_text().splitlines()
    assert first.startswith("lock ")
    assert "--no-build" in first.split()
    assert first.endswith("--upgrade")
    assert all(" --frozen " in line for line in others)


@pytest.mark.parametrize(("cost", "whole"), [(0, True), (65, True), (1, False)])
def test_a_cost_that_is_not_known_keeps_no_diff_from_its_reviewer(tmp_path: Path, cost: int, whole: bool) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(ROOT / "scripts/diff-comment", scripts)
    for name, ends in (("cost-diff", cost), ("diff", 0)):
        (scripts / name).write_text(f'#!/bin/sh\necho "{name} $1 $2"\nexit {ends}\n')
        (scripts / name).chmod(0o755)

    done = subprocess.run([scripts / "diff-comment", "base", tmp_path / "diff.md"], check=False)

    assert done.returncode == cost
    assert (tmp_path / "diff.md").exists() == whole
    if whole:
        shown = [f"{name} {environment} base" for environment in ("staging", "prod") for name in ("cost-diff", "diff")]
        assert (tmp_path / "diff.md").read_text().splitlines() == shown
