"""The installation under test, and what only tests look at. Staging itself is `openclaw_cli.bench.staging`, which the benchmark installs too."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from openclaw_cli.bench.kubectl import (
    NAMESPACE,
    api_server_is_ready,
    apply,
    is_terminating,
    kubectl,
    listed,
    ours,
    pods,
    redis,
    state,
    until,
)
from openclaw_cli.bench.staging import (
    OVERLAY_HOST,
    Cluster,
    adapted,
    refuse_unless_disposable,
    remove,
    restart_api_server,
    stand_in_host,
)
from openclaw_gitops.kustomize import Manifest

__all__ = [
    "NAMESPACE",
    "OVERLAY_HOST",
    "Cluster",
    "adapted",
    "api_server_is_ready",
    "apply",
    "cordoned",
    "jobs",
    "kubectl",
    "leader",
    "left_behind",
    "listed",
    "metric",
    "ours",
    "pod_of",
    "pods",
    "python",
    "redis",
    "refuse_unless_disposable",
    "remove",
    "restart_api_server",
    "runs",
    "stand_in_host",
    "state",
    "until",
    "without",
]


def left_behind() -> list[str]:
    """What a run was to remove and has not: anything of the cluster's own with our name, a volume that is claimed by nobody, a cordon."""
    kinds = "namespaces,priorityclasses,validatingadmissionpolicies,validatingadmissionpolicybindings"
    left = [name for name in kubectl("get", kinds, "-o", "name").split() if "openclaw" in name]
    for volume in json.loads(kubectl("get", "pv", "-o", "json"))["items"]:
        if volume["spec"].get("claimRef", {}).get("namespace") == NAMESPACE:
            left.append(f"persistentvolume/{volume['metadata']['name']}, claimed")
    for node in json.loads(kubectl("get", "nodes", "-o", "json"))["items"]:
        if node["spec"].get("unschedulable"):
            left.append(f"node/{node['metadata']['name']}, cordoned")
    return left


def jobs() -> list[Manifest]:
    return listed("jobs", "-l", "app.kubernetes.io/component=agent")


def runs(pod: Manifest) -> bool:
    return pod["status"].get("phase") == "Running" and not is_terminating(pod)


@contextmanager
def without(cluster: Cluster, kind: str, name: str) -> Iterator[None]:
    """Delete one object of *cluster* until the block ends."""
    ours("delete", kind, cluster.find(kind, name)["metadata"]["name"])
    try:
        yield
    finally:
        apply(cluster.find(kind, name))


@contextmanager
def cordoned() -> Iterator[None]:
    """No node takes a new pod until the block ends."""
    nodes = kubectl("get", "nodes", "-o", "name").split()
    for node in nodes:
        kubectl("cordon", node)
    try:
        yield
    finally:
        for node in nodes:
            kubectl("uncordon", node)


def pod_of(job: str) -> Manifest | None:
    return next(iter(listed("pods", "-l", f"batch.kubernetes.io/job-name={job}")), None)


def leader() -> str:
    """The pod that holds the Lease; empty while none does. The holder's name goes on behind that of its pod."""
    return ours("get", "lease", "brain", "-o", "jsonpath={.spec.holderIdentity}").rpartition("-")[0]


def python(pod: str, code: str, *args: str, check: bool = True, timeout_s: float = 60) -> str:
    """Run *code* in a pod of ours: the images have no shell to speak of."""
    return ours("exec", pod, "--", "python3", "-c", code, *args, check=check, timeout_s=timeout_s)


_FILL = """
import os
file = os.memfd_create("held")  # the container's memory, and not this process's: the kernel ends the largest one
while True:
    os.write(file, b"x" * 1_000_000)
"""


def use_up_memory(job: str) -> None:
    """This Job's agent is ended by the kernel, as if it held more than its limit."""
    pod = pod_of(job)
    assert pod is not None
    python(pod["metadata"]["name"], _FILL, check=False)


def metric(name: str) -> list[str]:
    """The lines of one metric of the brain that leads; none while none does."""
    code = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/metrics').read().decode())"
    brain = leader()
    page = python(brain, code, check=False) if brain else ""
    return [line for line in page.splitlines() if line.startswith(name)]
