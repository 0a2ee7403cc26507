"""SearXNG as an option of the platform: off by default, whole when it is turned on, and reached by agents with tools alone."""

import ipaddress
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.object_checks import KUBERNETES, checkov, kubeconform
from tests.manifests.rendering import ENVIRONMENTS, ROOT, Object, copy_of_the_tree, named, of_kind, render
from tests.manifests.rules import RULES
from tests.manifests.wiring import GUEST, applications, own, part

KEPT = (
    "images-are-pinned", "pods-are-restricted", "memory-is-promised-and-cpu-is-not-capped", "servers-have-probes", "drains-do-not-hang",
    "rollouts-keep-the-old-brain", "selectors-select", "configmaps-are-there", "every-pod-is-behind-a-policy", "no-secret-is-in-git",
    "tokens-are-mounted-where-needed", "nothing-is-reachable-from-outside",
)  # fmt: skip
"""Rules of the bot's namespace that hold here too. Not among them: its secrets as files (SearXNG reads a variable), and port 443 alone."""

TOOLS = {"openclaw.io/tools": "yes"}
"""The label of pods of agents with tools."""


@pytest.fixture(scope="module")
def searxng() -> list[Object]:
    return render(ROOT / "platform/search")


def turned_on(root: Path, environment: str, *more: str) -> dict[str, Object]:
    """The wiring of *environment* with the component and *more*, by kind and name without the environment."""
    file = root / "clusters" / environment / "kustomization.yaml"
    kustomization = yaml.safe_load(file.read_text())
    kustomization["components"] = ["../components/search", *kustomization.get("components", []), *more]
    file.write_text(yaml.safe_dump(kustomization))
    return {f"{obj['kind']}/{part(obj)}": obj for obj in render(root / "clusters" / environment)}


def test_it_is_off(environment: str) -> None:
    assert "search" not in applications(environment)
    assert "searxng" not in str(render(ROOT / "platform/openclaw/overlays" / environment))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_turned_on_it_follows_what_the_environment_follows(environment: str, tmp_path: Path) -> None:
    wired = turned_on(copy_of_the_tree(tmp_path), environment)
    app, brain = wired["Application/search"], applications(environment)["openclaw"]
    assert own(app) == own(brain) | {"path": "platform/search"}
    assert app["spec"]["project"] == f"{environment}-platform"
    project = wired["AppProject/platform"]["spec"]
    assert app["spec"]["destination"] in project["destinations"]
    assert {"group": "", "kind": "Namespace"} in project["clusterResourceWhitelist"]
    assert set(wired) == {f"{obj['kind']}/{part(obj)}" for obj in render(ROOT / "clusters" / environment)} | {
        "Application/search"
    }


def test_a_guest_uses_the_one_of_its_host(tmp_path: Path) -> None:
    wired = turned_on(copy_of_the_tree(tmp_path), "prod", f"../../{GUEST}")
    assert "Application/openclaw" in wired
    assert "Application/search" not in wired


def test_it_keeps_the_rules(searxng: list[Object]) -> None:
    assert [fault for name in KEPT for fault in RULES[name](searxng)] == []
    assert {obj["metadata"].get("namespace", "search") for obj in searxng} == {"search"}


@pytest.mark.parametrize("core", KUBERNETES.values(), ids=KUBERNETES)
def test_it_fits_its_schemas(searxng: list[Object], core: str) -> None:
    done = kubeconform(searxng, core)
    assert (done.returncode, "Skipped: 0" in done.stdout) == (0, True), done.stdout


def test_checkov_passes(searxng: list[Object], tmp_path: Path) -> None:
    assert checkov(searxng, tmp_path)["failed_checks"] == []


def test_agents_with_tools_of_both_environments_reach_it_and_nobody_else(searxng: list[Object]) -> None:
    [rule] = named(searxng, "NetworkPolicy", "searxng")["spec"]["ingress"]
    assert rule["from"] == [
        {
            "namespaceSelector": {
                "matchExpressions": [
                    {
                        "key": "kubernetes.io/metadata.name",
                        "operator": "In",
                        "values": [f"openclaw-{one}" for one in ENVIRONMENTS],
                    }
                ]
            },
            "podSelector": {"matchLabels": TOOLS},
        }
    ]
    assert [port["port"] for port in rule["ports"]] == ["http"]


def test_it_reaches_names_and_public_web_servers_alone(searxng: list[Object]) -> None:
    dns, web = named(searxng, "NetworkPolicy", "searxng")["spec"]["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert {port["port"] for port in web["ports"]} == {80, 443}
    block = web["to"][0]["ipBlock"]
    out = [ipaddress.ip_network(one) for one in block["except"]]
    inside = ["10.20.0.10", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "127.0.0.1", "0.0.0.0"]
    assert [one for one in inside if not any(ipaddress.ip_address(one) in net for net in out)] == []
    assert len(web["to"]) == 1


def test_it_answers_programs_and_its_key_is_in_no_file_of_ours(searxng: list[Object]) -> None:
    [config] = of_kind(searxng, "ConfigMap")
    settings = yaml.safe_load(config["data"]["settings.yml"])
    assert "json" in settings["search"]["formats"]
    assert settings["server"]["limiter"] is False
    assert "secret_key" not in settings["server"]
    [container] = named(searxng, "Deployment", "searxng")["spec"]["template"]["spec"]["containers"]
    [secret] = [one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one]
    assert secret == {"name": "searxng", "key": "password"}
    [made] = of_kind(searxng, "ExternalSecret")
    [source] = made["spec"]["dataFrom"]
    assert source["sourceRef"]["generatorRef"]["name"] == named(searxng, "Password", "searxng")["metadata"]["name"]


# ---- the agents' side


def agents(tmp_path: Path, *components: str) -> dict[str, Object]:
    """A PodTemplate `agent-tools` and the admission policy's settings, with *components* of the bot."""
    root = copy_of_the_tree(tmp_path)
    base, folder = root / "platform/openclaw/base", root / "platform/openclaw/agents"
    folder.mkdir()
    template = yaml.safe_load((base / "agent/podtemplate.yaml").read_text())
    template["metadata"]["name"] = "agent-tools"
    (folder / "podtemplate.yaml").write_text(yaml.safe_dump(template))
    shutil.copy(base / "guards/agent-policy.yaml", folder)
    kustomization = {"resources": ["podtemplate.yaml", "agent-policy.yaml"], "components": list(components)}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return {f"{obj['kind']}/{obj['metadata']['name']}": obj for obj in render(folder)}


def given(objects: dict[str, Object]) -> dict[str, str]:
    """What the agents' container gets by these two components."""
    container = objects["PodTemplate/agent-tools"]["template"]["spec"]["containers"][0]
    return {
        one["name"]: one["value"] for one in container["env"] if one["name"].startswith(("SEARCH", "BRAVE", "TAVILY"))
    }


def allowed(objects: dict[str, Object]) -> dict[str, str]:
    data: dict[str, Any] = objects["ConfigMap/agent-policy"]["data"]
    return {
        name.removeprefix("env."): value
        for name, value in data.items()
        if name.startswith(("env.SEARCH", "env.BRAVE", "env.TAVILY"))
    }


def test_agents_are_told_where_it_is_and_may_go_there(searxng: list[Object], tmp_path: Path) -> None:
    objects = agents(tmp_path, "../components/search")
    service = named(searxng, "Service", "searxng")
    address = (
        f"http://{service['metadata']['name']}.{service['metadata']['namespace']}:{service['spec']['ports'][0]['port']}"
    )
    assert given(objects) == allowed(objects) == {"SEARCH_URL": address}
    policy = objects["NetworkPolicy/agent-search"]["spec"]
    assert policy["podSelector"] == {"matchLabels": TOOLS}
    [rule] = policy["egress"]
    [peer] = rule["to"]
    pod = named(searxng, "Deployment", "searxng")["spec"]["template"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "search"}
    assert peer["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    # A policy counts behind the Service: the port is the container's.
    assert [one["port"] for one in rule["ports"]] == [pod["spec"]["containers"][0]["ports"][0]["containerPort"]]


def test_keys_come_as_files_of_a_secret_and_no_job_names_one(tmp_path: Path) -> None:
    objects = agents(tmp_path, "../components/search-keys")
    assert given(objects) == allowed(objects)
    spec = objects["PodTemplate/agent-tools"]["template"]["spec"]
    [mount] = [one for one in spec["containers"][0]["volumeMounts"] if one["name"] == "search"]
    [volume] = [one for one in spec["volumes"] if one["name"] == "search"]
    external = objects["ExternalSecret/search"]["spec"]
    assert volume["secret"]["secretName"] == external["target"]["name"]
    assert volume["secret"]["secretName"] in objects["ConfigMap/agent-policy"]["data"]["secrets"].split(",")
    files = {f"{mount['mountPath']}/{item['secretKey']}" for item in external["data"]}
    assert set(given(objects).values()) == files
    assert set(given(objects)) == {"BRAVE_API_KEY_FILE", "TAVILY_API_KEY_FILE"}
    assert mount["readOnly"] is True
    holds = RULES["the-bot-token-is-the-brains-alone"]
    assert list(holds(list(objects.values()))) == []
    objects["PodTemplate/agent-tools"]["metadata"]["name"] = "agent"  # one without tools needs no such key
    assert "mounts the Secret search" in "".join(holds(list(objects.values())))


def test_an_overlay_with_both_is_one_of_an_environment(environment: str, tmp_path: Path) -> None:
    root = copy_of_the_tree(tmp_path)
    file = root / "platform/openclaw/overlays" / environment / "kustomization.yaml"
    kustomization = yaml.safe_load(file.read_text())
    kustomization["components"] = [
        "../../components/search",
        "../../components/search-keys",
        *kustomization["components"],
    ]
    file.write_text(yaml.safe_dump(kustomization))
    external = named(render(file.parent), "ExternalSecret", "search")
    assert {item["remoteRef"]["key"] for item in external["spec"]["data"]} == {f"openclaw/{environment}/search"}
    assert external["metadata"]["namespace"] == f"openclaw-{environment}"
