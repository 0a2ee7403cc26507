"""/canary: what became of the prompts that roles try, told to owners and to the bot that a workflow asks with."""

from dataclasses import replace
from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.canary_command import canary_rows
from openclaw_brain.inbox.intake import Intake
from openclaw_core.roles.judged_runs import JudgedRuns
from openclaw_core.roles.values import Canary, Roles
from openclaw_core.store import Script
from openclaw_core.store.canaries import Canaries, TriedPrompt
from openclaw_core.tasks.receipt import digest
from openclaw_core.texts.canaries import canary_reply
from openclaw_gitops.canary_verdicts import Runs, State, read_verdicts
from tests.brain.access_desk import FRIEND, GROUP, OWNER, STRANGER, Desk
from tests.shipped import ROLES

NEXT = "You write code. You are being tried."
CODER = ROLES.roles["coder"]
TRYING: Roles = replace(ROLES, roles={**ROLES.roles, "coder": replace(CODER, canary=Canary(prompt=NEXT, percent=5))})
SMOKE_BOT, OTHER_BOT = 5151, 5252
OF_TRIED = JudgedRuns(runs=300, harmed=1, answered=298, took_ms=900_000, priced=298, micro_usd=4000)
GOOD = TriedPrompt(
    prompt=digest(NEXT), since="0", good=True, own=digest(CODER.prompt), of_tried=OF_TRIED, of_own=replace(OF_TRIED, runs=5700)
)  # fmt: skip


@pytest.fixture
async def desk(script: Script) -> Desk:
    """An inbox whose coder tries a prompt, found good."""
    access = Access(users=frozenset({FRIEND}), owners=frozenset({OWNER}), bots=frozenset({SMOKE_BOT}))
    opened = await Desk(script, access).open()
    kept = Canaries(script)
    await kept.keep("coder", GOOD, epoch=opened.world.epoch)
    opened.handler = replace(opened.handler, canaries=kept, intake=Intake(roles=TRYING, access=access))
    return opened


def from_bot(desk: Desk, bot: int) -> dict[str, Any]:
    update = desk.message(bot, "/canary@OpenClawBot", GROUP)
    update["message"]["from"]["is_bot"] = True
    return update


async def test_an_owner_and_the_listed_bot_are_told_and_nobody_else(desk: Desk) -> None:
    [(kind, _, args)] = await desk.handles(desk.message(OWNER, "/canary"))
    assert kind == "canary"
    assert args["rows"] == canary_rows(TRYING, {"coder": GOOD})
    [(kind, _, told_the_bot)] = await desk.handles(from_bot(desk, SMOKE_BOT))
    assert (kind, told_the_bot) == ("canary", args)
    assert await desk.says(FRIEND, "/canary") == ["owners_only"]
    assert await desk.says(STRANGER, "/canary") == ["refused"]
    assert await desk.handles(from_bot(desk, OTHER_BOT)) == []


async def test_what_the_bot_tells_is_what_the_workflow_reads(desk: Desk) -> None:
    [(_, _, args)] = await desk.handles(desk.message(OWNER, "/canary"))
    for lang in ("en", "he"):
        [verdict] = read_verdicts(canary_reply(args["rows"], lang))
        assert (verdict.role, verdict.state) == ("coder", State.GOOD)
        assert (verdict.tried, verdict.own) == (digest(NEXT), digest(CODER.prompt))
        assert verdict.of_tried == Runs(runs=300, harmed=1, answered=298, took_ms=900_000, priced=298, micro_usd=4000)
        assert verdict.of_own.runs == 5700


async def test_without_a_canary_it_says_that_there_is_none(desk: Desk) -> None:
    desk.handler = replace(desk.handler, intake=Intake(roles=ROLES, access=desk.access))
    [(kind, _, args)] = await desk.handles(desk.message(OWNER, "/canary"))
    assert kind == "canary"
    assert read_verdicts(canary_reply(args["rows"], "en")) == []


@pytest.mark.parametrize(
    ("kept", "state"),
    [
        ({}, "tried"),
        ({"coder": replace(GOOD, good=False)}, "tried"),
        ({"coder": GOOD}, "good"),
        ({"coder": replace(GOOD, own="0" * 16)}, "tried"),  # compared with another own prompt
        ({"coder": replace(GOOD, prompt="0" * 16)}, "tried"),  # that was the canary before
        ({"coder": replace(GOOD, good=False, ended=True)}, "ended"),
        ({"coder": TriedPrompt(prompt=digest(NEXT), since="0", ended=True)}, "ended"),  # by the release before
    ],
)
def test_the_state_is_that_of_the_prompts_in_use(kept: dict[str, TriedPrompt], state: str) -> None:
    [row] = canary_rows(TRYING, kept)
    assert row["state"] == state
    [verdict] = read_verdicts(canary_reply([row], "en"))
    assert verdict.state == state
