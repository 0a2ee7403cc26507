"""One Job for each answer, as its user and its operator see it."""

import json
import os
import subprocess
import sys
import time
from datetime import datetime

import pytest

from openclaw_brain.agents.recovery import STOP_GRACE_S
from tests.e2e.cluster import jobs, ours, pod_of, pods, until
from tests.e2e.world import CLEAN, World
from tests.manifests.rendering import ROOT

pytestmark = pytest.mark.timeout(240)

TTL_S, CONTROLLER_S = 60, 10
PROMPTS = {"/research ": "researcher", "/code ": "coder", "/sum ": "summarizer"}


def openclaw(*args: str) -> str:
    """What the command prints to an operator who has a kubeconfig and nothing else of the installation."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "KUBECONFIG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "openclaw_cli", *args], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_message_is_answered_by_a_job_that_is_gone_a_minute_later(bot: World) -> None:
    asked = bot.ask(bot.new_chat(), "how does a sorted list stay sorted?")
    bot.answered(asked)
    job = bot.job(asked)
    until(lambda: bot.task(asked, "state") == "closed", within_s=5, what="the record of what is shown")

    def finished() -> bool:
        return "True" in ours("get", "job", job, "-o", "jsonpath={.status.conditions[?(@.type=='Complete')].status}")

    until(finished, within_s=20, what="the end of its Job")
    ended = time.monotonic()
    labels = next(one for one in jobs() if one["metadata"]["name"] == job)["metadata"]["labels"]
    assert labels["openclaw.io/task"] == asked.task
    assert labels["openclaw.io/role"] == "coder"

    within_s = TTL_S + CONTROLLER_S - (time.monotonic() - ended)
    until(lambda: not ours("get", "job", job, "--ignore-not-found"), within_s=within_s, what="the end of its TTL")
    until(lambda: pod_of(job) is None, within_s=CONTROLLER_S, what="the end of its pod")
    shown = json.loads(openclaw("runs", "show", asked.task, "--cluster", "staging", "--json"))
    assert (shown["state"], shown["role"]) == ("closed", "coder")
    assert any(job in moment["what"] for moment in shown["timeline"]), "its Job is named, also when it is gone"
    rebuilt = json.loads(openclaw("runs", "replay", asked.task, "--text", "--cluster", "staging", "--json"))
    assert (rebuilt["same"], rebuilt["lacking"]) == (True, []), "its request is rebuilt byte for byte"
    [call] = bot.calls(asked.question)
    assert [message["content"] for message in rebuilt["messages"]] == [message["content"] for message in call.messages]


def test_ten_chats_with_different_roles_are_answered_side_by_side(bot: World) -> None:
    bot.pace(first_token_s=15)  # so that none ends before the last has begun: eight agents have to start
    commands = [list(PROMPTS)[n % 3] for n in range(10)]
    asked = [bot.ask(bot.new_chat(), f"side by side {n}", command=command) for n, command in enumerate(commands)]
    bot.settled(asked, within_s=90)

    assert bot.verdict(asked) == CLEAN
    assert not any(bot.told(one) for one in asked)
    assert len({bot.job(one) for one in asked}) == 10
    roles = {
        job["metadata"]["labels"].get("openclaw.io/task"): job["metadata"]["labels"].get("openclaw.io/role")
        for job in jobs()
    }
    assert [roles[one.task] for one in asked] == [PROMPTS[command] for command in commands]
    calls = []
    for one, command in zip(asked, commands, strict=True):
        [call] = bot.calls(one.question)
        calls.append(call)
        prompt = (ROOT / f"platform/openclaw/base/prompts/{PROMPTS[command]}.md").read_text()
        assert prompt.splitlines()[-1] in call.messages[0]["content"]
    assert max(call.start_s for call in calls) < min(call.end_s for call in calls), "one waited for another's end"


def test_hebrew_is_answered_without_a_command(bot: World) -> None:
    asked = bot.ask(bot.new_chat(), "כתוב פונקציה בפייתון שממיינת רשימה", command="")

    assert bot.answered(asked).startswith("תשובה")


def test_a_waiting_agent_answers_and_no_pod_starts_in_the_users_wait(bot: World) -> None:
    waiting = bot.waiting()
    before = {pod["metadata"]["name"] for pod in pods("agent")}

    asked = bot.ask(bot.new_chat(), "who was already there?")
    bot.answered(asked)

    job = bot.job(asked)
    assert job in waiting
    assert bot.task(asked, "warm") == "1"
    pod = pod_of(job)
    assert pod is not None
    assert pod["metadata"]["name"] in before


def end_of(job: str) -> float | None:
    """When the container of its pod ended; Unix seconds."""
    for status in (pod_of(job) or {"status": {}})["status"].get("containerStatuses", []):
        if ended := status["state"].get("terminated"):
            return datetime.fromisoformat(ended["finishedAt"]).timestamp()
    return None


def test_stop_ends_a_job_within_two_seconds_and_it_does_not_run_again(bot: World) -> None:
    bot.pace(tokens_per_s=10, tokens=3000)
    chat = bot.new_chat()
    asked = bot.ask(chat, "a very long story")
    until(lambda: any(m["text"].startswith("Answer") for m in bot.messages(chat)), within_s=30, what="its beginning")
    job = bot.job(asked)

    bot.stop(chat)
    stopped, stopped_at = time.monotonic(), time.time()
    [call] = bot.calls(asked.question)
    until(lambda: call.end_s is not None, within_s=10, what="the end of the model's stream")
    assert call.outcome == "dropped"
    assert call.end_s - stopped <= STOP_GRACE_S
    until(
        lambda: any("Stopped" in m["text"] and m["text"].startswith("Answer") for m in bot.messages(chat)),
        within_s=15,
        what="the mark of the stop",
    )
    ended_at = until(lambda: end_of(job), within_s=15, what="the end of its container")
    assert ended_at - stopped_at <= STOP_GRACE_S, "the kubelet says so in whole seconds, rounded down"

    bot.pace(tokens_per_s=200, tokens=60)
    after = bot.ask(chat, "a short story instead")
    bot.answered(after)
    assert bot.task(asked, "state") == "cancelled"
    assert len(bot.calls(asked.question)) == 1
    assert not bot.answers(asked)
