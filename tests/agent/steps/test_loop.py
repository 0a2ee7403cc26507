"""Answers in steps, by the scripted model: it calls tools of ours as its script says, and refuses conversations against OpenAI's rules."""

import asyncio
import time
from typing import Any

import pytest

from openclaw_agent.steps import calls as running_calls
from openclaw_agent.tools.pages.open_page import OpenPage
from openclaw_agent.tools.tool import ToolResult
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence
from tests.agent.steps.probe import Probe, crashes, fails, hangs, heeds_nothing, says_where
from tests.agent.steps.stepping_agent import BIG, FROM_MEMORY, LOOK, SMALL, agent_of, outcomes
from tests.agent.tools.web import opened, reply
from tests.timing import is_done_within
from tests.waiting import until


async def test_a_model_that_calls_a_tool_gets_its_result_and_answers() -> None:
    look = Probe(says_where)
    async with agent_of(look) as agent:
        agent.script({"text": "I look.", "calls": [LOOK]}, {"text": "It is in the north."})
        assert await agent.answer() is None

        assert agent.markdown == "It is in the north."
        assert look.calls == [{"at": "north"}]
        assert agent.results() == ["Seen at north."]
        first, last = agent.model.calls
        usage = agent.answered.usage
        assert usage.calls == 2
        assert usage.model == BIG
        assert usage.prompt_tokens > 0
        assert usage.answer_tokens == first.tokens + last.tokens
        assert outcomes(agent) == [[("look", "")]]
        [kept] = agent.work.steps["u1"]
        assert (kept.text, [one.name for one in kept.calls], kept.results[0].text) == (
            "I look.",
            ["look"],
            "Seen at north.",
        )


async def test_calls_of_one_step_run_side_by_side_and_keep_their_order() -> None:
    both = asyncio.Barrier(2)

    async def meet(arguments: Any) -> Any:
        async with asyncio.timeout(10):
            await both.wait()
        if arguments["at"] == "north":
            await asyncio.sleep(0.05)
        return await says_where(arguments)

    async with agent_of(Probe(meet)) as agent:
        south = {"name": "look", "arguments": {"at": "south"}}
        agent.script({"calls": [LOOK, south]}, {"text": "Both."})
        assert await agent.answer() is None
        assert agent.results() == ["Seen at north.", "Seen at south."]
        assert outcomes(agent) == [[("look", ""), ("look", "")]]


async def test_half_a_character_that_a_tool_says_can_be_sent_on() -> None:
    async def half(arguments: Any) -> ToolResult:
        return ToolResult(text="Seen \ud83d.")

    async with agent_of(Probe(half)) as agent:
        agent.script({"calls": [LOOK]}, {"text": "It is in the north."})
        assert await agent.answer() is None
        assert agent.results() == ["Seen \ufffd."]


@pytest.mark.parametrize(
    ("does", "fault", "says"),
    [(fails, "failed", "There is nothing to be seen."), (crashes, "crashed", "look failed by a fault of its own.")],
)
async def test_a_fault_of_a_tool_is_a_result_that_the_model_sees(does: Any, fault: str, says: str) -> None:
    async with agent_of(Probe(does)) as agent:
        agent.script({"calls": [LOOK]}, {"text": "I could not look."})
        assert await agent.answer() is None
        assert agent.markdown == "I could not look."
        assert agent.results()[0].startswith(says)
        assert outcomes(agent) == [[("look", fault)]]


async def test_a_tool_that_does_not_end_in_its_time_is_ended_and_the_others_of_its_step_are_not() -> None:
    async def waits_for_south(arguments: Any) -> Any:
        return await (hangs if arguments["at"] == "south" else says_where)(arguments)

    look = Probe(waits_for_south, timeout_s=0.1)
    async with agent_of(look) as agent:
        agent.script({"calls": [LOOK, {"name": "look", "arguments": {"at": "south"}}]}, {"text": "North it is."})
        assert await agent.answer() is None
        assert agent.results() == [
            "Seen at north.",
            "look did not end within 0.1 seconds. Go on without it, or ask for less.",
        ]
        assert outcomes(agent) == [[("look", ""), ("look", "timed_out")]]
        assert look.cancelled == 1


async def test_a_tool_that_heeds_no_cancellation_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_calls, "CANCEL_S", 0.1)

    async def answered() -> float:
        async with agent_of(Probe(heeds_nothing, timeout_s=0.05)) as agent:
            agent.script({"calls": [LOOK]}, {"text": "Without."})
            began = time.monotonic()
            assert await agent.answer() is None
            took_s = time.monotonic() - began
            assert agent.markdown == "Without."
            return took_s

    await is_done_within(3, answered)


async def test_a_tool_that_there_is_not_and_broken_arguments_are_told_to_the_model() -> None:
    look = Probe(says_where)
    async with agent_of(look) as agent:
        agent.script(
            {"calls": [{"name": "fly", "arguments": {}}, {"name": "look", "arguments": "{"}]}, {"text": "I cannot."}
        )
        assert await agent.answer() is None
        unknown, broken = agent.results()
        assert unknown == "Not run: there is no function of this name. There are: look."
        assert broken.startswith("Not run: the arguments are not valid JSON.")
        assert look.calls == []
        assert outcomes(agent) == [[("unknown", "unknown_name"), ("look", "not_json")]]
        assert agent.work.statuses == {}


async def test_the_last_step_may_call_nothing_and_answers_with_what_there_is() -> None:
    look = Probe(says_where)
    async with agent_of(look) as agent:
        agent.script({"calls": [LOOK]}, repeat_last=True)
        assert await agent.answer(max_steps=3) is None
        assert len(look.calls) == 2
        assert [call.outcome for call in agent.model.calls[:2]] == ["ok", "ok"]
        assert len(agent.work.steps["u1"]) == 2
        assert agent.markdown


async def test_a_model_that_fails_between_steps_is_followed_by_the_next_one_which_then_goes_first() -> None:
    async with agent_of(Probe(says_where)) as agent:
        agent.model.models.remove(BIG)
        agent.script({"calls": [LOOK]}, {"calls": [LOOK]}, {"text": "At last."})
        assert await agent.answer() is None
        assert agent.answered.usage.model == SMALL
        asked = [call.model for call in agent.model.calls]
        assert asked[asked.index(SMALL) :] == [SMALL] * 3


async def test_a_failure_of_every_model_in_the_middle_is_told() -> None:
    async with agent_of(Probe(says_where)) as agent:
        agent.script({"calls": [LOOK]}, {"status": 400, "message": "no", "times": 9}, {"text": "Never."})
        assert await agent.answer() is Cause.REFUSED


# ---- what the chat sees


async def test_what_is_done_is_said_until_there_are_words() -> None:
    goes_on = asyncio.Event()

    async def waits(arguments: Any) -> Any:
        await goes_on.wait()
        return await says_where(arguments)

    async with agent_of(Probe(waits)) as agent:
        agent.script({"text": "I look.", "calls": [LOOK]}, {"text": "It is in the north. " * 10})
        answering = asyncio.create_task(agent.answer())
        await until(lambda: agent.work.statuses)
        assert agent.work.statuses["u1"] == [Status(doing=Doing.SEARCHING, subject="north")]
        assert agent.work.texts == {}
        goes_on.set()
        assert await answering is None


async def test_an_answer_cites_pages_that_were_opened_and_no_other() -> None:
    async with opened() as web:
        web["foxes.org/"] = reply("<title>Foxes</title><p>Foxes jump over lazy dogs.</p>")
        url = f"http://foxes.org:{web.port}/"
        async with agent_of(OpenPage(fetcher=web.fetcher())) as agent:
            agent.script(
                {"calls": [{"name": "open_page", "arguments": {"url": url}}]},
                {"text": "Foxes jump [1]. Cats do not [2]."},
            )
            assert await agent.answer(functions=("open_page",)) is None
            markdown = agent.answered.markdown
            said, _, listed = markdown.replace("\\", "").replace("&#46;", ".").partition("\n\n**Sources**\n")
            assert said == f"Foxes jump [[1]]({url}). Cats do not."
            assert listed == f"[[1] foxes.org · Foxes]({url})"
            [kept] = agent.work.steps["u1"]
            assert [(page.number, page.url, page.title) for page in kept.results[0].pages] == [(1, url, "Foxes")]
            assert agent.work.statuses["u1"][0].doing is Doing.READING


async def test_an_answer_without_a_page_says_that_it_is_from_memory() -> None:
    async with agent_of(Probe(says_where)) as agent:
        agent.script({"text": "In the north."})
        assert await agent.answer() is None
        assert agent.answered.markdown == f"In the north.{FROM_MEMORY}"


async def test_a_role_that_only_reads_says_nothing_of_memory() -> None:
    """The user's own text is what it answers from."""
    async with agent_of(Probe(says_where)) as agent:
        agent.script({"text": "In the north."})
        assert await agent.answer(functions=("open_page", "read_document")) is None
        assert agent.answered.markdown == "In the north."
        assert not agent.answered.usage.steps


async def test_a_model_that_takes_no_tools_answers_without_and_says_so() -> None:
    async with agent_of(Probe(says_where)) as agent:
        refusal = {"status": 400, "message": "this model does not support tools"}
        agent.script(refusal, refusal, {"text": "In the north."})
        assert await agent.answer() is None
        assert agent.answered.markdown == f"In the north.\n\n_{wording.sentence(Sentence.NO_TOOLS, 'en')}_"
