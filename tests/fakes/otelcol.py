"""The OpenTelemetry Collector as a process of a test: it takes traces by its own receiver and sends them on by its own
exporter, in protobuf.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.alerts.servers import free_port, process
from tests.fakes.collector import Collector
from tests.manifests.rendering import tool

UP_WITHIN_S = 30.0


@asynccontextmanager
async def otelcol(folder: Path, then: Collector) -> AsyncIterator[str]:
    """Start a Collector that sends what it takes to *then*; gives its URL. It answers a request when *then* has taken it.

    The Collector says a log line for each request that it refuses; the log is `otelcol.log` in *folder*. Skips the test where `make tools`
    found no Go.
    """
    port = free_port()
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {
            "otlp_http": {
                "endpoint": then.url,
                "sending_queue": {"enabled": False},
                "retry_on_failure": {"enabled": False},
            }
        },
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}},
        },
    }
    (folder / "otelcol.yaml").write_text(json.dumps(config))
    log = folder / "otelcol.log"
    async with process(log, tool("otelcol"), "--config", str(folder / "otelcol.yaml")) as started:
        latest = time.monotonic() + UP_WITHIN_S
        while not await _accepts(port):
            assert started.returncode is None, log.read_text()
            assert time.monotonic() < latest, log.read_text()
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
