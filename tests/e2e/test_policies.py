"""The API server itself refuses what the brain's token must not do: wrong Jobs, wrong changes, anything beyond its Role.

In a namespace of its own, under the policies of the installation.
"""

import copy
import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from openclaw_brain.kubernetes.jobs import COMPONENT
from tests.e2e.brain_token import Brain, run
from tests.e2e.world import World
from tests.e2e.wrong_jobs import WRONG_JOBS, Change, container_of, env_of, pod_of
from tests.manifests.rendering import ROOT, named, of_kind, render

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def brain(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brain]:
    policies, objects = render(ROOT / "platform/policies"), render(ROOT / "tests/e2e/overlay")
    namespace = f"openclaw-policies-{uuid.uuid4().hex[:8]}"
    # As production's, but for its name.
    space = copy.deepcopy(named(policies, "Namespace", "openclaw-staging"))
    space["metadata"]["name"] = namespace
    mine = of_kind(objects, "ServiceAccount", "Role", "RoleBinding", "ResourceQuota", "LimitRange")
    policy = named(objects, "ConfigMap", "agent-policy")
    policy["data"]["before.brain"] = f"main-0@sha256:{'2' * 64} main-1@{DIGEST}"
    exporter = named(render(ROOT / "platform/redis-exporter"), "ConfigMap", "redis-exporter-policy")
    exporter["data"] = {"image.redis-exporter": "localhost/redis-exporter:test"}
    mine += [policy, exporter]
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


@pytest.mark.parametrize("wrong", WRONG_JOBS)
def test_brain_cannot_create_a_job_with(wrong: str, brain: Brain) -> None:
    job = brain.job()
    WRONG_JOBS[wrong](job)

    refused = brain.create(job, "--dry-run=server")

    assert refused.returncode != 0
    assert "openclaw-job-shape" in refused.stderr, refused.stderr


def _refusal(brain: Brain, change: Change) -> str:
    job = brain.job()
    change(job)
    refused = brain.create(job, "--dry-run=server")
    assert refused.returncode != 0
    return refused.stderr


def test_a_refusal_names_what_is_wrong(brain: Brain) -> None:
    assert "HTTPS_PROXY" in _refusal(brain, env_of(HTTPS_PROXY="http://203.0.113.1"))
    assert "shareProcessNamespace" in _refusal(brain, lambda job: pod_of(job).update(shareProcessNamespace=True))
    assert "livenessProbe" in _refusal(
        brain, lambda job: container_of(job).update(livenessProbe={"exec": {"command": ["true"]}})
    )


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_brain_may_set_what_the_policy_lists(level: str, brain: Brain) -> None:
    job = brain.job()
    env_of(LOG_LEVEL=level)(job)

    done = brain.create(job, "--dry-run=server")

    assert done.returncode == 0, done.stderr


# ---- which images pods may run, whoever makes them


def pod(image: str, component: str = "brain", **more: object) -> str:
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "x", "image": image, "securityContext": secure,
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
    }  # fmt: skip
    spec = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    } | {key: [{**container, "name": "y", "image": value}] for key, value in more.items()}
    metadata = {"generateName": "image-", "labels": {COMPONENT: component}}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def created_by_an_administrator(brain: Brain, manifest: str) -> "subprocess.CompletedProcess[str]":
    return run("-n", brain.namespace, "create", "--dry-run=server", "-f", "-", stdin=manifest, check=False)


OURS = "localhost/openclaw-brain:test"
DIGEST = "sha256:08ad0b1d280850169a790dba1393ff7a90aef951fc19632cf4d3ce4f78e679ba"


@pytest.mark.parametrize(
    "image",
    [
        OURS, "localhost/openclaw-agent:test", "localhost/redis:test",
        f"localhost/openclaw-brain:main-1@{DIGEST}", # a build before, that the release names
    ],
)  # fmt: skip
def test_a_released_image_runs(image: str, brain: Brain) -> None:
    done = created_by_an_administrator(brain, pod(image))

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "manifest",
    [
        pod("docker.io/library/busybox:1"),
        pod("localhost/openclaw-brain:old"),
        pod("localhost/openclaw-brain"),
        pod(f"{OURS}@{DIGEST}"),
        pod(f"localhost/openclaw-agent:main-1@{DIGEST}"),  # that build of the other image
        pod(f"localhost/openclaw-brain:main-2@{DIGEST}"),
        pod("localhost/openclaw-brain:none"),
        pod(OURS, initContainers="docker.io/library/busybox:1"),
        pod(OURS, component="redis-exporter"),  # which may run its own image alone
        pod("localhost/redis-exporter:other", component="redis-exporter"),
        pod("docker.io/library/busybox:1", component=""),
    ],
    ids=range(11),
)
def test_an_image_that_was_not_released_does_not_start(manifest: str, brain: Brain) -> None:
    """Not even by an administrator's hand: every pod is looked at, and CI signs and verifies what the release names."""
    done = created_by_an_administrator(brain, manifest)

    assert done.returncode != 0
    assert "openclaw-image-origin" in done.stderr, done.stderr


def test_the_exporter_runs_its_own_image(brain: Brain) -> None:
    done = created_by_an_administrator(brain, pod("localhost/redis-exporter:test", component="redis-exporter"))

    assert done.returncode == 0, done.stderr


def test_a_pod_of_an_older_release_may_still_be_tended_and_gets_no_other_image(brain: Brain) -> None:
    """The Job controller takes its finalizer off such a pod, and an ephemeral container would be a way around."""
    run("-n", brain.namespace, "label", "namespace", brain.namespace, "openclaw.io/agents-", "--overwrite")
    manifest = json.loads(pod("localhost/openclaw-brain:old"))
    manifest["metadata"] |= {"generateName": None, "name": "older"}
    until = time.monotonic() + 20
    while (made := _create(brain, manifest)).returncode != 0 and time.monotonic() < until:
        time.sleep(0.5)
    run("label", "namespace", brain.namespace, "openclaw.io/agents=enforced", "--overwrite")
    assert made.returncode == 0, made.stderr
    try:
        until = time.monotonic() + 20
        while created_by_an_administrator(brain, pod("x:1")).returncode == 0 and time.monotonic() < until:
            time.sleep(0.5)
        tended = run("-n", brain.namespace, "label", "pod", "older", "tended=yes", check=False)
        changed = run("-n", brain.namespace, "set", "image", "pod/older", "x=docker.io/library/busybox:1", check=False)
        debugged = run(
            "-n",
            brain.namespace,
            "debug",
            "pod/older",
            "--profile=restricted",
            "--image=docker.io/library/busybox:1",
            check=False,
        )
    finally:
        run("-n", brain.namespace, "delete", "pod", "older", "--grace-period=0", "--force", check=False)

    assert tended.returncode == 0, tended.stderr
    for refused in (changed, debugged):
        assert refused.returncode != 0
        assert "openclaw-image-origin" in refused.stderr, refused.stderr


def _create(brain: Brain, manifest: Any) -> "subprocess.CompletedProcess[str]":
    return run("-n", brain.namespace, "create", "-f", "-", stdin=json.dumps(manifest), check=False)


# ---- what the brain may do with what it made


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
