"""Each alert by promtool: once, in time, not for a rollout, and gone when it is well again (tests/alerts/rules)."""

import re
from pathlib import Path

import pytest
import yaml

from tests.alerts.rule_files import RULES, TESTS, alerts, promtool, write_rules, write_tests
from tests.manifests.rendering import ROOT

NAMES = [rule["alert"] for _, rule in alerts()]
PAGE = (ROOT / "docs/alerts.md").read_text()


def test_promtool_reads_every_rule(tmp_path: Path) -> None:
    done = promtool("check", "rules", *write_rules(tmp_path), folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "duplicate" not in done.stdout


@pytest.mark.parametrize("name", [file.stem for file in RULES])
def test_alerts_fire_once_in_time_and_not_for_a_rollout(name: str, tmp_path: Path) -> None:
    write_rules(tmp_path)

    done = promtool("test", "rules", write_tests(tmp_path, name), folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_name_of_its_own_a_severity_a_summary_and_a_section_that_says_what_to_do() -> None:
    headings = set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE))
    rows = set(re.findall(r"^\| \[(\w+)\]\(#\w+\) \|", PAGE, re.MULTILINE))

    assert sorted(set(NAMES)) == sorted(NAMES)
    for _, rule in alerts():
        name = rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning") or name == "Heartbeat"
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{name.lower()}"
        assert rule["annotations"]["summary"].endswith(".")
        assert set(rule["annotations"]) == {"runbook", "summary"}
    assert headings == rows == set(NAMES)


def test_each_file_of_rules_has_its_tests_and_each_test_file_its_rules() -> None:
    assert [file.name for file in RULES] == sorted(file.name for file in TESTS.glob("*.yaml"))
    for file in TESTS.glob("*.yaml"):
        assert yaml.safe_load(file.read_text())["rule_files"] == [file.name]
