"""The brain's Role is exactly enough: each verb taken away breaks what needs it, and the brain says which."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.cluster import ours, pods, until, use_up_memory
from tests.e2e.world import Asked, World

pytestmark = pytest.mark.timeout(240)

NEEDS = {
    ("jobs", "create"): "job.refused",
    ("jobs", "list"): "watch.refused",
    ("jobs", "watch"): "watch.refused",
    ("jobs", "patch"): "job.not_labelled",
    ("jobs", "delete"): "job.not_deleted",
    ("pods", "list"): "watch.refused",
    ("pods", "watch"): "watch.refused",
    ("pods/log", "get"): "job.no_log",
    ("events", "list"): "watch.refused",
    ("events", "watch"): "watch.refused",
    ("podtemplates", "get"): "template.refused",
    ("leases", "create"): "lease.refused",
    ("leases", "get"): "lease.refused",
    ("leases", "update"): "lease.refused",
}
"""What the brain's log says without the right."""


def rights(bot: World) -> set[tuple[str, str]]:
    rules = bot.cluster.original("Role", "brain")["rules"]
    return {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}


def logged(event: str) -> bool:
    text = ours("logs", "-l", "app.kubernetes.io/component=brain", "--tail=-1", check=False)
    return any(json.loads(line).get("event") == event for line in text.splitlines() if line.startswith("{"))


@contextmanager
def without(bot: World, resource: str, verb: str) -> Iterator[None]:
    def take_away(role: Any) -> None:
        for rule in role["rules"]:
            if resource in rule["resources"] and verb in rule["verbs"]:
                rule["verbs"].remove(verb)
        role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]

    with bot.cluster.changed("Role", "brain", take_away):
        if (resource, verb) == ("leases", "create"):
            ours("delete", "lease", "brain")  # made once, it stays
        ours("delete", "pod", "-l", "app.kubernetes.io/component=brain", "--wait=true")
        until(
            lambda: [pod for pod in pods("brain") if pod["status"].get("phase") == "Running"],
            within_s=60,
            what="a brain",
        )
        yield


@contextmanager
def another_template(bot: World) -> Iterator[None]:
    def change(template: Any) -> None:
        template["template"]["spec"]["terminationGracePeriodSeconds"] -= 1  # the admission policies leave room for this

    with bot.cluster.changed("PodTemplate", "agent", change):
        yield


def one_claims(bot: World) -> None:
    bot.ask(bot.new_chat(), "for the label's sake")


def one_fails(bot: World) -> Asked:
    bot.pace(first_token_s=60)
    asked = bot.ask(bot.new_chat(), "for the log's sake")
    for n in (1, 2):
        use_up_memory(bot.tried(asked, n))
    return asked


def test_the_role_holds_what_the_brain_needs_and_nothing_else(bot: World) -> None:
    assert rights(bot) == set(NEEDS)


def test_with_its_role_the_brain_misses_nothing(bot: World) -> None:
    ours("delete", "pod", "-l", "app.kubernetes.io/component=brain", "--wait=true")
    bot.is_well()
    one_claims(bot)
    failing = one_fails(bot)
    with another_template(bot):
        until(lambda: logged("template.accepted"), within_s=60, what="the other template")
    bot.failed(failing, within_s=120)

    assert not any(logged(event) for event in set(NEEDS.values()))


@pytest.mark.parametrize(("resource", "verb"), NEEDS, ids=[" ".join(right) for right in NEEDS])
def test_without_it_the_brain_cannot(resource: str, verb: str, bot: World) -> None:
    with without(bot, resource, verb):
        one_claims(bot)
        if resource == "pods/log":  # nothing else needs it, and its two tries take a while
            one_fails(bot)
        with another_template(bot):
            until(lambda: logged(NEEDS[resource, verb]), within_s=90, what=NEEDS[resource, verb])
