"""Alerts of models, a tried prompt and budgets, each by its fault on the cluster: the model server, its list and headers, roles.yaml and budgets.yaml."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.cluster import metric, redis
from tests.e2e.watched_cluster import follow, watched
from tests.e2e.world import BOT_ID, Asked, World

pytestmark = [pytest.mark.full, pytest.mark.timeout(700)]
TRIED = "You write code, and you are being tried."


@contextmanager
def config(bot: World, change: Callable[[Any], None], *, file: str = "roles.yaml") -> Iterator[None]:
    """*change* a file of the ConfigMap `roles` until the block ends; each way is a rollout. An agent answers twenty times: fewer Jobs start."""

    def changed(found: Any) -> None:
        content = yaml.safe_load(found["data"][file])
        change(content)
        found["data"][file] = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)

    def tried(prompts: Any) -> None:
        prompts["data"]["coder-next.md"] = TRIED

    with (
        ExitStack() as brain,  # left last: it starts again once both files are what they were
        bot.cluster.changed("ConfigMap", "roles", changed),
        bot.cluster.changed("ConfigMap", "prompts", tried),
    ):
        brain.enter_context(bot.cluster.settings(TASKS_PER_JOB="20"))
        yield


def ask(bot: World, count: int, question: str) -> list[Asked]:
    return [bot.ask(bot.new_chat(), f"{question} {n}") for n in range(count)]


async def test_a_tried_prompt_does_harm_and_a_model_ends_and_is_near_its_limit(bot: World, tmp_path: Path) -> None:
    model = bot.standins.model

    def tried(roles: Any) -> None:
        roles["models"]["openai/gpt-oss-20b"]["ends"] = datetime.now(tz=UTC).date() + timedelta(days=20)
        roles["roles"]["coder"]["canary"] = {"prompt": "coder-next.md", "percent": 50}

    before = model.limits
    model.limits = before | {"x-ratelimit-limit-requests": "1000", "x-ratelimit-remaining-requests": "40"}
    fault = ExitStack()
    try:
        async with watched(tmp_path) as chat:
            since = time.monotonic()
            await asyncio.to_thread(fault.enter_context, config(bot, tried))
            await asyncio.to_thread(
                bot.standins.do, lambda: model.faults.next("unauthorized", times=None, prompt=TRIED)
            )
            asked = await asyncio.to_thread(ask, bot, 60, "in chats that try and in others")
            await asyncio.gather(
                *(chat.told(name, since=since) for name in ("ModelEnds", "ModelNearLimit", "CanaryEnded"))
            )
            failed = next(one for one in asked if bot.told(one))
            printed = await follow("CanaryEnded", ROLE="coder", ID=failed.task)
            assert re.search(r"coder .* 0\.0 ", printed), printed  # a prompt without an answer has no digest there
            assert "model_key" in printed, printed
            assert "coder" in await follow("ModelNearLimit")

            model.limits = before
            await asyncio.to_thread(fault.close)  # both are taken out of roles.yaml
            await asyncio.to_thread(ask, bot, 3, "with enough left")
            await chat.over("ModelEnds", "ModelNearLimit", "CanaryEnded", within_s=180)
    finally:
        model.limits = before
        await asyncio.to_thread(fault.close)


async def test_a_model_is_gone_and_another_limited_then_a_budget_is_spent(bot: World, tmp_path: Path) -> None:
    model, gone = bot.standins.model, "openai/gpt-oss-120b"
    fault = ExitStack()
    try:
        async with watched(tmp_path) as chat:
            await asyncio.to_thread(bot.standins.do, lambda: model.models.remove(gone))
            since = time.monotonic()
            # It reads the list when it leads, then each hour.
            await asyncio.to_thread(fault.enter_context, bot.cluster.settings(TASKS_PER_JOB="20"))
            await asyncio.to_thread(
                bot.standins.do,
                lambda: model.faults.next("rate_limited", times=None, model="openai/gpt-oss-20b", retry_after_s=1),
            )
            asked = await asyncio.to_thread(ask, bot, 30, "of many")
            await asyncio.gather(*(chat.told(name, since=since) for name in ("ModelGone", "ModelLimited")))
            assert '"event":"models.gone"' in (printed := await follow("ModelGone")), printed
            requests = "\n".join(await asyncio.to_thread(metric, "openclaw_model_requests_total"))
            assert (found := re.search(r'model="openai/gpt-oss-20b",outcome="limited"\} (\d+)', requests)), requests
            assert int(found[1]) > 5
            await asyncio.to_thread(bot.settled, asked, within_s=120)
            assert [one for one in asked if bot.answers(one)], "the third model answers"
            await asyncio.to_thread(bot.standins.do, lambda: model.models.append(gone))
            await asyncio.to_thread(bot.standins.do, model.faults.clear)

            spent = int(await asyncio.to_thread(redis, "HGET", f"oc:{BOT_ID}:spent:all", "day_tokens"))

            def limit(budgets: Any) -> None:
                budgets["all"] = {"day": {"tokens": round(spent * 1.1)}}

            await asyncio.to_thread(fault.close)
            since = time.monotonic()
            await asyncio.to_thread(fault.enter_context, config(bot, limit, file="budgets.yaml"))
            await chat.told("BudgetNearlySpent", since=since)
            printed = await follow("BudgetNearlySpent")
            assert "coder" in printed, printed
            await chat.over("ModelGone", "ModelLimited", within_s=180)

            since = time.monotonic()
            await asyncio.to_thread(ask, bot, 40, "beyond the budget")
            await chat.told("BudgetSpent", since=since)
            assert "budget" in await follow("BudgetSpent")
            await asyncio.to_thread(fault.close)  # no limit again
            await chat.over("BudgetNearlySpent", "BudgetSpent", within_s=180)
    finally:
        if gone not in model.models:
            model.models.append(gone)
        await asyncio.to_thread(fault.close)
