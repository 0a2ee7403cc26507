"""Whose turn it is, and which display of a chat goes first."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from openclaw_core.chat.delivery import actions
from openclaw_core.chat.delivery.chat_queue import ChatQueue
from openclaw_core.chat.delivery.display_state import DisplayState
from openclaw_core.chat.delivery.displays import Display, Stage
from openclaw_core.chat.delivery.flood_limits import Rank
from openclaw_core.chat.delivery.priority import first_action
from openclaw_core.tasks.outcome import Cause


def state_of(order: int, stage: Stage, **fields: object) -> DisplayState:
    key = f"n:{order}" if stage is Stage.NOTICE else f"t:{order}"
    return DisplayState.of(Display(id=key, version=order, order=order, stage=stage, chat_id=1, **fields))  # type: ignore[arg-type]


def test_the_lower_rank_goes_first_then_who_was_served_longest_ago() -> None:
    queue = ChatQueue()
    for chat, rank, served in (
        (1, Rank.PREVIEW, 0.0),
        (2, Rank.FINAL, 9.0),
        (3, Rank.FINAL, 5.0),
        (4, Rank.RESERVE, 0),
    ):
        queue.ready(chat, rank, served)
    order = []
    while first := queue.first():
        order.append(first[1])
        queue.drop(first[1])
    assert order == [3, 2, 4, 1]


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from(["ready", "later", "drop"]), st.integers(0, 9))))
def test_a_chats_newest_entry_alone_counts(steps: list[tuple[int, str, int]]) -> None:
    queue = ChatQueue()
    newest: dict[int, tuple[str, int]] = {}
    for chat, what, n in steps:
        newest[chat] = (what, n)
        if what == "ready":
            queue.ready(chat, Rank(n % 4), float(n))
        elif what == "later":
            queue.later(chat, float(n))
        else:
            queue.drop(chat)
    ready = {chat: n for chat, (what, n) in newest.items() if what == "ready"}
    first = queue.first()
    assert (first is None) == (not ready)
    if first is not None:
        assert (ready[first[1]] % 4, ready[first[1]]) == min((n % 4, n) for n in ready.values())
    later = {chat: n for chat, (what, n) in newest.items() if what == "later"}
    assert sorted(queue.due(4.0)) == sorted(chat for chat, n in later.items() if n <= 4)
    assert queue.due(4.0) == []


def test_a_chat_that_is_looked_at_often_costs_no_entry_each_time() -> None:
    queue = ChatQueue()
    for _ in range(1000):
        queue.later(1, 5.0)
        queue.ready(2, Rank.FINAL, 1.0)
    assert (len(queue._ready), len(queue._waiting)) == (1, 1)


def test_first_messages_are_reserved_in_order() -> None:
    first, step = first_action([state_of(1, Stage.NOTICE), state_of(2, Stage.NOTICE)], 0)
    assert first is not None
    assert (first.display.order, step) == (1, actions.Reserve(rank=Rank.RESERVE, slot=0))


def test_who_is_waited_for_has_the_rank_of_who_waits() -> None:
    first, step = first_action([state_of(1, Stage.GROWING), state_of(2, Stage.FAILED, cause=Cause.CRASH)], 0)
    assert first is not None
    assert (first.display.order, step) == (1, actions.Reserve(rank=Rank.FINAL, slot=0))


def test_a_later_display_waits_for_the_messages_of_an_answer_before_it() -> None:
    answered = state_of(1, Stage.ANSWERED, slots={0: 10})
    first, step = first_action([answered, state_of(2, Stage.NOTICE)], 0)
    assert (first, step) == (answered, actions.Read(rank=Rank.FINAL))
    answered.pause_until = 5
    assert first_action([answered, state_of(2, Stage.NOTICE)], 0)[1] == actions.Later(until=5)


def test_a_display_that_waits_for_nobody_is_not_held_up_by_one_that_grows() -> None:
    growing = state_of(1, Stage.GROWING, slots={0: 10})
    growing.typing_after = inf
    first, _ = first_action([growing, state_of(2, Stage.NOTICE)], 0)
    assert first is not None
    assert first.display.order == 2


def test_what_is_only_put_again_holds_up_nobody_and_is_not_sent_anew() -> None:
    again = state_of(1, Stage.NOTICE, kind="new", delivered=True)
    again.pause_until = 9
    first, _ = first_action([again, state_of(2, Stage.NOTICE)], 0)
    assert first is not None
    assert first.display.order == 2
