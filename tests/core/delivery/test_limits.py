"""Room for calls: never more than Telegram allows, in any window; a rest is a chat's, and the bot's only if a probe says so."""

from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw_core.chat.delivery import limits as l
from openclaw_core.chat.delivery.limits import Limits, Rank
from openclaw_core.errors import FateUnknown, FloodWait, MessengerUnauthorized


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    clock: Clock = field(default_factory=Clock)
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        self.limits = Limits(self.clock, cautious=False)

    def goes(self, chat_id: int, rank: Rank = Rank.FINAL) -> bool:
        return not (self.limits.chat_wait_s(chat_id, rank) or self.limits.bot_wait_s(rank))


chats = st.sampled_from([1, 2, 3, -1, -2])
tries = st.lists(
    st.tuples(chats, st.sampled_from([rank for rank in Rank if rank is not Rank.SIGN]), st.floats(0, 2), st.booleans()),
    max_size=300,
)


@given(tries, st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_window_holds_more_calls_than_telegram_allows(
    wanted: list[tuple[int, Rank, float, bool]], cautious: bool
) -> None:
    clock = Clock()
    limits = Limits(clock, cautious=cautious)
    made: list[tuple[float, int]] = []
    for chat_id, rank, pause_s, unused in wanted:
        clock.now += pause_s * pause_s / 4
        if not limits.chat_wait_s(chat_id, rank) and not limits.bot_wait_s(rank):
            permit = limits.take(chat_id)
            if unused:
                limits.unused(permit)
            else:
                made.append((clock.now, chat_id))
    for n, (begin, _) in enumerate(made):
        for at in {at for at, _ in made[n:]}:
            inside = [chat for t, chat in made if begin <= t <= at]
            assert len(inside) <= l.BOT_BURST + (at - begin) * l.BOT_RATE_PER_S + 1e-3
            for chat in set(inside):
                rate, burst = (
                    (l.GROUP_RATE_PER_S, l.GROUP_BURST) if chat < 0 else (l.PRIVATE_RATE_PER_S, l.PRIVATE_BURST)
                )
                assert inside.count(chat) <= burst + (at - begin) * rate + 1e-3


@given(st.lists(st.tuples(chats, st.floats(0.01, 5)), min_size=1, max_size=60))
@settings(deadline=None)
def test_who_waits_as_long_as_was_said_finds_room(wanted: list[tuple[int, float]]) -> None:
    world = World()
    for chat_id, pause_s in wanted:
        world.clock.now += pause_s / 10
        world.clock.now += world.limits.chat_wait_s(chat_id, Rank.PREVIEW)
        world.clock.now += world.limits.bot_wait_s(Rank.PREVIEW)
        assert world.goes(chat_id, Rank.PREVIEW)
        world.limits.take(chat_id)


@given(st.lists(st.floats(0, 1), max_size=200))
def test_signs_stay_below_thirty_a_second(pauses: list[float]) -> None:
    world = World()
    made: deque[float] = deque()
    for pause_s in pauses:
        world.clock.now += pause_s / 20
        while not world.limits.sign_wait_s():
            world.limits.take_sign(1)
            made.append(world.clock.now)
    for begin in made:
        assert sum(begin <= at < begin + 1 for at in made) <= l.SIGN_BURST + l.SIGN_RATE_PER_S


def test_a_lower_rank_leaves_room_for_those_before_it() -> None:
    world = World()
    for _ in range(2):
        assert world.goes(1, Rank.PREVIEW)
        world.limits.take(1)
    assert not world.goes(1, Rank.PREVIEW)
    assert world.goes(1, Rank.FINAL)
    for chat in range(2, 100):
        if world.goes(chat, Rank.PREVIEW):
            world.limits.take(chat)
    assert [world.goes(1000, rank) for rank in list(Rank)[:4]] == [True, True, True, False]


def test_a_new_leader_begins_with_a_third_of_the_burst_and_a_token_for_each_chat() -> None:
    clock = Clock()
    limits = Limits(clock)
    begun = 0
    for chat in range(100):
        if not limits.bot_wait_s(Rank.FINAL):
            limits.take(chat)
            begun += 1
    assert begun == l.BOT_BURST / 3
    assert limits.chat_wait_s(0, Rank.FINAL) == pytest.approx(1)
    clock.now += 30
    assert not limits.chat_wait_s(555, Rank.FINAL, room=3)


def test_a_refused_chat_rests_alone_and_has_one_call_afterwards() -> None:
    world = World()
    world.limits.refused(world.limits.take(1), 60)
    assert world.limits.rests_s(1) == 60
    assert not world.goes(1)
    assert world.goes(2)
    world.clock.now += 60.001
    assert world.goes(1)
    world.limits.take(1)
    assert not world.goes(1)


def refuse_three(world: World, *, retry_after_s: float = 60) -> None:
    for permit in [world.limits.take(chat) for chat in (1, 2, 3)]:
        world.limits.refused(permit, retry_after_s)


def test_three_refused_chats_are_followed_by_one_probe_and_no_sign() -> None:
    world = World()
    refuse_three(world)
    assert world.limits.sign_wait_s() > 0
    assert world.goes(4)
    probe = world.limits.take(4)
    assert probe.probe
    assert not world.goes(5)
    world.limits.passed(probe)
    assert world.goes(5)
    assert not world.goes(1)


def test_a_probe_without_an_answer_lets_another_one_go() -> None:
    world = World()
    refuse_three(world)
    world.limits.ended(world.limits.take(4), FateUnknown("edit"))
    assert world.goes(5)
    assert world.limits.take(5).probe


def test_a_refused_probe_rests_the_bot_never_longer_than_was_asked_and_it_is_probed_again() -> None:
    world = World()
    refuse_three(world)
    rests = []
    for chat in range(4, 14):
        world.limits.ended(world.limits.take(chat), FloodWait(retry_after_s=20))
        rests.append(round(world.limits.bot_wait_s(Rank.FINAL)))
        world.clock.now += rests[-1]
        assert world.goes(chat + 1)
    assert rests == [1, 2, 4, 8, 16, 20, 20, 20, 20, 20]


def test_refusals_of_calls_that_were_under_way_neither_shorten_nor_lengthen_the_bots_rest() -> None:
    world = World()
    late = [world.limits.take(chat) for chat in range(10, 15)]
    refuse_three(world)
    world.limits.refused(world.limits.take(4), 60)
    rest_s = world.limits.bot_wait_s(Rank.FINAL)
    for permit in late:
        world.limits.refused(permit, 60)
    assert world.limits.bot_wait_s(Rank.FINAL) == rest_s > 0


def test_chats_refused_one_after_the_other_are_no_refusal_of_the_bot() -> None:
    world = World()
    for chat in range(20):
        world.limits.refused(world.limits.take(chat), 60)
        world.clock.now += 0.6
    assert world.goes(100)
    assert not world.limits.take(100).probe


def test_one_chat_refused_three_times_is_no_refusal_of_the_bot() -> None:
    world = World()
    for _ in range(3):
        world.limits.refused(world.limits.take_sign(1), 60)
    assert not world.limits.take(2).probe


def test_a_refused_token_lets_one_probe_pass_each_five_seconds() -> None:
    world = World()
    world.limits.ended(world.limits.take(1), MessengerUnauthorized("401"))
    assert not world.goes(2)
    world.clock.now += 5
    probe = world.limits.take(2)
    assert not world.goes(3)
    world.limits.ended(probe, MessengerUnauthorized("401"))
    assert world.limits.bot_wait_s(Rank.FINAL) == pytest.approx(5)
    world.clock.now += 5
    world.limits.passed(world.limits.take(3))
    assert world.goes(4)


def test_idle_chats_are_forgotten() -> None:
    world = World()
    for chat in range(1000):
        world.clock.now += 0.1
        world.limits.take(chat)
    world.limits.refused(world.limits.take(5000), 3600)
    world.clock.now += 120
    world.limits.take(1)
    assert set(world.limits._chats) == {1, 5000}
