"""How a child process is ended: asked first, and by force once its time is over."""

import asyncio
import sys

from openclaw_core.child_process import end

IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
POLITE = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print(flush=True); signal.pause()"


async def started(program: str) -> asyncio.subprocess.Process:
    """*program*, once it has printed a line."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def test_a_process_that_listens_ends_by_itself() -> None:
    process = await started(POLITE)

    assert await end(process, within_s=30)
    assert process.returncode == 7


async def test_one_that_does_not_is_killed_when_its_time_is_over() -> None:
    process = await started(IGNORES_SIGTERM)

    assert not await end(process, within_s=0.1)
    assert process.returncode == -9


async def test_one_that_has_ended_is_left_alone() -> None:
    process = await started("print()")
    await process.wait()

    assert await end(process, within_s=0)
    assert process.returncode == 0
