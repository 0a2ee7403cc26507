"""What every environment must be, one function a rule: it gives its faults as sentences, none if all is well."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence

import yaml

from openclaw_brain.app import JOB_GRACE_S
from openclaw_brain.job_manifest import TTL_S
from openclaw_brain.kubernetes_api import CALL_S
from tests.manifests.rendering import Object, containers, label, named, of_kind, pods, selects

Rule = Callable[[Sequence[Object]], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    RULES[function.__name__.replace("_", "-")] = function
    return function


PINNED = re.compile(r"^[^:@]+(:[0-9]+/[^:@]+)?:(?P<tag>[\w.-]+)@sha256:[0-9a-f]{64}$")
OURS = re.compile(r"/openclaw-(agent|brain):")
UNBUILT = ":unreleased@sha256:" + "0" * 64
SECRET_LIKE = re.compile(
    r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b|\bgsk_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY"
)
CLUSTER_SCOPED = {
    "Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PriorityClass", "StorageClass",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "PersistentVolume", "ClusterSecretStore",
}  # fmt: skip
BRAIN_MAY = {
    ("batch", "jobs", ()): {"create", "list", "watch", "patch", "delete"},
    ("", "pods", ()): {"list", "watch"},
    ("", "pods/log", ()): {"get"},
    ("", "events", ()): {"list", "watch"},
    ("", "podtemplates", ("agent",)): {"get"},
    ("coordination.k8s.io", "leases", ()): {"create"},
    ("coordination.k8s.io", "leases", ("brain",)): {"get", "update"},
}
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
            if "cpu" in limits:
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


LEAVING_S = 2 * CALL_S
"""What a brain's end may take beside DRAIN_S: the Lease is read and given back, by an API server that may not answer."""


@rule
def a_brain_that_leaves_has_the_time(objects: Sequence[Object]) -> Iterator[str]:
    drain_s = float(_brain_settings(objects)["DRAIN_S"])
    grace_s = named(objects, "Deployment", "brain")["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30)
    if drain_s + LEAVING_S > grace_s:
        yield f"ConfigMap/brain-settings: DRAIN_S {drain_s:g} and {LEAVING_S:g} s for the rest are more than the terminationGracePeriodSeconds {grace_s} of Deployment/brain, which is killed then"


@rule
def every_pod_is_behind_a_policy(objects: Sequence[Object]) -> Iterator[str]:
    policies = of_kind(objects, "NetworkPolicy")
    if not any(
        not p["spec"]["podSelector"]
        and set(p["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        and not {"ingress", "egress"} & p["spec"].keys()
        for p in policies
    ):
        yield "NetworkPolicy/default-deny: nothing denies everything to every pod in both directions"
    for workload, pod in pods(objects):
        own = [
            p
            for p in policies
            if p["spec"]["podSelector"] and selects(p["spec"]["podSelector"], pod["metadata"].get("labels", {}))
        ]
        if not own:
            yield f"{label(workload)}: no NetworkPolicy of its own selects it"


@rule
def the_internet_is_not_the_inside(objects: Sequence[Object]) -> Iterator[str]:
    """An egress rule to everywhere leaves out private ranges and the machines' metadata."""
    inside = [
        ipaddress.ip_network(text)
        for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
    ]
    for policy in of_kind(objects, "NetworkPolicy"):
        for direction, peers_of in (("ingress", "from"), ("egress", "to")):
            for item in policy["spec"].get(direction, []):
                if not item.get(peers_of) or not item.get("ports"):
                    yield f"{label(policy)}: an {direction} rule without peers or without ports opens everything"
                for block in (peer["ipBlock"] for peer in item.get(peers_of, []) if "ipBlock" in peer):
                    if ipaddress.ip_network(block["cidr"]).prefixlen >= 24:
                        continue
                    out = [ipaddress.ip_network(text) for text in block.get("except", [])]
                    left = [str(net) for net in inside if not any(net.subnet_of(other) for other in out)]  # type: ignore[arg-type]
                    if left or direction == "ingress":
                        yield f"{label(policy)}: {block['cidr']} reaches {', '.join(left) or 'us from anywhere'}"
                    if [port.get("port") for port in item.get("ports", [])] != [443]:
                        yield f"{label(policy)}: the internet is reached on port 443 alone"


@rule
def single_addresses_are_the_api_servers(objects: Sequence[Object]) -> Iterator[str]:
    """A narrow range is the brain's way to the API server and nothing else: one address of the metadata service is enough."""
    for policy in of_kind(objects, "NetworkPolicy"):
        for item in policy["spec"].get("egress", []):
            ports = [port.get("port") for port in item.get("ports", [])]
            for block in (peer["ipBlock"]["cidr"] for peer in item.get("to", []) if "ipBlock" in peer):
                if ipaddress.ip_network(block).prefixlen >= 24 and (policy["metadata"]["name"], ports) != (
                    "brain",
                    [6443],
                ):
                    yield f"{label(policy)}: reaches {block}, and the brain alone has one address to reach, the API server's on port 6443"


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


def _secret_keys(objects: Sequence[Object]) -> dict[str, set[str]]:
    made = {}
    for external in of_kind(objects, "ExternalSecret"):
        target = external["spec"]["target"]
        template = target.get("template", {}).get("data")
        made[target["name"]] = set(template) if template else {item["secretKey"] for item in external["spec"]["data"]}
    return made


@rule
def secrets_come_from_the_store(objects: Sequence[Object]) -> Iterator[str]:
    made = _secret_keys(objects)
    for workload, pod in pods(objects):
        for volume in (v["secret"] for v in pod["spec"].get("volumes", []) if "secret" in v):
            if volume["secretName"] not in made:
                yield f"{label(workload)}: nothing makes the Secret {volume['secretName']}"
            for item in volume.get("items", []):
                if item["key"] not in made.get(volume["secretName"], ()):
                    yield f"{label(workload)}: Secret {volume['secretName']} has no key {item['key']}"
        for container in containers(pod):
            for variable in container.get("env", []):
                if "secretKeyRef" in variable.get("valueFrom", {}):
                    yield f"{label(workload)}: {variable['name']} takes a secret by environment; mount it as a file"
            if any("secretRef" in source for source in container.get("envFrom", [])):
                yield f"{label(workload)}: {container['name']} takes a secret by environment; mount it as a file"


@rule
def no_secret_is_in_git(objects: Sequence[Object]) -> Iterator[str]:
    for obj in objects:
        if obj["kind"] == "Secret":
            yield f"{label(obj)}: secrets come by ExternalSecret, never from Git"
        elif SECRET_LIKE.search(str(obj)):
            yield f"{label(obj)}: holds what looks like a token or a key"


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


@rule
def tokens_are_mounted_where_needed(objects: Sequence[Object]) -> Iterator[str]:
    for account in of_kind(objects, "ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"{label(account)}: automountServiceAccountToken must be false"
    accounts = {account["metadata"]["name"] for account in of_kind(objects, "ServiceAccount")}
    for workload, pod in pods(objects):
        spec = pod["spec"]
        if spec.get("automountServiceAccountToken") is not (label(workload) == "Deployment/brain"):
            yield f"{label(workload)}: only the brain gets a token, and it says so"
        if spec.get("serviceAccountName") not in accounts:
            yield f"{label(workload)}: needs a ServiceAccount of its own"
        if spec.get("enableServiceLinks") is not False:
            yield f"{label(workload)}: enableServiceLinks must be false, or a Service named redis sets REDIS_PORT"


@rule
def the_brain_may_do_what_it_does(objects: Sequence[Object]) -> Iterator[str]:
    for role in of_kind(objects, "Role"):
        given: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}
        for item in role["rules"]:
            for group in item["apiGroups"]:
                for resource in item["resources"]:
                    given.setdefault((group, resource, tuple(item.get("resourceNames", ()))), set()).update(
                        item["verbs"]
                    )
        if "*" in str(role["rules"]):
            yield f"{label(role)}: has a wildcard"
        if given != BRAIN_MAY:
            yield f"{label(role)}: gives other rights than tests/manifests/rules.py allows"
    for binding in of_kind(objects, "RoleBinding"):
        if binding["subjects"] != [
            {"kind": "ServiceAccount", "name": "brain"}
            | ({"namespace": binding["metadata"]["namespace"]} if "namespace" in binding["subjects"][0] else {})
        ]:
            yield f"{label(binding)}: binds another subject than the brain"


@rule
def everything_is_in_its_namespace(objects: Sequence[Object]) -> Iterator[str]:
    spaces = {obj["metadata"].get("namespace") for obj in objects if obj["kind"] not in CLUSTER_SCOPED}
    for obj in objects:
        if obj["kind"] in CLUSTER_SCOPED:
            yield f"{label(obj)}: is not namespaced; such objects live in platform/policies"
    if len(spaces) != 1:
        yield f"objects are spread over the namespaces {spaces}"


@rule
def nothing_is_reachable_from_outside(objects: Sequence[Object]) -> Iterator[str]:
    for obj in of_kind(objects, "Ingress", "HTTPRoute", "Gateway"):
        yield f"{label(obj)}: nothing is served to the outside"
    for service in of_kind(objects, "Service"):
        if service["spec"].get("type", "ClusterIP") != "ClusterIP" or service["spec"].get("externalIPs"):
            yield f"{label(service)}: must be of type ClusterIP"


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
def defaults_are_spelled_out(objects: Sequence[Object]) -> Iterator[str]:
    """What the API would fill in shows as drift in Argo CD for ever."""
    for external in of_kind(objects, "ExternalSecret"):
        for item in external["spec"]["data"]:
            missing = {"conversionStrategy", "decodingStrategy", "metadataPolicy"} - item["remoteRef"].keys()
            if missing:
                yield f"{label(external)}: {item['secretKey']} leaves {', '.join(sorted(missing))} to the API"
        if {"creationPolicy", "deletionPolicy"} - external["spec"]["target"].keys() or "refreshPolicy" not in external[
            "spec"
        ]:
            yield f"{label(external)}: leaves policies to the API"


@rule
def roles_run_in_pod_templates_that_exist(objects: Sequence[Object]) -> Iterator[str]:
    templates = {obj["metadata"]["name"] for obj in of_kind(objects, "PodTemplate")}
    for obj in of_kind(objects, "ConfigMap"):
        for file, text in obj.get("data", {}).items():
            roles = yaml.safe_load(text).get("roles", {}) if file == "roles.yaml" else {}
            for name, role in roles.items():
                if role.get("template") not in templates:
                    yield f"{label(obj)}: {file}: the role {name} runs in the PodTemplate {role.get('template')}, which is not there: one of {', '.join(sorted(templates))}"
