"""Install staging on a test cluster, and change it until a block ends.

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

from openclaw_brain.agents.ports import Pool
from openclaw_brain.kubernetes.job_manifest import job_manifest
from openclaw_cli.bench.kubectl import (
    NAMESPACE,
    Unmet,
    api_server_is_ready,
    apply,
    is_terminating,
    kubectl,
    ours,
    pods,
    redis,
    state,
    until,
)
from openclaw_cli.bench.roles import with_and_without_tools
from openclaw_gitops.kustomize import Manifest, build
from openclaw_gitops.kustomize import objects as parsed

OVERLAY_HOST = "10.244.0.1"
"""Is in the overlay for the stand-ins and for the API server."""
OVERLAY, POLICIES = Path("tests/e2e/overlay"), Path("platform/policies")


def rendered(folder: Path) -> list[Manifest]:
    return parsed(build(folder, os.environ))


def named(objects: Sequence[Manifest], kind: str, name: str) -> Manifest:
    return next(obj for obj in objects if obj["kind"] == kind and obj["metadata"]["name"] == name)


def stand_in_host() -> str:
    """Where the cluster's pods reach the stand-ins."""
    return os.environ.get("OPENCLAW_E2E_HOST", OVERLAY_HOST)


def adapted(objects: Sequence[Manifest], *, tools: bool = True) -> list[Manifest]:
    """The overlay's render for a cluster whose pods reach the stand-ins and the API server elsewhere, and with roles of bench.roles.

    *tools*: whether there are roles with tools too.
    """
    api_server = os.environ.get("OPENCLAW_E2E_APISERVER", OVERLAY_HOST)
    text = json.dumps(list(objects)).replace(OVERLAY_HOST, stand_in_host())
    moved: list[Manifest] = json.loads(text)
    egress = named(moved, "NetworkPolicy", "brain")["spec"]["egress"]
    egress[0]["to"][0]["ipBlock"]["cidr"] = f"{api_server}/32"
    for obj in moved:
        if obj["kind"] == "ConfigMap" and "roles.yaml" in obj["data"]:
            obj["data"]["roles.yaml"] = with_and_without_tools(obj["data"]["roles.yaml"], both=tools)
    return moved


@dataclass
class Cluster:
    """Staging as it was installed. Changes are applied as a whole object and taken back the same way."""

    objects: list[Manifest] = field(default_factory=list)

    # ---- installing

    @classmethod
    @contextmanager
    def installed(cls, *, tools: bool = True) -> "Iterator[Cluster]":
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
        cluster = cls(adapted(rendered(OVERLAY), tools=tools))
        remove(policies)  # left by a run that was killed
        try:
            apply(*policies)
            apply(*(obj for obj in cluster.objects if obj["kind"] != "Deployment"))
            cluster.check_policy_parameters()
            ours("rollout", "status", "statefulset/redis", "--timeout=120s", timeout_s=130)
            redis("FLUSHALL")  # a volume that is used again may hold the keys of the run before
            apply(named(cluster.objects, "Deployment", "brain"))
            try:
                cluster.wait_for_brain(within_s=120)
            except Unmet as exc:
                raise Unmet("\n".join([str(exc), *(f"-- {title}\n{text}" for title, text in state())])) from None
            yield cluster
        finally:
            remove(policies)

    def check_policy_parameters(self) -> None:
        """Restart an API server that no longer reads the policies' parameters. Raises Unmet if that is not possible or does not help.

        Seen with 1.34: once its last policy with a ConfigMap as parameter is deleted, an API server reads no more ConfigMaps for
        policies until it is restarted. An earlier run may have left it so.
        """
        if not self._policies_see_parameters():
            if not restart_api_server():
                raise Unmet(
                    "this API server has stopped reading the policies' parameters, because a run before has removed the policies: "
                    "start it anew, or set OPENCLAW_APISERVER_STOP and OPENCLAW_APISERVER_START so that it is done here"
                )
            if not self._policies_see_parameters():
                raise Unmet("the policies do not read their parameters")

    def _policies_see_parameters(self) -> bool:
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

    def wait_for_brain(self, *, within_s: float = 90) -> None:
        """Wait until the brain's newest revision runs alone."""
        ours("rollout", "status", "deployment/brain", f"--timeout={within_s:g}s", timeout_s=within_s + 10)
        until(lambda: all(not is_terminating(pod) for pod in pods("brain")), within_s=40, what="the old brain leaves")

    # ---- changing

    def original(self, kind: str, name: str) -> Manifest:
        return copy.deepcopy(self.find(kind, name))

    def find(self, kind: str, name: str) -> Manifest:
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
            self.wait_for_brain()
            yield
        self.wait_for_brain()


def refuse_unless_disposable() -> None:
    """Raises Unmet unless the cluster is marked as one that may be broken: installing removes what is there, also prod's namespace."""
    label = kubectl("get", "namespace", "kube-system", "-o", r"jsonpath={.metadata.labels.openclaw\.io/disposable}")
    if label.strip() != "true":
        raise Unmet(
            "the cluster of KUBECONFIG is not marked as one that may be broken, and nothing was changed on it: "
            "set KUBECONFIG to a test cluster, or mark this one with "
            "`kubectl label namespace kube-system openclaw.io/disposable=true`"
        )


def remove(policies: Sequence[Manifest]) -> None:
    """Delete everything that an installation makes, and nothing else."""
    names = [f"{obj['kind']}/{obj['metadata']['name']}" for obj in policies]
    kubectl("delete", "--ignore-not-found", "--timeout=120s", *names, timeout_s=150)
    # Volumes that the cluster does not provision by itself keep their claim when it is gone: nobody could take them again.
    for volume in json.loads(kubectl("get", "pv", "-o", "json"))["items"]:
        claim = volume["spec"].get("claimRef", {})
        if claim.get("namespace") == NAMESPACE and volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain":
            patch = '[{"op": "remove", "path": "/spec/claimRef"}]'
            kubectl("patch", "pv", volume["metadata"]["name"], "--type=json", "-p", patch)


def restart_api_server() -> bool:
    """Restart it with the commands of the environment. False if these are not set."""
    stop, start = os.environ.get("OPENCLAW_APISERVER_STOP"), os.environ.get("OPENCLAW_APISERVER_START")
    if not stop or not start:
        return False
    subprocess.run(stop.split(), check=True)  # noqa: S603
    time.sleep(5)  # its port is free a moment after it has gone
    subprocess.run(start.split(), check=True)  # noqa: S603
    until(api_server_is_ready, within_s=90, what="the API server")
    return True
