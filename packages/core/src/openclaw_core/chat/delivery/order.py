"""Pure: which display of a chat goes first."""

from collections.abc import Iterable
from dataclasses import replace
from math import inf

from openclaw_core.chat.delivery.displays import Sign, Stage
from openclaw_core.chat.delivery.limits import Rank
from openclaw_core.chat.delivery.plan import (
    Done,
    Edit,
    Later,
    Read,
    Reserve,
    SendAgain,
    SendFile,
    Step,
    Turn,
    Typing,
    next_step,
    urgent,
)
from openclaw_core.chat.delivery.view import View


def first_of_chat(views: Iterable[View], now: float, again: Sign | None = None) -> Turn:
    """The display of a chat that goes first, of those in *views* by their order, and its step; or a file that was asked for *again*.

    First messages are reserved in order, and only when each earlier answer has all of its messages. Who is waited for has the
    rank of who waits.
    """
    best: Turn = (None, Later(until=inf))
    blocking: tuple[View, Step] | None = None
    for view in views:
        if blocking is not None and _waits(view):
            if urgent(view.display):
                blocking = _raised(blocking)
                best = _earlier(best, blocking)
            continue
        step = next_step(view, now)
        if isinstance(step, Done):
            return view, step
        best = _earlier(best, (view, step))
        if blocking is None and _blocks(view):
            blocking = (view, step)
    return best if again is None else _earlier(best, (None, SendAgain(rank=Rank.RESERVE, sign=again)))


def _waits(view: View) -> bool:
    """Whether the display needs its first message."""
    return not view.slots and view.ends_as is None and not view.muted and view.display.stage is not Stage.STOPPED


def _blocks(view: View) -> bool:
    """Whether later displays have to wait before they reserve their first message."""
    if view.display.delivered:
        return False
    if _waits(view):
        return True
    if view.display.stage is not Stage.ANSWERED:
        return False
    return view.texts is None or any(slot not in view.slots for slot in range(len(view.texts.pages)))


def _raised(turn: tuple[View, Step]) -> tuple[View, Step]:
    """*turn* with the first rank, since something urgent waits for it."""
    view, step = turn
    if isinstance(step, Reserve | Edit | SendFile | Read) and step.rank is not Rank.FINAL:
        return view, replace(step, rank=Rank.FINAL)
    return turn


def _earlier(a: Turn, b: Turn) -> Turn:
    """The one that goes first; *a* if none does."""
    return b if _urgency(b[1]) < _urgency(a[1]) else a


def _urgency(step: Step | SendAgain) -> tuple[int, float]:
    match step:
        case Done():
            return -1, 0.0
        case Typing():
            return Rank.SIGN, 0.0
        case Later():
            return Rank.SIGN + 1, step.until
    return step.rank, 0.0
