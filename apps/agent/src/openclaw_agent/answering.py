"""Answers one run: reads its attachments, asks the models, writes the preview while the text grows, hands over one result."""

import asyncio
import contextlib
import importlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from openclaw_agent.attachments.files import Files
from openclaw_agent.attachments.pictures import SentPictures, as_seen, for_pictures, with_pictures
from openclaw_agent.attachments.to_text import AttachmentReader, UnreadableAttachment, with_attachments
from openclaw_agent.preview import Preview
from openclaw_agent.prompt import cuts, model_call
from openclaw_agent.store_retry import until_stored
from openclaw_core import logs
from openclaw_core.characters import is_blank
from openclaw_core.models import answer_stream
from openclaw_core.models.answer_stream import AnswerFailed, AnswerRestarted, TextAdded
from openclaw_core.ports import Message, ModelCall, StreamingModel, Transcriber
from openclaw_core.roles.values import READ_DOCUMENT
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.receipt import Receipt, digest, messages_digest
from openclaw_core.tasks.run_usage import RunUsage, usage_fields
from openclaw_core.tasks.task import RoleSnapshot, Task
from openclaw_core.tasks.timings import Part, Stopwatch
from openclaw_core.tasks.work import Answered, GaveUp, Run, Work
from openclaw_core.texts import wording
from openclaw_core.texts.imitated import without_imitated
from openclaw_core.texts.notes import with_note

if TYPE_CHECKING:
    from openclaw_agent.tools.documents.opened_documents import OpenedDocuments
    from openclaw_agent.tools.tool import Tool

log = logs.get(__name__)
GATHER_POLL_S = 0.05
"""While more of a task may still come."""


@dataclass(kw_only=True)
class RunAnswerer:
    """Answers runs, one at a time."""

    work: Work
    chat: StreamingModel
    transcriber: Transcriber
    files_of: Callable[[Run], Files]
    task_deadline_s: float
    voice_models: Sequence[str] = ()
    tools_of: "Callable[[Sequence[str]], Mapping[str, Tool]]" = field(default=lambda _: {})
    """The tools of these names that an agent can use. It is called for roles with tools alone."""
    open_documents: "Callable[[], OpenedDocuments] | None" = None
    """Where a task's documents are opened. It is called for tasks with files and roles that read them."""
    revision: str = ""
    """The commit that this program was built from, for receipts."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    handing_over: bool = field(default=False, init=False)
    """Whether a whole answer is being written to the store."""

    async def answer(self, run: Run) -> Cause | None:
        """Answer *run*, or fail it, and hand the result over. Returns the cause of the failure, None for an answer.

        Raises LostOwnership, and StoreFault if Redis refuses the result.
        """
        ends_at = asyncio.get_running_loop().time() + self.task_deadline_s
        more_sent = False
        watch = Stopwatch(began_s=run.claimed_s, clock=self.clock)
        watch.took(Part.LOAD, run.claimed_s)
        while True:
            result: Answered | GaveUp | None
            try:
                async with asyncio.timeout_at(ends_at):
                    if more_sent:
                        run = await self._whole(run)
                    result = await self._try_to_answer(run, ends_at, watch)
            except UnreadableAttachment as exc:
                result = GaveUp(cause=exc.cause)
            except TimeoutError:
                result = GaveUp(cause=Cause.DEADLINE)
            if result is not None and await self._hand_over(run, replace(result, timings=watch.handed_over())):
                return result.cause if isinstance(result, GaveUp) else None
            more_sent = True  # nothing was shown yet: the model is asked again, with everything that was sent

    async def _hand_over(self, run: Run, result: Answered | GaveUp) -> bool:
        """Write *result* to the store. False if the user sent more for this task."""
        self.handing_over = isinstance(result, Answered)
        try:
            if not await until_stored(partial(self.work.end, run, result), sleep=self.sleep):
                return False
        finally:
            self.handing_over = False
        if isinstance(result, Answered):
            log.info("task.answered", **usage_fields(result.usage))
        else:
            log.warning("task.failed", cause=result.cause.value)
        return True

    async def _whole(self, run: Run) -> Run:
        """The run with all that the user sent for its task, as soon as that is complete."""
        while (whole := await until_stored(partial(self.work.grown, run), sleep=self.sleep)) is None:
            await self.sleep(GATHER_POLL_S)
        log.info("task.grown")
        return whole

    async def _try_to_answer(self, run: Run, ends_at: float, watch: Stopwatch) -> Answered | GaveUp | None:
        """The answer, or the cause of its failure; None if the user sent more for this task. Raises UnreadableAttachment."""
        run = replace(run, snapshot=for_pictures(run.snapshot, run.task))
        documents, pictures = self._documents(run), SentPictures()
        task = await self._with_attachments(run, documents, pictures, watch)
        preview: Preview
        ask: Coroutine[Any, Any, Answered | GaveUp | None]
        if run.snapshot.functions:
            preview, ask = await self._in_steps(run, task, documents, pictures, ends_at, watch)
        else:
            preview = Preview(work=self.work, run=run, clock=self.clock, sleep=self.sleep)
            ask = self._ask_models(run, task, pictures, preview, watch)
        writing = asyncio.create_task(preview.keep_written(), name="write")
        asking = asyncio.create_task(ask, name="ask")
        try:
            await asyncio.wait([writing, asking], return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
            writing.result()  # raises LostOwnership
            return None
        finally:
            for one in (writing, asking):
                one.cancel()
            await asyncio.gather(writing, asking, return_exceptions=True)

    def _documents(self, run: Run) -> "OpenedDocuments | None":
        """Where the documents of *run* are to be opened; None if it has none, or its role reads none."""
        if self.open_documents is None or READ_DOCUMENT not in run.snapshot.functions:
            return None
        return self.open_documents() if any(one.kind in ("file", "document") for one in run.task.attachments) else None

    async def _with_attachments(
        self, run: Run, documents: "OpenedDocuments | None", pictures: SentPictures, watch: Stopwatch
    ) -> Task:
        """The task with the text of its attachments, which goes into the chat's memory too.

        Its pictures are added to *pictures*. Raises UnreadableAttachment.
        """
        if not run.task.attachments:
            return run.task
        reader = AttachmentReader(
            files=self.files_of(run), transcriber=self.transcriber, voice_models=self.voice_models, sleep=self.sleep
        )
        telling: contextlib.AbstractAsyncContextManager[None] = contextlib.nullcontext()
        if documents is not None:
            from openclaw_agent.tools.documents.opening import told_of_opening

            telling = told_of_opening(self.work, run, sleep=self.sleep)
        with watch.part(Part.FILES):
            async with telling:
                task, said = await with_attachments(
                    run.task,
                    reader,
                    max_tokens=run.snapshot.history_tokens,
                    documents=documents,
                    pictures=pictures if run.snapshot.seeing else None,
                )
        await until_stored(partial(self.work.amend, run, said), sleep=self.sleep)
        return task

    async def _ask_models(
        self, run: Run, task: Task, pictures: SentPictures, preview: Preview, watch: Stopwatch
    ) -> Answered | GaveUp:
        """The answer of the first model that gives one, or the cause of the last failure. The text grows in *preview*."""
        began, first_s = self.clock(), None
        requests = _Requests(run, task, pictures)
        answerer = answer_stream.AnswerStream(
            chat=self.chat, models=run.snapshot.models, make_call=watch.once(Part.PROMPT, requests),
            deadline_s=self.task_deadline_s, clock=self.clock, sleep=self.sleep, on_asked=watch.asked,
        )  # fmt: skip
        async with contextlib.aclosing(answerer.run()) as events:
            async for event in events:
                if isinstance(event, TextAdded):
                    first_s = self.clock() - began if first_s is None else first_s
                    preview.add(event.text)
                elif isinstance(event, AnswerRestarted):
                    preview.clear()
                elif isinstance(event, AnswerFailed):
                    return GaveUp(cause=event.cause)
                elif not is_blank(text := without_imitated(event.text)):
                    usage = _usage(event, model_s=self.clock() - began, first_s=first_s)
                    return self._answered(replace(event, text=text), usage, requests)
        return GaveUp(cause=Cause.EMPTY_ANSWER)

    async def _in_steps(
        self,
        run: Run,
        task: Task,
        documents: "OpenedDocuments | None",
        pictures: SentPictures,
        ends_at: float,
        watch: Stopwatch,
    ) -> "tuple[Preview, Coroutine[Any, Any, Answered | GaveUp | None]]":
        """The same for a role with tools: the preview, and the answer in steps. Nothing else loads the tools."""
        await asyncio.to_thread(importlib.import_module, "openclaw_agent.steps.loop")
        from openclaw_agent.steps.loop import StepLoop

        requests = _Requests(run, task, pictures)
        loop = StepLoop(
            work=self.work,
            chat=self.chat,
            run=run,
            tools=await asyncio.to_thread(self.tools_of, run.snapshot.functions),
            documents=documents,
            make_call=watch.once(Part.PROMPT, requests),
            watch=watch,
            ends_at=ends_at,
            deadline_s=self.task_deadline_s,
            clock=self.clock,
            sleep=self.sleep,
        )

        async def ask() -> Answered | GaveUp | None:
            finished = await loop.answer()
            if finished is None or isinstance(finished, GaveUp):
                return finished
            return self._answered(finished.answer, finished.usage, requests)

        return loop.preview, ask()

    def _answered(self, answer: answer_stream.AnswerComplete, usage: RunUsage, requests: "_Requests") -> Answered:
        run, tools = requests.run, requests.run.snapshot.functions or requests.run.snapshot.tools
        receipt = Receipt(
            revision=self.revision, prompt=digest(run.snapshot.prompt), messages=messages_digest(requests.newest), tools=tools
        )  # fmt: skip
        markdown = _with_notes(answer, requests.task, run.snapshot, requests.pictures)
        return Answered(markdown=markdown, usage=replace(usage, receipt=receipt))


@dataclass
class _Requests:
    """Makes the requests of a run. It remembers the *newest* messages: once there is an answer, those that were answered."""

    run: Run
    task: Task
    pictures: SentPictures
    newest: tuple[Message, ...] = ()

    def __call__(self, model: str, shrink: int) -> ModelCall:
        snapshot, given = self.run.snapshot, self.pictures.given_to(model, self.run.snapshot)
        call = model_call(as_seen(self.task, model, snapshot, self.pictures), snapshot, self.run.history, model, shrink)
        # Pictures are not shrunk: a server that finds them too large leaves them to the next model.
        call = replace(call, messages=with_pictures(call.messages, given, left_out=self.pictures.left_out))
        self.newest = call.messages
        return call


def _usage(answer: answer_stream.AnswerComplete, *, model_s: float, first_s: float | None) -> RunUsage:
    usage = answer.usage
    return RunUsage(
        model=answer.model, calls=answer.calls, prompt_tokens=usage.prompt_tokens, cached_tokens=usage.cached_tokens,
        answer_tokens=usage.answer_tokens, counted=usage.counted, model_ms=round(model_s * 1000),
        first_token_ms=None if first_s is None else round(first_s * 1000),
    )  # fmt: skip


def _with_notes(
    answer: answer_stream.AnswerComplete, task: Task, snapshot: RoleSnapshot, pictures: SentPictures
) -> str:
    """The answer with notes below it: an attachment was not seen, a file was shortened, the answer was cut."""
    notes = [wording.unseen_note(task.unseen, task.lang)] if task.unseen else []
    if pictures.seen and not pictures.given_to(answer.model, snapshot):
        notes.append(wording.sentence(wording.Sentence.SEEING_MODEL_AWAY, task.lang))
    elif pictures.left_out:
        notes.append(wording.sentence(wording.Sentence.PICTURES_LEFT_OUT, task.lang))
    if any(one.kind == "file" for one in task.attachments) and cuts(task, snapshot):
        notes.append(wording.sentence(wording.Sentence.FILE_SHORTENED, task.lang))
    if answer.truncated:
        notes.append(wording.sentence(wording.Sentence.TRUNCATED, task.lang))
    markdown = answer.text
    for note in notes:
        markdown = with_note(markdown, f"_{note}_")
    return markdown
