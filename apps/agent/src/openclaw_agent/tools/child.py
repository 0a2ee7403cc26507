"""A program of ours in a process of its own, for one call: without the agent's environment, and killed when its time is over."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any


async def said_by(program: Sequence[str], given: bytes, *, within_s: float) -> Any:
    """The JSON that *program* writes after it was *given* its input. Raises TimeoutError, and ValueError for anything else than JSON."""
    child = await asyncio.create_subprocess_exec(
        *program, env={}, cwd="/",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(within_s):
            out, _ = await child.communicate(given)
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await asyncio.shield(child.wait())
    return json.loads(out)
