"""promtool's tests are worth something: without its rule an alert's tests fail, and without its wait too."""

from pathlib import Path

import pytest

from tests.alerts.rule_files import Rule, alerts, promtool, write_rules, write_tests


@pytest.mark.parametrize(("file", "name", "waits"), [(file, rule["alert"], "for" in rule) for file, rule in alerts()])
def test_a_rule_that_never_fires_or_fires_at_once_is_seen(file: str, name: str, waits: bool, tmp_path: Path) -> None:
    def silent(rule: Rule) -> None:
        if rule.get("alert") == name:
            rule["expr"] = "vector(1) == 2"

    def hasty(rule: Rule) -> None:
        if rule.get("alert") == name:
            del rule["for"]

    for change in (silent, hasty) if waits else (silent,):
        write_rules(tmp_path, change)
        done = promtool("test", "rules", write_tests(tmp_path, file, of=name), folder=tmp_path)
        assert done.returncode == 1, change.__name__
        assert "FAILED" in done.stdout + done.stderr
