"""The use case: one run. What came with the task becomes words, the model is asked, its text is written as it grows, one result ends it."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from openclaw_agent.draft import Draft
from openclaw_agent.files import Files
from openclaw_agent.lease import persist
from openclaw_agent.prompt import cuts, messages
from openclaw_agent.reading import Reader, Unreadable, in_words
from openclaw_core import logs
from openclaw_core.characters import is_blank
from openclaw_core.models import answer_stream
from openclaw_core.models.answer_stream import Failed, Grew, Restarted
from openclaw_core.ports import Ears, ModelCall, Speaker
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Order, Task
from openclaw_core.tasks.work import Answered, GaveUp, Run, Work
from openclaw_core.texts import wording
from openclaw_core.texts.notes import with_note

log = logs.get(__name__)
GROWN_S = 0.05
"""Between two looks at a task of which more may be coming."""
FIRST_TOKEN_S = 60.0


@dataclass(kw_only=True)
class Answering:
    """Answers runs, one at a time."""

    work: Work
    chat: Speaker
    ears: Ears
    files_of: Callable[[Run], Files]
    task_deadline_s: float
    voice_models: Sequence[str] = ()
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ending: bool = field(default=False, init=False)
    """Whether a whole answer is being handed over."""

    async def answer(self, run: Run) -> Cause | None:
        """Bring *run* to its end; gives why there is no answer, if there is none. Raises LostOwnership, and StoreFault if Redis refuses the result."""
        ends_at = asyncio.get_running_loop().time() + self.task_deadline_s
        grew = False
        while True:
            result: Answered | GaveUp | None
            try:
                async with asyncio.timeout_at(ends_at):
                    if grew:
                        run = await self._grown(run)
                    result = await self._asked(run)
            except Unreadable as exc:
                result = GaveUp(cause=exc.cause)
            except TimeoutError:
                result = GaveUp(cause=Cause.DEADLINE)
            if result is not None and await self._end(run, result):
                return result.cause if isinstance(result, GaveUp) else None
            grew = True  # before a word was shown: the model is asked again, with all of it

    async def _end(self, run: Run, result: Answered | GaveUp) -> bool:
        """Hand *result* over; False if the task has grown."""
        self.ending = isinstance(result, Answered)
        try:
            if not await persist(partial(self.work.end, run, result), sleep=self.sleep):
                return False
        finally:
            self.ending = False
        if isinstance(result, Answered):
            log.info("task.answered", **result.usage)
        else:
            log.warning("task.failed", cause=result.cause.value)
        return True

    async def _grown(self, run: Run) -> Run:
        """The run once all that belongs to its task is there."""
        while (whole := await persist(partial(self.work.grown, run), sleep=self.sleep)) is None:
            await self.sleep(GROWN_S)
        log.info("task.grown")
        return whole

    async def _asked(self, run: Run) -> Answered | GaveUp | None:
        """The answer, or why there is none; None if the task has grown. Raises Unreadable."""
        task = await self._in_words(run)
        draft = Draft(work=self.work, run=run, clock=self.clock, sleep=self.sleep)
        writing = asyncio.create_task(draft.keep_written(), name="write")
        asking = asyncio.create_task(self._ask(run, task, draft), name="ask")
        try:
            await asyncio.wait([writing, asking], return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
            writing.result()  # raises LostOwnership, unless the task has grown
            return None
        finally:
            for one in (writing, asking):
                one.cancel()
            await asyncio.gather(writing, asking, return_exceptions=True)

    async def _in_words(self, run: Run) -> Task:
        """The task with its materials in words, which the chat's memory keeps too. Raises Unreadable."""
        if not run.task.materials:
            return run.task
        reader = Reader(files=self.files_of(run), ears=self.ears, voice_models=self.voice_models, sleep=self.sleep)
        task, said = await in_words(run.task, reader, max_tokens=run.order.history_tokens)
        await persist(partial(self.work.amend, run, said), sleep=self.sleep)
        return task

    async def _ask(self, run: Run, task: Task, draft: Draft) -> Answered | GaveUp:
        """What the models say, or why they say nothing; it grows in *draft*."""
        began, first_s = self.clock(), None
        answerer = answer_stream.Answerer(
            chat=self.chat, models=run.order.models, make_call=partial(_call, run, task), deadline_s=self.task_deadline_s, sleep=self.sleep
        )  # fmt: skip
        async with contextlib.aclosing(answerer.run()) as events:
            async for event in events:
                if isinstance(event, Grew):
                    first_s = self.clock() - began if first_s is None else first_s
                    draft.add(event.text)
                elif isinstance(event, Restarted):
                    draft.clear()
                elif isinstance(event, Failed):
                    return GaveUp(cause=event.cause)
                elif not is_blank(event.text):
                    usage = _usage(event, model_s=self.clock() - began, first_s=first_s)
                    return Answered(markdown=_with_notes(event, task, run.order), usage=usage)
        return GaveUp(cause=Cause.EMPTY_ANSWER)


def _call(run: Run, task: Task, model: str, shrink: int) -> ModelCall:
    """The request for *model*; each level of *shrink* halves it."""
    at = run.order.at(model)
    return ModelCall(
        model=at.id,
        provider=at.provider,
        messages=messages(task, run.order, run.history, shrink=shrink),
        max_tokens=max(256, run.order.max_answer_tokens >> shrink),
        temperature=run.order.temperature,
        reasoning_effort=run.order.reasoning_effort,
        tools=run.order.tools,
        first_token_timeout_s=FIRST_TOKEN_S,
    )


def _usage(answer: answer_stream.Answered, *, model_s: float, first_s: float | None) -> dict[str, Any]:
    """What the answer took, as in `docs/data.md`, field `run`."""
    usage = answer.usage
    return {
        "model": answer.model, "calls": answer.calls, "prompt_tokens": usage.prompt_tokens, "cached_tokens": usage.cached_tokens,
        "answer_tokens": usage.answer_tokens, "counted": usage.counted, "model_ms": round(model_s * 1000),
        "first_token_ms": None if first_s is None else round(first_s * 1000),
    }  # fmt: skip


def _with_notes(answer: answer_stream.Answered, task: Task, order: Order) -> str:
    """The answer, and below it what its reader has to know: what was not seen, not read, or not said."""
    notes = [wording.unseen(task.unseen, task.lang)] if task.unseen else []
    if any(one.kind == "file" for one in task.materials) and cuts(task, order):
        notes.append(wording.say(wording.Say.FILE_SHORTENED, task.lang))
    if answer.truncated:
        notes.append(wording.say(wording.Say.TRUNCATED, task.lang))
    markdown = answer.text
    for note in notes:
        markdown = with_note(markdown, f"_{note}_")
    return markdown
