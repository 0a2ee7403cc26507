"""The loop of an answer in steps: ask the model, run what it calls, keep the step, ask again, until it answers."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from openclaw_agent.steps import decisions
from openclaw_agent.steps.calls import Called, run_calls
from openclaw_agent.steps.conversation import step_messages
from openclaw_agent.steps.preview import StepPreview
from openclaw_agent.store_retry import until_stored
from openclaw_agent.tools.documents.opened_documents import OpenedDocuments
from openclaw_agent.tools.documents.read_document import ReadDocument
from openclaw_agent.tools.documents.what_was_read import what_was_read
from openclaw_agent.tools.opened import OpenedPages, Source
from openclaw_agent.tools.tool import Tool
from openclaw_core.characters import is_blank
from openclaw_core.models.answer_stream import AnswerComplete, AnswerFailed, AnswerRestarted, AnswerStream, TextAdded
from openclaw_core.ports import FunctionTool, ModelCall, StreamingModel
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.steps import CallResult, Step
from openclaw_core.tasks.timings import Stopwatch
from openclaw_core.tasks.work import GaveUp, Run, Work
from openclaw_core.texts.imitated import without_imitated
from openclaw_core.texts.notes import with_note


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The answer, its text as a chat may see it, and what all steps took."""

    answer: AnswerComplete
    usage: RunUsage


@dataclass(kw_only=True)
class StepLoop:
    """One answer to *run*.

    *make_call* returns the request for a model at a shrink level, as it is without tools. *ends_at* is the task's deadline by the clock of
    the event loop; *deadline_s* is how long it was in all.
    """

    work: Work
    chat: StreamingModel
    run: Run
    tools: Mapping[str, Tool]
    make_call: Callable[[str, int], ModelCall]
    ends_at: float
    deadline_s: float
    watch: Stopwatch
    documents: OpenedDocuments | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    steps: list[Step] = field(init=False)
    pages: OpenedPages = field(init=False)
    preview: StepPreview = field(init=False)
    _first_s: float | None = field(default=None, init=False)
    """When the first words came, seconds after the loop began."""
    _began: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.steps = list(self.run.steps)
        self.pages = decisions.pages_of(self.steps)
        if self.documents is not None and self.documents.all:
            reading = ReadDocument(
                documents=self.documents, lang=self.run.task.lang, results_tokens=self.run.snapshot.results_tokens
            )
            self.tools = {**self.tools, reading.name: reading}
        self.preview = StepPreview(work=self.work, run=self.run, shown=self._shown, clock=self.clock, sleep=self.sleep)

    async def answer(self) -> Finished | GaveUp | None:
        """The answer, or why there is none; None if the user sent more for this task. Raises LostOwnership and StoreFault."""
        self._began = self.clock()
        while True:
            asked_at = self.clock()
            answer = await self._ask()
            model_s = self.clock() - asked_at
            if isinstance(answer, AnswerFailed):
                return GaveUp(cause=answer.cause)
            if not answer.wanted:
                return await self._finished(answer, model_s)
            if not await self._act(answer, model_s):
                return None

    async def _ask(self) -> AnswerComplete | AnswerFailed:
        """Ask the model for the next step. Its text grows in the preview."""
        self._first_s = None
        stream = AnswerStream(
            chat=self.chat,
            models=decisions.models_in_order(self.run.snapshot.models, self.steps),
            make_call=partial(self._call, self._function_choice()),
            deadline_s=max(0.0, self._left_s()),
            clock=self.clock,
            sleep=self.sleep,
            on_asked=self.watch.asked,
        )
        answer: AnswerComplete | AnswerFailed = AnswerFailed(cause=Cause.EMPTY_ANSWER, calls=0)
        async with contextlib.aclosing(stream.run()) as events:
            async for event in events:
                match event:
                    case TextAdded():
                        if self._first_s is None:
                            self._first_s = self.clock() - self._began
                        self.preview.add(event.text)
                    case AnswerRestarted():
                        self.preview.clear()
                    case _:
                        answer = event
        return answer

    async def _act(self, answer: AnswerComplete, model_s: float) -> bool:
        """Run what *answer* calls, and keep the step. False if the user sent more for this task."""
        status = decisions.status_of(answer.wanted, self.tools, self.steps)
        if status is not None:
            self.preview.tell(status)
        else:
            self.preview.clear()

        def limit_s(tool: Tool) -> float:
            return decisions.call_limit_s(tool, left_s=self._left_s(), deadline_s=self.deadline_s)

        called = await run_calls(
            answer.wanted, self.tools, self.pages, limit_s=limit_s, refused=decisions.refused(answer.wanted, self.steps), clock=self.clock,
            watch=self.watch,
        )  # fmt: skip
        results = await self._with_pictures(called)
        step = Step(
            text=answer.text,
            calls=answer.wanted,
            results=results,
            model=answer.model,
            usage=answer.usage,
            asked=answer.calls,
            model_ms=round(model_s * 1000),
        )
        self.steps.append(step)
        # Kept before the model is asked again: a takeover makes no call twice.
        return await until_stored(partial(self.work.step, self.run, len(self.steps), step), sleep=self.sleep)

    async def _with_pictures(self, called: Sequence[Called]) -> tuple[CallResult, ...]:
        """The results. Pictures of the last call that made some are kept for the chat, in place of those of earlier ones."""
        results = [one.result for one in called]
        n = next((n for n in reversed(range(len(called))) if called[n].pictures), None)
        if n is not None:
            pictures = called[n].pictures
            keep = partial(self.work.pictures, self.run, [one.data for one in pictures])
            if await until_stored(keep, sleep=self.sleep):
                results[n] = decisions.with_pictures(results[n], [one.name for one in pictures])
        return tuple(results)

    async def _finished(self, answer: AnswerComplete, model_s: float) -> Finished | GaveUp:
        answer = replace(answer, text=without_imitated(answer.text))
        if is_blank(answer.text):
            return GaveUp(cause=Cause.EMPTY_ANSWER)
        usage = decisions.usage_of(self.steps, answer, tools=self.tools, model_s=model_s, first_s=self._first_s)
        text = await asyncio.to_thread(_finished_text, answer, self.run, self.steps, self.pages.all)
        if self.documents is not None and self.documents.all:
            text = with_note(text, what_was_read(self.documents.all, self.steps, self.run.task.lang))
        return Finished(answer=replace(answer, text=text), usage=usage)

    # ---- what the model is asked

    def _left_s(self) -> float:
        return self.ends_at - asyncio.get_running_loop().time()

    def _function_choice(self) -> Literal["auto", "none"]:
        return decisions.function_choice(
            len(self.steps) + 1, self.run.snapshot.max_steps, left_s=self._left_s(), deadline_s=self.deadline_s
        )

    def _call(self, choice: Literal["auto", "none"], model: str, shrink: int) -> ModelCall:
        call = self.make_call(model, shrink)
        results = step_messages(self.steps, max_tokens=self.run.snapshot.results_tokens >> shrink)
        return replace(
            call,
            messages=(*call.messages, *results),
            functions=tuple(
                FunctionTool(name=tool.name, description=tool.description, parameters=tool.parameters)
                for tool in self.tools.values()
            ),
            function_choice=choice,
        )

    async def _shown(self, text: str) -> str:
        """What a chat may see of a text that is being written. In a thread: it takes some milliseconds."""
        text = without_imitated(text, grows=True)
        if not decisions.may_cite(self.run.snapshot):
            return text
        return await asyncio.to_thread(_growing_text, text, self.pages.all)


# What a chat would make of an answer is asked of the Markdown converter. It is loaded here, beside the model's first
# words and not before them.


def _growing_text(text: str, pages: Sequence[Source]) -> str:
    from openclaw_agent.tools import sources

    return sources.growing(text, pages)


def _finished_text(answer: AnswerComplete, run: Run, steps: Sequence[Step], pages: Sequence[Source]) -> str:
    """The answer with its sources, and what is known of its code."""
    text, lang = answer.text, run.task.lang
    if decisions.may_cite(run.snapshot):
        from openclaw_agent.tools import sources

        saw = answer.model in run.snapshot.seeing and any(one.kind == "picture" for one in run.task.attachments)
        unopened = decisions.unopened(answer, run.snapshot, steps, saw_pictures=saw)
        text = sources.finish(text, pages, lang=lang, unopened=unopened)
    if decisions.may_run_code(run.snapshot):
        from openclaw_agent.tools.code import shown

        text = shown.finish(text, steps, lang=lang, no_tools=answer.without_functions)
    return text
