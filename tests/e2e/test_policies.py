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

from openclaw_brain.agents.ports import Pool
from openclaw_brain.kubernetes.job_manifest import job_manifest
from openclaw_brain.kubernetes.jobs import COMPONENT
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
        request = urllib.request.Request(  # noqa: S310 - the address of the cluster under test
            f"{cluster['server']}/apis/batch/v1/namespaces/{self.namespace}/jobs/{job}",
            method="PATCH",
            data=json.dumps(change).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"},
        )
        try:
            with urllib.request.urlopen(request, context=trusted, timeout=30) as answer:  # noqa: S310
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
            env={"BOT_ID": "1000000001", "TASKS_PER_JOB": "1", "TASK_DEADLINE_S": "180", "WARM_MAX_AGE_S": "900"},
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


def _pod(job: Any) -> Any:
    return job["spec"]["template"]["spec"]


def _container(job: Any) -> Any:
    return _pod(job)["containers"][0]


def _volume(**source: object) -> Change:
    return lambda job: _pod(job)["volumes"].append({"name": "more"} | source)


def _env(**values: str) -> Change:
    """Sets the variables, also those that are there."""

    def set_them(job: Any) -> None:
        kept = [entry for entry in _container(job)["env"] if entry["name"] not in values]
        _container(job)["env"] = kept + [{"name": name, "value": value} for name, value in values.items()]

    return set_them


def _node_affinity(job: Any) -> Any:
    return _pod(job)["affinity"]["nodeAffinity"]


BESIDE_REDIS = {
    "requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {COMPONENT: "redis"}}}
    ]
}
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
    "a place in another pool": lambda job: _pod(job)["tolerations"].append({"key": "openclaw.io/pool", "value": "system"}),
    "a place in whatever pool": lambda job: _pod(job)["tolerations"].append({"key": "openclaw.io/pool", "operator": "Exists"}),
    "no affinity": lambda job: _pod(job).pop("affinity"),
    "an affinity for the system pool": lambda job: _node_affinity(job)["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"].append(
        {"matchExpressions": [{"key": "openclaw.io/pool", "operator": "In", "values": ["system"]}]}
    ),
    "an affinity by a node's name": lambda job: _node_affinity(job)["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"].append(
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}
    ),
    "a preference for a node": lambda job: _node_affinity(job)["preferredDuringSchedulingIgnoredDuringExecution"].append(
        {"weight": 100, "preference": {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-1"]}]}}
    ),
    "a place beside Redis": lambda job: _pod(job)["affinity"].update(podAffinity=BESIDE_REDIS),
    "a spread of its own": lambda job: _pod(job).update(
        topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]
    ),
    "a liveness probe that runs a command": lambda job: _container(job).update(livenessProbe={"exec": {"command": ["true"]}}),
    "a readiness probe that runs a command": lambda job: _container(job).update(readinessProbe={"exec": {"command": ["true"]}}),
    "a startup probe that runs a command": lambda job: _container(job).update(startupProbe={"exec": {"command": ["true"]}}),
    "a probe of somebody's server": lambda job: _container(job).update(livenessProbe={"httpGet": {"host": "203.0.113.1", "port": 80}}),
    "a hook before its end": lambda job: _container(job).update(lifecycle={"preStop": {"exec": {"command": ["true"]}}}),
    "arguments of its own": lambda job: _container(job).update(args=["-c", "pass"]),
    "a working folder": lambda job: _container(job).update(workingDir="/run/secrets/openclaw"),
    "a terminal": lambda job: _container(job).update(tty=True),
    "an open standard input": lambda job: _container(job).update(stdin=True),
    "a port": lambda job: _container(job).update(ports=[{"containerPort": 8080}]),
    "all variables of a Secret": lambda job: _container(job).update(envFrom=[{"secretRef": {"name": "groq"}}]),
    "a restart policy of its container": lambda job: _container(job).update(restartPolicy="Always"),
    "a resize policy": lambda job: _container(job).update(resizePolicy=[{"resourceName": "memory", "restartPolicy": "NotRequired"}]),
    "another name of its container": lambda job: _container(job).update(name="other"),
    "a message file of its choice": lambda job: _container(job).update(terminationMessagePath="/run/secrets/openclaw/groq/api-key"),
    "its log as its message": lambda job: _container(job).update(terminationMessagePolicy="FallbackToLogsOnError"),
    "another server for Telegram": _env(TELEGRAM_BASE_URL="http://203.0.113.1"),
    "another server for the model": _env(GROQ_BASE_URL="http://203.0.113.1"),
    "another Redis": _env(REDIS_HOST="203.0.113.1"),
    "a Redis by its address": _env(REDIS_URL="redis://203.0.113.1"),
    "another port of Redis": _env(REDIS_PORT="6380"),
    "a proxy": _env(HTTPS_PROXY="http://203.0.113.1"),
    "a proxy in small letters": _env(https_proxy="http://203.0.113.1"),
    "code of its own": _env(PYTHONPATH="/tmp"),
    "a start-up file": _env(PYTHONSTARTUP="/tmp/x.py"),
    "certificates of its own": _env(SSL_CERT_FILE="/tmp/ca.pem"),
    "libraries of its own": _env(LD_PRELOAD="/tmp/x.so"),
    "another file for a secret": _env(REDIS_PASSWORD_FILE="/tmp/password"),
    "another user of Redis": _env(REDIS_USERNAME="brain"),
    "the bot's token": _env(TELEGRAM_TOKEN_FILE="/run/secrets/openclaw/telegram/token"),
    "the Secret with the bot's token": _volume(secret={"secretName": "telegram"}),
    "the Secret with the brain's password": _volume(secret={"secretName": "redis"}),
    "the Secret with the exporter's password": _volume(secret={"secretName": "redis-exporter"}),
    "a bot that is no number": _env(BOT_ID="1000000001:x"),
    "a bot without a number": _env(BOT_ID=""),
    "a secret in plain text": _env(TELEGRAM_TOKEN="1:x"),
    "a task of its own": _env(TASK="say something"),
    "another log level": _env(LOG_LEVEL="trace"),
    "a variable named as a parameter": _env(maxMemory="512Mi"),
    "another Job's name": _env(AGENT_JOB="agent-agent-0123abcd-9"),
    "another pool's name": _env(AGENT_POOL="agent-ffffffff"),
    "no number": _env(TASKS_PER_JOB="all"),
    "a variable from its pod": lambda job: _container(job)["env"].append({"name": "LOG_LEVEL", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}),
    "an older tag": lambda job: _container(job).update(image="localhost/openclaw-agent:old"),
    "no tag": lambda job: _container(job).update(image="localhost/openclaw-agent"),
    "a digest that nobody released": lambda job: _container(job).update(image=f"localhost/openclaw-agent:test@sha256:{'1' * 64}"),
    "the brain's image": lambda job: _container(job).update(image="localhost/openclaw-brain:test"),
    "the image's own registry as its host": lambda job: _container(job).update(image="registry.example/localhost/openclaw-agent:test"),
    "a resolver of its own": lambda job: _pod(job).update(dnsConfig={"nameservers": ["203.0.113.1"]}),
    "a search domain of its own": lambda job: _pod(job)["dnsConfig"].update(searches=["example.org"]),
    "another option of the resolver": lambda job: _pod(job)["dnsConfig"]["options"].append({"name": "use-vc"}),
    "the host's resolver": lambda job: _pod(job).update(dnsPolicy="Default"),
    "no resolver": lambda job: _pod(job).update(dnsPolicy="None", dnsConfig={"nameservers": ["203.0.113.1"]}),
    "addresses of its own for names": lambda job: _pod(job).update(hostAliases=[{"ip": "203.0.113.1", "hostnames": ["api.telegram.org"]}]),
    "one process namespace": lambda job: _pod(job).update(shareProcessNamespace=True),
    "the host's IPC": lambda job: _pod(job).update(hostIPC=True),
    "users of the host": lambda job: _pod(job).update(hostUsers=True),
    "service links": lambda job: _pod(job).update(enableServiceLinks=True),
    "a Secret to pull with": lambda job: _pod(job).update(imagePullSecrets=[{"name": "groq"}]),
    "a host name of its own": lambda job: _pod(job).update(hostname="redis", subdomain="redis"),
    "a readiness gate": lambda job: _pod(job).update(readinessGates=[{"conditionType": "example.org/x"}]),
    "a scheduling gate": lambda job: _pod(job).update(schedulingGates=[{"name": "example.org/x"}]),
    "an operating system": lambda job: _pod(job).update(os={"name": "linux"}),
    "a claim of a device": lambda job: _pod(job).update(resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}]),
    "a deadline of its pod": lambda job: _pod(job).update(activeDeadlineSeconds=5),
    "a minute of grace": lambda job: _pod(job).update(terminationGracePeriodSeconds=60),
    "restarts": lambda job: _pod(job).update(restartPolicy="OnFailure"),
    "another user": lambda job: _pod(job)["securityContext"].update(runAsUser=999),
    "another group beside its own": lambda job: _pod(job)["securityContext"].update(supplementalGroups=[999]),
    "another user of its container": lambda job: _container(job)["securityContext"].update(runAsUser=999),
    "a kernel setting": lambda job: _pod(job)["securityContext"].update(sysctls=[{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]),
    "a root file system to write to": lambda job: _container(job)["securityContext"].update(readOnlyRootFilesystem=False),
    "a capability": lambda job: _container(job)["securityContext"]["capabilities"].update(add=["NET_BIND_SERVICE"]),
    "disk of the node": lambda job: _container(job)["resources"]["requests"].update({"ephemeral-storage": "1Gi"}),
    "a scratch folder without an end": _volume(emptyDir={}),
    "a scratch folder in memory": _volume(emptyDir={"medium": "Memory", "sizeLimit": "1Mi"}),
    "a large scratch folder": _volume(emptyDir={"sizeLimit": "1Gi"}),
    "a volume made for it": _volume(ephemeral={"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}),
    "an image as a volume": _volume(image={"reference": "docker.io/library/busybox:1"}),
    "a volume over its own code": lambda job: _container(job)["volumeMounts"].append({"name": "tmp", "mountPath": "/usr/local/lib"}),
    "a secret to write to": lambda job: _container(job)["volumeMounts"][0].pop("readOnly"),
    "a part of a volume": lambda job: _container(job)["volumeMounts"][0].update(subPath="api-key"),
    "an annotation of its pod": lambda job: job["spec"]["template"]["metadata"]["annotations"].update({"sidecar.example.org/inject": "true"}),
    "a label of its pod": lambda job: job["spec"]["template"]["metadata"]["labels"].update({"sidecar.example.org/inject": "true"}),
    "a finalizer of its pod": lambda job: job["spec"]["template"]["metadata"].update(finalizers=["openclaw.io/never"]),
    "a pause": lambda job: job["spec"].update(suspend=True),
    "an index": lambda job: job["spec"].update(completionMode="Indexed"),
    "a policy for failures": lambda job: job["spec"].update(
        podFailurePolicy={"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]}
    ),
    "a new pod only after the old one": lambda job: job["spec"].update(podReplacementPolicy="Failed"),
    "a controller of its choice": lambda job: job["spec"].update(managedBy="example.org/x"),
    "a name that is made up": lambda job: job["metadata"].update(name=None, generateName="agent-agent-0123abcd-"),
    "another name": lambda job: job["metadata"].update(name="miner"),
}  # fmt: skip


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
    assert "HTTPS_PROXY" in _refusal(brain, _env(HTTPS_PROXY="http://203.0.113.1"))
    assert "shareProcessNamespace" in _refusal(brain, lambda job: _pod(job).update(shareProcessNamespace=True))
    assert "livenessProbe" in _refusal(
        brain, lambda job: _container(job).update(livenessProbe={"exec": {"command": ["true"]}})
    )


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_brain_may_set_what_the_policy_lists(level: str, brain: Brain) -> None:
    job = brain.job()
    _env(LOG_LEVEL=level)(job)

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
