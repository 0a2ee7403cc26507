"""The judgement of a benchmark: it must see what is lost, twice or out of order, and where the time went."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from openclaw_cli.__main__ import parser
from openclaw_cli.bench.bot_steps import FIRST_CHAT, FIRST_UPDATE, BatchingScript, BotSteps
from openclaw_cli.bench.costs import Costs, costs_of
from openclaw_cli.bench.figures import quantiles, summary, usage_by_role
from openclaw_cli.bench.goals import TO_CLAIM, TO_PROCESS, goal_results
from openclaw_cli.bench.pods import PodWatch, Timeline
from openclaw_cli.bench.questions import Question, answer_id
from openclaw_cli.bench.steps import agent_steps
from openclaw_cli.bench.store import KeyExpiry, measure_cleanup, sizes_by_kind
from openclaw_core.roles.check import load_roles
from openclaw_core.store import Script
from openclaw_standin.model.script import short_digest

BASE = Path(__file__).parents[2] / "platform/openclaw/base"
ANSWER = "An answer that is long enough to be told from a placeholder: {}"


class Chats:
    """The stand-in's messages, as `summary` asks for them."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def messages(self, _chat_id: int) -> list[dict[str, Any]]:
        return [{"text": text, "from": {"is_bot": True}} for text in self.texts]


def asked(n: int, *, sent_s: float = 0.0, done_s: float | None = 2.0, state: str = "closed") -> Question:
    one = Question(chat_id=1, text="q", update_id=n, sent_s=sent_s, done_s=done_s, model_s=1.5)
    one.fields = {"state": state, "warm": "1", "route_ms": "0", "claimed_ms": "1", "admitted_ms": "1"}
    one.claim_s = 0.1
    return one


def verdict(messages: list[Question], *texts: str) -> tuple[int, int, int]:
    report = summary(messages, Chats(*texts))  # type: ignore[arg-type]
    return report["lost"], report["twice"], report["out_of_order"]


def test_a_clean_run_is_clean() -> None:
    assert verdict([asked(1), asked(2, sent_s=1)], ANSWER.format(1), ANSWER.format(2)) == (0, 0, 0)


@pytest.mark.parametrize(
    "lost", [asked(1, done_s=None), asked(1, state="running"), asked(1, done_s=None, state="closed")]
)
def test_a_message_without_an_end_is_lost(lost: Question) -> None:
    assert verdict([lost]) == (1, 0, 0)


def test_the_same_answer_in_two_messages_is_twice() -> None:
    assert verdict([asked(1)], ANSWER.format(1), ANSWER.format(1)) == (0, 1, 0)


def test_an_answer_before_that_of_an_earlier_message_is_out_of_order() -> None:
    assert verdict([asked(1, done_s=9), asked(2, sent_s=1, done_s=2)]) == (0, 0, 1)


def test_a_message_that_has_not_ended_has_no_run_record_and_is_lost() -> None:
    one = asked(1)
    one.fields = {}
    assert verdict([one]) == (1, 0, 0)


def test_tokens_and_cost_are_those_of_a_message_by_role_and_failures_have_none() -> None:
    def ended(role: str, prompt: int, micro_usd: str, state: str = "closed") -> Question:
        one = asked(1, state=state)
        run = json.dumps({"prompt_tokens": prompt, "cached_tokens": 10, "answer_tokens": 20})
        one.fields = {**one.fields, "role": role, "run": run, "micro_usd": micro_usd}
        return one

    rows = [
        ended("coder", 100, "300"),
        ended("coder", 300, "500"),
        ended("coder", 9, "9", "failed"),
        ended("x", 5, "0"),
        asked(2),
    ]

    assert usage_by_role(rows) == {
        "coder": {"answers": 2, "prompt": 200, "cached": 10, "answer": 20, "usd_per_1000": 0.4},
        "x": {"answers": 1, "prompt": 5, "cached": 10, "answer": 20, "usd_per_1000": 0},
    }


@pytest.mark.parametrize("text", ["/code what is a list?", "what is a list?"])
def test_what_answers_a_message_is_found_by_its_words_or_by_its_retry_button(text: str) -> None:
    one = Question(chat_id=1, text=text, update_id=7, sent_s=0)
    answer = f"Answer {short_digest('what is a list?')} by prompt"
    retry = {"inline_keyboard": [[{"callback_data": "retry:u7"}]]}

    def said(message_id: int, words: str, *, bot: bool = True, **more: Any) -> dict[str, Any]:
        return {"message_id": message_id, "text": words, "from": {"is_bot": bot}, **more}

    assert answer_id([said(1, text, bot=False), said(2, "…"), said(3, answer)], one) == 3
    assert answer_id([said(1, text, bot=False), said(2, "sorry", reply_markup=retry)], one) == 2
    assert answer_id([said(1, answer, bot=False), said(2, "…")], one) == 0


def test_costs_of_a_message_are_what_came_on_top_of_polling() -> None:
    idle = Costs(took_s=4, script_calls=8, kb=2, brain_ms=20, agents_ms=4)
    spent = Costs(took_s=10, script_calls=120, kb=105, brain_ms=150, agents_ms=210)
    assert spent.without_idle(idle).each(10) == {"script_calls": 10, "kb": 10, "brain_ms": 10, "agents_ms": 20}


async def test_costs_count_scripts_and_bytes_as_the_server_does(script: Script) -> None:
    async def work() -> None:
        for _ in range(5):
            await script.step("raise_epoch", holder="bench")
        await script.read("SET", script.keys("probe"), "x" * 10_000)

    await work()  # loads the script
    grew = await costs_of(work, script, os.getpid())
    assert grew.script_calls == 5
    assert 10 < grew.kb < 20
    assert grew.took_s > 0


async def test_room_is_made_as_the_brain_makes_it(script: Script) -> None:
    bot = BotSteps(
        script=BatchingScript.over(script, "leader"),
        agents=BatchingScript.over(script, "agent"),
        roles=load_roles(BASE),
        chats=3,
    )
    await bot.lead()
    await bot.answer(30)
    made = await measure_cleanup(bot)
    assert made["records"] == 30
    assert made["bytes_each"] > 300
    assert "task" not in await sizes_by_kind(script)


def test_keys_go_when_as_many_messages_have_followed_as_come_in_their_time() -> None:
    bot = BotSteps(script=Keyed(), agents=Keyed(), roles=load_roles(BASE), chats=2)  # type: ignore[arg-type]
    expiry, first = KeyExpiry(bot=bot, week=7), FIRST_UPDATE  # one message a day
    expiry.add([first])
    assert expiry.expired() == [f"answer:u{first}", f"act:{FIRST_CHAT}:{FIRST_CHAT}"]
    expiry.add([first + 1])
    assert f"turns:{FIRST_CHAT}" in expiry.expired(), "a day after the chat's last turn"
    expiry.add([first + 2])
    assert {f"seen:{first}", f"msg:{FIRST_CHAT}:1", f"heard:{FIRST_CHAT}:1"} <= set(expiry.expired()), "two days"


class Keyed:
    keys = staticmethod(lambda *parts: ":".join(map(str, parts)))


def test_quantiles_are_by_nearest_rank() -> None:
    assert quantiles([float(n) for n in range(100)]) == {"p50": 50, "p95": 95, "p99": 99, "max": 99}
    assert quantiles([]) == {}


def test_a_cold_start_is_split_into_its_steps() -> None:
    one = asked(1)
    one.fields = {
        **one.fields, "warm": "0", "ready_ms": "10000", "claimed_ms": "11000", "answered_ms": "13000", "ended_ms": "13100",
        "run": json.dumps({"model_ms": 1800, "first_token_ms": 300}),
    }  # fmt: skip
    job = Timeline(job_s=10.1, pod_s=10.15, scheduled_s=10.2, started_s=10.5, process_s=10.7, ready_s=10.9)
    steps = {name: row["p50"] for name, row in agent_steps([one], [job]).items()}
    assert steps == {
        "ready → Job created": 0.1, "Job created → pod created": 0.05, "pod created → scheduled": 0.05, "scheduled → started": 0.3,
        "scheduled → process": 0.5, "process → could claim": 0.2, "could claim → claimed": 0.1, "ready → claimed": 1.0,
        "claimed → model asked": 0.2,
        "model asked → first token": 0.3, "answer ended → shown": 0.1,
    }  # fmt: skip


def test_a_watch_keeps_the_first_sight_of_each_change() -> None:
    watched = PodWatch("n")
    rows = (
        "p-1 job-1 <none> <none>", "p-1 job-1 <none> <none>", "p-1 job-1 node-1 <none>", "p-1 job-1 node-1 <none>",
        "p-1 job-1 node-1 1970-01-01T00:01:05Z", "p-1 job-1 node-1 <none>",
    )  # fmt: skip
    for at_s, row in enumerate(rows):
        watched._saw("pods", row.split(), float(at_s))
    watched._saw("jobs", ["job-1"], 7.0)
    watched._saw("jobs", ["job-1"], 8.0)
    assert (watched.pods, watched.scheduled, watched.pod_of) == ({"p-1": 0.0}, {"p-1": 2.0}, {"job-1": "p-1"})
    assert watched.jobs == {"job-1": 7.0}
    assert watched.started == {"p-1": 65.5}, "the middle of the API's whole second"


COLD = {
    "split": {
        "agents": {"ready → claimed": {"p95": 1.5}},
        "bare_pods": {"pod created → process": {"p95": 0.9}, "pod created → could claim": {"p95": 1.0}},
    }
}


@pytest.mark.parametrize(
    ("phase", "figures", "said"),
    [
        ("burst", {"all_done_s": 18.3}, {"all done ≤ 20": "18.3, met"}),
        ("burst-many", {"all_done_s": 13.3}, {"all done ≤ 6": "13.3, MISSED"}),
        ("burst", {"all_done_s": 9.0, "lost": 1}, {"all done ≤ 20": "inf, MISSED"}),
        (
            "warm",
            {"seconds": {"first_sign": {"p95": 0.06}, "agent_has_the_task": {"p95": 0.05}, "overhead": {}}},
            {
                "first sign p95 ≤ 0.05": "0.06, MISSED",
                "claim p95 ≤ 0.05": "0.05, met",
                "overhead p95 ≤ 0.06": "not measured",
            },
        ),
        ("cold", COLD, {f"{TO_PROCESS} ≤ 1.2": "1.67, MISSED", f"{TO_CLAIM} ≤ 1.2": "1.5, MISSED"}),
        ("cold", {}, {f"{TO_PROCESS} ≤ 1.2": "not measured", f"{TO_CLAIM} ≤ 1.2": "not measured"}),
        (
            "thousand",
            {"all_done_s": 72.9, "lost": 0, "twice": 1, "out_of_order": 0},
            {
                "all done ≤ 73": "72.9, met",
                "lost ≤ 0": "0, met",
                "twice ≤ 0": "1, MISSED",
                "out of order ≤ 0": "0, met",
            },
        ),
    ],
)
def test_each_goal_is_judged_by_the_figures(phase: str, figures: dict[str, Any], said: dict[str, str]) -> None:
    assert goal_results(phase, figures) == said


def test_a_setting_of_the_cluster_benchmark_is_a_name_and_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    args = parser().parse_args(["bench", "cluster", "--set", "WARM_AGENTS=6", "--set", "MODEL=a=b"])
    assert args.set == ["WARM_AGENTS=6", "MODEL=a=b"]
    with pytest.raises(SystemExit):
        parser().parse_args(["bench", "cluster", "--set", "six warm ones"])
    assert "'six warm ones' is not NAME=VALUE" in capsys.readouterr().err
