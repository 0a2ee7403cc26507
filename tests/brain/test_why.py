"""/why tells in plain words what the last answer was made of, from its run record."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from openclaw_core.chat.delivery.content import of_failure_or_notice
from openclaw_core.ports import Lang
from openclaw_core.roles.values import ModelSpec
from openclaw_core.store import Script
from openclaw_core.store.figures import set_prices
from openclaw_core.tasks.outcome import Cause, Decision
from openclaw_core.tasks.run_usage import CallUsage, StepUsage
from openclaw_core.tasks.work import Answered
from openclaw_core.texts.why import DID, PICKED, why_reply
from tests.brain.test_notices import Desk
from tests.core.store_world import USAGE, task
from tests.shipped import ROLES

FACTS: Mapping[str, Any] = {
    "role": "researcher", "decision": "rule", "model": "openai/gpt-oss-120b", "took_s": 12.4, "tokens": 4512, "micro_usd": 2140,
    "tools": ["web_search", "open_page", "open_page"],
}  # fmt: skip


@pytest.fixture
async def desk(script: Script) -> Desk:
    return await Desk(script).open()


async def why(desk: Desk) -> Mapping[str, Any]:
    """The arguments of the notice that /why brings."""
    await desk.admit("/why", stream="control")
    await desk.handle()
    [notice] = [one for one in await desk.world.notices() if one.kind == "why"]
    return dict(notice.args)


async def test_it_tells_of_the_last_answer_once_that_was_shown(desk: Desk, script: Script) -> None:
    world = desk.world
    priced = ModelSpec(
        id="m", context_tokens=1, input_usd_per_mtok=1.0, cached_usd_per_mtok=1.0, output_usd_per_mtok=2.0
    )
    await set_prices(script, {"m": priced}, epoch=world.epoch)
    await desk.admit("sort a list")
    await desk.handle()
    [task_id] = await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    assert await world.dispatch(await world.lanes.asked(task_id))
    run = await world.claim()
    calls = (
        CallUsage(tool="run_code", ms=5), CallUsage(tool="run_code", ms=5, fault="failed"), CallUsage(tool="run_code", fault="not_run"),
        CallUsage(tool="open_page", ms=5, fault="failed"), CallUsage(tool="web_search", ms=5, fault="timed_out"),
    )  # fmt: skip
    await world.end(run, Answered(markdown="Sorted.", usage=replace(USAGE, steps=(StepUsage(calls=calls),))))
    assert await why(desk) == {}, "it is not shown yet"
    await world.show_all()
    told = await why(desk)
    assert (told["role"], told["decision"], told["model"]) == ("coder", "rule", "m")
    assert (told["tools"], told["tokens"], told["micro_usd"]) == (["run_code", "run_code"], 12, 14)
    assert (told["not_done"], told["steps"]) == (["run_code", "open_page", "web_search"], 1)
    assert told["took_s"] >= 0


async def test_an_answer_of_a_model_without_a_price_and_without_tools_is_told_of_too(desk: Desk) -> None:
    await desk.admit("sort a list")
    await desk.handle()
    [task_id] = await desk.world.lanes.release(cap=10, at_most=10, epoch=desk.world.epoch)
    assert await desk.world.dispatch(await desk.world.lanes.asked(task_id))
    await desk.world.end(await desk.world.claim(), Answered(markdown="Sorted.", usage=USAGE))
    await desk.world.show_all()
    await desk.admit("/why", stream="control")
    await desk.handle()
    [notice] = await desk.world.notices()
    [page] = of_failure_or_notice(notice, ROLES).pages
    assert "It used no tools" in page.text
    assert "its cost is not known" in page.text


@pytest.mark.parametrize("ends", ["nothing was asked", "it failed"])
async def test_without_an_answer_it_says_so(desk: Desk, ends: str) -> None:
    if ends == "it failed":
        await desk.admit("sort a list")
        await desk.handle()
        [task_id] = await desk.world.lanes.release(cap=10, at_most=10, epoch=desk.world.epoch)
        await desk.world.lanes.fail(task_id, Cause.MODEL_DOWN, epoch=desk.world.epoch)
        await desk.world.show_all()
    assert await why(desk) == {}


async def test_a_record_that_has_gone_is_no_fault(desk: Desk, script: Script) -> None:
    run = await desk.world.claimed(replace(task(100), chat_id=7))
    await desk.world.answered(run)
    await desk.world.show_all()
    assert (await why(desk))["model"] == "m"
    await script.read("DEL", script.keys("runs"))
    await desk.world.show_all()
    assert await why(desk) == {}


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            [
                "🧾 About my last answer here", "Role: 🤓 Researcher (a word in the message spoke for it)", "Model: openai/gpt-oss-120b",
                "It searched the web once, opened a page 2 times", "Its sources stand below the answer",
                "It took 12 s and 4,512 tokens; it cost $0.0021",
            ],
        ),
        (
            "he",
            [
                "🧾 על התשובה האחרונה שלי כאן", "תפקיד: 🤓 חוקר (לפי מילה בהודעה)", "מודל: \u2068openai/gpt-oss-120b\u2069",
                "בדרך: חיפוש באינטרנט פעם אחת, פתיחת דף 2 פעמים", "המקורות מופיעים מתחת לתשובה",
                "זמן: 12 שנ׳, 4,512 טוקנים; עלות: \u2068$0.0021\u2069",
            ],
        ),
    ],
)  # fmt: skip
def test_it_is_told_in_plain_words(lang: Lang, lines: list[str]) -> None:
    assert why_reply(ROLES, **FACTS, lang=lang).splitlines() == lines


def test_what_is_not_known_is_said() -> None:
    facts = {**FACTS, "role": "poet", "decision": "newer", "tools": ["weather"], "micro_usd": None}
    text = why_reply(ROLES, **facts, lang="en")
    assert "Role: poet (nothing spoke for another one)" in text
    assert "It used another tool once" in text
    assert "its cost is not known" in text
    assert "from memory and this chat" in why_reply(ROLES, **{**facts, "tools": []}, lang="en")


def test_each_way_to_pick_and_each_tool_has_words() -> None:
    assert PICKED.keys() == set(Decision)
    assert {tool for role in ROLES.roles.values() for tool in role.functions} <= DID.keys()


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            [
                "It searched the web once, opened a page 2 times, could not open a page once, could not run code 2 times",
                "in 3 steps",
            ],
        ),
        (
            "he",
            [
                "בדרך: חיפוש באינטרנט פעם אחת, פתיחת דף 2 פעמים, פתיחת דף שלא הצליחה פעם אחת, הרצת קוד שלא הצליחה 2 פעמים",
                "ב־3 צעדים",
            ],
        ),
    ],
)
def test_what_was_tried_and_not_done_is_not_called_done(lang: Lang, lines: list[str]) -> None:
    said = why_reply(ROLES, **FACTS, not_done=["open_page", "run_code", "run_code"], steps=3, lang=lang)
    assert all(line in said for line in lines), said


def test_without_a_page_that_was_opened_no_sources_are_named() -> None:
    said = why_reply(ROLES, **{**FACTS, "tools": []}, not_done=["open_page"], steps=1, lang="en")
    assert "It could not open a page once" in said
    assert "in 1 step and" in said
    assert "sources" not in said
    assert "used no tools" not in said
