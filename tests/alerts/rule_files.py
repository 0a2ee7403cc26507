"""Rules and Alertmanager's files as the cluster gets them, written where promtool, amtool and the servers can read them."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.manifests.rendering import ROOT, named, render, tool

RULES = sorted((ROOT / "platform/monitoring/base/rules").glob("*.yaml"))
TESTS = ROOT / "tests/alerts/rules"
MOUNTED = "/etc/alertmanager/configmaps/alerts", "/etc/alertmanager/secrets/alerts-telegram"

Rule = dict[str, Any]


def groups(file: Path) -> Any:
    """The body of a PrometheusRule, which is a rule file of Prometheus."""
    return yaml.safe_load(file.read_text())["spec"]


def rules_of(body: Any) -> list[Rule]:
    return [rule for group in body["groups"] for rule in group["rules"]]


def alerts() -> Iterator[tuple[str, Rule]]:
    """Each alert with the name of its file."""
    return ((file.stem, rule) for file in RULES for rule in rules_of(groups(file)) if "alert" in rule)


def write_rules(folder: Path, change: Callable[[Rule], None] = lambda _: None) -> list[Path]:
    """Every rule file, each rule as *change* leaves it."""
    written = []
    for file in RULES:
        body = groups(file)
        for rule in rules_of(body):
            change(rule)
        target = folder / file.name
        target.write_text(yaml.safe_dump(body, allow_unicode=True))
        written.append(target)
    return written


def write_tests(folder: Path, name: str, *, of: str = "") -> Path:
    """promtool's tests of a rule file, beside the rules; with *of* those that name this alert."""
    body = yaml.safe_load((TESTS / f"{name}.yaml").read_text())
    body["tests"] = [test for test in body["tests"] if of in str(test)]
    target = folder / f"test-{name}.yaml"
    target.write_text(yaml.safe_dump(body, allow_unicode=True))
    return target


def promtool(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool("promtool"), *map(str, arguments)], cwd=folder, capture_output=True, text=True)


def write_alertmanager(folder: Path, environment: str, *, token: str, api_url: str = "") -> Path:
    """Alertmanager's configuration of the chart's values, with the files that it names. *api_url* takes Telegram's place."""
    config = yaml.safe_load((ROOT / "platform/monitoring/values.yaml").read_text())["alertmanager"]["config"]
    if api_url:
        config["global"]["telegram_api_url"] = api_url
    text = yaml.safe_dump(config, allow_unicode=True)
    for mounted in MOUNTED:
        text = text.replace(mounted, str(folder))
    assert not re.search(r"/etc/", text), "another file is named"
    data = named(render(ROOT / "platform/monitoring/overlays" / environment), "ConfigMap", "alerts")["data"]
    for name, content in {**data, "token": token, "alertmanager.yaml": text}.items():
        (folder / name).write_text(content)
    return folder / "alertmanager.yaml"
