"""A growing answer: how often it is written, and which first words wait."""

import asyncio
from dataclasses import dataclass, field

import pytest

from openclaw_agent.preview import Preview
from openclaw_core.errors import LostOwnership
from openclaw_core.tasks.work import FIRST_WORDS_CHARS, FIRST_WORDS_S, PREVIEW_EVERY_S, Run
from tests.agent.harness import task
from tests.fakes.work import FakeWork


@dataclass
class Turned:
    """A clock that stands, and goes on when it is told to."""

    now_s: float = 0.0
    _sleepers: list[tuple[float, asyncio.Event]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.now_s + seconds, woken))
        await woken.wait()

    async def on(self, seconds: float) -> None:
        """Go on in small steps, and let everybody work at each."""
        for _ in range(round(seconds / 0.05)):
            self.now_s += 0.05
            for due_s, woken in self._sleepers:
                if due_s <= self.now_s + 1e-9:
                    woken.set()
            for _ in range(5):
                await asyncio.sleep(0)


@dataclass
class Written:
    """A preview that is being written."""

    time: Turned = field(default_factory=Turned)
    work: FakeWork = field(default_factory=FakeWork)

    async def begin(self) -> Preview:
        self.work.hand_over(task(1))
        run = await self.work.claim()
        assert run is not None
        self.run: Run = run
        self.preview = Preview(work=self.work, run=run, clock=self.time.clock, sleep=self.time.sleep)
        self.writing = asyncio.create_task(self.preview.keep_written())
        await self.time.on(0.05)
        return self.preview

    @property
    def texts(self) -> list[str]:
        return self.work.texts.get("u1", [])


@pytest.fixture
async def written() -> Written:
    return Written()


async def test_it_is_written_as_often_as_it_can_be_shown_and_whole_each_time(written: Written) -> None:
    preview = await written.begin()
    preview.add("x" * FIRST_WORDS_CHARS)
    for _ in range(5 * 20):
        preview.add("y")
        await written.time.on(0.05)

    assert len(written.texts[0]) >= FIRST_WORDS_CHARS
    assert len(written.texts) <= 5 / PREVIEW_EVERY_S + 1
    assert all(later.startswith(earlier) for earlier, later in zip(written.texts, written.texts[1:], strict=False))


async def test_few_first_words_wait_for_a_moment(written: Written) -> None:
    preview = await written.begin()
    preview.add("few")
    await written.time.on(FIRST_WORDS_S - 0.1)
    assert written.texts == []
    await written.time.on(0.2)
    assert written.texts == ["few"]


async def test_many_first_words_do_not(written: Written) -> None:
    preview = await written.begin()
    preview.add("x" * FIRST_WORDS_CHARS)
    await written.time.on(0.1)
    assert len(written.texts) == 1


async def test_first_words_that_prove_to_be_a_thought_are_never_written(written: Written) -> None:
    preview = await written.begin()
    preview.add("plan")
    await written.time.on(0.2)
    preview.clear()
    preview.add("Four.")
    await written.time.on(2)
    assert written.texts == ["Four."]


async def test_what_nobody_can_see_is_not_written(written: Written) -> None:
    preview = await written.begin()
    preview.add("\u200b\n")
    await written.time.on(3)
    assert written.texts == []
    preview.add("word")
    await written.time.on(FIRST_WORDS_S + 0.1)
    assert written.texts == ["\u200b\nword"]


async def test_an_answer_that_begins_anew_takes_the_place_of_what_was_written(written: Written) -> None:
    preview = await written.begin()
    preview.add("first try")
    await written.time.on(1)
    preview.clear()
    await written.time.on(2)
    assert written.texts == ["first try"]
    preview.add("second")
    await written.time.on(0.1)
    assert written.texts == ["first try", "second"]


async def test_nothing_is_written_twice(written: Written) -> None:
    preview = await written.begin()
    preview.add("some words")
    await written.time.on(5)
    assert written.texts == ["some words"]


async def test_it_ends_when_the_task_has_grown(written: Written) -> None:
    preview = await written.begin()
    written.work.send_more(task(1, "hello, and more"))
    preview.add("some words")
    await written.time.on(1)
    assert written.writing.done()
    assert written.texts == []


async def test_it_ends_when_the_run_is_not_ours_any_more(written: Written) -> None:
    preview = await written.begin()
    written.work.take_away("u1")
    preview.add("some words")
    await written.time.on(1)
    with pytest.raises(LostOwnership):
        written.writing.result()
