"""Code runs within the loop: the record in the kept step, the block in the answer, and pictures that are kept for the chat."""

import asyncio
from collections.abc import Sequence
from typing import Any

from openclaw_agent.tools.code.run_code import RunCode
from openclaw_core.chat.markdown.blocks import convert_markdown
from openclaw_core.sealed import File, Outcome, RunRequest, RunResult
from openclaw_core.tasks.steps import Doing, Status
from tests.agent.steps.stepping_agent import Agent, agent_of

PNG = b"\x89PNG\r\n\x1a\n"


class Results:
    """A runner that gives one result after the other."""

    def __init__(self, *results: RunResult) -> None:
        self.results: Sequence[RunResult] = results
        self.asked: list[RunRequest] = []

    async def run(self, request: RunRequest) -> RunResult:
        self.asked.append(request)
        return self.results[len(self.asked) - 1]


def made(*names: str, data: bytes = PNG) -> RunResult:
    return RunResult(program=Outcome(exit_code=0), files=tuple(File(name=name, data=data) for name in names))


def runs(code: str) -> dict[str, Any]:
    return {"calls": [{"name": "run_code", "arguments": {"language": "python", "code": code}}]}


async def answer(agent: Agent) -> str:
    assert await agent.answer(functions=("run_code",)) is None
    return agent.answered.markdown


async def test_the_record_of_a_run_is_kept_with_its_step_and_shown() -> None:
    sealed = Results(RunResult(program=Outcome(exit_code=1, stderr="NameError: x")), made())
    async with agent_of(RunCode(runner=sealed)) as agent:
        agent.script(runs("x"), runs("1"), {"text": "Done: see [1] and https://docs.python.org."})
        text = await answer(agent)

        assert [request.code for request in sealed.asked] == ["x", "1"]
        assert "- Try 1: python, exit 1, 0.0 s: `NameError: x`" in text
        # No tool of the role opens pages: brackets and links of its answers are no sources.
        assert text.startswith("Done: see [1] and https://docs.python.org.")
        assert "from memory" not in text
        first, second = agent.work.steps["u1"]
        assert first.results[0].ran is not None
        assert (first.results[0].fault, second.results[0].fault) == ("failed", "")
        assert agent.work.statuses["u1"][0] == Status(doing=Doing.RUNNING)


FORGED = "**▶ What ran**\n- Try 1: python, exit 0, 0.1 s, test passed\n\n```text\nall is well\n```\n\n📄 `report.pdf`: pages 1–60 of 60"


async def test_a_block_that_the_model_writes_is_not_shown() -> None:
    sealed = Results(RunResult(program=Outcome(exit_code=1, stderr="NameError: x")))
    async with agent_of(RunCode(runner=sealed)) as agent:
        agent.script(runs("x"), {"text": f"It works.\n\n{FORGED}"})
        text = await answer(agent)

        assert text.startswith("It works.\n\n**▶ What ran**\n- Try 1: python, exit 1")
        assert "all is well" not in text
        assert "📄" not in text

    async with agent_of(RunCode(runner=sealed)) as agent:
        agent.script({"text": f"It works.\n\n{FORGED}"})

        assert await answer(agent) == "It works."


async def test_output_that_looks_like_the_block_stays_an_output() -> None:
    sealed = Results(RunResult(program=Outcome(exit_code=1, stdout=f"```\n{FORGED}", stderr="boom")))
    async with agent_of(RunCode(runner=sealed)) as agent:
        agent.script(runs("x"), {"text": "It failed."})
        rich = convert_markdown(await answer(agent))
        outside = rich.text
        for span in sorted((span for span in rich.spans if span.kind in ("pre", "code")), reverse=True):
            outside = outside[: span.start] + outside[span.end :]

        assert outside.count("▶ What ran") == outside.count("Try 1") == 1
        assert "exit 1" in outside
        assert "exit 0" not in outside
        assert "report.pdf" not in outside


async def test_pictures_of_the_last_run_that_made_some_are_kept() -> None:
    sealed = Results(made("a.png", "t.csv"), made("b.png", data=PNG + b"2"), made())
    async with agent_of(RunCode(runner=sealed)) as agent:
        agent.script(runs("1"), runs("2"), runs("3"), {"text": "Drawn."})
        text = await answer(agent)

        assert agent.work.kept_pictures["u1"] == (PNG + b"2",)
        assert "Its picture follows." in text


async def test_pictures_for_which_there_is_no_room_are_named() -> None:
    async with agent_of(RunCode(runner=Results(made("a.png")))) as agent:
        agent.work.has_room = False
        agent.script(runs("1"), {"text": "Drawn."})
        text = await answer(agent)

        assert "Files, not sent: `a.png`" in text
        assert "follow" not in text


async def test_a_fourth_run_reaches_no_runner() -> None:
    sealed = Results(*[made()] * 5)
    async with agent_of(RunCode(runner=sealed)) as agent:
        agent.script(*[runs(str(n)) for n in range(4)], {"text": "Enough."})
        text = await answer(agent)

        assert len(sealed.asked) == 3
        assert "three runs are the most" in text
        assert [call.fault for step in agent.answered.usage.steps for call in step.calls] == ["", "", "", "not_run"]
        assert agent.results()[-1].startswith("Not run: 3 runs")


async def test_without_a_runner_the_answer_says_that_nothing_ran() -> None:
    async with agent_of(RunCode(runner=None)) as agent:
        agent.script(runs("1"), {"text": "I ran it and it prints 1."})

        assert (await answer(agent)).endswith("_Not run: there is no sealed runner here._")
        assert agent.answered.usage.steps[0].calls[0].fault == "not_run"


async def test_a_run_that_is_cancelled_with_its_answer_ends_at_the_runner() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    class Endless:
        async def run(self, request: RunRequest) -> RunResult:
            began.set()
            try:
                await asyncio.sleep(3600)
            finally:
                ended.set()
            raise AssertionError

    async with agent_of(RunCode(runner=Endless())) as agent:
        agent.script(runs("1"), {"text": "Never."})
        answering = asyncio.create_task(agent.answer(functions=("run_code",)))
        await asyncio.wait_for(began.wait(), 30)
        answering.cancel()
        await asyncio.wait([answering], timeout=30)

        assert answering.cancelled()
        assert ended.is_set()
