"""Sends spans to a collector by OTLP over HTTP, in JSON (docs/traces.md says why by no SDK)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx

from openclaw_brain.tracing.spans import Span
from openclaw_core import tls
from openclaw_core.reply_limit import UNCOMPRESSED, at_most

TIMEOUT_S = 10.0
"""Of one request, as the standard has it."""
REPLY_MAX_BYTES = 65_536
INTERNAL, SERVER, CLIENT = 1, 2, 3
"""Kinds of spans, by the protocol's numbers."""
ERROR = 2


class OtlpExporter:
    """`Exporter` to the collector at *url*. *environment* becomes the attribute `service.namespace`."""

    def __init__(self, http: httpx.AsyncClient, url: str, *, environment: str) -> None:
        self._http, self._url, self._environment = http, url, environment

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, headers: Mapping[str, str], *, environment: str) -> AsyncIterator[Self]:
        """Connect lazily, close at the end. *headers* go with each request."""
        async with httpx.AsyncClient(
            headers={**UNCOMPRESSED, **headers},
            timeout=TIMEOUT_S,
            trust_env=False,
            verify=tls.context(),
            event_hooks={"response": [at_most(lambda _: REPLY_MAX_BYTES)]},
        ) as http:
            yield cls(http, url, environment=environment)

    async def export(self, spans: Sequence[Span]) -> bool:
        """Send *spans*; False if the collector did not take them within TIMEOUT_S."""
        try:
            reply = await self._http.post(self._url, json=request_of(spans, environment=self._environment))
        except httpx.HTTPError:
            return False
        return reply.is_success


def request_of(spans: Sequence[Span], *, environment: str) -> dict[str, Any]:
    """The body of a request: `ExportTraceServiceRequest` in OTLP's JSON, where ids are hexadecimal and large numbers are text."""
    services = dict.fromkeys(span.service for span in spans)
    return {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": _attributes({"service.name": f"openclaw-{service}", "service.namespace": environment})
                },
                "scopeSpans": [
                    {
                        "scope": {"name": "openclaw"},
                        "spans": [_span(span) for span in spans if span.service == service],
                    }
                ],
            }
            for service in services
        ]
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace,
        "spanId": span.id,
        **({"parentSpanId": span.parent} if span.parent else {}),
        "name": span.name,
        "kind": CLIENT if span.calls_out else INTERNAL if span.parent else SERVER,
        "startTimeUnixNano": f"{span.start_ms}000000",
        "endTimeUnixNano": f"{span.end_ms}000000",
        "attributes": _attributes(span.attributes),
        **({"status": {"code": ERROR, "message": span.fault}} if span.fault else {}),
    }


def _attributes(values: Mapping[str, str | int]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: str | int) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
