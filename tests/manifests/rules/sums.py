"""Numbers of different files that must fit each other: what all that the cap allows needs, what Redis needs, what
cannot change once installed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from openclaw_core.roles.values import TOOLS_TEMPLATE
from tests.manifests.rendering import Object, containers, label, named, of_kind
from tests.manifests.rules.registry import rule
from tests.manifests.rules.settings import brain_settings, quantity

EXPORTER = {"pods": 2.0, "requests.cpu": 0.02, "requests.memory": 64 * 2**20, "limits.memory": 64 * 2**20}
"""Redis' exporter is a part of its own in the same namespace: twice, during a rollout."""
COUNTED = ("pods", "requests.cpu", "requests.memory", "limits.memory")


@dataclass(frozen=True)
class Need:
    """What some pods ask for, by the quota's own names."""

    what: str
    amount: dict[str, float]

    def times(self, count: int) -> "Need":
        return Need(f"{count} × {self.what}", {name: value * count for name, value in self.amount.items()})


def _of_a_pod(what: str, spec: Object) -> Need:
    amount = dict.fromkeys(COUNTED, 0.0) | {"pods": 1.0}
    beside = [container for container in spec.get("initContainers", []) if container.get("restartPolicy") == "Always"]
    for container in [*beside, *spec["containers"]]:
        for side in ("requests", "limits"):
            for kind, value in container.get("resources", {}).get(side, {}).items():
                if f"{side}.{kind}" in amount:
                    amount[f"{side}.{kind}"] += quantity(str(value))
    return Need(what, amount)


def _needs(objects: Sequence[Object]) -> Iterator[Need]:
    settings = brain_settings(objects)
    agents = {
        obj["metadata"]["name"]: _of_a_pod(obj["metadata"]["name"], obj["template"]["spec"])
        for obj in of_kind(objects, "PodTemplate")
    }
    cap, tools = int(settings["RUNNING_CAP"]), agents.pop(TOOLS_TEMPLATE, None)
    largest = max(agents.values(), key=lambda need: need.amount["requests.memory"])
    # One more of each template tries a change of it.
    if tools is not None:
        with_tools = min(cap, int(settings["TOOL_AGENTS_CAP"]))
        cap -= with_tools
        yield tools.times(with_tools + int(settings["WARM_TOOL_AGENTS"]) + 1)
    yield largest.times(cap + int(settings["WARM_AGENTS"]) + len(agents))
    for obj in of_kind(objects, "Deployment", "StatefulSet"):
        surge = 1 if obj["kind"] == "Deployment" else 0
        yield _of_a_pod(obj["metadata"]["name"], obj["spec"]["template"]["spec"]).times(obj["spec"]["replicas"] + surge)
    yield Need("redis-exporter", EXPORTER)


def _shown(name: str, value: float) -> str:
    return f"{value / 2**30:.1f}Gi" if "memory" in name else f"{value:g}"


@rule
def the_quota_holds_what_the_cap_allows(objects: Sequence[Object]) -> Iterator[str]:
    """Else the API server refuses pods while the brain still counts on them."""
    needs = list(_needs(objects))
    for quota in of_kind(objects, "ResourceQuota"):
        for name in COUNTED:
            given = quota["spec"]["hard"].get(name)
            asked = sum(need.amount[name] for need in needs)
            if given is not None and asked > quantity(str(given)):
                parts = ", ".join(f"{need.what}: {_shown(name, need.amount[name])}" for need in needs)
                yield f"{label(quota)}: {name} is {given}, and what may run at a time asks for {_shown(name, asked)} ({parts}): raise it, lower RUNNING_CAP, or make agents smaller"
    for limits in of_kind(objects, "LimitRange"):
        [most] = [item["max"]["memory"] for item in limits["spec"]["limits"] if item["type"] == "Container"]
        for obj in of_kind(objects, "Deployment", "StatefulSet", "PodTemplate"):
            pod = obj["template"] if obj["kind"] == "PodTemplate" else obj["spec"]["template"]
            for container in containers(pod):
                mine = container.get("resources", {}).get("limits", {}).get("memory")
                if mine and quantity(mine) > quantity(most):
                    yield f"{label(obj)}: {container['name']} has a memory limit of {mine}, and LimitRange/{limits['metadata']['name']} allows {most}: raise it there, or ask for less"


REDIS_UNITS = {"kb": 2**10, "mb": 2**20, "gb": 2**30, "k": 1e3, "m": 1e6, "g": 1e9}
BUFFERS = 64 * 2**20
"""Of connections and of the file that is written, beside Redis' data and a rewrite's copy of it."""


def _redis_bytes(text: str) -> float:
    unit = next((unit for unit in REDIS_UNITS if text.lower().endswith(unit)), "")
    return float(text[: len(text) - len(unit)]) * REDIS_UNITS.get(unit, 1)


@rule
def redis_has_room_for_its_data(objects: Sequence[Object]) -> Iterator[str]:
    config = next(obj for obj in of_kind(objects, "ConfigMap") if obj["metadata"]["name"].startswith("redis-config"))
    [most] = [line.split()[1] for line in config["data"]["redis.conf"].splitlines() if line.startswith("maxmemory ")]
    [container] = named(objects, "StatefulSet", "redis")["spec"]["template"]["spec"]["containers"]
    limit = container["resources"]["limits"]["memory"] if "memory" in container["resources"].get("limits", {}) else "0"
    if 2 * _redis_bytes(most) + BUFFERS > quantity(limit):
        yield f"ConfigMap/redis-config: maxmemory {most} twice (a rewrite copies what changes meanwhile) and 64Mi of buffers are more than the memory limit {limit} of StatefulSet/redis, which is killed then: lower maxmemory, or raise the limit"
    for claim in of_kind(objects, "PersistentVolumeClaim"):
        size = claim["spec"]["resources"]["requests"]["storage"]
        if quantity(size) < 4 * _redis_bytes(most):
            yield f"{label(claim)}: {size} is less than four times maxmemory {most}: the file grows to twice of it, and a rewrite writes a second one. Raise it"
        for limits in of_kind(objects, "LimitRange"):
            [largest] = [
                item["max"]["storage"] for item in limits["spec"]["limits"] if item["type"] == "PersistentVolumeClaim"
            ]
            if quantity(size) > quantity(largest):
                yield f"{label(claim)}: {size} is more than LimitRange/{limits['metadata']['name']} allows ({largest}): raise both, and requests.storage of the quota"
        for quota in of_kind(objects, "ResourceQuota"):
            if quantity(size) > quantity(quota["spec"]["hard"]["requests.storage"]):
                yield f"{label(claim)}: {size} is more than requests.storage {quota['spec']['hard']['requests.storage']} of {label(quota)}: raise both"


INSTALLED: dict[str, tuple[tuple[str, ...], Any]] = {
    "StatefulSet/redis volumeClaimTemplates": (("spec", "volumeClaimTemplates"), [{"storage": "8Gi", "name": "data", "accessModes": ["ReadWriteOnce"]}]),
    "StatefulSet/redis serviceName": (("spec", "serviceName"), "redis"),
    "StatefulSet/redis selector": (("spec", "selector"), {"matchLabels": {"app.kubernetes.io/component": "redis"}}),
    "StatefulSet/redis podManagementPolicy": (("spec", "podManagementPolicy"), None),
    "Deployment/brain selector": (("spec", "selector"), {"matchLabels": {"app.kubernetes.io/component": "brain"}}),
    "Service/redis clusterIP": (("spec", "clusterIP"), "None"),
    "RoleBinding/brain roleRef": (("roleRef",), {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "brain"}),
}  # fmt: skip
"""What an API server lets nobody change, as it was installed. Another value passes every schema, and then stops the Application's sync."""
WAY_OUT = {
    "volumeClaimTemplates": 'To grow the disk, leave this and raise platform/openclaw/base/redis/persistentvolumeclaim.yaml (docs/gitops.md, "Grow Redis\' disk")'
}


@rule
def what_cannot_change_is_as_it_was_installed(objects: Sequence[Object]) -> Iterator[str]:
    for who, (path, installed) in INSTALLED.items():
        kind, name = who.split(" ")[0].split("/")
        found: Any = next((obj for obj in of_kind(objects, kind) if obj["metadata"]["name"] == name), None)
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        if path[-1] == "volumeClaimTemplates" and isinstance(found, list):
            found = [
                {"storage": each["spec"]["resources"]["requests"]["storage"], "name": each["metadata"]["name"], "accessModes": each["spec"]["accessModes"]}
                for each in found
            ]  # fmt: skip
        if found != installed:
            out = WAY_OUT.get(
                path[-1],
                "Leave it, or plan to delete and make it anew, and change INSTALLED in tests/manifests/rules/sums.py",
            )
            yield f"{kind}/{name}: {path[-1]} cannot change once it is installed, as {installed}: Argo CD would stop syncing. {out}"
    claims = [obj for obj in of_kind(objects, "PersistentVolumeClaim") if obj["metadata"]["name"] == "data-redis-0"]
    claim = claims[0] if claims else None
    if claim is None or "Prune=false" not in claim["metadata"].get("annotations", {}).get(
        "argocd.argoproj.io/sync-options", ""
    ):
        yield "PersistentVolumeClaim/data-redis-0: must be there with Prune=false, or a sync takes every conversation with it"
    elif quantity(claim["spec"]["resources"]["requests"]["storage"]) < quantity("8Gi"):
        yield "PersistentVolumeClaim/data-redis-0: a disk cannot shrink, and it was installed with 8Gi: raise it"
