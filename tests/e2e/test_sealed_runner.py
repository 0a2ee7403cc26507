"""A real pod of an agent with tools: who gets in, what its runner holds, and the attacks of tests/runner in the runner's own container.

What each attack reaches for (a secret, servers of each kind, another process) is put into the runner's container first, by a process that is not
sealed. docs/runner.md says what a pod does differently from the tests that need no cluster.
"""

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from openclaw_brain.agents.ports import Pool
from openclaw_brain.kubernetes.job_manifest import job_manifest
from tests.e2e.cluster import NAMESPACE, ours, pod_of, until
from tests.e2e.world import World
from tests.runner.attacks import ATTACKS, HEADER, NUMBERS, Attack

pytestmark = pytest.mark.timeout(900)

BRAIN = f"system:serviceaccount:{NAMESPACE}:brain"
SOCKET = "/run/openclaw/runner.sock"
SECRET = "a-secret-that-nobody-may-read"
ENV = {"BOT_ID": "1000000001", "TASKS_PER_JOB": "1", "TASK_DEADLINE_S": "180", "WARM_MAX_AGE_S": "900"}

SURROUNDINGS = f"""
import json, os, socket, time
os.makedirs("/run/openclaw/outside", exist_ok=True)
for path in ("/run/openclaw/secret", "/run/openclaw/outside/full"):
    open(path, "w").write({SECRET!r})
names = {{"SECRET": "/run/openclaw/secret", "OUTSIDE": "/run/openclaw/outside", "VICTIM": os.getpid(), "SETUID": "/usr/bin/su"}}
kept = []
def listening(family, kind, address):
    opened = socket.socket(family, kind)
    opened.bind(address)
    if kind == socket.SOCK_STREAM:
        opened.listen()
    kept.append(opened)
    return opened.getsockname()
names["PORT"] = listening(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))[1]
names["DNS"] = listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))[1]
for name, kind in (("SERVER", socket.SOCK_STREAM), ("DATAGRAMS", socket.SOCK_DGRAM)):
    names[name] = "/run/openclaw/" + name
    listening(socket.AF_UNIX, kind, names[name])
names["ABSTRACT"] = chr(0) + "openclaw-e2e"
listening(socket.AF_UNIX, socket.SOCK_STREAM, names["ABSTRACT"])
print(json.dumps(names), flush=True)
time.sleep(800)
"""
"""Runs in the runner's container, as the runner's user."""

CALLER = """
import asyncio, json, sys
from pathlib import Path
from openclaw_core.sealed import ProgramLanguage, RunLimits, RunnerCause, RunnerClient, RunRequest
LIMITS = dict(memory_bytes=64 << 20, processes=24, open_files=64, file_bytes=4 << 20, folder_bytes=8 << 20, folder_entries=1000, output_bytes=16_384)
async def main():
    client = RunnerClient(Path(sys.argv[1]), spare_s=60)
    for one in json.load(sys.stdin):
        request = RunRequest(language=ProgramLanguage(one["language"]), code=one["code"], limits=RunLimits(seconds=one["seconds"], **LIMITS))
        for _ in range(90):  # after its last request a runner ends, and the kubelet starts it again
            result = await client.run(request)
            if result.program.cause is not RunnerCause.NOT_AVAILABLE:
                break
            await asyncio.sleep(1)
        print(json.dumps({
            "name": one["name"], "cause": result.program.cause, "code": result.program.exit_code, "stdout": result.program.stdout[:2000],
            "stderr": result.program.stderr[-500:], "why": result.program.why,
            "files": [[file.name, file.data[:200].decode("latin-1")] for file in result.files],
        }), flush=True)
asyncio.run(main())
"""
"""Runs in the agent's container, with the agent's own client."""


@dataclass(frozen=True, kw_only=True)
class ToolsPod:
    """A pod whose agent waits for a task that never comes."""

    name: str

    def run(self, container: str, *command: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        arguments = [
            "kubectl",
            "-n",
            NAMESPACE,
            "exec",
            *(["-i"] if stdin else []),
            self.name,
            "-c",
            container,
            "--",
            *command,
        ]
        return subprocess.run(arguments, input=stdin, capture_output=True, text=True, check=False, timeout=800)

    def ask(self, *asked: dict[str, object]) -> list[dict[str, Any]]:
        """What the runner answers to these programs."""
        done = self.run("agent", "python3", "-c", CALLER, SOCKET, stdin=json.dumps(asked))
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    @contextmanager
    def surroundings(self) -> Iterator[dict[str, object]]:
        """Within reach of whoever is not sealed."""
        command = [
            "kubectl",
            "-n",
            NAMESPACE,
            "exec",
            self.name,
            "-c",
            "runner",
            "--",
            "env",
            "TOKEN=x",
            "python3",
            "-c",
            SURROUNDINGS,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield json.loads(process.stdout.readline())
            finally:
                process.kill()


def a_job(world: World, template: str = "agent-tools", n: int = 1) -> dict[str, Any]:
    """As the brain makes it."""
    pod = world.cluster.find("PodTemplate", template)["template"]
    pool = Pool(template=template, hash8="0123abcd", pod=pod, env=ENV, deadline_s=1140)
    return job_manifest(f"agent-{pool.id}-{n}", pool)


def create(job: dict[str, Any], *flags: str) -> "subprocess.CompletedProcess[str]":
    """By whoever holds the brain's token."""
    command = ["kubectl", "-n", NAMESPACE, "--as", BRAIN, "create", *flags, "-f", "-"]
    return subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pod(world: World) -> Iterator[ToolsPod]:
    job = a_job(world)
    done = create(job)
    assert done.returncode == 0, done.stderr
    name = job["metadata"]["name"]
    try:

        def agent_runs() -> str:
            found = pod_of(name)
            states = [] if found is None else found["status"].get("containerStatuses", [])
            return found["metadata"]["name"] if found and any("running" in each["state"] for each in states) else ""

        until(lambda: bool(agent_runs()), within_s=120, every_s=0.5, what="an agent that runs beside its runner")
        yield ToolsPod(name=agent_runs())
    finally:
        ours("delete", "job", name, "--wait=false", check=False)


# ---- who gets in


def _pod(job: Any) -> Any:
    return job["spec"]["template"]["spec"]


def _runner(job: Any) -> Any:
    return _pod(job)["initContainers"][0]


def _mount(job: Any, container: str, name: str) -> Any:
    [found] = [each for each in _pod(job)["containers"] + _pod(job)["initContainers"] if each["name"] == container]
    return next(each for each in found["volumeMounts"] if each["name"] == name)


def _source(job: Any, name: str, **source: object) -> Any:
    next(each for each in _pod(job)["volumes"] if each["name"] == name).pop("emptyDir")
    return next(each for each in _pod(job)["volumes"] if each["name"] == name).update(source)


NEAR_MISSES: dict[str, Callable[[Any], object]] = {
    "a Secret": lambda job: _runner(job)["volumeMounts"].append({"name": "groq", "mountPath": "/runs/groq"}),
    "a Secret in its folder's place": lambda job: _source(job, "runs", secret={"secretName": "groq"}),
    "a Secret in the socket's place": lambda job: _source(job, "socket", secret={"secretName": "groq"}),
    "a Secret in its environment": lambda job: _runner(job).update(env=[{"name": "X", "valueFrom": {"secretKeyRef": {"name": "groq", "key": "api-key"}}}]),
    "a variable": lambda job: _runner(job).update(env=[{"name": "PYTHONPATH", "value": "/runs"}]),
    "all variables of a Secret": lambda job: _runner(job).update(envFrom=[{"secretRef": {"name": "groq"}}]),
    "a token": lambda job: _pod(job).update(automountServiceAccountToken=True),
    "the agent's folder": lambda job: _runner(job)["volumeMounts"].append({"name": "tmp", "mountPath": "/tmp"}),
    "the agent in its folder": lambda job: _pod(job)["containers"][0]["volumeMounts"].append({"name": "runs", "mountPath": "/tmp/runs"}),
    "its folder as the agent's": lambda job: _mount(job, "agent", "tmp").update(name="runs"),
    "a socket that the agent may replace": lambda job: _mount(job, "agent", "socket").pop("readOnly"),
    "a folder on the node's disk": lambda job: _source(job, "runs", emptyDir={"sizeLimit": "64Mi"}),
    "a folder without an end": lambda job: _source(job, "runs", emptyDir={"medium": "Memory"}),
    "a large folder": lambda job: _source(job, "runs", emptyDir={"medium": "Memory", "sizeLimit": "1Gi"}),
    "a folder of the host": lambda job: _source(job, "runs", hostPath={"path": "/"}),
    "another image": lambda job: _runner(job).update(image="docker.io/library/busybox:1"),
    "the agent's image": lambda job: _runner(job).update(image="localhost/openclaw-agent:test"),
    "an older tag": lambda job: _runner(job).update(image="localhost/openclaw-runner:old"),
    "another name": lambda job: _runner(job).update(name="second"),
    "privilege": lambda job: _runner(job)["securityContext"].update(privileged=True, allowPrivilegeEscalation=True),
    "a capability": lambda job: _runner(job)["securityContext"]["capabilities"].update(add=["SYS_PTRACE"]),
    "privilege escalation": lambda job: _runner(job)["securityContext"].update(allowPrivilegeEscalation=True),
    "a writable root": lambda job: _runner(job)["securityContext"].update(readOnlyRootFilesystem=False),
    "the agent's user": lambda job: _runner(job)["securityContext"].update(runAsUser=65532),
    "root": lambda job: _runner(job)["securityContext"].update(runAsUser=0),
    "the pod's user": lambda job: _runner(job)["securityContext"].pop("runAsUser"),
    "no seccomp": lambda job: _runner(job)["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    "a command": lambda job: _runner(job).update(command=["sh"]),
    "another argument": lambda job: _runner(job)["args"].append("--folder=/tmp"),
    "no arguments": lambda job: _runner(job).pop("args"),
    "another probe": lambda job: _runner(job).update(livenessProbe={"exec": {"command": ["true"]}}),
    "a probe that runs something else": lambda job: _runner(job)["startupProbe"]["exec"].update(command=["sh", "-c", "true"]),
    "no probe": lambda job: _runner(job).pop("startupProbe"),
    "a hook": lambda job: _runner(job).update(lifecycle={"preStop": {"exec": {"command": ["true"]}}}),
    "a port": lambda job: _runner(job).update(ports=[{"containerPort": 8080}]),
    "no restart policy": lambda job: (_runner(job).pop("restartPolicy"), _runner(job).pop("startupProbe")),
    "no memory limit": lambda job: _runner(job)["resources"]["limits"].pop("memory"),
    "more memory": lambda job: [_runner(job)["resources"][each].update(memory="1Gi") for each in ("limits", "requests")],
    "no CPU limit": lambda job: _runner(job)["resources"]["limits"].pop("cpu"),
    "more CPU": lambda job: _runner(job)["resources"]["limits"].update(cpu="2"),
    "a second one": lambda job: _pod(job)["initContainers"].append(copy.deepcopy(_runner(job)) | {"name": "second"}),
    "no label for its network": lambda job: job["spec"]["template"]["metadata"]["labels"].pop("openclaw.io/tools"),
    "the label without it": lambda job: (_pod(job).pop("initContainers"), _source(job, "runs", emptyDir={"sizeLimit": "1Mi"})),
    "one process namespace": lambda job: _pod(job).update(shareProcessNamespace=True),
    "another runtime": lambda job: _pod(job).update(runtimeClassName="other"),
}  # fmt: skip


@pytest.mark.parametrize("near", NEAR_MISSES)
def test_the_brain_cannot_create_a_runner_with(near: str, world: World) -> None:
    job = a_job(world, n=2)
    NEAR_MISSES[near](job)

    refused = create(job, "--dry-run=server")

    assert refused.returncode != 0
    assert "openclaw-job-shape" in refused.stderr, refused.stderr


@pytest.mark.parametrize("template", ["agent", "agent-tools"])
def test_the_brain_can_create_what_the_templates_say(template: str, world: World) -> None:
    done = create(a_job(world, template, n=3), "--dry-run=server")
    assert done.returncode == 0, done.stderr


# ---- what the runner holds


def test_the_runner_holds_no_secret_no_token_and_a_root_that_it_cannot_write(pod: ToolsPod) -> None:
    assert pod.run("runner", "id", "-u").stdout == "65531\n"
    assert pod.run("runner", "ls", "/run/secrets", "/var/run/secrets").stdout == ""
    names = {line.partition("=")[0] for line in pod.run("runner", "env").stdout.splitlines()}
    assert not {name for name in names if "KEY" in name or "REDIS" in name or "TOKEN" in name}, names
    for place in ("/x", "/app/x", "/tmp/x", "/dev/x"):
        assert pod.run("runner", "touch", place).returncode != 0, place
    assert "Read-only" in pod.run("agent", "touch", "/run/openclaw/x").stderr


def test_code_with_its_libraries_runs_and_makes_a_plot(pod: ToolsPod) -> None:
    code = "import pandas, matplotlib.pyplot as plt\nprint(pandas.DataFrame({'a': [1, 2]}).a.sum())\nplt.plot([1, 2]); plt.show()"
    [answer] = pod.ask({"name": "plot", "language": "python", "code": code, "seconds": 30})
    assert (answer["stdout"], answer["cause"], [name for name, _ in answer["files"]]) == (
        "3\n",
        None,
        ["figure-1.png"],
    ), answer


# ---- attacks


@pytest.fixture(scope="module")
def answers(pod: ToolsPod) -> dict[str, dict[str, Any]]:
    """What became of each attack, by its name."""
    with pod.surroundings() as names:
        lines = "\n".join(f"{name} = {value!r}" for name, value in {**names, "RUNNER": SOCKET}.items())
        found = pod.ask(
            *(
                {
                    "name": each.name,
                    "language": each.language,
                    "code": f"{lines}\n{each.program(seen_s=8.0)}"
                    if each.language == "python"
                    else each.program(seen_s=8.0),
                    "seconds": each.seconds,
                }
                for each in ATTACKS
            )
        )
        alive = pod.run("runner", "sh", "-c", "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done").stdout
    assert [line for line in alive.splitlines() if "openclaw_runner" in line and "--socket" in line], alive
    left = [
        line
        for line in alive.splitlines()
        if line.strip() and not any(part in line for part in ("openclaw_runner", "names[", "for p in"))
    ]
    assert [line for line in left if not line.startswith("tr ")] == [], "something outlived its run"
    return {answer["name"]: answer for answer in found}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_in_a_pod_is_refused(attack: Attack, answers: dict[str, dict[str, Any]]) -> None:
    answer = answers[attack.name]

    assert "GOT" not in answer["stdout"], answer
    assert not any(SECRET in data for _, data in answer["files"]), answer
    assert attack.measure != "names" or not answer["files"], answer
    if not (attack.or_fails and answer["code"]):
        assert answer["cause"] == attack.cause, answer


def test_there_are_forty(answers: dict[str, dict[str, Any]]) -> None:
    assert len(answers) == len(ATTACKS) >= 40


def test_the_runner_answers_after_all_attacks(answers: dict[str, dict[str, Any]], pod: ToolsPod) -> None:
    code = HEADER.format(numbers=NUMBERS) + "print('well')"
    [answer] = pod.ask({"name": "well", "language": "python", "code": code, "seconds": 10})
    assert (answer["stdout"], answer["cause"]) == ("well\n", None), answer
