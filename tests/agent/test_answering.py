"""A claimed task to its end, over a real store: what the chat sees when a step of the way fails, and what is written down."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from openclaw_agent.answering import Answering, Result
from openclaw_agent.app import own
from openclaw_agent.lease import Lease
from openclaw_core.errors import (
    ChatGone,
    ChatUnauthorized,
    FateUnknown,
    LostOwnership,
    MarkupRefused,
    MessageGone,
    MessengerUnavailable,
)
from openclaw_core.outcome import Cause, Exit, TaskState
from openclaw_core.ports import ModelCall, Piece, Usage
from openclaw_core.store import Answers, Claimed, Flood, Script
from openclaw_core.task import ChatKind, Material
from tests.core.store_world import World, task
from tests.fakes.chat import FakeChat
from tests.fakes.messenger import FakeMessenger

LONG_CODE = "Here:\n\n```python\n" + "\n".join(f"print({n})" for n in range(80)) + "\n```"


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


@dataclass
class Desk:
    """One agent with fakes at its edges, and the store's view of what it does."""

    store: World
    messenger: FakeMessenger = field(default_factory=FakeMessenger)
    chat: FakeChat = field(default_factory=FakeChat)
    answering: Answering = field(init=False)

    def __post_init__(self) -> None:
        self.answering = Answering(
            answers=self.store.agent, messenger=self.messenger, chat=self.chat, ears=self.chat, flood=Flood(self.store.script), task_deadline_s=3000, voice_models=("m",), sleep=no_pause
        )  # fmt: skip

    def lease(self, claimed: Claimed) -> Lease:
        # Nobody renews here, so its clock stands still: a busy machine must not make it run out.
        return Lease(answers=self.store.agent, claimed=claimed, since=0.0, clock=lambda: 0.0)

    async def answer(self, claimed: Claimed) -> Result:
        return await self.answering.answer(claimed, self.lease(claimed))

    async def fields(self, *names: str) -> list[str | None]:
        row = (await self.store.lanes.fields(["u1"], *names))[0]
        return [row[name] for name in names]


@pytest.fixture
async def desk(script: Script) -> Desk:
    store = World(script)
    await store.lead()
    return Desk(store)


async def until(found: "object") -> None:
    async with asyncio.timeout(20):
        while not found():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_an_answer_is_edited_into_the_one_message_that_was_reserved(desk: Desk) -> None:
    claimed = await desk.store.claimed(task(1))
    assert await desk.answer(claimed) == Result()
    assert desk.messenger.texts == ["The whole answer."]
    assert list(desk.messenger.buttons.values()) == [[]]  # the Stop button is gone with the placeholder
    assert await desk.fields("state", "delivery") == ["closed", "delivered"]


async def test_a_refusal_waits_for_the_placeholder_on_its_way(desk: Desk) -> None:
    desk.chat.script = [ChatUnauthorized("401")]
    desk.chat.goes_on.clear()
    desk.messenger.sends_land.clear()
    claimed = await desk.store.claimed(task(1))
    answering = asyncio.create_task(desk.answer(claimed))
    await until(lambda: "send" in desk.messenger.calls)
    desk.chat.goes_on.set()
    await asyncio.sleep(0.3)
    assert not answering.done()
    desk.messenger.sends_land.set()
    assert await answering == Result(cause=Cause.MODEL_KEY)
    [message_id] = desk.messenger.shown
    assert await desk.fields("state", "slot0") == ["failed", str(message_id)]


async def test_a_message_that_was_deleted_is_replaced(desk: Desk) -> None:
    desk.messenger.faults["edit"] = [MessageGone("edit"), MessageGone("edit")]
    claimed = await desk.store.claimed(task(1))
    await desk.answer(claimed)
    assert desk.messenger.texts[-1] == "The whole answer."
    assert (await desk.fields("slot0"))[0] == str(max(desk.messenger.shown))


async def test_refused_formatting_goes_through_as_plain_text(desk: Desk) -> None:
    desk.chat.else_says = "This is **bold**."
    desk.messenger.refuses_entities = True
    await desk.answer(await desk.store.claimed(task(1)))
    [page] = desk.messenger.shown.values()
    assert (page.text, page.entities) == ("This is bold.", ())


async def test_one_refused_link_costs_the_answer_nothing_else(desk: Desk) -> None:
    desk.chat.else_says = "This is **bold**, [bad](https://bad.example) and [fine](https://fine.example)."
    desk.messenger.refused_urls = {"https://bad.example"}
    await desk.answer(await desk.store.claimed(task(1)))
    [page] = desk.messenger.shown.values()
    assert page.text == "This is bold, bad (https://bad.example) and fine."
    assert [entity.type for entity in page.entities] == ["bold", "text_link"]


async def test_a_preview_remembers_what_was_refused(desk: Desk) -> None:
    now, dictation = [100.0], Dictation()
    desk.answering.chat, desk.answering.clock = dictation, lambda: now[0]
    desk.messenger.refused_urls = {"https://bad.example"}
    answering = asyncio.create_task(desk.answer(await desk.store.claimed(task(1))))
    dictation.pieces.put_nowait("**one** [bad](https://bad.example) ")
    async with asyncio.timeout(60):
        while desk.messenger.texts != ["one bad (https://bad.example)"]:
            now[0] += 1.2
            await asyncio.sleep(0.1)
    assert desk.messenger.calls.count("edit") == 2
    [page] = desk.messenger.shown.values()
    assert [entity.type for entity in page.entities] == ["bold"]
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)


@pytest.mark.parametrize("unseen", ["\u200b\u200b", "\u00ad \u2060", "\u200f\n"])
async def test_an_answer_that_nobody_can_see_is_none(desk: Desk, unseen: str) -> None:
    desk.chat.else_says = unseen
    claimed = await desk.store.claimed(task(1))
    assert await desk.answer(claimed) == Result(cause=Cause.EMPTY_ANSWER)
    assert await desk.fields("state", "cause") == ["failed", "empty_answer"]
    assert "edit" not in desk.messenger.calls


async def test_an_answer_stored_without_a_page_is_told_as_failed(desk: Desk) -> None:
    claimed = await desk.store.claimed(task(1))
    outbox = {"pages": [], "files": [], "answer": ""}
    assert (await desk.answer(replace(claimed, outbox=outbox))).cause == Cause.INTERNAL


async def test_a_chat_that_is_gone_ends_the_task_as_undeliverable(desk: Desk) -> None:
    desk.messenger.faults["send"] = [ChatGone("403")] * 9
    await desk.answer(await desk.store.claimed(task(1)))
    assert await desk.fields("state", "delivery") == ["failed", "undeliverable"]


async def test_an_answer_that_telegram_refuses_altogether_is_told(desk: Desk) -> None:
    desk.messenger.faults["edit"] = [MarkupRefused("400")] * 99
    assert await desk.answer(await desk.store.claimed(task(1))) == Result(cause=Cause.INTERNAL)
    assert [notice.kind for notice in await desk.store.notices.waiting()] == ["failed"]


async def test_a_file_of_unknown_fate_is_offered_again_and_not_repeated(desk: Desk) -> None:
    desk.chat.else_says = LONG_CODE
    desk.messenger.faults["send_file"] = [FateUnknown("send_file")]
    await desk.answer(await desk.store.claimed(task(1)))
    assert desk.messenger.files == []
    assert await desk.fields("state", "delivery") == ["closed", "partial"]
    [button] = desk.messenger.buttons[max(desk.messenger.shown)]
    assert button.data.startswith("file:u1:")
    assert "I'm not sure the file reached you" in desk.messenger.texts[-1]


async def test_the_next_attempt_delivers_what_is_missing_and_asks_no_model(desk: Desk) -> None:
    claimed = await desk.store.claimed(task(1))
    desk.messenger.faults["edit"] = [MessengerUnavailable("502")] * 40
    assert (await desk.answer(claimed)).lost  # handed back with its answer
    desk.messenger.faults.clear()
    again = await desk.store.agent.claim()
    assert again is not None
    assert again.outbox is not None
    assert await desk.answer(again) == Result()
    assert (desk.messenger.texts, len(desk.chat.calls)) == (["The whole answer."], 1)
    assert await desk.fields("state", "tries") == ["closed", "0"]


async def test_an_answer_of_a_newer_agent_is_delivered_without_what_this_one_does_not_know(desk: Desk) -> None:
    bold = {"type": "bold", "offset": 0, "length": 2, "url": None, "language": None, "mood": "good"}
    page = {"text": "Hi", "entities": [bold], "mood": "good"}
    outbox = {"pages": [page], "files": [{"name": "a.py", "content": "print()", "mood": "good"}], "answer": "**Hi**"}
    claimed = await desk.store.claimed(task(1))
    await desk.store.agent.answered(claimed, outbox, {"model": "m"})
    assert await desk.answer(replace(claimed, outbox=outbox)) == Result()
    [shown] = desk.messenger.shown.values()
    assert (shown.text, [entity.type for entity in shown.entities]) == ("Hi", ["bold"])
    assert [file.name for file in desk.messenger.files] == ["a.py"]


async def test_sends_of_unknown_fate_are_bounded_and_the_answer_is_handed_on(desk: Desk) -> None:
    desk.messenger.faults["send"] = [FateUnknown("send")] * 99
    assert (await desk.answer(await desk.store.claimed(task(1)))).lost
    assert desk.messenger.calls.count("send") <= 16
    assert (await desk.fields("state"))[0] == "ready"


@dataclass
class Dictation(FakeChat):
    """Says what is put into it, when it is put."""

    pieces: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)

    async def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        while True:
            yield Piece(text=await self.pieces.get())


@dataclass
class Pieces(FakeChat):
    """Gives out the pieces that are put into it, the last one with its usage."""

    pieces: "asyncio.Queue[Piece]" = field(default_factory=asyncio.Queue)

    async def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        while True:
            piece = await self.pieces.get()
            yield piece
            if piece.usage is not None:
                return


@pytest.mark.parametrize(("kind", "interval_s"), [("private", 1.0), ("group", 3.0)])
async def test_a_growing_answer_is_edited_no_more_often_than_the_chat_allows(
    desk: Desk, kind: ChatKind, interval_s: float
) -> None:
    now, dictation = [100.0], Dictation()
    desk.answering.chat, desk.answering.clock = dictation, lambda: now[0]
    claimed = await desk.store.claimed(replace(task(1), chat_kind=kind))
    answering = asyncio.create_task(desk.answer(claimed))
    dictation.pieces.put_nowait("one ")
    await until(lambda: desk.messenger.texts == ["one"])
    dictation.pieces.put_nowait("two ")
    now[0] += interval_s - 0.1
    await asyncio.sleep(1.5)
    assert desk.messenger.texts == ["one"]
    async with asyncio.timeout(60):
        while desk.messenger.texts == [
            "one"
        ]:  # an edit that the flood limit would delay is left out, and the next one comes
            now[0] += interval_s
            await asyncio.sleep(0.2)
    assert desk.messenger.texts == ["one two"]
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)


async def test_first_words_that_prove_to_be_a_thought_are_never_shown(desk: Desk) -> None:
    dictation = Pieces()
    desk.answering.chat = dictation
    answering = asyncio.create_task(desk.answer(await desk.store.claimed(task(1))))
    await until(lambda: desk.messenger.shown)  # the placeholder
    shown: list[str] = []

    async def looking() -> None:
        while True:
            shown.extend(desk.messenger.texts)
            await asyncio.sleep(0.01)

    watching = asyncio.create_task(looking())
    dictation.pieces.put_nowait(Piece(text="plan"))
    await asyncio.sleep(0.15)
    dictation.pieces.put_nowait(Piece(text="Four.", anew=True))
    dictation.pieces.put_nowait(Piece(usage=Usage()))
    assert await answering == Result()
    watching.cancel()
    assert desk.messenger.texts == ["Four."]
    assert "plan" not in "".join(shown)
    [_, answer] = await desk.store.lanes.history(1)
    assert answer.text == "Four."


async def test_stop_marks_the_shown_text_and_ends_without_an_answer(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    claimed = await desk.store.claimed(task(1))
    owning = asyncio.create_task(
        own(desk.store.agent, desk.answering, claimed, time.monotonic(), asyncio.Event()), name="own"
    )
    await until(lambda: "The whol" in desk.messenger.texts)
    await desk.store.effects({"op": "stop", "key": "s", "chat": "1", "task": "u1"})
    assert await owning == Exit.DONE
    assert desk.messenger.texts == ["The whol\n\n⏹ Stopped"]
    assert await desk.fields("state") == ["cancelled"]


async def test_stop_while_the_placeholder_is_on_its_way_leaves_no_stop_button_behind(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    desk.messenger.sends_land.clear()
    claimed = await desk.store.claimed(task(1))
    owning = asyncio.create_task(own(desk.store.agent, desk.answering, claimed, time.monotonic(), asyncio.Event()))
    await until(lambda: "send" in desk.messenger.calls)
    await desk.store.effects({"op": "stop", "key": "s", "chat": "1", "task": "u1"})
    await asyncio.sleep(0.8)
    desk.messenger.sends_land.set()
    assert await owning == Exit.DONE
    assert desk.messenger.texts == ["The whol\n\n⏹ Stopped"]
    assert list(desk.messenger.buttons.values()) == [[]]


async def test_sigterm_gives_the_task_back_without_using_up_a_try(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    claimed = await desk.store.claimed(task(1))
    stop = asyncio.Event()
    owning = asyncio.create_task(own(desk.store.agent, desk.answering, claimed, time.monotonic(), stop))
    await until(lambda: desk.chat.calls)
    stop.set()
    assert await owning == Exit.TRY_AGAIN
    assert await desk.fields("state", "tries") == ["ready", "0"]


async def test_a_task_that_nobody_can_do_is_told_and_ends_with_its_own_code(desk: Desk) -> None:
    claimed = await desk.store.claimed(task(1))
    aimless = replace(claimed, task=replace(claimed.task, order=None))
    assert await own(desk.store.agent, desk.answering, aimless, time.monotonic(), asyncio.Event()) is Exit.BAD_TASK
    assert (desk.chat.calls, desk.messenger.shown) == ([], {})
    assert await desk.fields("state", "cause") == ["failed", "bad_task"]
    [notice] = await desk.store.notices.waiting()
    assert (notice.kind, notice.args["cause"]) == ("failed", "bad_task")


async def test_no_write_begins_under_a_lease_that_does_not_outlive_it(script: Script) -> None:
    store = World(script)
    await store.lead()
    claimed = await store.claimed(task(1))
    began = time.monotonic()
    now = [began]
    lease = Lease(answers=store.agent, claimed=claimed, since=began, clock=lambda: now[0])
    await lease.hold(8)  # fresh: 15 s are left
    now[0] += 10
    writing = asyncio.create_task(lease.hold(8))
    await asyncio.sleep(0.2)
    assert not writing.done()
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(0)
    now[0] += 3.5  # the next renewal is due
    async with asyncio.timeout(20):
        await writing
    await store.effects({"op": "stop", "key": "s", "chat": "1", "task": "u1"})
    async with asyncio.timeout(20):
        assert await keeping is TaskState.CANCELLED


async def test_an_attempt_that_lost_its_task_writes_nothing_more(desk: Desk) -> None:
    claimed = await desk.store.claimed(task(1))
    assert await desk.store.agent.hand_back(claimed)
    with pytest.raises(LostOwnership):
        await desk.answer(claimed)
    assert desk.messenger.shown == {}
    other = Answers(desk.store.script, pool="p", job="job-2")
    assert await other.claim() is not None


async def test_a_recording_is_answered_and_remembered_by_what_it_says(desk: Desk) -> None:
    desk.messenger.uploads["v"] = b"sound"
    desk.chat.hears = ["why is the sky blue"]
    asked = replace(task(1, text=""), materials=(Material(kind="voice", file_id="v", name="recording.ogg"),))
    await desk.answer(await desk.store.claimed(asked))
    assert desk.chat.calls[0].messages[-1].content == "why is the sky blue"
    said = [(turn.speaker, turn.text) for turn in await desk.store.lanes.history(1)]
    assert said == [("user", "why is the sky blue"), ("assistant", "The whole answer.")]


async def test_a_file_that_holds_no_text_fails_with_its_cause_and_asks_no_model(desk: Desk) -> None:
    desk.messenger.uploads["f"] = b"\x00\x01"
    asked = replace(task(1), materials=(Material(kind="file", file_id="f", name="a.txt"),))
    assert await desk.answer(await desk.store.claimed(asked)) == Result(cause=Cause.FILE_UNREADABLE)
    assert desk.chat.calls == []
    assert await desk.fields("state", "cause") == ["failed", "file_unreadable"]


async def test_a_long_file_is_answered_with_a_word_that_it_was_cut(desk: Desk) -> None:
    desk.messenger.uploads["f"] = b"line of words\n" * 5000
    asked = replace(task(1, text="sum up"), materials=(Material(kind="file", file_id="f", name="a.txt"),))
    await desk.answer(await desk.store.claimed(asked))
    assert "a.txt" in desk.chat.calls[0].messages[-1].content
    assert "The file is longer than I can read at once" in desk.messenger.texts[-1]
    [user, _] = await desk.store.lanes.history(1)
    assert user.text.startswith("sum up\n\n[the file a.txt]\nline of words")
    assert len(user.text) < 2000


async def test_words_that_came_with_a_picture_are_answered_with_a_word_that_it_was_not_seen(desk: Desk) -> None:
    claimed = await desk.store.claimed(replace(task(1), unseen="photo", lang="he"))
    await desk.answer(claimed)
    [text] = desk.messenger.texts
    assert "The whole answer.\n\n" in text
    assert text.endswith("אין כאן אפשרות לראות תמונות, והתשובה היא למילים בלבד.")


async def test_buttons_and_marks_keep_the_chosen_language(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    claimed = await desk.store.claimed(replace(task(1), notice_lang="he"))
    answering = asyncio.create_task(desk.answer(claimed))
    await until(lambda: desk.messenger.shown)
    assert [button.label for buttons in desk.messenger.buttons.values() for button in buttons] == ["⏹ עצירה"]
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)
    await desk.answering.mark_stopped(claimed)
    [text] = desk.messenger.texts
    assert text.endswith("⏹ נעצר")
