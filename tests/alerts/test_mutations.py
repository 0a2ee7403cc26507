"""promtool's tests are worth something: without its rule an alert's tests fail, and without its wait or with a longer one too."""

from pathlib import Path

import pytest

from tests.alerts.rule_files import Rule, alerts, promtool, write_rules, write_tests

LATER_S = 600
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(duration: str) -> int:
    return int(duration[:-1]) * UNITS_S[duration[-1]]


@pytest.mark.parametrize(("file", "name", "waits"), [(file, rule["alert"], "for" in rule) for file, rule in alerts()])
def test_a_rule_that_never_fires_or_fires_at_once_or_late_is_seen(
    file: str, name: str, waits: bool, tmp_path: Path
) -> None:
    def silent(rule: Rule) -> None:
        if rule.get("alert") == name:
            rule["expr"] = "vector(1) == 2"

    def hasty(rule: Rule) -> None:
        if rule.get("alert") == name:
            del rule["for"]

    def late(rule: Rule) -> None:
        if rule.get("alert") == name:
            rule["for"] = f"{LATER_S + seconds_of(rule.get('for', '0s'))}s"

    for change in (silent, late, hasty) if waits else (silent, late):
        write_rules(tmp_path, change)
        done = promtool("test", "rules", write_tests(tmp_path, file, of=name), folder=tmp_path)
        assert done.returncode == 1, change.__name__
        assert "FAILED" in done.stdout + done.stderr
