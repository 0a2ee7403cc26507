"""Whose turn it is, and which display of a chat goes first."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from openclaw_core.chat.delivery import plan
from openclaw_core.chat.delivery.displays import Display, Stage
from openclaw_core.chat.delivery.limits import Rank
from openclaw_core.chat.delivery.order import first_of_chat
from openclaw_core.chat.delivery.turns import Turns
from openclaw_core.chat.delivery.view import View
from openclaw_core.tasks.outcome import Cause


def view(order: int, stage: Stage, **fields: object) -> View:
    key = f"n:{order}" if stage is Stage.NOTICE else f"t:{order}"
    return View.of(Display(id=key, version=order, order=order, stage=stage, chat_id=1, **fields))  # type: ignore[arg-type]


def test_the_lower_rank_goes_first_then_who_was_served_longest_ago() -> None:
    turns = Turns()
    for chat, rank, served in (
        (1, Rank.PREVIEW, 0.0),
        (2, Rank.FINAL, 9.0),
        (3, Rank.FINAL, 5.0),
        (4, Rank.RESERVE, 0),
    ):
        turns.ready(chat, rank, served)
    order = []
    while first := turns.first():
        order.append(first[1])
        turns.drop(first[1])
    assert order == [3, 2, 4, 1]


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from(["ready", "later", "drop"]), st.integers(0, 9))))
def test_a_chats_newest_entry_alone_counts(steps: list[tuple[int, str, int]]) -> None:
    turns = Turns()
    newest: dict[int, tuple[str, int]] = {}
    for chat, what, n in steps:
        newest[chat] = (what, n)
        if what == "ready":
            turns.ready(chat, Rank(n % 4), float(n))
        elif what == "later":
            turns.later(chat, float(n))
        else:
            turns.drop(chat)
    ready = {chat: n for chat, (what, n) in newest.items() if what == "ready"}
    first = turns.first()
    assert (first is None) == (not ready)
    if first is not None:
        assert (ready[first[1]] % 4, ready[first[1]]) == min((n % 4, n) for n in ready.values())
    later = {chat: n for chat, (what, n) in newest.items() if what == "later"}
    assert sorted(turns.over(4.0)) == sorted(chat for chat, n in later.items() if n <= 4)
    assert turns.over(4.0) == []


def test_a_chat_that_is_looked_at_often_costs_no_entry_each_time() -> None:
    turns = Turns()
    for _ in range(1000):
        turns.later(1, 5.0)
        turns.ready(2, Rank.FINAL, 1.0)
    assert (len(turns._ready), len(turns._waiting)) == (1, 1)


def test_first_messages_are_reserved_in_order() -> None:
    first, step = first_of_chat([view(1, Stage.NOTICE), view(2, Stage.NOTICE)], 0)
    assert first is not None
    assert (first.display.order, step) == (1, plan.Reserve(rank=Rank.RESERVE, slot=0))


def test_who_is_waited_for_has_the_rank_of_who_waits() -> None:
    first, step = first_of_chat([view(1, Stage.GROWING), view(2, Stage.FAILED, cause=Cause.CRASH)], 0)
    assert first is not None
    assert (first.display.order, step) == (1, plan.Reserve(rank=Rank.FINAL, slot=0))


def test_a_later_display_waits_for_the_messages_of_an_answer_before_it() -> None:
    answered = view(1, Stage.ANSWERED, slots={0: 10})
    first, step = first_of_chat([answered, view(2, Stage.NOTICE)], 0)
    assert (first, step) == (answered, plan.Read(rank=Rank.FINAL))
    answered.pause_until = 5
    assert first_of_chat([answered, view(2, Stage.NOTICE)], 0)[1] == plan.Later(until=5)


def test_a_display_that_waits_for_nobody_is_not_held_up_by_one_that_grows() -> None:
    growing = view(1, Stage.GROWING, slots={0: 10})
    growing.typing_at = inf
    first, _ = first_of_chat([growing, view(2, Stage.NOTICE)], 0)
    assert first is not None
    assert first.display.order == 2


def test_what_is_only_put_again_holds_up_nobody_and_is_not_sent_anew() -> None:
    again = view(1, Stage.NOTICE, kind="new", delivered=True)
    again.pause_until = 9
    first, _ = first_of_chat([again, view(2, Stage.NOTICE)], 0)
    assert first is not None
    assert first.display.order == 2
