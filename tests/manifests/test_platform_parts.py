"""The parts that are not ours: versions that agree with what the master installs, identities that AWS knows, settings that hold."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.argocd_cli import ArgocdAdmin, manifest
from tests.manifests.rendering import ENVIRONMENTS, ROOT, label, named, of_kind
from tests.manifests.rules import RULES
from tests.manifests.wiring import applications, children, objects_of, sources

PINS = yaml.safe_load((ROOT / "terraform/modules/gitops/pins.yaml").read_text())


def values(part: str) -> Any:
    return yaml.safe_load((ROOT / f"platform/{part}/values.yaml").read_text())


def argo_cd(environment: str) -> Any:
    return sources(applications(environment)["argocd"])[0]


def test_staging_keeps_the_argo_cd_that_the_master_installs() -> None:
    install = argo_cd("staging")

    assert install["targetRevision"] == PINS["argocd"]["version"]
    assert PINS["argocd"]["url"].endswith(
        f"/{install['targetRevision']}/{install['path']}/{install['directory']['include']}"
    )


def test_prod_follows_with_a_promotion() -> None:
    """Alike in both, a newer Argo CD could never be tried in staging first.

    A new master of prod installs staging's, and its first sync takes it back.
    """
    staging, prod = (argo_cd(environment) for environment in ENVIRONMENTS)
    numbers = [[int(part) for part in one["targetRevision"].removeprefix("v").split(".")] for one in (staging, prod)]

    assert numbers[1] <= numbers[0]
    assert prod | {"targetRevision": ""} == staging | {"targetRevision": ""}


def test_checksum_of_argo_cd_is_that_of_its_published_module() -> None:
    go = shutil.which("go")
    if not go:
        pytest.skip("go is missing: the checksum of Argo CD's manifest is NOT compared with its Go module")
    # Go compares what it fetches with the checksum database.
    fetch = [go, "mod", "download", "-json", f"github.com/argoproj/argo-cd/v3@{PINS['argocd']['version']}"]
    env = os.environ | {"GOFLAGS": "-mod=mod"}
    try:
        done = subprocess.run(fetch, cwd="/", env=env, capture_output=True, text=True, check=True, timeout=40)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
        pytest.skip(f"Go cannot fetch Argo CD, so its manifest's checksum is NOT compared: {exc.stdout!r}")
    module = json.loads(done.stdout)
    manifest = Path(module["Dir"]) / "manifests/install.yaml"

    assert hashlib.sha256(manifest.read_bytes()).hexdigest() == PINS["argocd"]["sha256"]


def test_cloud_controller_is_what_the_master_applies(environment: str) -> None:
    facts = yaml.safe_load((ROOT / f"clusters/{environment}/environment.yaml").read_text())
    name = f"openclaw-{environment}"
    template = (ROOT / "terraform/modules/gitops/manifests/cloud-controller.yaml.tftpl").read_text()
    for variable, value in {
        "image": PINS["cloud_controller"]["image"],
        "name": name,
        "endpoint": f"api.{name}.internal",
        "region": facts["region"],
        "role_arn": f"arn:aws:iam::{facts['account']}:role/{name}-cloud-controller",
    }.items():
        template = template.replace(f"${{{variable}}}", value)
    bootstrap = {label(obj): obj for obj in yaml.safe_load_all(template)}
    kept = {label(obj): obj for obj in objects_of(applications(environment)["cloud-controller"])}
    for objects in (bootstrap, kept):  # an end of line more or less is no difference
        settings = objects["ConfigMap/cloud-controller-manager"]["data"]
        settings["cloud.conf"] = settings["cloud.conf"].rstrip()

    assert kept == bootstrap


def test_every_aws_role_is_taken_by_the_account_that_it_trusts(environment: str) -> None:
    """terraform/modules/iam binds each role to one service account; the parts must use exactly those."""
    text = (ROOT / "terraform/modules/iam/service_roles.tf").read_text()
    trusted = {
        role: (namespace.replace("${var.environment}", environment), name)
        for role, namespace, name in re.findall(
            r'^ +([a-z-]+) += \{ namespace = "([^"]+)", name = "([^"]+)" \}', text, re.M
        )
    }
    taken = {}
    for app in children(environment).values():
        for obj in objects_of(app):
            annotations = obj["metadata"].get("annotations", {})
            if obj["kind"] == "ServiceAccount" and (arn := annotations.get("eks.amazonaws.com/role-arn")):
                role = arn.rpartition(f"role/openclaw-{environment}-")[2]
                taken[role] = (obj["metadata"]["namespace"], obj["metadata"]["name"])
    taken["cloud-controller"] = ("kube-system", "cloud-controller-manager")
    taken["cluster-autoscaler"] = ("kube-system", values("cluster-autoscaler")["rbac"]["serviceAccount"]["name"])
    taken["ebs-csi"] = ("kube-system", values("ebs-csi")["controller"]["serviceAccount"]["name"])

    assert taken == trusted
    arns = set(
        re.findall(
            r"role/openclaw-[\w-]+",
            str(list(children(environment).values()))
            + str([objects_of(app) for app in children(environment).values()]),
        )
    )
    assert arns == {f"role/openclaw-{environment}-{role}" for role in trusted}


@pytest.mark.parametrize("part", ["cluster-autoscaler", "ebs-csi"])
def test_controllers_take_their_role_by_a_token_of_their_own(part: str) -> None:
    held = values(part) if part == "cluster-autoscaler" else values(part)["controller"]
    volumes, mounts = (
        held.get(f"extra{name}", held.get(name[0].lower() + name[1:])) for name in ("Volumes", "VolumeMounts")
    )
    [source] = volumes[0]["projected"]["sources"]

    assert source["serviceAccountToken"]["audience"] == "sts.amazonaws.com"
    assert source["serviceAccountToken"]["expirationSeconds"] <= 3600
    assert mounts[0]["name"] == volumes[0]["name"]
    # Where the SDK looks for it: in values or in the Application.
    text = str(values(part)) + str(applications("staging")[part]["spec"])
    assert f"{mounts[0]['mountPath']}/{source['serviceAccountToken']['path']}" in text


def test_stores_are_namespaced() -> None:
    crds = values("secrets")["crds"]

    assert crds == {
        "createClusterExternalSecret": False,
        "createClusterGenerator": False,
        "createClusterPushSecret": False,
        "createClusterSecretStore": False,
        "createPushSecret": False,
    }
    assert not [key for key, on in values("secrets").items() if key.startswith("process") and on]


def test_settings_of_argo_cd_hold(environment: str) -> None:
    objects = objects_of(applications(environment)["argocd"])
    settings, rights = (named(objects, "ConfigMap", name)["data"] for name in ("argocd-cm", "argocd-rbac-cm"))

    assert settings["admin.enabled"] == settings["exec.enabled"] == settings["users.anonymous.enabled"] == "false"
    assert rights["policy.default"] == "role:readonly"
    assert not re.search(r"^p, .*\*, \*/\*, allow|role:admin", rights["policy.csv"], re.MULTILINE)
    for obj in objects:
        if obj["kind"] == "ConfigMap":
            assert obj["metadata"]["labels"]["app.kubernetes.io/part-of"] == "argocd", (
                "Argo CD finds its settings by this label"
            )


NEVER_SYNCED = [
    ("coordination.k8s.io", "Lease"),
    ("", "Event"),
    ("", "Node"),
    ("events.k8s.io", "*"),
    ("metrics.k8s.io", "*"),
]
"""What Argo CD leaves alone whatever its settings say: in Git, it would be announced and never created."""


def test_nothing_that_is_synced_is_excluded_from_being_watched(environment: str) -> None:
    settings = named(objects_of(applications(environment)["argocd"]), "ConfigMap", "argocd-cm")["data"]
    excluded = NEVER_SYNCED + [
        (api_group, kind)
        for item in yaml.safe_load(settings["resource.exclusions"])
        for api_group in item["apiGroups"]
        for kind in item["kinds"]
    ]
    synced = {
        (obj["apiVersion"].rpartition("/")[0], obj["kind"])
        for app in children(environment).values()
        for obj in objects_of(app)
    }

    assert [
        one for one in excluded if one in synced or (one[1] == "*" and one[0] in {group for group, _ in synced})
    ] == []


def test_notifications_use_what_they_declare(environment: str) -> None:
    objects = objects_of(applications(environment)["argocd"])
    settings = named(objects, "ConfigMap", "argocd-notifications-cm")["data"]
    filled = {item["secretKey"] for item in named(objects, "ExternalSecret", "notifications")["spec"]["data"]}
    triggers = {
        key.partition(".")[2]: yaml.safe_load(text) for key, text in settings.items() if key.startswith("trigger.")
    }
    templates = {key.partition(".")[2] for key in settings if key.startswith("template.")}
    subscribed = {name for item in yaml.safe_load(settings["subscriptions"]) for name in item["triggers"]}
    for app in children(environment).values():
        for annotation in app["metadata"]["annotations"]:
            if match := re.match(r"notifications\.argoproj\.io/subscribe\.([\w-]+)\.telegram", annotation):
                subscribed.add(match[1])

    assert set(re.findall(r"\$([\w-]+)", settings["service.telegram"] + settings["service.github"])) == filled
    assert {name for steps in triggers.values() for step in steps for name in step["send"]} == templates
    assert subscribed == set(triggers)
    assert all("oncePer" in step for steps in triggers.values() for step in steps), (
        "once for each sync, not for each look"
    )
    assert all(
        "health?.lastTransitionTime" in step["oncePer"]
        for name in triggers.keys() - {"went-out"}
        for step in triggers[name]
    ), "what was unwell between two syncs must be told, and so must its recovery"


def test_argo_cd_itself_takes_its_rights_and_health_script(
    environment: str, argocd_admin: ArgocdAdmin, tmp_path: Path
) -> None:
    objects = objects_of(applications(environment)["argocd"])
    policy = manifest(tmp_path, "policy", named(objects, "ConfigMap", "argocd-rbac-cm"))
    settings = manifest(tmp_path, "settings", named(objects, "ConfigMap", "argocd-cm"))
    child = applications(environment)["openclaw"]
    apps = {
        "new": child,
        "root": applications(environment)["root"],
        "old": child | {"status": {"history": [{"id": 0}], "health": {"status": "Degraded"}}},
    }

    rights = argocd_admin("settings", "rbac", "validate", "--policy-file", policy)
    health = {
        name: argocd_admin(
            "settings",
            "resource-overrides",
            "health",
            manifest(tmp_path, name, app),
            "--argocd-cm-path",
            settings,
        ).stdout
        for name, app in apps.items()
    }

    assert rights.returncode == 0, rights.stderr
    assert "STATUS: Progressing" in health["new"], health
    assert "STATUS: Healthy" in health["root"], "the root is among its own children: it would wait for itself for ever"
    assert "STATUS: Healthy" in health["old"], "a sick child must not keep the root from passing on a revert"


def test_exporter_of_redis_keeps_the_bot_s_rules(environment: str) -> None:
    objects = objects_of(applications(environment)["redis-exporter"])
    kept = (
        "pods-are-restricted",
        "memory-is-promised-and-cpu-is-not-capped",
        "servers-have-probes",
        "rollouts-keep-the-old-brain",
        "tokens-are-mounted-where-needed",
        "everything-is-in-its-namespace",
    )

    assert [fault for name in kept for fault in RULES[name](objects)] == []
    bot = objects_of(applications(environment)["openclaw"])
    [deployment] = of_kind(objects, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    policy = named(bot, "NetworkPolicy", "redis-exporter")["spec"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    assert policy["ingress"][0]["ports"][0]["port"] in {port["name"] for port in container["ports"]}
    secrets = [entry["valueFrom"]["secretKeyRef"] for entry in container["env"] if "valueFrom" in entry]
    assert secrets == [{"name": "redis-exporter", "key": "password"}]
    assert "redis-exporter" in {item["spec"]["target"]["name"] for item in of_kind(bot, "ExternalSecret")}


def test_monitors_select_what_is_there(environment: str) -> None:
    """A monitor that selects nothing is silent, and silence looks like health."""
    everything = [obj for app in children(environment).values() for obj in objects_of(app)]
    brain = named(everything, "PodMonitor", "brain")["spec"]
    template = named(everything, "Deployment", "brain")["spec"]["template"]
    ports = {port["name"] for container in template["spec"]["containers"] for port in container["ports"]}

    assert brain["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert brain["podMetricsEndpoints"][0]["port"] in ports
    assert f"openclaw-{environment}" in brain["namespaceSelector"]["matchNames"]
    exporter = named(everything, "PodMonitor", "redis-exporter")["spec"]
    pod = named(everything, "Deployment", "redis-exporter")["spec"]["template"]
    assert exporter["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_alertmanager_has_one_rule_of_where_it_runs() -> None:
    """The chart writes its own podAntiAffinity into `affinity`, behind ours, unless it is turned off: a key that stands twice."""
    spec = values("monitoring")["alertmanager"]["alertmanagerSpec"]

    assert "podAntiAffinity" in spec["affinity"]
    assert spec["podAntiAffinity"] == ""


def test_defaults_of_external_secrets_are_spelled_out(environment: str) -> None:
    everything = [obj for app in children(environment).values() for obj in objects_of(app)]

    assert len(of_kind(everything, "ExternalSecret")) == 8
    assert list(RULES["defaults-are-spelled-out"](everything)) == []
    assert of_kind(everything, "ClusterSecretStore", "ClusterExternalSecret") == []
