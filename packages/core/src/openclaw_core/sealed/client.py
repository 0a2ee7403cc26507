"""The caller's half: one request on the runner's socket, one result back, and a cause where there is none."""

import asyncio
from pathlib import Path

from openclaw_core.sealed.values import Outcome, ReadRequest, ReadResult, RunnerCause, RunRequest, RunResult
from openclaw_core.sealed.wire import (
    PREFIX,
    RESULT_MAX_BYTES,
    Malformed,
    Request,
    SealedResult,
    decode_result,
    encode_request,
    header_bytes,
    read_header,
)

SPARE_S = 15.0
"""Beyond a request's own limits: the runner's start, writing files in, taking files out."""

LOOK_EVERY_S = 0.05
"""For the socket of a runner that is being started."""


class RunnerClient:
    """Talks to the sealed runner that listens at a Unix socket.

    A fault is a result with a cause, not an exception: whoever asks has to tell a person or a model why nothing ran.
    """

    def __init__(self, socket: Path, *, spare_s: float = SPARE_S, start_s: float = 0.0) -> None:
        """*spare_s*: how long an answer may take beyond the request's own limits.

        *start_s*: how long to wait for a runner that is being started.
        """
        self._socket = socket
        self._spare_s = spare_s
        self._start_s = start_s

    async def run(self, request: RunRequest) -> RunResult:
        """Run code. Cancelling this call ends the run."""
        # The program and its test have a time of their own each.
        wanted_s = request.limits.seconds * (1 if request.test is None else 2)
        answer = await self._ask(request, wanted_s)
        if isinstance(answer, RunResult):
            return answer
        return RunResult(program=Outcome(cause=RunnerCause.NOT_AVAILABLE, why=_unexpected(answer)))

    async def read(self, request: ReadRequest) -> ReadResult:
        """Read a document. Cancelling this call ends the reading."""
        answer = await self._ask(request, request.limits.seconds)
        if isinstance(answer, ReadResult):
            return answer
        # A runner that cannot seal itself answers before it has read what was asked, always as a run.
        if isinstance(answer, RunResult) and answer.program.cause is not None:
            return ReadResult(cause=answer.program.cause, why=answer.program.why)
        return ReadResult(cause=RunnerCause.NOT_AVAILABLE, why=_unexpected(answer))

    async def _ask(self, request: Request, wanted_s: float) -> SealedResult | str:
        """The runner's answer, or why there is none."""
        message = encode_request(request)
        try:
            async with asyncio.timeout(wanted_s + self._spare_s):
                return await self._exchange(message)
        except TimeoutError:
            return "the runner did not answer in time"
        except (FileNotFoundError, ConnectionRefusedError):
            return "no runner is there"
        except (OSError, asyncio.IncompleteReadError):
            return "the runner ended without an answer"
        except Malformed as exc:
            return f"the runner's answer was refused: {exc}"

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        until = asyncio.get_running_loop().time() + self._start_s
        while True:
            try:
                return await asyncio.open_unix_connection(self._socket)
            except (FileNotFoundError, ConnectionRefusedError):
                if asyncio.get_running_loop().time() >= until:
                    raise
            await asyncio.sleep(LOOK_EVERY_S)

    async def _exchange(self, message: bytes) -> SealedResult:
        reader, writer = await self._connected()
        try:
            sending = asyncio.create_task(_send(writer, message), name="send to the runner")
            try:
                # Read while writing: a runner that refuses answers before it has taken all.
                length = header_bytes(await reader.readexactly(PREFIX.size))
                header = read_header(await reader.readexactly(length), most_bytes=RESULT_MAX_BYTES)
                return decode_result(header, await reader.readexactly(header.body_bytes))
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        finally:
            writer.transport.abort()


async def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(message)
    await writer.drain()


def _unexpected(answer: SealedResult | str) -> str:
    return answer if isinstance(answer, str) else "the runner's answer is of another kind"
