"""Follows the run records of tasks that have ended, and sends their spans.

A collector that is away is waited for; no answer waits for it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from openclaw_brain.loops import Loop
from openclaw_brain.tracing.spans import Names, Span, spans_of
from openclaw_core import logs
from openclaw_core.records import readable
from openclaw_core.roles.values import RUNNER_TOOLS, Roles
from openclaw_core.store import RunRecords
from openclaw_core.store.run_records import RunRecord

log = logs.get(__name__)
LOOK_EVERY_S = 1.0
RETRY_S = 15.0
"""After a collector has taken nothing."""
AT_ONCE = 100
"""Runs in one request: about 1,000 spans."""
FROM_BEFORE_S = 300.0
"""A new leader begins with runs that ended so long ago: the one before may not have sent them. A span that comes twice has the same id."""
GIVEN_UP_S = 3600.0
"""Runs that a collector has not taken for so long are left out."""


def names_of(roles: Roles, model_override: str | None) -> Names:
    """The names that spans may hold."""
    models = {*roles.models, *((model_override,) if model_override else ())}
    tools = {name for role in roles.roles.values() for name in role.functions} | RUNNER_TOOLS
    return Names(roles=frozenset(roles.roles), models=frozenset(models), tools=frozenset(tools))


class Exporter(Protocol):
    """Sends spans to a collector."""

    async def export(self, spans: Sequence[Span]) -> bool:
        """Send *spans*; False if they were not taken."""


@dataclass(kw_only=True)
class TraceExport:
    """The loop of a leader. *clock* gives Unix time in seconds."""

    records: RunRecords
    exporter: Exporter
    names: Names
    bot_id: int
    clock: Callable[[], float] = time.time
    _after: str = field(default="", init=False)
    """The last row that was sent."""
    _away: bool = field(default=False, init=False)

    async def run(self, loop: Loop) -> None:
        """Send until cancelled."""
        self._after = self._id_at(FROM_BEFORE_S)
        await loop.run(self._send, retry_s=RETRY_S, outage="traces")

    async def _send(self) -> float:
        after = max(self._after, self._id_at(GIVEN_UP_S), key=_place)
        rows = await self.records.after(after, count=AT_ONCE)
        if not rows:
            return LOOK_EVERY_S
        if spans := self._spans([record for _, record in rows]):
            taken = await self.exporter.export(spans)
            self._note(taken)
            if not taken:
                return RETRY_S
        self._after = rows[-1][0]
        return 0 if len(rows) == AT_ONCE else LOOK_EVERY_S

    def _spans(self, records: Sequence[RunRecord]) -> list[Span]:
        of_each = readable(records, lambda one: spans_of(one, self.names, bot_id=self.bot_id), of="runs")
        return [span for spans in of_each for span in spans]

    def _note(self, taken: bool) -> None:
        """Log once that the collector is away, and once that it is back."""
        if not taken and not self._away:
            log.warning(
                "traces.not_sent", hint="the collector of OTEL_EXPORTER_OTLP_ENDPOINT takes nothing; trying again"
            )
        elif taken and self._away:
            log.info("traces.sent_again")
        self._away = not taken

    def _id_at(self, ago_s: float) -> str:
        """The id of a row of the stream that was written then."""
        return f"{round((self.clock() - ago_s) * 1000)}-0"


def _place(row_id: str) -> tuple[int, int]:
    """Where a row is in the stream."""
    at_ms, _, n = row_id.partition("-")
    return int(at_ms), int(n or 0)
