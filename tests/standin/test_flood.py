"""Flood limits: what Telegram publishes, with a clock that the tests turn by hand, and once through the real client."""

from datetime import timedelta

import pytest
from telegram.error import RetryAfter

from openclaw_standin.bot_api import BotApi
from openclaw_standin.bot_api.flood import Flood, FloodTimes
from openclaw_standin.bot_api.wire import ErrorReply
from tests.standin.conftest import TOKEN, bot_for


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def flood(clock: Clock) -> Flood:
    return Flood(FloodTimes(), clock=clock)


def passes(flood: Flood, chat_id: int, *, group: bool = False) -> int:
    """How many messages in a row pass at this moment."""
    for count in range(1000):
        try:
            flood.take(chat_id, group=group)
        except ErrorReply:
            return count
    return 1000


def test_a_private_chat_takes_three_at_once_and_then_one_a_second(flood: Flood, clock: Clock) -> None:
    assert passes(flood, 7) == 3
    clock.now += 1
    assert passes(flood, 7) == 1
    clock.now += 10
    assert passes(flood, 7) == 3


def test_a_sender_that_keeps_to_one_a_second_is_never_refused_for_uneven_arrival(flood: Flood, clock: Clock) -> None:
    assert passes(flood, 7) == 3
    for step in range(60):
        clock.now = 101 + step + (0.1 if step % 2 else -0.1)
        flood.take(7, group=False)


def test_a_group_takes_twenty_in_a_minute(flood: Flood, clock: Clock) -> None:
    assert passes(flood, -5, group=True) == 20
    clock.now += 60
    assert passes(flood, -5, group=True) == 20


def test_all_chats_together_take_thirty_a_second(flood: Flood, clock: Clock) -> None:
    counts = [passes(flood, chat) for chat in range(1, 40)]

    assert 30 <= sum(counts) <= 36
    clock.now += 1
    assert 29 <= sum(passes(flood, chat) for chat in range(100, 140)) <= 37


def test_a_refused_call_uses_nothing_up_and_says_how_long_to_wait(flood: Flood, clock: Clock) -> None:
    passes(flood, 7)
    for _ in range(50):
        with pytest.raises(ErrorReply) as refused:
            flood.take(7, group=False)
    assert refused.value.parameters == {"retry_after": 1}

    clock.now += 1
    flood.take(7, group=False)


def test_reactions_and_actions_have_a_bucket_of_their_own(flood: Flood) -> None:
    for _ in range(36):
        flood.take_light()

    assert passes(flood, 7) == 3
    with pytest.raises(ErrorReply):
        flood.take_light()


def test_switched_off_everything_passes(flood: Flood) -> None:
    flood.on = False

    assert passes(flood, 7) == 1000


async def test_the_client_is_told_to_wait_for_sends_and_edits_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    slow = FloodTimes(private_per_s=0.01)  # so slow that no pause of a busy machine gives a token back
    async with BotApi.open(token=TOKEN, limits=slow) as api, bot_for(api.url) as bot:
        api.users.write(7, "hello")
        sent = [await bot.send_message(7, str(n)) for n in range(2)]
        await bot.edit_message_text("edited", 7, sent[0].message_id)

        with pytest.raises(RetryAfter) as refused:
            await bot.edit_message_text("again", 7, sent[0].message_id)

        assert isinstance(refused.value.retry_after, timedelta)
        assert timedelta(seconds=80) < refused.value.retry_after <= timedelta(seconds=100)
        assert await bot.send_chat_action(7, "typing")
        assert api.bot_texts(7) == ["edited", "1"]
        first, second = (entry.outcome for entry in api.journal.calls("editMessageText"))
        assert first == "ok"
        assert second.startswith("429 Too Many Requests: retry after ")
