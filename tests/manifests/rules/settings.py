"""Settings, limits and policies that must fit each other, and the parts of our own code that rely on them."""

import re
from collections.abc import Iterator, Sequence

import yaml

from openclaw_brain.app import JOB_GRACE_S
from openclaw_brain.job_manifest import TTL_S
from openclaw_brain.kubernetes_api import CALL_S
from tests.manifests.rendering import Object, label, named, of_kind
from tests.manifests.rules.registry import rule

LEAVING_S = 2 * CALL_S
"""What a brain's end may take beside DRAIN_S: the Lease is read and given back, by an API server that may not answer."""


@rule
def a_brain_that_leaves_has_the_time(objects: Sequence[Object]) -> Iterator[str]:
    drain_s = float(_brain_settings(objects)["DRAIN_S"])
    grace_s = named(objects, "Deployment", "brain")["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30)
    if drain_s + LEAVING_S > grace_s:
        yield f"ConfigMap/brain-settings: DRAIN_S {drain_s:g} and {LEAVING_S:g} s for the rest are more than the terminationGracePeriodSeconds {grace_s} of Deployment/brain, which is killed then"


def _brain_settings(objects: Sequence[Object]) -> dict[str, str]:
    found = (obj for obj in of_kind(objects, "ConfigMap") if obj["metadata"]["name"].startswith("brain-settings"))
    return dict(next(found)["data"])


@rule
def the_cap_lies_below_the_quota(objects: Sequence[Object]) -> Iterator[str]:
    for quota in of_kind(objects, "ResourceQuota"):
        jobs = int(quota["spec"]["hard"].get("count/jobs.batch", 0))
        settings = _brain_settings(objects)
        cap, warm = int(settings["RUNNING_CAP"]), int(settings["WARM_AGENTS"])
        if not 0 < cap + warm < jobs:
            yield f"{label(quota)}: count/jobs.batch {jobs} must be above RUNNING_CAP {cap} and the warm agents, or the API server refuses what the brain may start"
        if warm > 4:
            yield f"ConfigMap/brain-settings: WARM_AGENTS {warm} is above 4"


@rule
def agents_fit_their_policy(objects: Sequence[Object]) -> Iterator[str]:
    """What platform/policies would refuse in the cluster: there it is a pool that starts nothing any more."""
    allowed = named(objects, "ConfigMap", "agent-policy")["data"]
    settings = _brain_settings(objects)
    numbers = {name: float(settings[name]) for name in ("TASKS_PER_JOB", "TASK_DEADLINE_S", "WARM_MAX_AGE_S")}
    deadline_s = (
        numbers["WARM_MAX_AGE_S"] + numbers["TASKS_PER_JOB"] * numbers["TASK_DEADLINE_S"] + JOB_GRACE_S
    )  # as openclaw_brain.app.pool_of has it
    if deadline_s > float(allowed["maxDeadlineSeconds"]):
        yield f"ConfigMap/brain-settings: WARM_MAX_AGE_S + TASKS_PER_JOB × TASK_DEADLINE_S make a deadline of {deadline_s:g} s, and agent-policy allows {allowed['maxDeadlineSeconds']}"
    if float(allowed["maxTtlSeconds"]) < TTL_S:
        yield f"ConfigMap/agent-policy: the brain's Jobs have a TTL of {TTL_S} s, and it allows {allowed['maxTtlSeconds']}"
    for template in of_kind(objects, "PodTemplate"):
        spec = template["template"]["spec"]
        if len(spec["containers"]) != 1 or spec.get("initContainers"):
            yield f"{label(template)}: an agent is one container"
        [container, *_] = spec["containers"]
        asked, most = (
            container["resources"]["requests"],
            {"memory": allowed["maxMemory"], "cpu": allowed["maxCpuRequest"]},
        )
        for kind, limit in most.items():
            if _quantity(asked[kind]) > _quantity(limit):
                yield f"{label(template)}: asks for {kind} {asked[kind]}, and agent-policy allows {limit}"
        if not container["image"].startswith((f"{allowed['imageRepository']}:", f"{allowed['imageRepository']}@")):
            yield f"{label(template)}: its image is not of {allowed['imageRepository']}"
        if container.keys() & {"command", "args", "envFrom", "lifecycle"} or any(
            "valueFrom" in e for e in container["env"]
        ):
            yield f"{label(template)}: runs its image's own command, with plain variables"
        chosen = spec.keys() & {"priorityClassName", "runtimeClassName", "schedulerName", "nodeSelector"}
        foreign = [t for t in spec.get("tolerations", []) if t.get("key") != "openclaw.io/pool"]
        if chosen or foreign:
            yield f"{label(template)}: {', '.join(sorted(chosen)) or 'a toleration'} is for no agent to have: prefer nodes by affinity, and tolerate openclaw.io/pool alone"
        for volume in spec["volumes"]:
            if "emptyDir" not in volume and volume.get("secret", {}).get("secretName") not in allowed["secrets"].split(
                ","
            ):
                yield f"{label(template)}: volume {volume['name']} is neither emptyDir nor one of {allowed['secrets']}"


def _quantity(text: str) -> float:
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
