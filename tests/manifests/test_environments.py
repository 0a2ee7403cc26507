"""Every environment renders, keeps every rule, and differs from the other only where it may."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from openclaw_agent.settings import from_env as agent_settings
from openclaw_brain.kubernetes.job_manifest import job_manifest
from openclaw_brain.pool_policy import pool_of
from openclaw_brain.settings import from_env as brain_settings
from openclaw_core.models.providers import GROQ
from tests.manifests.rendering import (
    ENVIRONMENTS,
    ROOT,
    Object,
    containers,
    copy_of_the_tree,
    files_of,
    label,
    named,
    of_kind,
    overlay,
    pods,
    render,
    tool,
)
from tests.manifests.rules import RULES

DIFFERENCES = re.compile(
    r"""^(
      .*\.namespace
    | .*\.labels\.openclaw\.io/environment
    | Deployment/brain\.spec\.replicas
    | Deployment/brain\..*\.configMapRef\.name
    | ConfigMap/brain-settings\.(metadata\.name | data\.(GROQ_BASE_URL|LOG_LEVEL|MODEL_(BASE_URL|OVERRIDE|PROVIDER)|RUNNING_CAP|SMOKE_BOT_IDS|TOOL_AGENTS_CAP|VOICE_MODELS|WARM_AGENTS))
    | PodTemplate/agent(-tools)?\.template\.spec\.containers\.0\.env\.LOG_LEVEL\.value
    | ResourceQuota/openclaw\.spec\.hard\..*
    | ExternalSecret/[\w-]+\.spec\.data\.[012]\.remoteRef\.key
    | SecretStore/aws\.spec\.provider\.aws\.region
    | ServiceAccount/external-secrets\.metadata\.annotations\..*
    | NetworkPolicy/brain\.spec\.egress\.0\.to\.0\.ipBlock\.cidr
    )$""",
    re.VERBOSE,
)
"""What staging and prod may differ in. Whatever else differs was tested in staging and then not shipped."""


def flat(node: Any, path: str) -> dict[str, Any]:
    if isinstance(node, dict):
        return {key: value for name, child in node.items() for key, value in flat(child, f"{path}.{name}").items()}
    if isinstance(node, list):
        # Variables go by name: a further one before them is no difference of them.
        by_name = path.endswith(".env")
        names = [str(child["name"]) if by_name else str(n) for n, child in enumerate(node)]
        return {
            key: value
            for name, child in zip(names, node, strict=True)
            for key, value in flat(child, f"{path}.{name}").items()
        }
    return {path: node}


def paths(objects: list[Object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for obj in objects:
        found |= flat(obj, re.sub(r"-[a-z0-9]{10}$", "", label(obj)) if obj["kind"] == "ConfigMap" else label(obj))
    return found


@pytest.mark.parametrize("rule", RULES)
def test_environment_keeps_the_rule(rule: str, objects: list[Object]) -> None:
    assert len(objects) > 20
    faults = [f"{files_of(fault.split(':')[0])}: {rule}: {fault}" for fault in RULES[rule](objects)]
    assert not faults, "\n".join(faults)


def test_staging_and_prod_differ_only_where_they_may() -> None:
    staging, prod = (paths(render(overlay(environment))) for environment in ENVIRONMENTS)

    different = {path for path in staging.keys() | prod.keys() if staging.get(path) != prod.get(path)}

    assert different, "two environments that are the same in everything cannot be right"
    wrong = sorted(path for path in different if not DIFFERENCES.match(path))
    files = {path: files_of(path.partition(".")[0]) for path in wrong}
    assert not wrong, "staging and prod differ in " + "; ".join(
        f"{path} ({files[path]}): write it into platform/openclaw/base for both, or into DIFFERENCES of "
        "tests/manifests/test_environments.py"
        for path in wrong
    )


def test_prod_has_two_brains_and_staging_one() -> None:
    replicas = [named(render(overlay(env)), "Deployment", "brain")["spec"]["replicas"] for env in ENVIRONMENTS]

    assert replicas == [1, 2]


def test_model_settings_that_an_overlay_merges_reach_brain_and_agent(environment: str, tmp_path: Path) -> None:
    file = copy_of_the_tree(tmp_path) / f"platform/openclaw/overlays/{environment}/kustomization.yaml"
    overlay_ = yaml.safe_load(file.read_text())
    [settings] = [made for made in overlay_["configMapGenerator"] if made["name"] == "brain-settings"]
    merged = {"GROQ_BASE_URL": "https://models.example", "VOICE_MODELS": "hears", "MODEL_OVERRIDE": "one"}
    settings["literals"] += [f"{name}={value}" for name, value in merged.items()]
    file.write_text(yaml.safe_dump(overlay_))

    objects = render(file.parent)
    [data] = [o["data"] for o in of_kind(objects, "ConfigMap") if o["metadata"]["name"].startswith("brain-settings")]
    secrets = {"TELEGRAM_TOKEN": "1:a", "GROQ_API_KEY": "k", "REDIS_PASSWORD": "p", "ALLOWED_USER_IDS": "*"}
    plain = {name: value for name, value in data.items() if not name.endswith("_FILE")}
    brain = brain_settings(plain | secrets | {"POD_NAMESPACE": "there", "POD_IP": "10.0.0.1"})
    pool = pool_of("agent", named(objects, "PodTemplate", "agent")["template"], brain)
    [container] = job_manifest("agent-a", pool)["spec"]["template"]["spec"]["containers"]
    env = {e["name"]: e["value"] for e in container["env"] if not e["name"].endswith("_FILE")}
    agent = agent_settings(env | secrets)

    assert brain.servers.default.url == agent.servers.default.url == "https://models.example/openai/v1"
    assert brain.model_override == "one"  # this one goes with each task
    assert agent.voice_models == ("hears",)


def test_environment_takes_its_facts_from_the_one_file(environment: str, tmp_path: Path) -> None:
    """Each fact is changed in a copy: the new value is everywhere, the old one nowhere."""
    root = copy_of_the_tree(tmp_path)
    file = root / f"clusters/{environment}/environment.yaml"
    facts = yaml.safe_load(file.read_text())
    new = {
        "registry": "registry.example",
        "region": "mx-north-7",
        "account": "099999999999",
        "api_server_cidr": "10.99.0.0/26",
    }
    file.write_text(yaml.safe_dump(facts | new))

    objects = render(root / f"platform/openclaw/overlays/{environment}")

    api_server = named(objects, "NetworkPolicy", "brain")["spec"]["egress"][0]
    identity = named(objects, "ServiceAccount", "external-secrets")["metadata"]["annotations"]
    images = [container["image"] for _, pod in pods(objects) for container in containers(pod)]
    assert api_server["to"] == [{"ipBlock": {"cidr": new["api_server_cidr"]}}]
    assert named(objects, "SecretStore", "aws")["spec"]["provider"]["aws"]["region"] == new["region"]
    assert list(identity.values()) == [f"arn:aws:iam::{new['account']}:role/openclaw-{environment}-external-secrets"]
    assert {image.split(":")[0] for image in images if "openclaw" in image} == {
        f"{new['registry']}/openclaw-{name}" for name in ("agent", "brain", "runner")
    }
    allowed = named(objects, "ConfigMap", "agent-policy")["data"]
    assert allowed["repository.agent"] == "registry.example/openclaw-agent"
    assert {allowed[f"image.{name}"] for name in ("agent", "brain", "runner")} == {
        image for image in images if "openclaw" in image
    }
    assert {
        item["remoteRef"]["key"].rsplit("/", 1)[0]
        for secret in of_kind(objects, "ExternalSecret")
        for item in secret["spec"]["data"]
    } == {f"openclaw/{environment}"}
    assert [key for key in new if facts[key] in yaml.safe_dump_all(objects)] == []


def test_both_environments_have_the_same_facts_and_each_only_its_own(objects: list[Object], environment: str) -> None:
    facts = {env: yaml.safe_load((ROOT / f"clusters/{env}/environment.yaml").read_text()) for env in ENVIRONMENTS}
    other = next(env for env in ENVIRONMENTS if env != environment)

    assert facts["staging"].keys() == facts["prod"].keys()
    assert {env: facts[env]["metadata"]["name"] for env in ENVIRONMENTS} == {env: env for env in ENVIRONMENTS}
    assert facts[other]["api_server_cidr"] not in yaml.safe_dump_all(objects)
    assert of_kind(objects, "Environment") == []


def test_only_the_release_component_names_our_images() -> None:
    own = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "platform").rglob("*.yaml")
        if re.search(r"/openclaw-(agent|brain)\b", path.read_text())
    }

    assert own == {"platform/openclaw/components/release/kustomization.yaml"}


def test_every_prompt_and_configuration_file_reaches_the_brain(objects: list[Object]) -> None:
    base = ROOT / "platform/openclaw/base"
    maps = {
        obj["metadata"]["name"].rsplit("-", 1)[0]: obj["data"]
        for obj in of_kind(objects, "ConfigMap")
        if "-" in obj["metadata"]["name"]
    }

    unlisted = sorted(
        f"prompts/{path.name}" for path in (base / "prompts").glob("*.md") if path.name not in maps["prompts"]
    )
    assert not unlisted, f"platform/openclaw/base/kustomization.yaml: add {', '.join(unlisted)} under `prompts`"
    assert maps["prompts"] == {path.name: path.read_text() for path in (base / "prompts").glob("*.md")}
    assert maps["roles"] == {path.name: path.read_text() for path in (base / "config").glob("*.yaml")}


def test_one_byte_of_a_prompt_rolls_the_brain_and_leaves_the_agent_alone(tmp_path: Path) -> None:
    copied = copy_of_the_tree(tmp_path) / "platform"
    before = render(copied / "openclaw/overlays/staging")
    prompt = copied / "openclaw/base/prompts/coder.md"
    prompt.write_text(prompt.read_text() + "x")

    after = render(copied / "openclaw/overlays/staging")

    def brain(objects: list[Object]) -> Any:
        return named(objects, "Deployment", "brain")["spec"]["template"]

    def agent(objects: list[Object]) -> Any:
        return named(objects, "PodTemplate", "agent")

    assert brain(before) != brain(after)
    assert agent(before) == agent(after)


def test_render_script_prints_an_environment_and_refuses_an_unknown_one(tmp_path: Path) -> None:
    def run(*args: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"KUSTOMIZE": tool("kustomize")}
        return subprocess.run(
            [ROOT / "scripts/render", *args], env=environment, capture_output=True, text=True, check=False
        )

    shown, unknown = run("staging"), run("test")

    assert shown.returncode == 0
    assert "namespace: openclaw-staging" in shown.stdout
    assert unknown.returncode != 0
    assert "no environment test" in unknown.stderr


def test_each_file_holds_one_resource() -> None:
    several = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "platform").rglob("*.yaml")
        if "config" not in path.parts and len(re.findall(r"^kind:", path.read_text(), re.MULTILINE)) > 1
    ]

    assert several == []


def test_an_agent_asks_for_the_internets_names_as_they_are_and_searches_for_redis(objects: list[Object]) -> None:
    spec = named(objects, "PodTemplate", "agent")["template"]["spec"]
    ndots = {option["name"]: int(option["value"]) for option in spec["dnsConfig"]["options"]}["ndots"]
    env = {entry["name"]: entry["value"] for entry in spec["containers"][0]["env"]}

    assert GROQ.host.count(".") >= ndots
    assert env["REDIS_HOST"].count(".") < ndots
