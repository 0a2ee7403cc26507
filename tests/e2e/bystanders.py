"""Pods of the tests' own beside the installation: strangers that try doors, and a hand on the node that ends processes."""

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.e2e.cluster import apply, kubectl

IMAGE = "localhost/openclaw-brain:test"
"""Any image with Python does; this one is on the node."""

_KILL = """
import os, re, sys
where, wanted, number = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
hit = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/{where}", "rb") as file:
            if wanted in re.split(rb"[\\0\\n]", file.read()):
                hit.append(int(pid))
    except OSError:
        continue
for pid in hit:
    os.kill(pid, number)
print(len(hit))
"""


@dataclass(frozen=True)
class Bystander:
    namespace: str
    name: str

    def python(self, code: str, *args: str, timeout_s: float = 60) -> str:
        return kubectl("-n", self.namespace, "exec", self.name, "--", "python3", "-c", code, *args, timeout_s=timeout_s)

    def ip(self) -> str:
        return kubectl("-n", self.namespace, "get", "pod", self.name, "-o", "jsonpath={.status.podIP}")


@contextmanager
def namespace(name: str) -> Iterator[None]:
    """A namespace for the block; one that was there stays."""
    there = kubectl("get", "namespace", name, "--ignore-not-found", "-o", "name").strip()
    if not there:
        kubectl("create", "namespace", name)
    try:
        yield
    finally:
        if not there:
            kubectl("delete", "namespace", name, "--timeout=90s")


@contextmanager
def bystander(where: str, name: str, *, labels: Mapping[str, str] | None = None, **more: Any) -> Iterator[Bystander]:
    """A pod that sleeps; *more* goes into its spec."""
    container: dict[str, Any] = {
        "name": "python",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", "import signal; signal.sigwait([signal.SIGTERM])"],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    } | more.pop("container", {})
    spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1}
    apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": where, "labels": dict(labels or {})},
            "spec": {**spec, **more, "containers": [container]},
        }
    )
    try:
        kubectl("-n", where, "wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s")
        yield Bystander(where, name)
    finally:
        kubectl("-n", where, "delete", "pod", name, "--wait=false", "--ignore-not-found")


@dataclass(frozen=True)
class Hand:
    """On the node, with all rights there: does to processes what faults of machines do."""

    pod: Bystander

    def kill(self, job: str, number: int) -> None:
        """Send a signal to the process of this Job's agent."""
        self._kill("environ", f"AGENT_JOB={job}", number)

    def kill_pod(self, pod: str) -> None:
        """End the processes of this pod's containers, which hear nothing of it."""
        # Not by the environment: Redis writes its title over its own.
        self._kill("root/etc/hostname", pod, signal.SIGKILL)

    def _kill(self, where: str, wanted: str, number: int) -> None:
        hit = json.loads(self.pod.python(_KILL, where, wanted, str(number)))
        assert hit >= 1, f"no process of {wanted} on the node"


@contextmanager
def hand_on_the_node() -> Iterator[Hand]:
    root = {"privileged": True, "runAsUser": 0, "runAsNonRoot": False}
    with (
        namespace("openclaw-e2e"),
        bystander("openclaw-e2e", "hand", hostPID=True, container={"securityContext": root}) as pod,
    ):
        yield Hand(pod)
