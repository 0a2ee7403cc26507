"""Staging on a cluster that may be broken, as its administrator sees it: kubectl, the installation, and changes that are taken back.

`make bench-cluster` and the cluster tests install the same: tests/e2e/overlay, at the root of a checkout.
"""

import copy
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from openclaw_brain.agents.ports import Pool
from openclaw_brain.kubernetes.job_manifest import job_manifest
from openclaw_gitops.kustomizing import Object, build
from openclaw_gitops.kustomizing import objects as parsed

NAMESPACE = "openclaw-staging"
OVERLAY_HOST = "10.244.0.1"
"""Stands in the overlay for the stand-ins and for the API server."""
OVERLAY, POLICIES = Path("tests/e2e/overlay"), Path("platform/policies")


class Unmet(AssertionError):
    """The cluster did not do what it was asked for; the message says what."""


def rendered(folder: Path) -> list[Object]:
    return parsed(build(folder, os.environ))


def named(objects: Sequence[Object], kind: str, name: str) -> Object:
    return next(obj for obj in objects if obj["kind"] == kind and obj["metadata"]["name"] == name)


def kubectl(*args: str, stdin: str | None = None, check: bool = True, timeout_s: float = 120) -> str:
    """What `kubectl` printed. A failure shows its own words."""
    done = subprocess.run(  # noqa: S603
        ["kubectl", *args],  # noqa: S607
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    if check and done.returncode:
        raise Unmet(f"kubectl {' '.join(args)}: {done.stderr}")
    return done.stdout


def ours(*args: str, stdin: str | None = None, check: bool = True, timeout_s: float = 120) -> str:
    """`kubectl` in the namespace of the installation."""
    return kubectl("-n", NAMESPACE, *args, stdin=stdin, check=check, timeout_s=timeout_s)


def listed(kind: str, *args: str) -> list[Object]:
    items = json.loads(ours("get", kind, *args, "-o", "json"))["items"]
    return list(items)


def until(found: Callable[[], Any], *, within_s: float, what: str, every_s: float = 0.2) -> Any:
    """What *found* gives, once it gives something. Raises Unmet, which names *what* did not come."""
    deadline = time.monotonic() + within_s
    while True:
        if value := found():
            return value
        if time.monotonic() > deadline:
            raise Unmet(f"{what}: not within {within_s:g} s")
        time.sleep(every_s)


def apply(*objects: Object) -> None:
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))


def adapted(objects: Sequence[Object]) -> list[Object]:
    """The overlay's render for a cluster whose pods reach the stand-ins and the API server elsewhere."""
    host = os.environ.get("OPENCLAW_E2E_HOST", OVERLAY_HOST)
    api_server = os.environ.get("OPENCLAW_E2E_APISERVER", OVERLAY_HOST)
    text = json.dumps(list(objects)).replace(OVERLAY_HOST, host)
    moved: list[Object] = json.loads(text)
    egress = named(moved, "NetworkPolicy", "brain")["spec"]["egress"]
    egress[0]["to"][0]["ipBlock"]["cidr"] = f"{api_server}/32"
    return moved


@dataclass
class Cluster:
    """Staging as it was installed. Changes are applied as a whole object and taken back the same way."""

    objects: list[Object] = field(default_factory=list)

    # ---- installing

    @classmethod
    @contextmanager
    def installed(cls) -> "Iterator[Cluster]":
        """Policies and the staging overlay, ready to answer. At the end all of it is gone, also after a failure.

        Raises Unmet, with nothing touched, on a cluster that is not marked as one that may be broken.
        """
        refuse_unless_disposable()
        # The bot's alone: the namespaces of other parts stay what they are, or are not there.
        policies = [
            obj
            for obj in rendered(POLICIES)
            if obj["kind"] != "Namespace" or obj["metadata"]["name"].startswith("openclaw-")
        ]
        cluster = cls(adapted(rendered(OVERLAY)))
        remove(policies)  # what a run that was killed has left
        try:
            apply(*policies)
            apply(*(obj for obj in cluster.objects if obj["kind"] != "Deployment"))
            cluster.policies_read_their_parameters()
            ours("rollout", "status", "statefulset/redis", "--timeout=120s", timeout_s=130)
            redis("FLUSHALL")  # a volume that is used again may hold the keys of the run before
            apply(named(cluster.objects, "Deployment", "brain"))
            try:
                cluster.brain_is_out(within_s=120)
            except Unmet as exc:
                raise Unmet("\n".join([str(exc), *(f"-- {title}\n{text}" for title, text in state())])) from None
            yield cluster
        finally:
            remove(policies)

    def policies_read_their_parameters(self) -> None:
        """An API server (seen with 1.34) that has once lost its last policy with a ConfigMap as parameter never reads ConfigMaps
        for policies again until it is started anew: it goes on with those that it knew. That is what a run before us may have left."""
        if not self._follows_its_parameters():
            if not restart_api_server():
                raise Unmet(
                    "this API server has stopped reading the policies' parameters, because a run before has removed the policies: "
                    "start it anew, or set OPENCLAW_APISERVER_STOP and OPENCLAW_APISERVER_START so that it is done here"
                )
            if not self._follows_its_parameters():
                raise Unmet("the policies do not read their parameters")

    def _follows_its_parameters(self) -> bool:
        """Whether a Job is refused under a parameter that refuses it, and then let in under the one of the installation."""
        template = self.find("PodTemplate", "agent")["template"]
        job = job_manifest(
            "agent-agent-00000000-1", Pool(template="agent", hash8="0" * 8, pod=template, deadline_s=600)
        )
        who = f"system:serviceaccount:{NAMESPACE}:brain"

        def let_in() -> bool:
            tried = ("--as", who, "--as-group", "system:serviceaccounts", "create", "--dry-run=server", "-f", "-")
            return bool(ours(*tried, stdin=json.dumps(job), check=False))

        def nowhere(policy: Any) -> None:
            policy["data"]["image.agent"] = "nowhere"

        try:
            with self.changed("ConfigMap", "agent-policy", nowhere):
                until(lambda: not let_in(), within_s=20, what="a refusal")
            until(let_in, within_s=20, what="a Job that may be")
        except Unmet:
            return False
        return True

    def brain_is_out(self, *, within_s: float = 90) -> None:
        """Wait until the brain's newest revision runs alone."""
        ours("rollout", "status", "deployment/brain", f"--timeout={within_s:g}s", timeout_s=within_s + 10)
        until(lambda: all(not gone(pod) for pod in pods("brain")), within_s=40, what="the old brain leaves")

    # ---- changing

    def original(self, kind: str, name: str) -> Object:
        return copy.deepcopy(self.find(kind, name))

    def find(self, kind: str, name: str) -> Object:
        """By name, without the hash that kustomize may have put behind it."""
        return next(
            obj
            for obj in self.objects
            if obj["kind"] == kind and (obj["metadata"]["name"] + "-").startswith(f"{name}-")
        )

    @contextmanager
    def changed(self, kind: str, name: str, change: Callable[[Any], object]) -> Iterator[None]:
        """*change* one object until the block ends."""
        obj = self.original(kind, name)
        change(obj)
        apply(obj)
        try:
            yield
        finally:
            apply(self.find(kind, name))

    @contextmanager
    def settings(self, **values: str) -> Iterator[None]:
        """The brain with other settings until the block ends; each way is a rollout."""

        def set_them(deployment: Any) -> None:
            env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
            env += [{"name": name, "value": value} for name, value in values.items()]

        with self.changed("Deployment", "brain", set_them):
            self.brain_is_out()
            yield
        self.brain_is_out()

    @contextmanager
    def without(self, kind: str, name: str) -> Iterator[None]:
        ours("delete", kind, self.find(kind, name)["metadata"]["name"])
        try:
            yield
        finally:
            apply(self.find(kind, name))

    @contextmanager
    def cordoned(self) -> Iterator[None]:
        nodes = kubectl("get", "nodes", "-o", "name").split()
        for node in nodes:
            kubectl("cordon", node)
        try:
            yield
        finally:
            for node in nodes:
                kubectl("uncordon", node)


def refuse_unless_disposable() -> None:
    """What an installation removes first, production's namespace among it, may be somebody's bot. Raises Unmet."""
    label = kubectl("get", "namespace", "kube-system", "-o", r"jsonpath={.metadata.labels.openclaw\.io/disposable}")
    if label.strip() != "true":
        raise Unmet(
            "the cluster of KUBECONFIG is not marked as one that may be broken, and nothing was changed on it: "
            "set KUBECONFIG to a test cluster, or mark this one with "
            "`kubectl label namespace kube-system openclaw.io/disposable=true`"
        )


def remove(policies: Sequence[Object]) -> None:
    """Everything that an installation makes, and nothing else."""
    names = [f"{obj['kind']}/{obj['metadata']['name']}" for obj in policies]
    kubectl("delete", "--ignore-not-found", "--timeout=120s", *names, timeout_s=150)
    # Volumes that the cluster does not provision by itself keep their claim when it is gone: nobody could take them again.
    for volume in json.loads(kubectl("get", "pv", "-o", "json"))["items"]:
        claim = volume["spec"].get("claimRef", {})
        if claim.get("namespace") == NAMESPACE and volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain":
            patch = '[{"op": "remove", "path": "/spec/claimRef"}]'
            kubectl("patch", "pv", volume["metadata"]["name"], "--type=json", "-p", patch)


def restart_api_server() -> bool:
    """False if nobody has said how."""
    stop, start = os.environ.get("OPENCLAW_APISERVER_STOP"), os.environ.get("OPENCLAW_APISERVER_START")
    if not stop or not start:
        return False
    subprocess.run(stop.split(), check=True)  # noqa: S603
    time.sleep(5)  # its port is free a moment after it has gone
    subprocess.run(start.split(), check=True)  # noqa: S603
    until(api_server_is_ready, within_s=90, what="the API server")
    return True


def api_server_is_ready() -> bool:
    return kubectl("get", "--raw=/readyz", check=False).strip() == "ok"


# ---- looking


def state() -> Iterator[tuple[str, str]]:
    """What whoever reads of a failure wants to see."""
    brain = ("logs", "-l", "app.kubernetes.io/component=brain", "--prefix")
    for title, args in (
        ("brain", (*brain, "--tail=60")),
        ("brain before its restart", (*brain, "--tail=20", "--previous")),
        ("jobs and pods", ("get", "jobs,pods", "-o", "wide")),
        ("events", ("get", "events", "--sort-by=.lastTimestamp")),
    ):
        yield title, "\n".join(ours(*args, check=False).splitlines()[-60:])


def pods(component: str) -> list[Object]:
    return listed("pods", "-l", f"app.kubernetes.io/component={component}")


def jobs() -> list[Object]:
    return listed("jobs", "-l", "app.kubernetes.io/component=agent")


def gone(pod: Object) -> bool:
    """Whether it is on its way out."""
    return "deletionTimestamp" in pod["metadata"]


def runs(pod: Object) -> bool:
    return pod["status"].get("phase") == "Running" and not gone(pod)


def redis(*command: str) -> Any:
    """One command to the Redis of the installation."""
    line = 'REDISCLI_AUTH="$(cat /run/secrets/openclaw/redis/password)" exec valkey-cli --user brain --json "$@"'
    return json.loads(ours("exec", "redis-0", "--", "sh", "-ec", line, "valkey-cli", *command))
