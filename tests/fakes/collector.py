"""A collector: a real HTTP server that takes traces by OTLP, in JSON or protobuf, and reads them with OpenTelemetry's own definitions."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from google.protobuf import json_format  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenSpan:
    """A span as it came. Times are Unix nanoseconds, *kind* and *status* the numbers of the protocol."""

    trace: str
    id: str
    parent: str
    name: str
    service: str
    start_ns: int
    end_ns: int
    kind: int
    status: int
    message: str
    attributes: dict[str, str | int | bool | float]


@dataclass
class Collector:
    """*statuses* are answered to the next requests, 200 to all others."""

    url: str = ""
    spans: list[TakenSpan] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def traces(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.headers.append(dict(request.headers))
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return web.Response(status=status)
        for group in _read(body, request.content_type).resource_spans:
            service = next(one.value.string_value for one in group.resource.attributes if one.key == "service.name")
            for scope in group.scope_spans:
                self.spans += [
                    TakenSpan(
                        trace=span.trace_id.hex(), id=span.span_id.hex(), parent=span.parent_span_id.hex(), name=span.name, service=service,
                        start_ns=span.start_time_unix_nano, end_ns=span.end_time_unix_nano, kind=span.kind, status=span.status.code,
                        message=span.status.message, attributes={one.key: _plain(one.value) for one in span.attributes},
                    )
                    for span in scope.spans
                ]  # fmt: skip
        return web.json_response({})


def _read(body: bytes, content_type: str) -> ExportTraceServiceRequest:
    """The request of *body*. OTLP's JSON is that of protobuf, but for ids, which are hexadecimal. An unknown field is an error."""
    request = ExportTraceServiceRequest()
    if content_type == "application/x-protobuf":
        request.ParseFromString(body)
        return request
    assert content_type == "application/json", content_type

    def with_ids(fields: dict[str, Any]) -> dict[str, Any]:
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in fields:
                fields[name] = base64.b64encode(bytes.fromhex(fields[name])).decode()
        return fields

    json_format.ParseDict(json.loads(body, object_hook=with_ids), request)
    return request


def _plain(value: AnyValue) -> str | int | bool | float:
    found: str | int | bool | float = getattr(value, str(value.WhichOneof("value")))
    return found


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    taken = Collector()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/traces", taken.traces)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        taken.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield taken
    finally:
        await runner.cleanup()
