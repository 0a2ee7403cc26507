"""What may stand beside a key: actions, commands and files that were reviewed, and nothing else."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from tests.workflows.workflow_files import ROOT, Rules, Workflow, delivered, has_secrets, only_on_main, rights_of

KEY_RULES = Rules()
rule = KEY_RULES.rule

KEY_ACTIONS = {
    "actions/checkout", "actions/create-github-app-token", "actions/download-artifact", "actions/github-script", "actions/upload-artifact",
    "aws-actions/configure-aws-credentials", "docker/login-action", "github/codeql-action/upload-sarif", "hashicorp/setup-terraform",
    "ossf/scorecard-action", "renovatebot/github-action", "sigstore/cosign-installer",
}  # fmt: skip
"""Actions that may run beside a key: by commit, and none of them runs what a registry offers today."""
KEY_COMMANDS = {"cat", "cosign", "echo", "exit", "gh", "git", "jq", "mkdir", "printf", "skopeo", "tee"}
"""Commands that the machine has, or an action of the list above has brought."""
KEY_SCRIPTS = {"canary-ask", "deliver", "drift", "fact", "infra", "one-issue", "smoke", "status", "verify-images"}
"""Scripts of ours that may run beside a key. They install nothing and build nothing, and nor does what they call."""
FOREIGN_CODE = re.compile(
    r"(^|[^\w./-])(make|uv|pip3?|pipx|npm|npx|yarn|cargo|gem|curl|wget|docker|buildah|podman|apt|apt-get|helm|eval)\s|\bgo (install|run|build|get|tool)\b"
    r"|\.venv|\.tools|\b(bash|sh) -c\b|python3? -m (pip|venv|build)",
    re.MULTILINE,
)
UNREVIEWED: dict[tuple[str, str], str] = {
    (
        "terraform.yaml",
        "plan",
    ): "it plans what the pull request says, under a role that only reads, for branches of this repository",
}
"""Jobs with a key that check out what nobody has reviewed yet, each with the reason."""

MODEL_KEYS: dict[tuple[str, str], str] = {
    (
        "answers.yaml",
        "answers",
    ): "to ask a model is its work, which takes our installed code; the key buys answers within a limit of its own, and nothing else",
}
"""Jobs with the key of a model server, each with the reason why installed code stands beside it.

`a-model-key-is-seen-by-one-step` bounds them.
"""
MODEL_KEY_STEPS = {"make install", 'git fetch --quiet origin "$BASE" "$HEAD"'}
"""What such a job runs before the step with the key."""
MODEL_KEY_STEP = 'scripts/answers "$BASE" "$HEAD" answers'


def holds_a_key(workflow: Workflow, name: str) -> bool:
    """Whether the job may do anything that a stranger may not: it has a secret, an environment, a right to write or an identity."""
    job = workflow.jobs[name]
    return (
        has_secrets(workflow, job)
        or "environment" in job
        or "write" in rights_of(job).values()
        or any("create-github-app-token" in str(step.get("uses")) for step in job.get("steps", []))
    )


def commands(script: str) -> Iterator[str]:
    """The first word of each command, those in substitutions too. What it cannot read comes out as a word that nobody allows."""
    return (words[0] for words in _commands(script))


def _commands(script: str) -> Iterator[list[str]]:
    plain = re.sub(r"\$\{[^{}]*\}", "value", script.replace("\\\n", " "))
    for line in plain.splitlines():
        for part in re.split(r"\$\(|[|;&(){}]+|\b(?:do|then|else)\b", re.sub(r"(^|\s)#.*", "", line)):
            words = part.replace('"', " ").replace("'", " ").split()
            while words and (words[0] in ("!", "if", "while") or re.fullmatch(r"\w+=\S*", words[0])):
                words.pop(0)
            if words and words[0] not in ("for", "done", "fi") and re.match(r"[\w./$]", words[0]):
                yield words


def _runs_foreign_code(script: str, seen: frozenset[str] = frozenset()) -> str | None:
    """What in a script of ours, or in one that it calls, runs code of others; None if nothing does."""
    text = "\n".join(
        line for line in (ROOT / "scripts" / script).read_text().splitlines() if not re.match(r"\s*#", line)
    )
    code = re.sub(r"'[^']*'|\"[^\"$]*\"", "''", text)  # what is said in a message is not run
    if found := FOREIGN_CODE.search(code):
        return f"scripts/{script}: `{found[0].strip()}`"
    for other in set(re.findall(r"\bscripts/([\w-]+)", code)) - seen - {script}:
        if (ROOT / "scripts" / other).exists() and (what := _runs_foreign_code(other, seen | {script})):
            return what
    return None


@rule
def keys_meet_reviewed_code_alone(workflow: Workflow) -> Iterator[str]:
    """A job that holds a key installs and builds nothing: what does that hands on a file, in a job without rights."""
    for name, job in workflow.jobs.items():
        if not holds_a_key(workflow, name) or (workflow.name, name) in MODEL_KEYS:
            continue
        for step in job.get("steps", []):
            action = str(step.get("uses", "")).partition("@")[0]
            if action and action not in KEY_ACTIONS:
                yield f"job {name} holds a key, and {action} is not among KEY_ACTIONS of tests/workflows/key_rules.py: run it in a job without rights"
            if action == "actions/checkout" and not (
                only_on_main(workflow, name) or _scheduled_or_pushed(workflow) or (workflow.name, name) in UNREVIEWED
            ):
                yield f"job {name} holds a key and checks out what nobody has reviewed"
            for command in commands(str(step.get("run", ""))):
                script = command.removeprefix("scripts/")
                if command in KEY_COMMANDS:
                    continue
                if command == script or script not in KEY_SCRIPTS:
                    yield f"job {name} holds a key and runs `{command}`: do that in a job without rights, and hand on a file (docs/gitops.md)"
                elif what := _runs_foreign_code(script):
                    yield f"job {name} holds a key and runs code of others by {what}"


@rule
def a_model_key_is_seen_by_one_step(workflow: Workflow) -> Iterator[str]:
    """The code beside it is main's, its libraries are locked by hash, and it is in an environment of its own."""
    for name, job in workflow.jobs.items():
        if (workflow.name, name) not in MODEL_KEYS:
            continue
        who = f"job {name} holds the key of a model server and"
        if job.get("permissions") != {"contents": "read"}:
            yield f"{who} has other rights than to check out"
        if job.get("environment") != "answers":
            yield f"{who} must be in the environment `answers`, whose reviewers let a pull request spend it"
        if "env" in job or has_secrets(workflow, {}):
            yield f"{who} shows more to all of its steps than they need: give it to the one that asks"
        for step in job.get("steps", []):
            action, script = str(step.get("uses", "")).partition("@")[0], str(step.get("run", "")).strip()
            if action == "actions/checkout" and step.get("with", {}).get("ref") != "main":
                yield f"{who} checks out what nobody has reviewed: `ref: main`"
            elif action not in ("", "actions/checkout", "actions/upload-artifact"):
                yield f"{who} uses {action}"
            if script and script not in {*MODEL_KEY_STEPS, MODEL_KEY_STEP}:
                yield f"{who} runs `{script.splitlines()[0]}`"
            secrets = set(re.findall(r"\bsecrets\b(?:\.(\w+))?", yaml.safe_dump(step, width=1000)))
            if secrets and (script != MODEL_KEY_STEP or secrets != {"EVAL_GROQ_API_KEY"}):
                yield f"{who} shows {', '.join(sorted(secrets))} to a step that is not `{MODEL_KEY_STEP}`, or more than its key"


def _scheduled_or_pushed(workflow: Workflow) -> bool:
    """Whether nothing but the clock and pushes to main start it: it runs what main holds."""
    on = workflow.events
    return set(on) <= {"schedule", "push"} and ("push" not in on or (on["push"] or {}).get("branches") == ["main"])


KEY_GIT = {"apply", "diff", "fetch", "log", "rev-parse", "show", "status"}
"""What git may do in a step beside a key: nothing that brings other files into the tree, and no option before it, since
`-c` can name a program.
"""
KEY_GH = {(what, how) for what in ("issue", "pr") for how in ("close", "comment", "create", "edit", "list", "view")}
NEVER_PATCHED = {"scripts", ".github", "tests", "Makefile", "requirements.txt", "."}
"""Programs of ours, and files that name programs. No patch of a job without rights reaches them beside a key, whatever the job delivers."""
AFTER_A_PATCH = {"deliver", "verify-images"}
"""Scripts that may run in a tree with such a patch: they read what was patched, and run none of it."""
OUTSIDE = "${{ runner.temp }}/"
APPLY_FLAGS = {"--allow-empty", "--verbose"}


@rule
def the_tree_beside_a_key_is_reviewed(workflow: Workflow) -> Iterator[str]:
    """What a job without rights hands on is data: it lies beside the tree, and of a patch only what is delivered gets into it."""
    for name, job in workflow.jobs.items():
        if not holds_a_key(workflow, name):
            continue
        who = f"job {name} holds a key and"
        elsewhere = [key for key in ("container", "services", "uses") if key in job]
        if elsewhere:
            yield f"{who} runs in or calls something else by `{elsewhere[0]}`: write its steps here"
        if "working-directory" in yaml.safe_dump([job, workflow.body.get("defaults")]):
            yield f"{who} has a `working-directory`: its scripts are those of the tree's top"
        patched = False
        for step in job.get("steps", []):
            yield from (f"{who} {fault}" for fault in _unreviewed_files(step))
            script = _script_of(step)
            for line in script.replace("\\\n", " ").splitlines():
                if re.search(r"\bapply\b", line):
                    patched = True
                    yield from (f"{who} {fault}" for fault in _patch_faults(line, delivered_by(workflow, name)))
                for command in commands(line):
                    if patched and command.startswith("scripts/") and command[8:] not in AFTER_A_PATCH:
                        yield f"{who} runs `{command}` in a tree that it has patched: run it before, or in a job without rights"


def _script_of(step: dict[str, Any]) -> str:
    """What a step runs, without comments."""
    return re.sub(r"(^|\s)#.*", "", str(step.get("run", "")), flags=re.MULTILINE)


def delivered_by(workflow: Workflow, job: str) -> list[str]:
    return [path for who, _, paths in delivered(workflow) if who == job for path in paths]


def _unreviewed_files(step: dict[str, Any]) -> Iterator[str]:
    """What in a step beside a key lays files of others over the tree, or runs them from elsewhere."""
    action, given = str(step.get("uses", "")).partition("@")[0], step.get("with", {})
    if action == "actions/download-artifact" and not str(given.get("path", "")).startswith(OUTSIDE):
        yield f"lays an artifact over the tree, whose scripts it runs: `path: {OUTSIDE}NAME`"
    if action == "actions/checkout" and (given.get("ref", "main") != "main" or given.keys() & {"repository", "path"}):
        yield "checks out something else than main of this repository"
    if set(re.findall(r"\b(?:require|import)\s*\(([^)]*)\)", str(given.get("script", "")))) - {'"fs"'}:
        yield 'requires a module that is not "fs"'
    script = _script_of(step)
    if found := re.search(r"GITHUB_(ENV|PATH)|BASH_ENV|LD_PRELOAD", script):
        yield f"changes by {found[0]} what later steps run"
    ran = list(_commands(script))
    if len(re.findall(r"\bscripts\b", script)) > sum(words[0].startswith("scripts/") for words in ran):
        yield "names scripts/ otherwise than to run one of them"
    for words in ran:
        if words[0] == "git" and (len(words) < 2 or words[1] not in KEY_GIT):
            yield f"runs `{' '.join(words[:2])}`, which may bring other files into the tree: {', '.join(sorted(KEY_GIT))} may stand here"
        if words[0] == "gh" and tuple(words[1:3]) not in KEY_GH:
            yield f"runs `{' '.join(words[:3])}`, which may bring files or programs: do that in a job without rights"


def _patch_faults(line: str, paths: list[str]) -> Iterator[str]:
    """What is wrong with a `git apply` of a job that delivers *paths*."""
    words = shlex.split(line)
    if words[:2] != ["git", "apply"] or words.count("apply") > 1 or set(words) & {"&&", "||", ";", "|"}:
        yield f"applies a patch in a line that no rule can read: `{line.strip()}`. Give `git apply` a line of its own"
        return
    flags = [word for word in words[2:] if word.startswith("-")]
    included = {flag.removeprefix("--include=") for flag in flags if flag.startswith("--include=")}
    for flag in flags:
        if flag not in APPLY_FLAGS and not flag.startswith("--include="):
            yield f"applies a patch with {flag}, which may lead past its filter"
    wanted = {pattern: path for path in paths for pattern in (path, f"{path}/*")}
    if not included:
        yield "applies a patch with no filter, so that the scripts it runs next may be the patch's: `--include=` each path that is delivered"
    for pattern in sorted(included - wanted.keys()):
        yield f"lets a patch write {pattern}, which it does not deliver"
    for path in paths:
        if path.partition("/")[0] in NEVER_PATCHED:
            yield f"delivers {path} from a patch: what runs changes by a reviewed commit alone"
        if included and not included & {path, f"{path}/*"}:
            yield f"delivers {path}, which no `--include=` of its patch lets through"
