"""The API server itself refuses what the brain's token must not do: wrong Jobs, wrong changes, anything beyond its Role.

In a namespace of its own, under the policies of the installation.
"""

import base64
import copy
import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from openclaw_brain.job_manifest import job_manifest
from openclaw_brain.kubernetes_jobs import COMPONENT
from openclaw_brain.ports import Pool
from tests.e2e.world import World
from tests.manifests.rendering import ROOT, named, of_kind, render

pytestmark = pytest.mark.timeout(180)

Change = Callable[[Any], object]
DEADLINE_S = 1140
"""Of staging's settings."""


def run(*args: str, stdin: str | None = None, check: bool = True) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(["kubectl", *args], input=stdin, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


@dataclass(frozen=True, kw_only=True)
class Brain:
    """Whoever holds the brain's token."""

    namespace: str
    kubeconfig: str
    template: dict[str, Any]
    policy: dict[str, Any]

    def kubectl(self, *args: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        return run("--kubeconfig", self.kubeconfig, "-n", self.namespace, *args, stdin=stdin, check=False)

    def patch(self, job: str, change: dict[str, Any]) -> tuple[int, str]:
        """Status and message of a JSON merge patch, as the brain sends it: kubectl would get the Job first, which the brain may not."""
        view = yaml.safe_load(Path(self.kubeconfig).read_text())
        cluster, token = view["clusters"][0]["cluster"], view["users"][0]["user"]["token"]
        trusted = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        wish = urllib.request.Request(  # noqa: S310 - the address of the cluster under test
            f"{cluster['server']}/apis/batch/v1/namespaces/{self.namespace}/jobs/{job}",
            method="PATCH",
            data=json.dumps(change).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"},
        )
        try:
            with urllib.request.urlopen(wish, context=trusted, timeout=30) as answer:  # noqa: S310
                return answer.status, ""
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, str(json.loads(refused.read())["message"])

    def job(self, n: int = 1) -> dict[str, Any]:
        """A Job as the brain makes it of the PodTemplate that staging has."""
        pool = Pool(
            template="agent",
            hash8="0123abcd",
            pod=self.template,
            env={"TASKS_PER_JOB": "1", "TASK_DEADLINE_S": "180", "WARM_MAX_AGE_S": "900"},
            deadline_s=DEADLINE_S,
        )
        return job_manifest(f"agent-{pool.id}-{n}", pool)

    def create(self, job: dict[str, Any], *flags: str) -> "subprocess.CompletedProcess[str]":
        return self.kubectl("create", *flags, "-f", "-", stdin=json.dumps(job))


@pytest.fixture(scope="module")
def brain(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brain]:
    policies, objects = render(ROOT / "platform/policies"), render(ROOT / "tests/e2e/overlay")
    namespace = f"openclaw-policies-{uuid.uuid4().hex[:8]}"
    # As production's, but for its name.
    space = copy.deepcopy(named(policies, "Namespace", "openclaw-staging"))
    space["metadata"]["name"] = namespace
    mine = of_kind(objects, "ServiceAccount", "Role", "RoleBinding", "ResourceQuota", "LimitRange")
    mine.append(named(objects, "ConfigMap", "agent-policy"))
    for obj in mine:
        obj["metadata"]["namespace"] = namespace
        for subject in obj.get("subjects", []):
            subject["namespace"] = namespace
    run("apply", "-f", "-", stdin=yaml.safe_dump_all([space, *mine]))
    try:
        token = run("create", "token", "brain", "-n", namespace, "--duration=1h").stdout.strip()
        view = yaml.safe_load(run("config", "view", "--raw", "--minify", "--flatten").stdout)
        view["users"] = [{"name": "brain", "user": {"token": token}}]
        view["contexts"] = [{"name": "brain", "context": {"cluster": view["clusters"][0]["name"], "user": "brain"}}]
        view["current-context"] = "brain"
        path = tmp_path_factory.mktemp("brain") / "kubeconfig"
        path.write_text(yaml.safe_dump(view))
        path.chmod(0o600)
        made = Brain(
            namespace=namespace,
            kubeconfig=str(path),
            template=named(objects, "PodTemplate", "agent")["template"],
            policy=named(objects, "ConfigMap", "agent-policy"),
        )
        _wait_until_enforced(made)
        yield made
    finally:
        run("delete", "namespace", namespace, "--wait=false", check=False)


def _wait_until_enforced(brain: Brain) -> None:
    """The API server reads policies, bindings and parameters a moment after they were written."""
    wrong = brain.job()
    wrong["spec"]["parallelism"] = 2
    until = time.monotonic() + 30
    while time.monotonic() < until:
        bad, good = (brain.create(job, "--dry-run=server") for job in (wrong, brain.job()))
        if bad.returncode != 0 and "openclaw-job-shape" in bad.stderr and good.returncode == 0:
            return
        time.sleep(0.5)
    pytest.fail(f"the policies do not take effect: {bad.stderr} {good.stderr}")


def _pod(job: Any) -> Any:
    return job["spec"]["template"]["spec"]


def _container(job: Any) -> Any:
    return _pod(job)["containers"][0]


def _volume(**source: object) -> Change:
    return lambda job: _pod(job)["volumes"].append({"name": "more"} | source)


WRONG_JOBS: dict[str, Change] = {
    "an image from elsewhere": lambda job: _container(job).update(image="docker.io/library/busybox:1"),
    "an image whose name only begins alike": lambda job: _container(job).update(image="localhost/openclaw-agent-not:test"),
    "the brain's service account": lambda job: _pod(job).update(serviceAccountName="brain"),
    "a token of its service account": lambda job: _pod(job).update(automountServiceAccountToken=True),
    "a token by a projected volume": _volume(projected={"sources": [{"serviceAccountToken": {"path": "token"}}]}),
    "the host's network": lambda job: _pod(job).update(hostNetwork=True),
    "the host's processes": lambda job: _pod(job).update(hostPID=True),
    "a folder of the host": _volume(hostPath={"path": "/"}),
    "a node of its choice": lambda job: _pod(job).update(nodeName="node-1"),
    "another Secret": _volume(secret={"secretName": "something-else"}),
    "a ConfigMap": _volume(configMap={"name": "kube-root-ca.crt"}),
    "a Secret in its environment": lambda job: _container(job)["env"].append(
        {"name": "X", "valueFrom": {"secretKeyRef": {"name": "groq", "key": "api-key"}}}
    ),
    "a command of its own": lambda job: _container(job).update(command=["sh", "-c", "true"]),
    "a second container": lambda job: _pod(job)["containers"].append(_container(job) | {"name": "second"}),
    "an init container": lambda job: _pod(job).update(initContainers=[_container(job) | {"name": "first"}]),
    "no deadline": lambda job: job["spec"].pop("activeDeadlineSeconds"),
    "a deadline of a day": lambda job: job["spec"].update(activeDeadlineSeconds=86400),
    "no TTL": lambda job: job["spec"].pop("ttlSecondsAfterFinished"),
    "a TTL over a minute": lambda job: job["spec"].update(ttlSecondsAfterFinished=61),
    "two pods at a time": lambda job: job["spec"].update(parallelism=2),
    "two pods in a row": lambda job: job["spec"].update(completions=2),
    "a retry of its own": lambda job: job["spec"].update(backoffLimit=1),
    "no memory limit": lambda job: _container(job)["resources"].update(limits={}),
    "more memory than agents get": lambda job: _container(job).update(resources={"requests": {"cpu": "20m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}),
    "more CPU than agents get": lambda job: _container(job)["resources"]["requests"].update(cpu="51m"),
    "a CPU limit": lambda job: _container(job)["resources"]["limits"].update(cpu="1"),
    "Argo CD's tracking id": lambda job: job["metadata"].update(annotations={"argocd.argoproj.io/tracking-id": "openclaw"}),
    "the brain's label": lambda job: job["spec"]["template"]["metadata"]["labels"].update({COMPONENT: "brain"}),
    "Redis' label": lambda job: job["spec"]["template"]["metadata"]["labels"].update({COMPONENT: "redis"}),
    "no label": lambda job: job["spec"]["template"]["metadata"]["labels"].pop(COMPONENT),
    "another label on the Job itself": lambda job: job["metadata"]["labels"].update({COMPONENT: "brain"}),
    "a priority": lambda job: _pod(job).update(priorityClassName="system-cluster-critical"),
    "a runtime of its choice": lambda job: _pod(job).update(runtimeClassName="other"),
    "a scheduler of its choice": lambda job: _pod(job).update(schedulerName="other"),
    "a node selector": lambda job: _pod(job).update(nodeSelector={"kubernetes.io/os": "linux"}),
    "a place on every node": lambda job: _pod(job)["tolerations"].append({"operator": "Exists"}),
    "another name": lambda job: job["metadata"].update(name="miner"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_JOBS)
def test_brain_cannot_create_a_job_with(wrong: str, brain: Brain) -> None:
    job = brain.job()
    WRONG_JOBS[wrong](job)

    refused = brain.create(job, "--dry-run=server")

    assert refused.returncode != 0
    assert "openclaw-job-shape" in refused.stderr, refused.stderr


def test_brain_creates_an_agent_and_marks_what_it_claimed(brain: Brain) -> None:
    created = brain.create(brain.job(n=1))
    claim = {"openclaw.io/task": "t-1", "openclaw.io/role": "coder"}
    marked = brain.patch("agent-agent-0123abcd-1", {"metadata": {"labels": claim}})
    again = brain.patch("agent-agent-0123abcd-1", {"metadata": {"labels": {"openclaw.io/task": "t-2"}}})

    assert created.returncode == 0, created.stderr
    assert marked == (200, "")
    assert again == (200, "")
    assert brain.kubectl("delete", "job", "agent-agent-0123abcd-1", "--wait=false").returncode == 0


WRONG_CHANGES: dict[str, dict[str, object]] = {
    "a longer life": {"spec": {"ttlSecondsAfterFinished": 3600}},
    "a later deadline": {"spec": {"activeDeadlineSeconds": 7000}},
    "more pods": {"spec": {"parallelism": 5}},
    "a pause": {"spec": {"suspend": True}},
    "another label": {"metadata": {"labels": {"openclaw.io/pool": "other"}}},
    "a missing label": {"metadata": {"labels": {"app.kubernetes.io/component": None}}},
    "an annotation": {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "openclaw"}}},
    "a finalizer": {"metadata": {"finalizers": ["openclaw.io/never"]}},
    "an owner": {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}]}},
}


@pytest.fixture(scope="module")
def job(brain: Brain) -> Iterator[str]:
    name = "agent-agent-0123abcd-2"
    assert brain.create(brain.job(n=2)).returncode == 0
    yield name
    brain.kubectl("delete", "job", name, "--wait=false")


@pytest.mark.parametrize("wrong", WRONG_CHANGES)
def test_brain_cannot_give_its_job(wrong: str, brain: Brain, job: str) -> None:
    status, message = brain.patch(job, WRONG_CHANGES[wrong])

    assert status in (403, 422)
    assert "openclaw-job-updates" in message, message


@pytest.mark.parametrize(
    "beyond",
    [
        ("get", "jobs"), ("get", "pods"), ("create", "pods"), ("create", "pods", "--subresource=exec"), ("get", "secrets"), ("list", "secrets"), ("get", "configmaps"), ("update", "jobs"),
        ("deletecollection", "jobs"), ("update", "jobs", "--subresource=status"), ("create", "cronjobs"), ("get", "lease/other"),
        ("delete", "lease/brain"), ("get", "podtemplate/other"), ("update", "podtemplate/agent"), ("list", "podtemplates"), ("delete", "pods"),
        ("create", "events"), ("update", "roles"), ("create", "serviceaccounts", "--subresource=token"), ("impersonate", "serviceaccounts"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_brain_has_no_right_to(beyond: tuple[str, ...], brain: Brain) -> None:
    assert brain.kubectl("auth", "can-i", *beyond).stdout.strip() == "no"


@pytest.mark.parametrize(
    "needed",
    [
        ("create", "jobs"), ("list", "jobs"), ("watch", "jobs"), ("patch", "jobs"), ("delete", "jobs"),
        ("list", "pods"), ("watch", "pods"), ("get", "pods", "--subresource=log"), ("list", "events"), ("watch", "events"), ("get", "podtemplate/agent"),
        ("create", "leases"), ("get", "lease/brain"), ("update", "lease/brain"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_brain_has_the_right_to(needed: tuple[str, ...], brain: Brain) -> None:
    assert brain.kubectl("auth", "can-i", *needed).stdout.strip() == "yes"


def test_brain_makes_the_one_lease_that_it_leads_by(brain: Brain) -> None:
    def lease(name: str) -> str:
        return json.dumps({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}})

    made = brain.kubectl("create", "--dry-run=server", "-f", "-", stdin=lease("brain"))
    refused = brain.kubectl("create", "--dry-run=server", "-f", "-", stdin=lease("another"))

    assert made.returncode == 0, made.stderr
    assert refused.returncode != 0
    assert "openclaw-lease-name" in refused.stderr


def test_without_its_parameters_every_job_is_refused(brain: Brain, tmp_path: Path) -> None:
    run("delete", "configmap", "agent-policy", "-n", brain.namespace)
    try:
        until = time.monotonic() + 20
        while (
            refused := brain.create(brain.job(n=3), "--dry-run=server")
        ).returncode == 0 and time.monotonic() < until:
            time.sleep(0.2)
    finally:
        run("apply", "-f", "-", stdin=yaml.safe_dump(brain.policy))

    assert refused.returncode != 0
    assert "openclaw-job-shape" in refused.stderr
