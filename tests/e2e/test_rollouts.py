"""What a merged pull request does to the running bot: a new prompt, an agent that cannot start."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.cluster import adapted, apply, kubectl, metric, ours, pods, until
from tests.e2e.world import CLEAN, World
from tests.manifests.rendering import ROOT, render

pytestmark = pytest.mark.timeout(300)
NEW_WORDS = "Words that only the new prompt has."


def with_prompt(folder: Path, name: str, words: str) -> list[dict[str, Any]]:
    """The installation as it is rendered when a pull request has added *words* to a prompt."""
    for part in ("platform", "clusters", "tests/e2e/overlay"):
        shutil.copytree(ROOT / part, folder / part)
    prompt = folder / "platform/openclaw/base/prompts" / name
    prompt.write_text(f"{prompt.read_text()}\n{words}\n")
    return adapted(render(folder / "tests/e2e/overlay"))


def test_a_prompt_change_rolls_the_brain_and_a_running_job_keeps_the_old_prompt(bot: World, tmp_path: Path) -> None:
    changed = with_prompt(tmp_path, "coder.md", NEW_WORDS)
    [before] = [pod["metadata"]["name"] for pod in pods("brain")]
    chat = bot.new_chat()
    bot.pace(first_token_s=1, tokens_per_s=0.5)  # two minutes, unless the pace changes
    bot.standins.do(lambda: bot.standins.model.faults.next("cut", only="answer", after_tokens=50))
    asked = bot.ask(chat, "asked before the change")
    until(lambda: bot.calls(asked.question), within_s=30, what="its agent's call of the model")
    job = bot.job(asked)

    apply(*changed)
    try:
        bot.cluster.wait_for_brain()
        old = bot.cluster.find("ConfigMap", "prompts")["metadata"]["name"]
        ours("delete", "configmap", old)  # as Argo CD prunes it at once
        after = [pod["metadata"]["name"] for pod in pods("brain")]
        still_running = bot.task(asked, "state")
        calls_before = len(bot.calls(asked.question))
        bot.pace(first_token_s=0.2, tokens_per_s=200)  # to the cut, after which its agent asks once more
        bot.answered(asked)
        later = bot.ask(chat, "asked after the change")
        bot.answered(later)
    finally:
        apply(*bot.cluster.objects)
        new = next(
            obj["metadata"]["name"]
            for obj in changed
            if obj["kind"] == "ConfigMap" and obj["metadata"]["name"].startswith("prompts-")
        )
        bot.cluster.wait_for_brain()
        ours("delete", "configmap", new)

    assert after != [before]
    assert still_running in ("running", "preview")
    assert calls_before == 1
    [old_call, asked_again], [new_call] = bot.calls(asked.question), bot.calls(later.question)
    assert NEW_WORDS not in old_call.messages[0]["content"]
    assert NEW_WORDS not in asked_again.messages[0]["content"], "the question keeps the prompt that it was given"
    assert NEW_WORDS in new_call.messages[0]["content"]
    assert bot.job(asked) == job
    assert bot.verdict([asked, later]) == CLEAN


def test_answers_go_on_with_the_last_good_template_when_a_new_image_cannot_start(bot: World) -> None:
    def nowhere(template: Any) -> None:
        template["template"]["spec"]["containers"][0]["image"] = "localhost/openclaw-agent:nowhere"

    def released(policy: Any) -> None:
        policy["data"] |= {"image.agent": "localhost/openclaw-agent:nowhere", "before.agent": "test"}

    fallback = 'openclaw_template_fallback{template="agent"}'
    with (
        bot.cluster.changed("ConfigMap", "agent-policy", released),
        bot.cluster.changed("PodTemplate", "agent", nowhere),
    ):
        until(lambda: metric(fallback) == [f"{fallback} 1.0"], within_s=60, what="the metric that says so")
        until(
            lambda: "ErrImagePull" in states() or "ImagePullBackOff" in states(),
            within_s=60,
            what="the new image's failure",
        )
        asked = [bot.ask(bot.new_chat(), f"in spite of a bad image {n}") for n in range(4)]  # more than wait warm
        bot.settled(asked, within_s=90)
        assert bot.verdict(asked) == CLEAN
        assert not any(bot.told(one) for one in asked)
    until(lambda: metric(fallback) == [f"{fallback} 0.0"], within_s=60, what="the metric's return")


def states() -> str:
    """Why agents' containers wait."""
    return ours(
        "get",
        "pods",
        "-l",
        "app.kubernetes.io/component=agent",
        "-o",
        "jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}",
    )


def test_the_installation_applied_once_more_changes_nothing(bot: World) -> None:
    before = generations(bot)
    apply(*bot.cluster.objects)

    assert generations(bot) == before


def generations(bot: World) -> dict[str, int]:
    """How often each object's specification has changed, and the brain's and Redis' pods."""
    text = kubectl("get", "-f", "-", "-o", "json", stdin=yaml.safe_dump_all(bot.cluster.objects))
    found = {
        f"{obj['kind']}/{obj['metadata']['name']}": obj["metadata"].get("generation", 0)
        for obj in json.loads(text)["items"]
    }
    assert found["Deployment/brain"] > 0
    return found | {pod["metadata"]["name"]: 1 for part in ("brain", "redis") for pod in pods(part)}
