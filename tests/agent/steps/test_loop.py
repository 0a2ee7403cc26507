"""Answers in steps, by the scripted model: it calls tools of ours as its script says, and refuses conversations against OpenAI's rules."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from openclaw_agent.answering import RunAnswerer
from openclaw_agent.runner import do_run
from openclaw_agent.steps import calls as running_calls
from openclaw_agent.tools.pages.open_page import OpenPage
from openclaw_agent.tools.tool import Tool, ToolResult
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import GROQ, ModelServer
from openclaw_core.tasks.outcome import Cause, Exit
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.tasks.work import Answered, GaveUp, Run
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence
from openclaw_standin.model import ScriptedModel
from tests.agent.harness import FakeFiles, task, until
from tests.agent.steps.probe import Probe, crashes, fails, hangs, heeds_nothing, says_where
from tests.agent.tools.web import opened, reply
from tests.fakes.work import ORDER, FakeWork
from tests.timing import is_done_within

BIG, SMALL = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
SNAPSHOT = replace(ORDER, models=(BIG, SMALL), functions=("look",), max_steps=6, results_tokens=8000)
LOOK = {"name": "look", "arguments": {"at": "north"}}
FROM_MEMORY = f"\n\n_{wording.sentence(Sentence.FROM_MEMORY, 'en')}_"


@dataclass
class Agent:
    """One agent with the scripted model, tools of the test, and runs in memory."""

    model: ScriptedModel
    answerer: RunAnswerer
    work: FakeWork
    tools: dict[str, Tool] = field(default_factory=dict)

    def script(self, *turns: dict[str, Any], **more: Any) -> None:
        self.model.scripts.add({"when": "lighthouse", "turns": list(turns), **more})

    async def claimed(self, **snapshot: Any) -> Run:
        self.work.hand_over(task(1, "Where is the lighthouse?"), snapshot=replace(SNAPSHOT, **snapshot))
        run = await self.work.claim()
        assert run is not None
        return run

    async def answer(self, **snapshot: Any) -> Cause | None:
        async with asyncio.timeout(30):
            return await self.answerer.answer(await self.claimed(**snapshot))

    @property
    def answered(self) -> Answered:
        result = self.work.results["u1"]
        assert isinstance(result, Answered)
        return result

    @property
    def markdown(self) -> str:
        return self.answered.markdown.removesuffix(FROM_MEMORY)

    def results(self, call: int = -1) -> list[str]:
        """What the model was given of its calls, when it was asked that time."""
        return [str(one["content"]) for one in self.model.calls[call].messages if one["role"] == "tool"]


@asynccontextmanager
async def agent_of(*tools: Tool, deadline_s: float = 60.0) -> AsyncIterator[Agent]:
    found = {tool.name: tool for tool in tools}
    async with (
        ScriptedModel.open(first_token_s=0.0, tokens_per_s=4000, tokens=30, chunk_s=0.001) as model,
        ModelClient.at(ModelServer.of(GROQ, "key", model.url)) as chat,
    ):
        work = FakeWork()
        answerer = RunAnswerer(
            work=work, chat=chat, transcriber=chat, files_of=lambda _: FakeFiles(), task_deadline_s=deadline_s,
            tools_of=lambda names: {name: found[name] for name in names if name in found},
        )  # fmt: skip
        yield Agent(model=model, answerer=answerer, work=work, tools=found)


def outcomes(agent: Agent) -> list[Any]:
    """The steps of the run record, without times."""
    return [[(one.tool, one.fault) for one in step.calls] for step in agent.answered.usage.steps]


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


# ---- takeover, Stop, deadline


async def test_a_task_that_is_taken_over_goes_on_behind_its_last_completed_step() -> None:
    hanging = asyncio.Event()

    async def hangs_at_first(arguments: Any) -> Any:
        if arguments["at"] == "south" and not hanging.is_set():
            hanging.set()
            await asyncio.sleep(3600)
        return await says_where(arguments)

    look = Probe(hangs_at_first)
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
