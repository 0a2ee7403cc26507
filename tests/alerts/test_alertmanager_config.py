"""Alertmanager's configuration by amtool: it is read, and each alert goes where it should."""

import subprocess
from pathlib import Path

import pytest

from tests.alerts.rule_files import write_alertmanager
from tests.manifests.rendering import ENVIRONMENTS, tool


def amtool(*arguments: str | Path) -> str:
    done = subprocess.run([tool("amtool"), *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_amtool_reads_configuration_and_templates(environment: str, tmp_path: Path) -> None:
    said = amtool("check-config", write_alertmanager(tmp_path, environment, token="1:none"))

    assert "2 receivers" in said
    assert "SUCCESS" in said


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=Heartbeat", "severity=none"], "heartbeat"),
        (["alertname=RedisDown", "severity=critical", "namespace=openclaw-prod"], "operators"),
        (["alertname=EtcdFilling", "severity=warning"], "operators"),
    ],
)
def test_an_alert_goes_to_its_receiver(labels: list[str], receiver: str, tmp_path: Path) -> None:
    config = write_alertmanager(tmp_path, "staging", token="1:none")

    assert amtool("config", "routes", "test", "--config.file", config, *labels).split() == [receiver]
