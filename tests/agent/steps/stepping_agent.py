"""An agent that answers in steps, asked by the scripted model, and what it has written down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_agent.answering import RunAnswerer
from openclaw_agent.tools.tool import Tool
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import GROQ, ModelServer
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import Answered, Run
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence
from openclaw_standin.model import ScriptedModel
from tests.agent.harness import FakeFiles, task
from tests.fakes.work import ORDER, FakeWork

BIG = "openai/gpt-oss-120b"
SMALL = "openai/gpt-oss-20b"
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
