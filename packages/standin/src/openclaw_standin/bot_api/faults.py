"""Faults of the Bot API on request: the next calls of a method are refused, cut off, delayed, or get no reply."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openclaw_standin.bot_api.wire import ErrorReply, too_many
from openclaw_standin.fault_queue import FaultQueue

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

KINDS = (
    *_REFUSALS, "flood", "bad_gateway", "close", "close_after", "withhold", "hang", "slow", "late", "delete",
)  # fmt: skip
"""`close`, `hang`: the call is not carried out and gets no reply. `close_after`, `withhold`: it is carried out and gets no reply.

`slow`, `late`: it is carried out after a while; a `late` one even if its caller has gone by then, as Telegram does. `delete`: the message
that it sent is deleted at once, as by a moderation bot."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """What the next *times* calls of *method* meet, in *chat_id* if given. *times* None means all calls until the faults are cleared."""

    method: str
    kind: str
    times: int | None = 1
    chat_id: int | None = None
    retry_after_s: int = 1
    hold_s: float = 120.0
    """How long `withhold` and `hang` keep the connection open, and `slow` and `late` wait before they act."""

    def refusal(self) -> ErrorReply | None:
        """The error reply, None for kinds without one."""
        if self.kind == "flood":
            return too_many(self.retry_after_s)
        if self.kind in _REFUSALS:
            status, description = _REFUSALS[self.kind]
            return ErrorReply(status, description)
        return None


class Faults(FaultQueue[Fault]):
    """The faults of the Bot API."""

    def next(self, method: str, kind: str, **details: Any) -> Fault:
        """Order a fault for the next calls of *method* (`*` for all but getUpdates); *details* are fields of `Fault`."""
        if kind not in KINDS:
            raise ValueError(f"unknown kind of fault; use one of {', '.join(KINDS)}")
        return self.add(Fault(method=method, kind=kind, **details))

    def take(self, method: str, chat_id: int | None) -> Fault | None:
        """The fault that this call meets."""
        method = method.lower()
        return self.first(
            lambda fault: (
                fault.chat_id in (None, chat_id)
                and (fault.method.lower() == method or (fault.method == "*" and method != "getupdates"))
            )
        )
