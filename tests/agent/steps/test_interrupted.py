"""An answer in steps that another agent goes on with, that is stopped, or whose time is over."""

import asyncio
import time
from typing import Any

import pytest

from openclaw_agent.runner import do_run
from openclaw_agent.tools.pages.open_page import OpenPage
from openclaw_core.tasks.outcome import Cause, Exit
from openclaw_core.tasks.work import GaveUp
from tests.agent.harness import task
from tests.agent.steps.probe import Probe, hangs, hangs_once, heeds_nothing, says_where
from tests.agent.steps.stepping_agent import LOOK, agent_of, outcomes
from tests.agent.tools.web import opened, reply
from tests.timing import is_done_within
from tests.waiting import until


async def test_a_task_that_is_taken_over_goes_on_behind_its_last_completed_step() -> None:
    hanging = asyncio.Event()

    look = Probe(hangs_once(hanging))
    async with agent_of(look) as agent:
        south = {"name": "look", "arguments": {"at": "south"}}
        agent.script({"calls": [LOOK]}, {"calls": [south]}, {"text": "North and south."})
        killed = asyncio.create_task(agent.answer())
        await hanging.wait()
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
        agent.work.take_away("u1")

        assert await agent.answer() is None
        assert agent.markdown == "North and south."
        assert [one["at"] for one in look.calls] == ["north", "south", "south"]
        # The first step was asked for once, the second twice: its agent died before it was complete.
        assert [len([m for m in call.messages if m["role"] == "tool"]) for call in agent.model.calls] == [0, 1, 1, 2]
        assert agent.answered.usage.calls == 3
        assert outcomes(agent) == [[("look", "")], [("look", "")]]


async def test_numbers_of_pages_stay_when_a_task_is_taken_over() -> None:
    async with opened() as web:
        for name in ("a.org", "b.org"):
            web[f"{name}/"] = reply(f"<title>{name}</title><p>Foxes of {name} jump over lazy dogs.</p>")
        url = {name: f"http://{name}:{web.port}/" for name in ("a.org", "b.org")}
        async with agent_of(OpenPage(fetcher=web.fetcher())) as agent:
            agent.script(
                {"calls": [{"name": "open_page", "arguments": {"url": url["a.org"]}}]},
                {"calls": [{"name": "open_page", "arguments": {"url": url["b.org"]}}], "delay_s": 0.5},
                {"text": 'They jump [1]: "Foxes of a.org jump over lazy dogs" [1]. So do others [2].'},
            )
            killed = asyncio.create_task(agent.answer(functions=("open_page",)))
            await until(lambda: agent.work.steps)
            killed.cancel()
            await asyncio.gather(killed, return_exceptions=True)
            agent.work.take_away("u1")
            assert await agent.answer(functions=("open_page",)) is None
            said = agent.markdown.replace("\\", "").partition("\n\n**Sources**")[0]
            first, second = (f"[[{n}]]({url[name]})" for n, name in ((1, "a.org"), (2, "b.org")))
            assert said == f'They jump {first}: "Foxes of a.org jump over lazy dogs" {first}. So do others {second}.'
            assert sum(head.count("Host: a.org") + head.count("host: a.org") for _, head in web.heads) == 1


@pytest.mark.parametrize("does", [hangs, heeds_nothing])
async def test_stop_ends_an_answer_within_two_seconds_while_a_tool_works(does: Any) -> None:
    async def stopped() -> float:
        look = Probe(does)
        async with agent_of(look) as agent:
            agent.script({"calls": [LOOK]}, {"text": "Never."})
            run = await agent.claimed()
            doing = asyncio.create_task(do_run(agent.work, agent.answerer, run, asyncio.Event()))
            await until(lambda: look.calls)
            agent.work.take_away("u1")
            began = time.monotonic()
            assert await doing is Exit.DONE
            took_s = time.monotonic() - began
            assert agent.work.results == {}
            return took_s

    await is_done_within(2, stopped)


async def test_a_tool_leaves_time_for_the_answer_before_the_deadline() -> None:
    look = Probe(hangs, timeout_s=3600)
    async with agent_of(look, deadline_s=8.0) as agent:  # a quarter of it is the answer's
        agent.script({"calls": [LOOK]}, {"text": "I had no time to look."})
        assert await agent.answer() is None
        assert agent.markdown == "I had no time to look."
        assert outcomes(agent) == [[("look", "timed_out")]]


async def test_a_model_that_is_silent_after_a_tool_ends_with_the_deadline() -> None:
    async with agent_of(Probe(says_where), deadline_s=1.0) as agent:
        agent.script({"calls": [LOOK]}, {"text": "Late.", "delay_s": 30})
        assert await agent.answer() is Cause.DEADLINE
        assert agent.work.results["u1"] == GaveUp(cause=Cause.DEADLINE)


async def test_a_question_that_grows_between_steps_is_asked_anew() -> None:
    async def waits(arguments: Any) -> Any:
        await until(lambda: sent)
        return await says_where(arguments)

    sent: list[bool] = []
    async with agent_of(Probe(waits)) as agent:
        agent.script({"calls": [LOOK]}, {"text": "In the north."})
        run = await agent.claimed()
        answering = asyncio.create_task(agent.answerer.answer(run))
        await until(lambda: agent.work.statuses)
        agent.work.send_more(task(1, "Where is the lighthouse, and how tall?"))
        sent.append(True)
        assert await answering is None
        asked = [call.messages[-1]["content"] for call in agent.model.calls if call.messages[-1]["role"] == "user"]
        assert asked == ["Where is the lighthouse?", "Where is the lighthouse, and how tall?"]
