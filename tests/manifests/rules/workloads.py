"""Pods and what keeps them: images, security, resources, probes, rollouts, selectors."""

import re
from collections.abc import Iterator, Sequence

from tests.manifests.rendering import Object, containers, label, of_kind, pods, selects
from tests.manifests.rules.registry import rule

PINNED = re.compile(r"^[^:@]+(:[0-9]+/[^:@]+)?:(?P<tag>[\w.-]+)@sha256:[0-9a-f]{64}$")
OURS = re.compile(r"/openclaw-(agent|brain):")
UNBUILT = ":unreleased@sha256:" + "0" * 64
LATER = {"redis-exporter"}
"""Components that policies already know and other parts of the platform bring."""


@rule
def images_are_pinned(objects: Sequence[Object]) -> Iterator[str]:
    for workload, pod in pods(objects):
        for container in containers(pod):
            match = PINNED.match(container["image"])
            if not match or match["tag"] == "latest":
                yield f"{label(workload)}: image {container['image']} needs an exact tag and a digest"
            elif (
                OURS.search(container["image"])
                and match.group().endswith("0" * 64)
                and not match.group().endswith(UNBUILT)
            ):
                yield f"{label(workload)}: 64 zeros are the digest of `unreleased` alone"


@rule
def pods_are_restricted(objects: Sequence[Object]) -> Iterator[str]:
    """Pod Security's level `restricted`, and a read-only root file system on top of it."""
    allowed_volumes = {
        "configMap",
        "emptyDir",
        "secret",
        "persistentVolumeClaim",
        "projected",
        "downwardAPI",
        "csi",
        "ephemeral",
    }
    for workload, pod in pods(objects):
        spec, who = pod["spec"], label(workload)
        outer = spec.get("securityContext", {})
        if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{who}: takes part in its host"
        for volume in spec.get("volumes", []):
            if not allowed_volumes & volume.keys():
                yield f"{who}: volume {volume['name']} is of a kind that `restricted` refuses"
        for container in containers(pod):
            inner = container.get("securityContext", {})
            both = outer | inner
            wrong = []
            if both.get("runAsNonRoot") is not True or both.get("runAsUser", 0) == 0:
                wrong.append("runs as root or may")
            if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
                wrong.append("has no seccomp profile")
            if inner.get("privileged") or inner.get("allowPrivilegeEscalation") is not False:
                wrong.append("may gain privileges")
            capabilities = inner.get("capabilities", {})
            if capabilities.get("drop") != ["ALL"] or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
                wrong.append("keeps capabilities")
            if inner.get("readOnlyRootFilesystem") is not True:
                wrong.append("can write to its image")
            if any("hostPort" in port for port in container.get("ports", [])):
                wrong.append("takes a port of its host")
            yield from (f"{who}: container {container['name']} {fault}" for fault in wrong)


@rule
def memory_is_promised_and_cpu_is_not_capped(objects: Sequence[Object]) -> Iterator[str]:
    for workload, pod in pods(objects):
        for container in containers(pod):
            resources = container.get("resources", {})
            requests, limits = resources.get("requests", {}), resources.get("limits", {})
            if "cpu" not in requests or "memory" not in requests or requests["memory"] != limits.get("memory"):
                yield f"{label(workload)}: {container['name']} needs a CPU request and a memory request that equals its limit"
            # What a runner runs may want all there is. It takes part in no start but its own.
            if "cpu" in limits and container["name"] != "runner":
                yield f"{label(workload)}: {container['name']} has a CPU limit, which makes every start slow"
    for obj in of_kind(objects, "ResourceQuota", "LimitRange"):
        if "limits.cpu" in str(obj["spec"]) or any(
            "cpu" in item.get("default", {}) for item in obj["spec"].get("limits", [])
        ):
            yield f"{label(obj)}: names limits.cpu, so every pod would need a CPU limit"


@rule
def servers_have_probes(objects: Sequence[Object]) -> Iterator[str]:
    for workload in of_kind(objects, "Deployment", "StatefulSet"):
        for container in workload["spec"]["template"]["spec"]["containers"]:
            missing = {"startupProbe", "livenessProbe", "readinessProbe"} - container.keys()
            if missing:
                yield f"{label(workload)}: {container['name']} lacks {', '.join(sorted(missing))}"


@rule
def drains_do_not_hang(objects: Sequence[Object]) -> Iterator[str]:
    budgets = of_kind(objects, "PodDisruptionBudget")
    for workload in of_kind(objects, "Deployment", "StatefulSet"):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        mine = [budget for budget in budgets if selects(budget["spec"]["selector"], labels)]
        if [budget["spec"].get("maxUnavailable") for budget in mine] != [1] or "minAvailable" in mine[0]["spec"]:
            yield f"PodDisruptionBudget/{workload['metadata']['name']}: {label(workload)} needs exactly one, with maxUnavailable: 1"
        elif mine[0]["spec"].get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"PodDisruptionBudget/{workload['metadata']['name']}: without unhealthyPodEvictionPolicy: AlwaysAllow a single pod that is not ready stays"


@rule
def rollouts_keep_the_old_brain(objects: Sequence[Object]) -> Iterator[str]:
    for workload in of_kind(objects, "Deployment"):
        spec = workload["spec"]
        rolling = spec.get("strategy", {}).get("rollingUpdate", {})
        if spec.get("strategy", {}).get("type") != "RollingUpdate" or (
            rolling.get("maxUnavailable"),
            rolling.get("maxSurge"),
        ) != (0, 1):
            yield f"{label(workload)}: must roll with maxUnavailable 0 and maxSurge 1, so that wrong settings take nothing down"
        if spec.get("progressDeadlineSeconds", 600) > 60:
            yield f"{label(workload)}: progressDeadlineSeconds must be at most 60, so that a stuck rollout is seen"


@rule
def selectors_select(objects: Sequence[Object]) -> Iterator[str]:
    labels = [pod["metadata"].get("labels", {}) for _, pod in pods(objects)] + [
        {"app.kubernetes.io/component": name} for name in LATER
    ]
    for obj in of_kind(objects, "Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment", "StatefulSet"):
        spec = obj["spec"]
        selector = (
            {"matchLabels": spec["selector"]}
            if obj["kind"] == "Service"
            else spec.get("selector", spec.get("podSelector"))
        )
        hits = [found for found in labels if selects(selector, found)]
        if not hits:
            yield f"{label(obj)}: selects no pod"
        if obj["kind"] in ("Deployment", "StatefulSet", "Service") and len(hits) > 1:
            yield f"{label(obj)}: selects the pods of another workload too"
    for service in of_kind(objects, "Service"):
        for workload, pod in pods(objects):
            if selects({"matchLabels": service["spec"]["selector"]}, pod["metadata"].get("labels", {})):
                names = {port["name"] for container in containers(pod) for port in container.get("ports", [])}
                for port in service["spec"]["ports"]:
                    if port["targetPort"] not in names:
                        yield f"{label(service)}: {label(workload)} has no port named {port['targetPort']}"


@rule
def configmaps_are_there(objects: Sequence[Object]) -> Iterator[str]:
    made = {obj["metadata"]["name"] for obj in of_kind(objects, "ConfigMap")}
    for workload, pod in pods(objects):
        wanted = [v["configMap"]["name"] for v in pod["spec"].get("volumes", []) if "configMap" in v]
        for container in containers(pod):
            wanted += [
                source["configMapRef"]["name"] for source in container.get("envFrom", []) if "configMapRef" in source
            ]
        for name in wanted:
            if name not in made:
                yield f"{label(workload)}: there is no ConfigMap {name}"
        if workload["kind"] == "PodTemplate" and wanted:
            yield f"{label(workload)}: mounts a ConfigMap; once its hash changes, the old one is pruned and waiting Jobs cannot start"
