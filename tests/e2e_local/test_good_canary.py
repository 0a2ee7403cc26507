"""A canary that does well, from its first chat to the commit that makes it the role's own prompt: hundreds of people write, few are failed."""

import asyncio
import json
import os
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from openclaw_core.roles.canary import is_inside
from openclaw_core.roles.check import load_roles
from openclaw_core.roles.good_test import LOOKS
from openclaw_core.store import RunRecords
from openclaw_core.tasks.receipt import digest
from openclaw_gitops.__main__ import main
from openclaw_gitops.canary_change import BASE, PROMPTS
from openclaw_gitops.canary_command import ask
from openclaw_gitops.canary_verdicts import State, read_verdicts
from openclaw_gitops.smoke import Settings
from tests.e2e_local.test_canary import NEXT, roles_that_try
from tests.e2e_local.world import World, world
from tests.fakes.second_bot import SecondBot
from tests.gitops.smoke_bot import GROUP, SECOND_TOKEN, SMOKE_BOT, variables
from tests.gitops.test_canary_change import repository_that_tries

pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.environ.get("OPENCLAW_E2E") != "full", reason="takes minutes: OPENCLAW_E2E=full"),
]
PERCENT, AT_A_TIME = 50, 12
FAILED = 50, 150, 250
"""Which of the chats with either prompt meet a model that refuses them."""


def events(bot: World, name: str) -> list[dict[str, Any]]:
    lines = bot.log.read_text(errors="replace").splitlines()
    return [json.loads(line) for line in lines if f'"{name}"' in line]


async def people_write(bot: World) -> tuple[int, int]:
    """One question in each of so many chats that LOOKS[0] of them try the prompt. Returns the chats with the tried prompt and those with the own one."""
    records, written = RunRecords(bot.script), {True: 0, False: 0}

    async def room() -> bool:
        return sum(written.values()) - sum((await records.outcomes()).values()) < AT_A_TIME

    for chat in count(1):
        inside = is_inside(digest(NEXT), str(chat), PERCENT)
        written[inside] += 1
        if written[inside] in FAILED:
            bot.model.fails_for[f"question {chat}"] = 401
        bot.api.users.write(chat, f"/code question {chat}")
        await bot.until(room)
        if written[True] == LOOKS[0]:
            break
    await bot.all_ended(sum(written.values()))
    return written[True], written[False]


async def test_a_prompt_that_does_well_is_called_good_and_becomes_the_roles_own(tmp_path: Path) -> None:
    roles, began = roles_that_try(tmp_path / "roles", PERCENT), time.monotonic()
    async with world(tmp_path, ROLES_DIR=str(roles), DEMO_MODEL="no", SMOKE_BOT_IDS=SMOKE_BOT) as bot:
        bot.api.users.add_group(GROUP, title="Smoke")
        SecondBot(bot.api, token=SECOND_TOKEN)

        async def asked() -> str:
            return await asyncio.to_thread(ask, Settings.from_env(variables(bot.api)), within_s=30)

        tried, own = await people_write(bot)
        wrote_s = time.monotonic() - began
        [before] = read_verdicts(await asked())
        assert before.state is State.TRIED, "an answer is judged a minute after it was shown"

        await bot.until(lambda: events(bot, "canary.good"))
        good_s = time.monotonic() - began
        said = await asked()
        await bot.stop_brain()
        await bot.start_brain()
        again = await asked()
        told = events(bot, "canary.good")
        assert not events(bot, "canary.ended")

    [verdict] = read_verdicts(said)
    assert (verdict.role, verdict.state, verdict.tried) == ("coder", State.GOOD, digest(NEXT))
    assert (verdict.of_tried.runs, verdict.of_tried.harmed) == (tried, len(FAILED))
    assert (verdict.of_own.runs, verdict.of_own.harmed) == (own, len([n for n in FAILED if n <= own]))
    assert verdict.of_tried.answered == tried - len(FAILED)
    assert read_verdicts(again) == [verdict], "the next brain says the same"
    [line] = told
    assert (line["role"], line["answers"], line["harmed"]) == ("coder", tried, len(FAILED))

    (tmp_path / "repository").mkdir()
    repository = repository_that_tries(tmp_path / "repository", NEXT)
    answer, into = tmp_path / "answer.txt", tmp_path / "proposal"
    answer.write_text(said)
    assert main(["canary-change", str(answer), "--into", str(into)], root=repository.root, env={}) == 0
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "-F", str(into / "title.txt"))
    assert repository.git("log", "-1", "--format=%s") == "roles: make the tried prompt of coder its own"
    assert repository.read(f"{PROMPTS}/coder.md") == NEXT
    coder = load_roles(repository.root / BASE).roles["coder"]
    assert (digest(coder.prompt), coder.canary) == (verdict.tried, None)
    body = (into / "body.md").read_text()
    assert f"| runs that ended | {tried:,} | {own:,} |" in body
    print(f"{tried} and {own} runs in {wrote_s:.0f} s, good after {good_s:.0f} s\n{said}\n{body}")
