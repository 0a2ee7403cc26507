"""From a commit to the chat: Argo CD brings up both environments, rolls what was merged, and goes back with a revert.

The tests stand in the order of a system's life and share one installation; each leaves it well.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.cluster import kubectl, ours, pods, runs, until
from tests.e2e.gitops import argocd
from tests.e2e.gitops.conftest import Delivery, image_ids, secrets_for
from tests.e2e.world import CLEAN, Asked

pytestmark = pytest.mark.timeout(400)

PARTS = ("argocd", "cloud-controller", "cluster-autoscaler", "ebs-csi", "metrics-server", "monitoring", "openclaw", "policies",
         "redis-exporter", "secrets")  # fmt: skip
STAGING = ("staging-root", *(f"staging-{part}" for part in PARTS))
PROMPT = "platform/openclaw/base/prompts/coder.md"
ROLES = "platform/openclaw/base/config/roles.yaml"
REVERT_WITHIN_S = 90


def add(words: str) -> Callable[[str], str]:
    return lambda text: f"{text.rstrip()}\n{words}\n"


KINDS = (
    "deployment", "statefulset", "service", "networkpolicy", "role", "rolebinding", "serviceaccount", "configmap", "poddisruptionbudget",
    "resourcequota", "limitrange", "podtemplate", "lease", "pods",
)  # fmt: skip
LIVES = {"Lease"}
"""Written to all the time by whoever holds it."""


def held() -> dict[str, object]:
    """Identity and content of what staging runs: equal again means that nothing was made anew or changed."""
    items = json.loads(ours("get", ",".join(KINDS), "-o", "json"))["items"]
    assert {item["kind"].lower() for item in items} >= {kind.removesuffix("s") for kind in KINDS}
    return {
        f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["uid"]
        if item["kind"] in LIVES
        else content(item)
        for item in items
        if item["metadata"].get("labels", {}).get("app.kubernetes.io/component") != "agent" or item["kind"] != "Pod"
    }


def content(item: dict[str, Any]) -> dict[str, Any]:
    """Without what the cluster keeps on it for itself."""
    metadata = {
        name: value for name, value in item["metadata"].items() if name not in ("resourceVersion", "managedFields")
    }
    return {name: value for name, value in item.items() if name != "status"} | {"metadata": metadata}


def test_everything_comes_up_from_the_root_application(delivery: Delivery) -> None:
    commit = delivery.bump(0)

    began = time.monotonic()
    delivery.apply_roots()
    secrets_for("staging")
    argocd.wait_until_well(*STAGING, at=commit, within_s=180)
    print(f"from the root Application to all of staging synced and healthy: {time.monotonic() - began:.0f} s")
    delivery.is_well(commit)

    asked = delivery.bot.ask(delivery.bot.new_chat(), "the first question")
    delivery.bot.answered(asked, within_s=60)
    assert delivery.bot.verdict([asked]) == CLEAN


def test_prod_stands_still_until_the_first_promotion(delivery: Delivery) -> None:
    """Its children pin 40 zeros, which no repository has."""
    state = until(
        lambda: (now := argocd.applications()).get("prod-openclaw") and now["prod-openclaw"].message and now["prod-openclaw"],
        within_s=60, what="a word on prod",
    )  # fmt: skip

    assert state.sync == "Unknown"
    assert "0" * 40 in state.message
    assert not kubectl("-n", "openclaw-prod", "get", "deployments", "-o", "name")


def test_bringing_it_up_once_more_changes_nothing(delivery: Delivery) -> None:
    commit, before = delivery.fork.head(), held()

    delivery.apply_roots()
    for name in STAGING:
        operation = {
            "operation": {"initiatedBy": {"username": "test"}, "sync": {"syncOptions": ["ServerSideApply=true"]}}
        }
        kubectl("-n", "argocd", "patch", "application.argoproj.io", name, "--type=merge", "-p", json.dumps(operation))
    until(
        lambda: not json.loads(kubectl("-n", "argocd", "get", "application.argoproj.io", "staging-openclaw", "-o", "json")).get("operation"),
        within_s=60, what="the second sync",
    )  # fmt: skip
    argocd.wait_until_well(*STAGING, at=commit, within_s=90)

    assert held() == before


def test_a_merged_prompt_is_in_the_next_answer_and_fifty_messages_live_through_the_roll(delivery: Delivery) -> None:
    bot = delivery.bot
    words = "Words that a pull request brought."
    bot.pace(first_token_s=0.2, tokens_per_s=200.0, tokens=60)

    delivery.fork.change(PROMPT, add(words))
    commit, began, began_s = delivery.fork.commit("Ask for other words"), time.monotonic(), time.time()
    [old] = [pod["metadata"]["name"] for pod in pods("brain") if runs(pod)]
    asked: list[Asked] = []
    seen_after_s = 0.0
    while len(asked) < 50 or not seen_after_s:
        assert time.monotonic() - began < 120, "the new prompt did not come"
        asked.append(bot.ask(bot.new_chat(), f"question {len(asked)} across the roll"))
        time.sleep(1)  # a message a second: fifty of them last longer than a poll and a roll, and queue up for neither
        if not seen_after_s and any(
            words in call.messages[0]["content"] for call in list(bot.standins.model.calls) if call.kind == "answer"
        ):
            seen_after_s = time.monotonic() - began
    bot.settled(asked, within_s=120)
    delivery.is_well(commit)

    found_s, applied_s = (at - began_s for at in argocd.last_sync("staging-openclaw"))
    print(
        f"from the commit to the first time that the model is asked by it: {seen_after_s:.1f} s; {len(asked)} messages; "
        f"Argo CD began to sync after {found_s:.0f} s and was done after {applied_s:.0f} s (it says whole seconds)"
    )
    assert bot.verdict(asked) == CLEAN
    assert [pod["metadata"]["name"] for pod in pods("brain") if runs(pod)] != [old]
    last = bot.ask(bot.new_chat(), "asked after the roll")
    bot.answered(last)
    assert words in bot.calls(last.question)[0].messages[0]["content"]


def test_wrong_roles_take_nothing_down_and_their_revert_is_synced_soon(delivery: Delivery) -> None:
    bot = delivery.bot
    [old] = [pod for pod in pods("brain") if runs(pod)]
    revision = old["metadata"]["labels"]["pod-template-hash"]

    delivery.fork.change(ROLES, lambda text: text.replace("roles:", "rolls:", 1))
    delivery.fork.commit("Misspell what nobody should")
    until(lambda: argocd.state("staging-openclaw").health == "Degraded", within_s=150, what="Degraded", every_s=1)
    answered = bot.ask(bot.new_chat(), "asked while the new brain cannot start")
    bot.answered(answered, within_s=60)
    # The old brain's pod goes; its replacement is of the old revision, whose ConfigMap must still be there.
    ours("delete", "pod", old["metadata"]["name"], "--wait=false")
    until(
        lambda: [
            pod for pod in pods("brain")
            if pod["metadata"]["labels"]["pod-template-hash"] == revision and pod["metadata"]["uid"] != old["metadata"]["uid"]
            and all(status["ready"] for status in pod["status"].get("containerStatuses", [{"ready": False}]))
        ],
        within_s=90, what="a brain of the old revision in its place",
    )  # fmt: skip
    later = bot.ask(bot.new_chat(), "asked after the old brain's pod was replaced")
    bot.answered(later, within_s=60)

    commit = delivery.fork.revert()
    took_s = argocd.wait_until_well("staging-openclaw", at=commit, within_s=REVERT_WITHIN_S)

    print(f"from the revert's commit to synced and healthy: {took_s:.0f} s")
    delivery.is_well(commit)
    assert bot.verdict([answered, later]) == CLEAN


def test_a_bump_moves_the_images_that_run(delivery: Delivery) -> None:
    first = {name: image_ids(name) for name in ("brain", "agent")}
    assert all(delivery.digests[f"openclaw-{name}"][0] in str(ids) for name, ids in first.items())

    commit = delivery.bump(1)
    delivery.is_well(commit)

    assert delivery.digests["openclaw-brain"][1] in str(image_ids("brain"))
    until(
        lambda: delivery.digests["openclaw-agent"][1] in str(image_ids("agent")),
        within_s=60, what="an agent of the new image",
    )  # fmt: skip
    asked = delivery.bot.ask(delivery.bot.new_chat(), "asked of the new images")
    delivery.bot.answered(asked)


def test_an_agent_image_that_cannot_start_leaves_the_last_good_one_at_work(delivery: Delivery) -> None:
    bot = delivery.bot
    nowhere = "sha256:" + delivery.digests["openclaw-agent"][1].removeprefix("sha256:")[::-1]

    commit = delivery.bump(1, agent=nowhere)
    argocd.wait_until_well("staging-openclaw", at=commit, within_s=120)
    until(lambda: nowhere in ours("get", "jobs", "-o", "yaml"), within_s=60, what="a Job that tries the new image")
    asked = [bot.ask(bot.new_chat(), f"in spite of a bad image {number}") for number in range(4)]
    bot.settled(asked, within_s=120)
    told = [one for one in asked if bot.told(one)]
    verdict = bot.verdict(asked)
    delivery.is_well(delivery.fork.revert())

    assert told == []
    assert verdict == CLEAN


def test_what_is_changed_by_hand_is_changed_back(delivery: Delivery) -> None:
    before = json.loads(ours("get", "networkpolicy", "redis", "-o", "json"))["spec"]

    ours("patch", "networkpolicy", "redis", "--type=merge", "-p", '{"spec": {"ingress": [{}]}}')  # open to everybody
    ours("delete", "poddisruptionbudget", "redis")

    def healed() -> bool:
        policy = json.loads(ours("get", "networkpolicy", "redis", "-o", "json"))["spec"]
        return policy == before and bool(
            ours("get", "poddisruptionbudget", "redis", "--ignore-not-found", "-o", "name")
        )

    until(healed, within_s=60, what="the drift's end", every_s=0.5)
    delivery.is_well()


def prod_answers(delivery: Delivery) -> bool:
    """Whether prod's model server was asked for an answer, and its chat shows one."""
    calls = [call for call in list(delivery.prod_s.model.calls) if call.kind == "answer" and call.outcome == "ok"]
    shown = delivery.prod_s.do(lambda: delivery.prod_s.api.bot_texts(7))
    return bool(calls) and any(len(text.split()) > 20 for text in shown)  # what it says before that is shorter


def prod_s_prompts() -> str:
    return kubectl("-n", "openclaw-prod", "get", "configmaps", "-o", "yaml")


def test_prod_moves_with_its_pin_alone_and_goes_back_with_its_revert(delivery: Delivery) -> None:
    fork = delivery.fork

    def promoted() -> str:
        done = fork.script("promote", "--unverified", "--main", "main")
        assert done.returncode == 0, done.stderr
        return fork.commit("Promote")

    def prod_runs(commit: str) -> None:
        argocd.wait_until_well("prod-openclaw", at=commit, within_s=150)

    first = fork.head()
    promoted()
    secrets_for("prod")
    prod_runs(first)
    said = delivery.prod_s.do(lambda: delivery.prod_s.api.users.write(7, "/code asked of prod"))
    assert said
    until(lambda: prod_answers(delivery), within_s=90, what="prod's answer")
    assert "only in staging" not in prod_s_prompts()

    fork.change(PROMPT, add("Words that are only in staging."))
    second = fork.commit("Try other words in staging")
    delivery.is_well(second)
    assert argocd.state("prod-openclaw").revision == first, "prod moved with main"
    assert "only in staging" not in prod_s_prompts()

    promoted()
    prod_runs(second)
    assert "only in staging" in prod_s_prompts()
    nothing = fork.script("promote", "--unverified", "--main", "main")
    assert nothing.returncode == 0, nothing.stderr
    assert not fork.git("status", "--porcelain"), "a promotion's own merge must not lead to another"

    fork.revert()
    prod_runs(first)
    until(lambda: "only in staging" not in prod_s_prompts(), within_s=60, what="prod's old prompt")


def test_a_promotion_waits_for_the_bump_that_follows_new_code(delivery: Delivery) -> None:
    fork = delivery.fork
    fork.change("apps/agent/src/openclaw_agent/__init__.py", add("# code that no image holds yet"))
    fork.commit("Change the agent's code")

    done = fork.script("promote", "--unverified", "--main", "main")

    assert done.returncode == 75, done.stdout
    assert "changed since" in done.stderr
    assert not fork.git("status", "--porcelain")
    fork.revert()


def test_a_changed_child_moves_by_the_root_and_needs_no_promotion(delivery: Delivery) -> None:
    """How a part is synced is wiring: it follows main in both environments, under review."""
    fork = delivery.fork
    fork.change(
        "clusters/base/apps/redis-exporter.yaml",
        lambda text: text.replace("revisionHistoryLimit: 5", "revisionHistoryLimit: 4"),
    )
    fork.commit("Keep less of the exporter's history")

    def limit(name: str) -> str:
        return kubectl(
            "-n", "argocd", "get", "application.argoproj.io", name, "-o", "jsonpath={.spec.revisionHistoryLimit}"
        )

    until(
        lambda: [limit(f"{env}-redis-exporter") for env in ("staging", "prod")] == ["4", "4"],
        within_s=90,
        what="the root's sync",
    )
    fork.revert()
