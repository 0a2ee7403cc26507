"""Settings, limits and policies that must fit each other, and the parts of our own code that rely on them."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import yaml

from openclaw_agent.settings import from_env as agent_from_env
from openclaw_brain.kubernetes.api import CALL_S
from openclaw_brain.kubernetes.job_manifest import TTL_S, job_manifest
from openclaw_brain.pool_policy import pool_of
from openclaw_brain.settings import at_start, from_env
from openclaw_core.errors import SettingsError
from tests.manifests.rendering import Object, label, named, of_kind
from tests.manifests.rules.registry import rule

LEAVING_S = 2 * CALL_S
"""What a brain's end may take beside DRAIN_S: the Lease is read and given back, by an API server that may not answer."""


@rule
def a_brain_that_leaves_has_the_time(objects: Sequence[Object]) -> Iterator[str]:
    drain_s = float(brain_settings(objects)["DRAIN_S"])
    grace_s = named(objects, "Deployment", "brain")["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30)
    if drain_s + LEAVING_S > grace_s:
        yield f"ConfigMap/brain-settings: DRAIN_S {drain_s:g} and {LEAVING_S:g} s for the rest are more than the terminationGracePeriodSeconds {grace_s} of Deployment/brain, which is killed then"


def brain_settings(objects: Sequence[Object]) -> dict[str, str]:
    found = (obj for obj in of_kind(objects, "ConfigMap") if obj["metadata"]["name"].startswith("brain-settings"))
    return dict(next(found)["data"])


@rule
def the_cap_lies_below_the_quota(objects: Sequence[Object]) -> Iterator[str]:
    for quota in of_kind(objects, "ResourceQuota"):
        jobs = int(quota["spec"]["hard"].get("count/jobs.batch", 0))
        settings = brain_settings(objects)
        cap, warm = int(settings["RUNNING_CAP"]), int(settings["WARM_AGENTS"])
        if not 0 < cap + warm < jobs:
            yield f"{label(quota)}: count/jobs.batch {jobs} must be above RUNNING_CAP {cap} and the warm agents, or the API server refuses what the brain may start"
        if warm > 4:
            yield f"ConfigMap/brain-settings: WARM_AGENTS {warm} is above 4"


class Asked(Mapping[str, str]):
    """An environment that writes down which names were asked of it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._env[name]

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return name in self._env

    def __iter__(self) -> Iterator[str]:
        return iter(self._env)

    def __len__(self) -> int:
        return len(self._env)


def names_read(settings: Callable[[Mapping[str, str]], object], *environments: Mapping[str, str]) -> frozenset[str]:
    """The names of all variables that *settings* reads in one of these environments, `…_FILE` among them."""
    found: set[str] = set()
    for env in environments:
        asked = Asked(env)
        with suppress(SettingsError):
            settings(asked)
        found |= asked.names
    return frozenset(found)


BRAIN_READS = names_read(at_start, {})
AGENT_READS = names_read(agent_from_env, {}, {"TASK": "x"})
LIBRARIES_READ = {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSL_CERT_FILE", "TZ"}
"""Variables that our code leaves to Python and to its HTTP client."""


@rule
def every_setting_is_read(objects: Sequence[Object]) -> Iterator[str]:
    """A variable that nothing reads changes nothing and says nothing: mostly it is another one, misspelt."""
    yield from _unread("ConfigMap/brain-settings", "brain", brain_settings(objects), BRAIN_READS)
    for obj in of_kind(objects, "Deployment", "PodTemplate"):
        pod = obj["template"] if obj["kind"] == "PodTemplate" else obj["spec"]["template"]
        for container in pod["spec"]["containers"]:
            names = [entry["name"] for entry in container.get("env", [])]
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield f"{label(obj)}: {name} is given twice, and the last one counts: delete one"
            if container["name"] in ("agent", "brain"):
                reads = AGENT_READS if container["name"] == "agent" else BRAIN_READS
                yield from _unread(label(obj), container["name"], names, reads)


def _unread(who: str, program: str, names: Iterable[str], reads: frozenset[str]) -> Iterator[str]:
    known = reads | LIBRARIES_READ
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
            meant = f"did you mean {near[0]}?" if near else "docs/settings.md lists what it reads."
            yield f"{who}: {name} is no setting of the {program}, which would go on without it: {meant} Correct it, or take it out"


SECRETS = {"TELEGRAM_TOKEN": "1:a", "GROQ_API_KEY": "k", "REDIS_PASSWORD": "p", "ALLOWED_USER_IDS": "*"}
POLICY_FILE = "platform/openclaw/base/guards/agent-policy.yaml"


def _job_of(objects: Sequence[Object], template: Object) -> Object:
    """The Job that the brain makes of *template* under these settings. Raises SettingsError."""
    plain = {name: value for name, value in brain_settings(objects).items() if not name.endswith("_FILE")}
    settings = from_env(plain | SECRETS | {"POD_NAMESPACE": "there", "POD_IP": "10.0.0.1"})
    pool = pool_of(template["metadata"]["name"], template["template"], settings)
    return job_manifest(f"agent-{pool.id}-1", pool)


@rule
def agents_fit_their_policy(objects: Sequence[Object]) -> Iterator[str]:
    """What platform/policies would refuse in the cluster: there it is a pool that starts nothing any more."""
    allowed = named(objects, "ConfigMap", "agent-policy")["data"]
    if float(allowed["maxTtlSeconds"]) < TTL_S:
        yield f"ConfigMap/agent-policy: the brain's Jobs have a TTL of {TTL_S} s, and it allows {allowed['maxTtlSeconds']}: raise maxTtlSeconds in {POLICY_FILE}"
    for template in of_kind(objects, "PodTemplate"):
        who = label(template)
        try:
            job = _job_of(objects, template)["spec"]
        except SettingsError as exc:
            yield f"ConfigMap/brain-settings: the brain would not start with it: {' '.join(str(exc).split())}"
            return
        if job["activeDeadlineSeconds"] > float(allowed["maxDeadlineSeconds"]):
            yield f"ConfigMap/brain-settings: WARM_MAX_AGE_S + TASKS_PER_JOB × TASK_DEADLINE_S make a deadline of {job['activeDeadlineSeconds']} s, and agent-policy allows {allowed['maxDeadlineSeconds']}: lower one of them, or raise maxDeadlineSeconds in {POLICY_FILE}"
        spec = job["template"]["spec"]
        if len(spec["containers"]) != 1 or [each["name"] for each in spec.get("initContainers", [])] not in (
            [],
            ["runner"],
        ):
            yield f"{who}: an agent is one container, and the sealed runner beside it if it has tools"
        yield from (
            f"{who}: {fault}" for runner in spec.get("initContainers", []) for fault in _runner(runner, allowed)
        )
        [container, *_] = spec["containers"]
        yield from (f"{who}: {fault}" for fault in _fields_that_no_agent_has(spec, container))
        most = {"memory": allowed["maxMemory"], "cpu": allowed["maxCpuRequest"]}
        for kind, limit in most.items():
            if quantity(container["resources"]["requests"][kind]) > quantity(limit):
                yield f"{who}: asks for {kind} {container['resources']['requests'][kind]}, and agent-policy allows {limit}: ask for less, or raise it in {POLICY_FILE}"
        if container["image"] != allowed["image.agent"]:
            yield f"{who}: its image is {container['image']}, and agent-policy allows {allowed['image.agent']}, which the release component writes"
        for entry in container["env"]:
            name, value = entry["name"], entry.get("value")
            if name in ("AGENT_JOB", "AGENT_POOL", "BOT_ID", "TASKS_PER_JOB", "TASK_DEADLINE_S", "WARM_MAX_AGE_S"):
                continue
            if value is None or value not in allowed.get(f"env.{name}", "").split(" "):
                yield f"{who}: gives agents {name}={value}, and agent-policy does not allow it: write `env.{name}: {value}` there ({POLICY_FILE}, or a patch of the overlay)"
        pools = allowed["pools"].split(" ")
        if any(t.get("key") != "openclaw.io/pool" or t.get("value") not in pools for t in spec.get("tolerations", [])):
            yield f"{who}: a toleration is for no agent to have: tolerate openclaw.io/pool={allowed['pools']} alone, or add the pool to `pools` in {POLICY_FILE}"
        yield from (f"{who}: {fault}" for fault in _volumes(spec, container, allowed))


def _runner(runner: Object, allowed: dict[str, str]) -> Iterator[str]:
    """What platform/policies would refuse of a runner; the exact shape stands there alone."""
    if runner["image"] != allowed["image.runner"]:
        yield f"its runner's image is {runner['image']}, and agent-policy allows {allowed['image.runner']}, which the release component writes"
    if runner.get("env") or {mount["name"] for mount in runner["volumeMounts"]} != {"socket", "runs"}:
        yield "its runner has variables, or other volumes than socket and runs: code of strangers could read them"
    for kind, name in (("memory", "maxRunnerMemory"), ("cpu", "maxRunnerCpu")):
        if quantity(runner["resources"]["limits"][kind]) > quantity(allowed[name]):
            yield f"its runner may use {kind} {runner['resources']['limits'][kind]}, and agent-policy allows {allowed[name]}: ask for less, or raise {name} in {POLICY_FILE}"


POD_FIELDS = {
    "serviceAccountName", "automountServiceAccountToken", "enableServiceLinks", "dnsConfig", "restartPolicy",
    "terminationGracePeriodSeconds",
    "securityContext", "tolerations", "affinity", "containers", "initContainers", "volumes",
    "runtimeClassName",
}  # fmt: skip
CONTAINER_FIELDS = {"name", "image", "imagePullPolicy", "env", "resources", "securityContext", "volumeMounts"}


def _fields_that_no_agent_has(spec: Object, container: Object) -> Iterator[str]:
    for where, more in (("pod", spec.keys() - POD_FIELDS), ("container", container.keys() - CONTAINER_FIELDS)):
        if more:
            yield f"no agent's {where} has {', '.join(sorted(more))}: take it out, or allow it in platform/policies/job-shape.yaml with a reason"
    if (
        spec.get("affinity", {}).keys() != {"nodeAffinity"}
        or "requiredDuringSchedulingIgnoredDuringExecution" not in (spec["affinity"]["nodeAffinity"])
    ):
        yield "must run in the agents' pool where there is one: nodeAffinity, required, of openclaw.io/pool, and no other affinity"
    if any("valueFrom" in entry for entry in container["env"]):
        yield "has a variable that is not plain: a secret is mounted as a file"


def _volumes(spec: Object, container: Object, allowed: dict[str, str]) -> Iterator[str]:
    for volume in spec["volumes"]:
        size = volume.get("emptyDir", {}).get("sizeLimit")
        most = "maxRuns" if volume["name"] in ("socket", "runs") else "maxTmp"
        if size and quantity(size) > quantity(allowed[most]):
            yield f"volume {volume['name']} may grow to {size}, and agent-policy allows {allowed[most]}: raise {most} in {POLICY_FILE}"
        secret = volume.get("secret", {}).get("secretName")
        if not size and secret not in allowed["secrets"].split(","):
            yield f"volume {volume['name']} is neither an emptyDir with a sizeLimit nor one of the Secrets {allowed['secrets']}"
    for mount in container["volumeMounts"]:
        if mount["mountPath"] not in ("/tmp", "/run/openclaw") and not mount["mountPath"].startswith(
            "/run/secrets/openclaw/"
        ):
            yield f"mounts {mount['name']} on {mount['mountPath']}: an agent's volumes are on /tmp, under /run/secrets/openclaw, and on /run/openclaw"


def quantity(text: str) -> float:
    """A number of bytes or cores as Kubernetes writes it."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", text).groups()  # type: ignore[union-attr]
    return (
        float(number) * {"": 1.0, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[unit]
    )


@rule
def the_store_is_durable(objects: Sequence[Object]) -> Iterator[str]:
    config = next(obj for obj in of_kind(objects, "ConfigMap") if obj["metadata"]["name"].startswith("redis-config"))[
        "data"
    ]["redis.conf"]
    lines = dict(line.split(maxsplit=1) for line in config.splitlines() if line.strip() and not line.startswith("#"))
    for key, value in {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}.items():
        if lines.get(key) != value:
            yield f"ConfigMap/redis-config: {key} must be {value}, or acknowledged messages can be lost"
    redis = named(objects, "StatefulSet", "redis")["spec"]
    if not any(
        mount["mountPath"] == lines["dir"]
        for mount in redis["template"]["spec"]["containers"][0]["volumeMounts"]
        if mount["name"] == "data"
    ):
        yield "StatefulSet/redis: its data folder is not on the volume"
    if "storageClassName" in redis["volumeClaimTemplates"][0]["spec"]:
        yield "StatefulSet/redis: storageClassName is the cluster's to choose"


@rule
def roles_run_in_pod_templates_that_exist(objects: Sequence[Object]) -> Iterator[str]:
    templates = {obj["metadata"]["name"] for obj in of_kind(objects, "PodTemplate")}
    for obj in of_kind(objects, "ConfigMap"):
        for file, text in obj.get("data", {}).items():
            roles = yaml.safe_load(text).get("roles", {}) if file == "roles.yaml" else {}
            for name, role in roles.items():
                if role.get("template") not in templates:
                    yield f"{label(obj)}: {file}: the role {name} runs in the PodTemplate {role.get('template')}, which is not there: one of {', '.join(sorted(templates))}"
