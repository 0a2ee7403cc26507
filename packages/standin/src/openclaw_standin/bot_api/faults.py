"""Faults on order: the next calls of a method are refused, cut, or stored with their reply withheld."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from openclaw_standin.bot_api.wire import Refused, too_many

Kind = Literal[
    "parse",
    "not_found",
    "blocked",
    "flood",
    "unauthorized",
    "conflict",
    "server_error",
    "bad_gateway",
    "close",
    "close_after",
    "withhold",
    "hang",
    "slow",
    "late",
    "delete",
]
"""`close`, `hang`: nothing was done. `close_after`, `withhold`: the call was carried out, and its reply never comes.

`slow`, `late`: it is carried out after a while; a `late` one also if its caller has gone by then, as Telegram does. `delete`: a moderation
bot deletes the message that was sent, at once."""

KINDS: tuple[str, ...] = Kind.__args__  # type: ignore[attr-defined]

_REFUSALS: Mapping[str, tuple[int, str]] = {
    "parse": (400, "Bad Request: can't parse entities: Can't find end of the entity starting at byte offset 0"),
    "not_found": (400, "Bad Request: chat not found"),
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "unauthorized": (401, "Unauthorized"),
    "conflict": (
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    ),
    "server_error": (500, "Internal Server Error"),
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One order. *times* None means until it is cleared."""

    method: str
    kind: str
    times: int | None = 1
    chat_id: int | None = None
    retry_after_s: int = 1
    hold_s: float = 120.0
    """How long `withhold` and `hang` keep the connection open, and `slow` and `late` wait before they act."""

    def refusal(self) -> Refused | None:
        """The error to answer with, None for the kinds that are not an answer."""
        if self.kind == "flood":
            return too_many(self.retry_after_s)
        if self.kind in _REFUSALS:
            status, description = _REFUSALS[self.kind]
            return Refused(status, description)
        return None


class Faults:
    """The orders that still stand, oldest first; a call meets at most one."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def next(
        self,
        method: str,
        kind: Kind,
        *,
        times: int | None = 1,
        chat_id: int | None = None,
        retry_after_s: int = 1,
        hold_s: float = 120.0,
    ) -> Fault:
        """The next *times* calls of *method* (`*` for any, but getUpdates), in *chat_id* if given, meet this fault."""
        if kind not in KINDS:
            raise ValueError(f"unknown kind of fault; use one of {', '.join(KINDS)}")
        fault = Fault(
            method=method, kind=kind, times=times, chat_id=chat_id, retry_after_s=retry_after_s, hold_s=hold_s
        )
        self._orders.append(fault)
        return fault

    def order(self, wish: Mapping[str, Any]) -> None:
        """`next` from JSON, as the control endpoint gets it."""
        self.next(**wish)

    def clear(self) -> None:
        self._orders.clear()

    def met_by(self, method: str, chat_id: int | None) -> Fault | None:
        """The fault that this call meets, counted down."""
        for fault in self._orders:
            hit = fault.method.lower() == method.lower() or (fault.method == "*" and method.lower() != "getupdates")
            if hit and fault.chat_id in (None, chat_id):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._orders.remove(fault)
                return fault
        return None
