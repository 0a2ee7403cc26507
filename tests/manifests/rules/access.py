"""Secrets, tokens and rights: who may have which, and where an object may live."""

import re
from collections.abc import Iterator, Sequence

from tests.manifests.rendering import Object, containers, label, of_kind, pods
from tests.manifests.rules.registry import rule

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


BOT_TOKEN = "telegram"
AGENTS_SECRETS = {"groq", "redis-agent"}
TOOLS_SECRETS = {"search"}
"""Of agents with tools besides, where components/search-keys is turned on."""


@rule
def the_bot_token_is_the_brains_alone(objects: Sequence[Object]) -> Iterator[str]:
    """Agents hold the model's key and their own password for Redis, and may be given nothing else."""
    for workload, pod in pods(objects):
        mounted = {v["secret"]["secretName"] for v in pod["spec"].get("volumes", []) if "secret" in v}
        if BOT_TOKEN in mounted and label(workload) != "Deployment/brain":
            yield f"{label(workload)}: mounts the Secret {BOT_TOKEN}, and the bot's token is for the brain alone"
        if workload["kind"] == "PodTemplate":
            of_tools = TOOLS_SECRETS if workload["metadata"]["name"] == "agent-tools" else set()
            for name in sorted(mounted - AGENTS_SECRETS - of_tools - {BOT_TOKEN}):
                yield f"{label(workload)}: mounts the Secret {name}, and an agent holds {' and '.join(sorted(AGENTS_SECRETS))}"
            for container in containers(pod):
                told = {entry["name"] for entry in container.get("env", []) if entry["name"].startswith("TELEGRAM_")}
                if told:
                    yield f"{label(workload)}: {', '.join(sorted(told))}: an agent has no way to Telegram"
    for policy in (obj for obj in of_kind(objects, "ConfigMap") if obj["metadata"]["name"] == "agent-policy"):
        given = set(policy["data"]["secrets"].split(","))
        if beyond := given - AGENTS_SECRETS - TOOLS_SECRETS:
            yield f"{label(policy)}: lets agents mount {', '.join(sorted(beyond))}: whoever has the brain's token could start an agent that reads it"
        for name in sorted(key for key in policy["data"] if key.startswith("env.TELEGRAM_")):
            yield f"{label(policy)}: {name}: an agent has no way to Telegram"


@rule
def no_secret_is_in_git(objects: Sequence[Object]) -> Iterator[str]:
    for obj in objects:
        if obj["kind"] == "Secret":
            yield f"{label(obj)}: secrets come by ExternalSecret, never from Git"
        elif SECRET_LIKE.search(str(obj)):
            yield f"{label(obj)}: holds what looks like a token or a key"


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


def _brain_may(objects: Sequence[Object]) -> dict[tuple[str, str, tuple[str, ...]], set[str]]:
    """With the PodTemplates that are there, by name."""
    names = tuple(sorted(obj["metadata"]["name"] for obj in of_kind(objects, "PodTemplate")))
    return {
        **{key: verbs for key, verbs in BRAIN_MAY.items() if key[1] != "podtemplates"},
        ("", "podtemplates", names): {"get"},
    }


@rule
def the_brain_may_do_what_it_does(objects: Sequence[Object]) -> Iterator[str]:
    for role in of_kind(objects, "Role"):
        given: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}
        for item in role["rules"]:
            for group in item["apiGroups"]:
                for resource in item["resources"]:
                    given.setdefault((group, resource, tuple(sorted(item.get("resourceNames", ())))), set()).update(
                        item["verbs"]
                    )
        if "*" in str(role["rules"]):
            yield f"{label(role)}: has a wildcard"
        if given != _brain_may(objects):
            yield f"{label(role)}: gives other rights than tests/manifests/rules/access.py allows, or not the name of each PodTemplate"
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
def defaults_are_spelled_out(objects: Sequence[Object]) -> Iterator[str]:
    """What the API would fill in shows as drift in Argo CD for ever."""
    for external in of_kind(objects, "ExternalSecret"):
        for item in external["spec"].get("data", ()):
            missing = {"conversionStrategy", "decodingStrategy", "metadataPolicy"} - item["remoteRef"].keys()
            if missing:
                yield f"{label(external)}: {item['secretKey']} leaves {', '.join(sorted(missing))} to the API"
        for item in external["spec"].get("dataFrom", ()):
            if "apiVersion" not in item.get("sourceRef", {}).get("generatorRef", {"apiVersion": ""}):
                yield f"{label(external)}: leaves the generator's apiVersion to the API"
        if {"creationPolicy", "deletionPolicy"} - external["spec"]["target"].keys() or "refreshPolicy" not in external[
            "spec"
        ]:
            yield f"{label(external)}: leaves policies to the API"
