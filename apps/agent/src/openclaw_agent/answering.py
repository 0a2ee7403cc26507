"""The use case: a claimed task, its history, the model's stream, previews, the outbox, delivery, the end."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_agent.delivery import EDIT_INTERVAL_S, Courier, persist
from openclaw_agent.lease import Lease
from openclaw_agent.prompt import cuts, messages
from openclaw_agent.reading import Reader, Unreadable, in_words
from openclaw_core import logs, wording
from openclaw_core.answer_stream import Answered, Answerer, Failed, Grew, Restarted
from openclaw_core.characters import is_blank
from openclaw_core.errors import (
    BadTask,
    ChatGone,
    LostOwnership,
    MarkupRefused,
    MessageGone,
    MessengerRefused,
    MessengerUnauthorized,
    MessengerUnavailable,
    StoreFull,
    StoreUnavailable,
)
from openclaw_core.notes import with_note
from openclaw_core.outcome import Cause, Delivery
from openclaw_core.ports import Ears, Messenger, ModelCall, Speaker
from openclaw_core.store import Answers, Claimed, Flood
from openclaw_core.task import Order, Task

log = logs.get(__name__)
ACTION_EVERY_S = 4.5
"""'typing' is shown for 5 s."""
FIRST_WORDS_CHARS = 80
FIRST_WORDS_S = 0.4
"""Fewer and younger first words wait: a model whose thoughts no mark began may say with the next ones that they were thoughts."""
GROWN_S = 0.05
"""Between two looks at a task of which more may be coming."""


class _Grown(Exception):
    """More was sent that belongs to the task, before a word of the answer was shown: its model is asked again, with all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How it ended for this process: no *cause* means that the answer is delivered; *lost* that it is another's now."""

    cause: Cause | None = None
    lost: bool = False


@dataclass(kw_only=True)
class Answering:
    answers: Answers
    messenger: Messenger
    chat: Speaker
    ears: Ears
    flood: Flood
    task_deadline_s: float
    voice_models: Sequence[str] = ()
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _courier: Courier | None = None
    _text: list[str] = field(default_factory=list)

    async def answer(self, claimed: Claimed, lease: Lease) -> Result:
        """Bring one task to its end. Raises LostOwnership; everything else ends in a state that its user sees."""
        courier = Courier(
            claimed=claimed,
            answers=self.answers,
            messenger=self.messenger,
            flood=self.flood,
            lease=lease,
            sleep=self.sleep,
        )
        self._courier, self._text = courier, []
        outbox: Any = claimed.outbox
        if outbox is None:
            produced = await self._produce(claimed, courier)
            if isinstance(produced, Cause):
                await persist(lambda: self.answers.give_up(claimed, produced))
                log.warning("task.failed", cause=produced.value)
                return Result(cause=produced)
            outbox = produced
        try:
            delivery = await courier.deliver(outbox)
        except BadTask:
            log.error("delivery.unreadable")
            await persist(lambda: self.answers.give_up(claimed, Cause.BAD_TASK))
            return Result(cause=Cause.BAD_TASK)
        except ChatGone:
            log.warning("delivery.chat_gone")
            await persist(lambda: self.answers.give_up(claimed, Cause.REFUSED, chat_gone=True))
            return Result()
        except (MarkupRefused, MessengerRefused, MessengerUnauthorized) as exc:
            log.error("delivery.refused", error=type(exc).__name__)
            await persist(lambda: self.answers.give_up(claimed, Cause.INTERNAL))
            return Result(cause=Cause.INTERNAL)
        except MessengerUnavailable:
            log.warning("delivery.unavailable")
            if await self.answers.hand_back(claimed):
                return Result(lost=True)
            delivery = Delivery.PENDING
        await persist(
            lambda: self.answers.close(
                claimed, answer=str(outbox.get("answer", "")), role=claimed.task.role or "", delivery=delivery
            )
        )
        log.info("task.closed", delivery=delivery.value, took_ms=round(time.time() * 1000) - claimed.task.admitted_ms)
        return Result()

    async def mark_stopped(self, claimed: Claimed) -> None:
        """The user pressed Stop: say so in the text that was shown."""
        if self._courier is not None:
            with contextlib.suppress(
                ChatGone, LostOwnership, MessageGone, MessengerUnavailable, MessengerRefused, MarkupRefused
            ):
                await self._courier.mark_stopped("".join(self._text))
        await persist(lambda: self.answers.marked_stopped(claimed))

    async def _produce(self, claimed: Claimed, courier: Courier) -> dict[str, Any] | Cause:
        """The outbox of an answer, recorded; or why there is none."""
        order = claimed.task.order
        if order is None:
            return Cause.BAD_TASK
        side = [
            asyncio.create_task(self._show_progress(courier, claimed), name="previews"),
            asyncio.create_task(self._typing(claimed), name="typing"),
        ]
        try:
            async with asyncio.timeout(self.task_deadline_s):
                while True:
                    task = await self._read(claimed, order)
                    with contextlib.suppress(_Grown):
                        return await self._ask(claimed, task, order, courier, side)
                    claimed = await self._grown(claimed)
        except Unreadable as exc:
            return exc.cause
        except TimeoutError:
            return Cause.DEADLINE
        finally:
            await _end(side)
            await courier.settle()  # before anybody else writes into the message that it reserves

    async def _read(self, claimed: Claimed, order: Order) -> Task:
        """The task with its materials in words, which the chat's memory keeps too. Raises Unreadable."""
        if not claimed.task.materials:
            return claimed.task
        reader = Reader(messenger=self.messenger, ears=self.ears, voice_models=self.voice_models, sleep=self.sleep)
        task, turn = await in_words(claimed.task, reader, max_tokens=order.history_tokens)
        await self.answers.amend(claimed, turn)
        return task

    async def _grown(self, claimed: Claimed) -> Claimed:
        """The task once all that belongs to it is there."""
        while (whole := await persist(lambda: self.answers.grown(claimed))) is None:
            await asyncio.sleep(GROWN_S)
        log.info("task.grown")
        return whole

    async def _ask(
        self, claimed: Claimed, task: Task, order: Order, courier: Courier, side: "list[asyncio.Task[None]]"
    ) -> dict[str, Any] | Cause:
        history = await self.answers.history(claimed)

        def make_call(model: str, shrink: int) -> ModelCall:
            return ModelCall(
                model=model,
                messages=messages(task, order, history, shrink=shrink),
                max_tokens=max(256, order.max_answer_tokens >> shrink),
                temperature=order.temperature,
                reasoning_effort=order.reasoning_effort,
                tools=order.tools,
                first_token_timeout_s=60,
            )

        begun = self.clock()
        first_s: float | None = None
        answerer = Answerer(
            chat=self.chat, models=order.models, make_call=make_call, deadline_s=self.task_deadline_s, sleep=self.sleep
        )
        async with contextlib.aclosing(answerer.run()) as events:
            async for event in events:
                if isinstance(event, Grew):
                    if first_s is None:
                        first_s = self.clock() - begun
                        if not await persist(lambda: self.answers.preview(claimed)):
                            raise _Grown
                    self._text.append(event.text)
                elif isinstance(event, Restarted):
                    self._text.clear()
                elif isinstance(event, Failed):
                    return event.cause
                else:
                    if is_blank(event.text):
                        return Cause.EMPTY_ANSWER
                    if task.unseen:
                        note = wording.unseen(task.unseen, task.lang)
                        event = replace(event, text=with_note(event.text, f"_{note}_"))
                    if any(one.kind == "file" for one in task.materials) and cuts(task, order):
                        note = wording.say(wording.Say.FILE_SHORTENED, task.lang)
                        event = replace(event, text=with_note(event.text, f"_{note}_"))
                    return await self._record(
                        claimed, courier, event, side, model_s=self.clock() - begun, first_s=first_s
                    )
        return Cause.EMPTY_ANSWER

    async def _record(
        self,
        claimed: Claimed,
        courier: Courier,
        event: Answered,
        side: "list[asyncio.Task[None]]",
        *,
        model_s: float,
        first_s: float | None,
    ) -> dict[str, Any]:
        await _end(side)
        await courier.settle()  # before the final edit, so that no preview comes after it
        outbox = courier.outbox(event.text, truncated=event.truncated)
        run = {
            "model": event.model, "calls": event.calls, "prompt_tokens": event.usage.prompt_tokens, "cached_tokens": event.usage.cached_tokens,
            "answer_tokens": event.usage.answer_tokens, "counted": event.usage.counted, "model_ms": round(model_s * 1000),
            "first_token_ms": None if first_s is None else round(first_s * 1000),
        }  # fmt: skip
        await persist(lambda: self.answers.answered(claimed, outbox, run))
        log.info("task.answered", **run)
        return outbox

    async def _show_progress(self, courier: Courier, claimed: Claimed) -> None:
        """Reserve the message at once, then show the growing text, at most once in each interval."""
        interval_s = EDIT_INTERVAL_S[claimed.task.chat_kind]
        try:
            await courier.reserve(0)
            said, next_at, since = "", 0.0, time.monotonic()
            while True:
                await asyncio.sleep(0.05)
                text = "".join(self._text)
                if is_blank(text):
                    since = time.monotonic()
                    continue
                if not said and len(text) < FIRST_WORDS_CHARS and time.monotonic() - since < FIRST_WORDS_S:
                    continue
                if text == said or self.clock() < next_at:
                    continue
                if await courier.preview(text):
                    said = text
                next_at = self.clock() + interval_s
        except (
            ChatGone,
            MessengerRefused,
            MessengerUnauthorized,
            MessengerUnavailable,
            LostOwnership,
            StoreUnavailable,
            StoreFull,
        ) as exc:
            log.info("preview.ended", error=type(exc).__name__)  # the final delivery meets the same fault and decides

    async def _typing(self, claimed: Claimed) -> None:
        while is_blank("".join(self._text)):
            with contextlib.suppress(Exception):  # a sign only: the answer does not depend on it
                await self.messenger.action(claimed.task.chat_id, thread_id=claimed.task.thread_id)
            await asyncio.sleep(ACTION_EVERY_S)


async def _end(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
