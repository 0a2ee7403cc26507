"""Which display of a chat goes first. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from math import inf

from openclaw_core.chat.delivery import actions
from openclaw_core.chat.delivery.actions import Action, NextAction, is_urgent, next_action_of
from openclaw_core.chat.delivery.display_state import DisplayState
from openclaw_core.chat.delivery.displays import Indicator, Stage
from openclaw_core.chat.delivery.flood_limits import Rank


def first_action(states: Iterable[DisplayState], now: float, again: Indicator | None = None) -> NextAction:
    """The display that goes first and its action. *states* are in order; *again* is a file that a user asked for again.

    First messages are reserved in order, after each earlier answer has all its messages. A display that blocks another one
    takes over its rank.
    """
    best: NextAction = (None, actions.Later(until=inf))
    blocking: tuple[DisplayState, Action] | None = None
    for state in states:
        if blocking is not None and _waits(state):
            if is_urgent(state.display):
                blocking = _raised(blocking)
                best = _earlier(best, blocking)
            continue
        action = next_action_of(state, now)
        if isinstance(action, actions.Done):
            return state, action
        best = _earlier(best, (state, action))
        if blocking is None and _blocks(state):
            blocking = (state, action)
    return best if again is None else _earlier(best, (None, actions.SendAgain(rank=Rank.RESERVE, indicator=again)))


def _waits(state: DisplayState) -> bool:
    """Whether the display has no message yet and needs one."""
    return (
        not state.slots and state.ends_as is None and not state.preview_off and state.display.stage is not Stage.STOPPED
    )


def _blocks(state: DisplayState) -> bool:
    """Whether later displays must wait with their first message."""
    if state.display.delivered:
        return False
    if _waits(state):
        return True
    if state.display.stage is not Stage.ANSWERED:
        return False
    return state.content is None or any(slot not in state.slots for slot in range(len(state.content.pages)))


def _raised(next_action: tuple[DisplayState, Action]) -> tuple[DisplayState, Action]:
    """*next_action* with the highest rank: an urgent display waits for it."""
    state, action = next_action
    if (
        isinstance(action, actions.Reserve | actions.Edit | actions.SendFile | actions.SendPicture | actions.Read)
        and action.rank is not Rank.FINAL
    ):
        return state, replace(action, rank=Rank.FINAL)
    return next_action


def _earlier(a: NextAction, b: NextAction) -> NextAction:
    """The one of higher rank; *a* if they are equal."""
    return b if _urgency(b[1]) < _urgency(a[1]) else a


def _urgency(action: Action | actions.SendAgain) -> tuple[int, float]:
    match action:
        case actions.Done():
            return -1, 0.0
        case actions.Typing():
            return Rank.INDICATOR, 0.0
        case actions.Later():
            return Rank.INDICATOR + 1, action.until
    return action.rank, 0.0
