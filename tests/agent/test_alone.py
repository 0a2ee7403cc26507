"""A task by itself: one process answers it and shows the answer, and a repeat of the same id is harmless."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from openclaw_agent.alone.runner import do_alone, task_of
from openclaw_agent.alone.work import AloneDisplays, AloneWork, MessengerFiles
from openclaw_agent.attachments.files import NoFile
from openclaw_agent.settings import Alone
from openclaw_core.chat.delivery.displays import Growing, Stage
from openclaw_core.errors import (
    ChatUnauthorized,
    FloodWait,
    MessengerRefused,
    MessengerUnavailable,
    SettingsError,
    StoreFault,
    StoreUnavailable,
)
from openclaw_core.roles.check import load_roles
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Delivery, Exit, TaskState
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.tasks.task import Attachment, Task
from openclaw_core.tasks.work import Run
from tests.agent.harness import AgentHarness, task
from tests.fakes.alone import FakeDeliverer, FakeRecords
from tests.fakes.messenger import FakeMessenger
from tests.fakes.time import FakeTime
from tests.fakes.work import ORDER
from tests.waiting import until

LONELY = task(1, "lonely question")


@dataclass
class Start:
    """One start of the process, on records that outlive it."""

    records: FakeRecords = field(default_factory=FakeRecords)
    harness: AgentHarness = field(default_factory=AgentHarness)
    deliverer: FakeDeliverer = field(default_factory=FakeDeliverer)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: Task = LONELY

    def __post_init__(self) -> None:
        self.records = self.records.start()
        self.displays = AloneDisplays(
            stored=self.records, task_id=self.task.id, deliverer=self.deliverer, deadline_ms=5
        )
        self.deliverer.displays = self.displays
        self.work = AloneWork(records=self.records, displays=self.displays)
        self.harness.answerer.work = self.work

    async def run(self) -> Exit:
        async with asyncio.timeout(20):
            return await do_alone(self.task, ORDER, self.work, self.harness.answerer, self.deliverer, self.stop)

    def begun(self) -> "asyncio.Task[Exit]":
        return asyncio.create_task(self.run())


async def test_it_is_answered_shown_and_recorded() -> None:
    start = Start()
    assert await start.run() is Exit.DONE

    assert start.deliverer.said == ["The whole answer."]
    assert start.records.states == {"u1": TaskState.CLOSED}
    assert start.records.deliveries == {"u1": Delivery.DELIVERED}
    assert [(turn.speaker, turn.text) for turn in start.records.turns] == [
        ("user", "lonely question"),
        ("assistant", "The whole answer."),
    ]


async def test_its_text_is_shown_while_it_grows() -> None:
    start = Start()
    start.harness.chat.goes_on.clear()
    running = start.begun()
    await until(lambda: start.deliverer.said)
    start.harness.chat.goes_on.set()

    assert await running is Exit.DONE
    assert start.deliverer.said == ["The whol", "The whole answer."]


async def test_the_model_reads_the_conversation_before_it_and_the_question_once() -> None:
    before = [Turn(task_id="a", speaker="assistant", text="hi"), Turn(task_id="b", speaker="user", text=LONELY.text)]
    start = Start(records=FakeRecords(turns=before))
    await start.run()

    assert [message.content for message in start.harness.chat.calls[0].messages[1:]] == ["hi", "lonely question"]
    assert [turn.text for turn in start.records.turns] == ["hi", "lonely question", "The whole answer."]


async def test_a_repeat_changes_nothing() -> None:
    first = Start()
    await first.run()
    again = Start(records=first.records)

    assert await again.run() is Exit.DONE
    assert (again.harness.chat.calls, again.deliverer.said) == ([], [])


async def test_an_answer_that_was_recorded_and_not_shown_is_shown_by_a_repeat_without_a_model() -> None:
    first = Start()
    first.deliverer.goes_on.clear()
    running = first.begun()
    await until(lambda: first.records.states.get("u1") is TaskState.ANSWERED)
    first.stop.set()
    assert await running is Exit.TRY_AGAIN
    again = Start(records=first.records)

    assert await again.run() is Exit.DONE
    assert (again.harness.chat.calls, again.deliverer.said) == ([], ["The whole answer."])


async def test_a_task_that_was_interrupted_is_begun_again_by_a_repeat_in_its_own_message() -> None:
    first = Start()
    first.harness.chat.goes_on.clear()
    running = first.begun()
    await until(lambda: first.deliverer.said)
    first.stop.set()
    assert await running is Exit.TRY_AGAIN
    assert first.records.states == {"u1": TaskState.RUNNING}
    again = Start(records=first.records)

    assert await again.run() is Exit.DONE
    assert again.deliverer.said == ["The whole answer."]
    assert again.records.slots == {"u1": {0: 1001}}


async def test_a_failure_that_was_recorded_and_not_shown_is_shown_by_a_repeat_without_a_model() -> None:
    first = Start()
    first.harness.chat.script = [ChatUnauthorized("401")]
    first.deliverer.goes_on.clear()
    running = first.begun()
    await until(lambda: first.records.states.get("u1") is TaskState.FAILED)
    first.stop.set()
    assert await running is Exit.TRY_AGAIN
    again = Start(records=first.records)

    assert await again.run() is Exit.DONE
    assert (again.harness.chat.calls, again.deliverer.said) == ([], ["failed: model_key"])
    third = Start(records=first.records)
    assert await third.run() is Exit.DONE
    assert third.deliverer.said == []


async def test_of_two_starts_the_newest_answers_and_the_older_one_ends() -> None:
    older = Start()
    older.harness.chat.goes_on.clear()
    running = older.begun()
    await until(lambda: older.deliverer.said)
    newer = Start(records=older.records)

    assert await newer.run() is Exit.DONE
    assert await running is Exit.DONE
    assert (older.deliverer.said, newer.deliverer.said) == (["The whol"], ["The whole answer."])
    assert [turn.text for turn in newer.records.turns] == ["lonely question", "The whole answer."]


async def test_an_older_start_hears_of_a_newer_one_that_has_not_ended() -> None:
    older = Start()
    older.harness.chat.goes_on.clear()
    running = older.begun()
    await until(lambda: older.deliverer.said)
    await older.records.start().begin(LONELY)

    assert await running is Exit.DONE
    assert older.records.states == {"u1": TaskState.RUNNING}


async def test_an_answer_of_an_older_start_counts_no_more() -> None:
    older = Start()
    older.harness.chat.goes_on.clear()
    running = older.begun()
    await until(lambda: older.harness.chat.calls)
    await older.records.start().begin(LONELY)
    older.harness.chat.goes_on.set()

    assert await running is Exit.DONE
    assert older.records.states == {"u1": TaskState.RUNNING}
    assert older.records.answers == {}


async def test_an_older_start_ends_where_a_newer_one_shows_the_answer() -> None:
    older = Start()
    older.deliverer.goes_on.clear()
    running = older.begun()
    await until(lambda: older.records.states.get("u1") is TaskState.ANSWERED)
    newer = Start(records=older.records)
    assert await newer.run() is Exit.DONE
    older.deliverer.goes_on.set()

    assert await running is Exit.DONE
    assert newer.deliverer.said == ["The whole answer."]


async def test_a_failure_is_shown() -> None:
    start = Start()
    start.harness.chat.script = [ChatUnauthorized("401")]

    assert await start.run() is Exit.MISCONFIGURED
    assert start.deliverer.said == ["failed: model_key"]


async def test_a_stop_keeps_what_was_shown() -> None:
    start = Start()
    start.harness.chat.goes_on.clear()
    running = start.begun()
    await until(lambda: start.deliverer.said)
    start.records.stop("u1")

    assert await running is Exit.DONE
    assert start.deliverer.said == ["The whol", "The whol stopped"]


async def test_a_stop_just_before_the_end_counts() -> None:
    start = Start()
    start.harness.chat.goes_on.clear()
    running = start.begun()
    await until(lambda: start.harness.chat.calls)
    start.records.stop("u1")
    start.harness.chat.goes_on.set()

    assert await running is Exit.DONE
    assert start.records.answers == {}
    assert start.deliverer.said[-1].endswith("stopped")


async def test_what_ends_the_delivery_ends_the_task_and_a_repeat_shows_the_answer() -> None:
    start = Start()
    start.deliverer.fault = StoreFault("refused")

    with pytest.raises(StoreFault):
        await start.run()
    assert start.records.states == {"u1": TaskState.ANSWERED}


async def test_it_does_not_end_before_the_last_doubtful_edit_is_settled() -> None:
    start = Start()
    start.deliverer.doubts_ms = [1000]
    running = start.begun()
    await until(lambda: start.records.deliveries)
    await asyncio.sleep(0.05)
    assert not running.done()
    assert await start.displays.due(999) == []
    [again] = await start.displays.due(1000)
    assert again.delivered
    await start.displays.settled(again.id, 1000)

    assert await running is Exit.DONE


async def test_delivery_reads_the_display_as_it_is_now() -> None:
    start = Start()
    await start.records.begin(LONELY)
    [display] = await start.displays.changed(0)
    assert (display.stage, display.delivered, display.deadline_ms) == (Stage.GROWING, False, 5)
    assert await start.displays.changed(display.version) == []
    assert not (await start.displays.growing(display.id)).began
    status = Status(doing=Doing.READING, subject="a.org")
    start.displays.grow("", status)
    assert await start.displays.growing(display.id) == Growing(status=status)
    start.displays.grow("words")
    assert await start.displays.growing(display.id) == Growing(text="words", began=True)
    assert await start.displays.shown(display.id, display.version, Delivery.DELIVERED)
    assert start.records.deliveries == {}, "what grows is not shown for good"
    start.displays.end()
    assert not await start.displays.shown(display.id, display.version, Delivery.DELIVERED), "it has changed since"


async def test_redis_that_is_away_at_the_beginning_is_told() -> None:
    start = Start()

    async def away(task: Task) -> object:
        raise StoreUnavailable("away")

    start.work.records = replace_begin(start.records, away)
    with pytest.raises(StoreUnavailable):
        await start.run()


def replace_begin(records: FakeRecords, begin: Callable[..., object]) -> FakeRecords:
    other = replace(records)
    other.begin = begin  # type: ignore[method-assign,assignment]
    return other


# ---- the environment's task


ALONE = Alone(
    task_id="alone-t", chat_id=-5, role="", text="שלום", telegram_token="1:a", telegram_base_url=None, roles_dir=Path()
)  # fmt: skip


def test_the_task_of_the_environment(platform_base: Path) -> None:
    roles = load_roles(platform_base)
    task, order = task_of(ALONE, roles)

    assert (task.id, task.chat_id, task.chat_kind, task.lang, task.text) == ("alone-t", -5, "group", "he", "שלום")
    assert task.role == order.role == roles.default
    with pytest.raises(SettingsError, match="ROLE must be one of coder, researcher, summarizer"):
        task_of(replace(ALONE, role="poet"), roles)


# ---- its files, by the token that it has


@pytest.mark.parametrize(
    "faults", [[], [MessengerUnavailable("502")], [FloodWait(retry_after_s=30), MessengerUnavailable("502")]]
)
async def test_a_file_is_fetched_again_after_a_passing_fault(faults: list[Exception]) -> None:
    messenger, time = FakeMessenger(uploads={"f": b"text"}, faults={"get_file_bytes": list(faults)}), FakeTime()
    files = MessengerFiles(messenger=messenger, attachments=(Attachment(kind="file", file_id="f"),), sleep=time.sleep)

    assert await files.content(0) == b"text"
    assert len(messenger.calls) == len(faults) + 1


async def test_a_file_that_is_refused_is_asked_for_once() -> None:
    messenger = FakeMessenger(uploads={"f": b"text"}, faults={"get_file_bytes": [MessengerRefused("gone")]})
    with pytest.raises(NoFile):
        await MessengerFiles(messenger=messenger, attachments=(Attachment(kind="file", file_id="f"),)).content(0)
    assert messenger.calls == ["get_file_bytes"]


async def test_a_task_alone_is_in_no_pool() -> None:
    work = Start().work
    assert await work.claim() is None
    run = Run(name="u1", task=LONELY, snapshot=ORDER, history=(), attempt=1)
    assert await work.grown(run) is run
