"""Traces as an option of the bot: off by default; turned on, the brain alone is told of a collector and reaches it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.rendering import ROOT, Object, copy_of_the_tree, named, of_kind, render
from tests.manifests.rules import RULES

VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"


def test_it_is_off(environment: str) -> None:
    assert "OTEL" not in str(render(ROOT / "platform/openclaw/overlays" / environment))


@pytest.fixture
def turned_on(environment: str, tmp_path: Path) -> list[Object]:
    """The bot of an environment with the component."""
    file = copy_of_the_tree(tmp_path) / "platform/openclaw/overlays" / environment / "kustomization.yaml"
    kustomization = yaml.safe_load(file.read_text())
    kustomization["components"] = ["../../components/tracing", *kustomization["components"]]
    file.write_text(yaml.safe_dump(kustomization))
    return render(file.parent)


def test_the_brain_is_told_where_to_send_and_may_go_there(turned_on: list[Object]) -> None:
    told: list[dict[str, Any]] = [
        obj["data"] for obj in of_kind(turned_on, "ConfigMap") if VARIABLE in obj.get("data", {})
    ]
    [settings] = told
    host, _, port = settings[VARIABLE].removeprefix("http://").partition(":")
    assert "TASK_DEADLINE_S" in settings or "RUNNING_CAP" in settings, "it is merged into the brain's settings"
    policy = named(turned_on, "NetworkPolicy", "brain-tracing")["spec"]
    assert policy["podSelector"] == {"matchLabels": {"app.kubernetes.io/component": "brain"}}
    [rule] = policy["egress"]
    assert rule["to"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": host.partition(".")[2]}}}
    ]
    assert [str(one["port"]) for one in rule["ports"]] == [port]


def test_agents_are_told_nothing_of_it(turned_on: list[Object]) -> None:
    assert "OTEL" not in str(of_kind(turned_on, "PodTemplate"))
    [policy] = [obj for obj in of_kind(turned_on, "ConfigMap") if obj["metadata"]["name"] == "agent-policy"]
    assert "OTEL" not in str(policy)


@pytest.mark.parametrize("rule", ["every-pod-is-behind-a-policy", "configmaps-are-there", "no-secret-is-in-git"])
def test_it_keeps_the_rules(turned_on: list[Object], rule: str) -> None:
    assert list(RULES[rule](turned_on)) == []
