"""Client of the classifier process. If that is slow, dead or missing, there are no scores; a message never fails for it."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from openclaw_brain.routing.classifier_process import EXIT_NOT_INSTALLED
from openclaw_brain.routing.parsed_text import clean
from openclaw_core import logs

log = logs.get(__name__)

COMMAND = (sys.executable, "-m", "openclaw_brain.routing.classifier_process")
ENVIRONMENT = {
    # Two or more threads on busy cores took 100 to 200 ms for a message, one takes 4.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONUTF8": "1",
}
"""The whole environment of the process: it needs no token and no key."""
RESTART_WAIT_MAX_S = 60.0


@dataclass(eq=False)
class Classifier:
    """Starts its process with the first text, or at once if told to, and starts it again after it died."""

    command: Sequence[str] = COMMAND
    answer_timeout_s: float = 1.0
    start_timeout_s: float = 15.0
    """How long a text waits for a process that is starting. The process is killed after twice that time."""
    clock: Callable[[], float] = time.monotonic
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)
    _running: asyncio.Task[None] | None = field(default=None, repr=False)
    _ready: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _pending: dict[int, asyncio.Future[Mapping[str, float]]] = field(default_factory=dict, repr=False)
    _count: int = 0
    _installed: bool = True
    _failures: int = 0
    _not_before: float = 0.0

    @classmethod
    @asynccontextmanager
    async def open(cls, *, start_now: bool = False) -> "AsyncIterator[Classifier]":
        """Yield a classifier and end its process after the block. With *start_now* the first message need not wait for the start."""
        classifier = cls()
        try:
            if start_now:
                classifier.start()
            yield classifier
        finally:
            await classifier.close()

    @property
    def pid(self) -> int | None:
        """Id of the process, if one runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process, unless it runs, is not installed, or failed a moment ago."""
        if self._running is not None and not self._running.done():
            return
        if self._installed and self.clock() >= self._not_before:
            self._ready.clear()
            self._running = asyncio.create_task(self._run(), name="classifier process")

    async def scores(self, text: str) -> Mapping[str, float] | None:
        """Return how well each role fits *text*: around 1 for yes, -1 for no. None after any fault."""
        self.start()
        if self._running is None or self._running.done():
            return None
        number = self._count = self._count + 1
        answer: asyncio.Future[Mapping[str, float]] = asyncio.get_running_loop().create_future()
        try:
            if not self._ready.is_set():
                async with asyncio.timeout(self.start_timeout_s):
                    await self._ready.wait()
            process = self._process
            if process is None or process.stdin is None:  # it died while starting
                return None
            self._pending[number] = answer
            async with asyncio.timeout(self.answer_timeout_s):
                process.stdin.write(json.dumps({"n": number, "text": clean(text)}).encode() + b"\n")
                await process.stdin.drain()
                return await answer
        except (TimeoutError, OSError, _ProcessEnded):
            return None
        finally:
            self._pending.pop(number, None)

    async def close(self) -> None:
        """End the process and wait until it is gone."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
            self._running = None

    async def _run(self) -> None:
        try:
            await self._read_answers()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, TimeoutError):
            log.warning("classifier.broken")
        finally:
            await self._end()

    async def _read_answers(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=ENVIRONMENT, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        began = self.clock()
        async with asyncio.timeout(2 * self.start_timeout_s):
            first = await self._process.stdout.readline()
        if first:
            if json.loads(first).get("ready") is not True:
                raise ValueError("the classifier's process did not say that it is ready")
            log.info("classifier.ready", took_s=round(self.clock() - began, 3))
            self._ready.set()
            while line := await self._process.stdout.readline():
                reply = json.loads(line)
                answer = self._pending.get(reply["n"])
                if answer is not None and not answer.done():
                    answer.set_result({str(role): float(score) for role, score in reply["scores"].items()})
                self._failures = 0

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            code = await process.wait()
            # asyncio closes the transport of the pipe only on request
            if process.stdin is not None:
                process.stdin.close()
            if code == EXIT_NOT_INSTALLED:
                self._installed = False
                log.warning("classifier.not_installed", install="openclaw-brain[classifier]")
            else:
                log.info("classifier.ended", code=code)
        self._not_before = self.clock() + min(RESTART_WAIT_MAX_S, (2.0**self._failures - 1))
        self._failures = min(self._failures + 1, 10)
        self._ready.set()  # a caller that waits for the start sees that there is no process
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(_ProcessEnded())
        self._pending.clear()


class _ProcessEnded(Exception):
    """The process ended before it answered."""
