"""A local port that leads into a cluster, by `kubectl port-forward`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openclaw_core import child_process
from openclaw_core.errors import SettingsError

OPENS_WITHIN_S, ENDS_WITHIN_S = 30.0, 10.0


@asynccontextmanager
async def forwarded(namespace: str, target: str, port: int) -> AsyncIterator[int]:
    """A local port that leads to *port* of *target* until the block ends.

    Raises SettingsError if kubectl opens none; it has said why on stderr.
    """
    process = await asyncio.create_subprocess_exec(
        "kubectl", "-n", namespace, "port-forward", target, f":{port}", stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(OPENS_WITHIN_S):
            line = (await process.stdout.readline()).decode() if process.stdout else ""
        if "->" not in line:
            raise SettingsError(f"kubectl opened no way to {target} in {namespace}: {line.strip() or 'see above'}")
        yield int(line.split("->")[0].rsplit(":", 1)[1])
    finally:
        await child_process.end(process, within_s=ENDS_WITHIN_S)
