"""docs/alerts.md: its commands can be given as they stand, and it says of each alert whether its fault was provoked."""

import contextlib
import re
import shlex

import pytest

from openclaw_cli.__main__ import parser
from tests.alerts.operators import THRESHOLDS_IN_SECONDS, shorten
from tests.alerts.rule_files import alerts
from tests.alerts.runbook import PAGE, changes_something, commands, named

NAMES = [rule["alert"] for _, rule in alerts()]


def test_commands_of_a_section_are_those_in_back_quotes() -> None:
    page = "### One\n\nSee `kubectl get nodes` and `valkey-cli --user brain INFO commandstats`, `SLOWLOG GET`; `no_room`.\n\n### Other\n"

    assert commands("One", page) == [
        "kubectl get nodes", "valkey-cli --user brain INFO commandstats", "valkey-cli --user brain SLOWLOG GET",
    ]  # fmt: skip


def test_a_remedy_is_told_from_a_look_and_names_stand_in_capitals() -> None:
    look, remedy = "kubectl -n NS get pods -l app=NSX", "kubectl -n NS rollout restart deployment brain"

    assert named(look, NS="openclaw-staging") == "kubectl -n openclaw-staging get pods -l app=NSX"
    assert [changes_something(one) for one in (look, remedy, "valkey-cli --user brain CONFIG SET maxmemory 400mb")] == [
        False, True, True,
    ]  # fmt: skip
    assert changes_something("valkey-cli --user brain BGREWRITEAOF")


@pytest.mark.parametrize("name", NAMES)
def test_commands_of_openclaw_can_be_given_as_they_stand(name: str) -> None:
    for command in commands(name):
        program, *arguments = shlex.split(command)
        if program == "openclaw" and arguments != ["eval"]:  # a pointer to its page, not a command
            with contextlib.suppress(SystemExit):
                parser().parse_args(arguments)
                continue
            pytest.fail(f"`{command}` is refused")


def test_each_alert_was_provoked() -> None:
    tried = PAGE.read_text().partition("## Tried by their faults")[2].partition("\n\n## ")[0]

    [_, *provoked] = re.findall(r"^\| (\w+) \|", tried, re.MULTILINE)  # the first names the columns

    assert sorted(provoked) == sorted(NAMES)


def test_what_was_followed_on_a_cluster_are_alerts_each_with_its_seconds() -> None:
    rows = re.findall(
        r"^\| (\w+) \|.*\| ([\d.]+) \|", PAGE.read_text().partition("## Followed on a test cluster")[2], re.MULTILINE
    )

    assert {alert for alert, _ in rows} <= set(NAMES)
    assert len(rows) >= 10


def test_times_of_a_rule_become_shorter_by_one_factor_and_days_until_an_end_do_not() -> None:
    by_name = {rule["alert"]: rule for _, rule in alerts()}
    for rule in by_name.values():
        shorten(rule, 60)

    assert by_name["RedisSlow"]["for"] == "10000ms"
    assert "[5000ms]" in by_name["RedisSlow"]["expr"]
    assert by_name["InboxStuck"]["expr"].endswith("> 1")
    assert by_name["AnswersSlow"]["expr"].endswith("> 0.5")
    assert "< 30 * 86400" in by_name["ModelEnds"]["expr"]
    assert set(by_name) >= THRESHOLDS_IN_SECONDS
