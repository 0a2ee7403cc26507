"""Neither side of the socket believes the other: each message is checked for its size, its shape and its values."""

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openclaw_core.sealed import (
    MOST,
    DocumentPage,
    File,
    Malformed,
    Outcome,
    ProgramLanguage,
    ReadRequest,
    ReadResult,
    RunLimits,
    RunnerCause,
    RunnerClient,
    RunRequest,
    RunResult,
)
from openclaw_core.sealed.wire import (
    MAGIC,
    PREFIX,
    REQUEST_MAX_BYTES,
    RESULT_MAX_BYTES,
    Request,
    SealedResult,
    decode_request,
    decode_result,
    encode_request,
    encode_result,
    header_bytes,
    read_header,
)
from tests.runner.runners import needs_sealing, runner

PNG = b"\x89PNG\r\n\x1a\n"


def request_again(message: bytes) -> Request:
    length = header_bytes(message[: PREFIX.size])
    header = read_header(message[PREFIX.size : PREFIX.size + length], most_bytes=REQUEST_MAX_BYTES)
    return decode_request(header, message[PREFIX.size + length :])


def result_again(message: bytes) -> SealedResult:
    length = header_bytes(message[: PREFIX.size])
    header = read_header(message[PREFIX.size : PREFIX.size + length], most_bytes=RESULT_MAX_BYTES)
    return decode_result(header, message[PREFIX.size + length :])


@pytest.mark.parametrize(
    "request_",
    [
        RunRequest(language=ProgramLanguage.BASH, code="echo שלום"),
        RunRequest(
            language=ProgramLanguage.PYTHON,
            code="",
            test="x",
            files=(File(name="a b.csv", data=b"\0\xff"),),
            limits=MOST,
        ),
        ReadRequest(name="a.pdf", data=b"%PDF", first_page=3, pages=7),
    ],
)
def test_a_request_arrives_as_it_was_sent(request_: Request) -> None:
    assert request_again(encode_request(request_)) == request_


@pytest.mark.parametrize(
    "result",
    [
        RunResult(
            program=Outcome(exit_code=0, stdout="a", stderr="b", seconds=1.5),
            test=Outcome(cause=RunnerCause.TIMED_OUT, why="late"),
        ),
        RunResult(program=Outcome(exit_code=3), files=(File(name="plots/a.png", data=PNG),), files_dropped=2),
        ReadResult(pages=(DocumentPage(number=2, text="שלום", name="x"),), pages_total=9, cut=True, seconds=0.1),
        ReadResult(cause=RunnerCause.SCANNED, why="pictures"),
    ],
)
def test_a_result_arrives_as_it_was_sent(result: SealedResult) -> None:
    assert result_again(encode_result(result)) == result


def test_half_a_surrogate_pair_in_a_models_code_is_sent_as_a_question_mark() -> None:
    sent = request_again(encode_request(RunRequest(language=ProgramLanguage.PYTHON, code="print('\ud83d')")))

    assert isinstance(sent, RunRequest)
    assert sent.code == "print('?')"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a.png", "/a.png", "a/../b.png", ".hidden.png", "a\n.png", "‮gnp.png", "a\0.png", "x" * 200, "a.png/", "a;b", "c:\\a", "a."]
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        File(name=name, data=b"")


@pytest.mark.parametrize(
    "limit", [{"seconds": 0}, {"seconds": float("nan")}, {"processes": -1}, {"processes": True}, {"file_bytes": 1.5}, {"memory_bytes": "1"}]
)  # fmt: skip
def test_a_limit_is_a_number_above_nothing(limit: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="not a positive"):
        RunLimits(**limit)


def message(header: object, *parts: bytes) -> bytes:
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return PREFIX.pack(MAGIC, 1, len(encoded)) + encoded + b"".join(parts)


LIMITS = {"seconds": 1}
REFUSED = [
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
    pytest.param(PREFIX.pack(MAGIC, 2, 2) + b"{}", id="another version"),
    pytest.param(PREFIX.pack(MAGIC, 1, 0xFFFFFFFF), id="a header of 4 GB"),
    pytest.param(message(b"[" * 500_000), id="deep JSON"),
    pytest.param(message(b"\xff\xfe"), id="no UTF-8"),
    pytest.param(message(b"[]"), id="no object"),
    pytest.param(message({"parts": [["code", 1 << 50]]}), id="a part of a petabyte"),
    pytest.param(message({"parts": [["code", -1]]}), id="a part of less than nothing"),
    pytest.param(message({"parts": [["code", True]]}), id="a size that is no number"),
    pytest.param(message({"parts": [["x", 0]] * 5000}), id="many parts"),
    pytest.param(message({"parts": 7}), id="parts of another shape"),
    pytest.param(message({"kind": "other", "parts": []}), id="another kind"),
    pytest.param(message({"kind": "run", "language": "perl", "limits": LIMITS, "parts": [["code", 0]]}), id="another language"),
    pytest.param(message({"kind": "run", "language": "python", "limits": LIMITS, "parts": []}), id="no code"),
    pytest.param(message({"kind": "run", "language": "python", "limits": LIMITS, "parts": [["code", 1]]}, b"\xff"), id="code that is no text"),
    pytest.param(message({"kind": "run", "language": "python", "limits": {"seconds": 1e9}, "parts": [["code", 0]]}), id="too long a run"),
    pytest.param(message({"kind": "run", "language": "python", "limits": {"other": 1}, "parts": [["code", 0]]}), id="another limit"),
    pytest.param(message({"kind": "run", "language": "python", "limits": LIMITS, "parts": [["code", 0], ["code", 0]]}), id="code twice"),
    pytest.param(message({"kind": "run", "language": "python", "limits": LIMITS, "parts": [["code", 0], ["file:../x", 0]]}), id="a file elsewhere"),
    pytest.param(message({"kind": "run", "language": "python", "limits": LIMITS, "parts": [["code", 0], ["file:a/b", 0]]}), id="a file in a folder"),
    pytest.param(message({"kind": "read", "limits": LIMITS, "first_page": 0, "pages": 1, "parts": [["a.pdf", 0]]}), id="page 0"),
    pytest.param(message({"kind": "read", "limits": LIMITS, "first_page": 1, "pages": 1, "parts": []}), id="no document"),
]  # fmt: skip


@pytest.mark.parametrize("raw", REFUSED)
def test_a_request_that_breaks_a_rule_is_refused(raw: bytes) -> None:
    with pytest.raises((Malformed, struct.error)):
        request_again(raw)


@needs_sealing
async def test_the_runner_outlives_all_of_them() -> None:
    with runner() as opened:
        for case in REFUSED:
            reader, writer = await asyncio.open_unix_connection(opened.socket)
            writer.write(case.values[0])  # type: ignore[arg-type]
            got = await asyncio.wait_for(reader.read(), 60)
            writer.close()
            answer = result_again(got)
            cause = answer.cause if isinstance(answer, ReadResult) else answer.program.cause
            assert cause is RunnerCause.BAD_REQUEST, case.id
        reader, writer = await asyncio.open_unix_connection(opened.socket)
        writer.write(b"OCS")  # and hangs up
        writer.close()
        result = await opened.client.run(RunRequest(language=ProgramLanguage.PYTHON, code="print(1)"))

    assert result.program.stdout == "1\n"


@asynccontextmanager
async def lying(tmp_path: Path, answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]):  # type: ignore[no-untyped-def]
    path = tmp_path / "s"
    server = await asyncio.start_unix_server(answer, path)
    try:
        yield RunnerClient(path, spare_s=0.3)
    finally:
        server.close()


GOOD = {"exit_code": 0, "cause": None, "why": "", "stdout_dropped": 0, "stderr_dropped": 0, "seconds": 1}
STREAMS = [["program.stdout", 0], ["program.stderr", 0]]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"OCSR", id="the beginning alone"),
        pytest.param(PREFIX.pack(MAGIC, 1, 0xFFFFFFF), id="a header without end"),
        pytest.param(message({"parts": [["x", 1 << 40]]}), id="a body without end"),
        pytest.param(message({"kind": "run", "program": {**GOOD, "exit_code": 999}, "files_dropped": 0, "parts": STREAMS}), id="no exit code"),
        pytest.param(message({"kind": "run", "program": {**GOOD, "cause": "killed"}, "files_dropped": 0, "parts": STREAMS}), id="both"),
        pytest.param(message({"kind": "run", "program": {**GOOD, "why": 7}, "files_dropped": 0, "parts": STREAMS}), id="a reason of another type"),
        pytest.param(message({"kind": "run", "program": {**GOOD, "seconds": "x"}, "files_dropped": 0, "parts": STREAMS}), id="no time"),
        pytest.param(message({"kind": "run", "program": GOOD, "files_dropped": 0, "parts": [*STREAMS, ["file:../a.png", 8]]}, PNG), id="a name"),
        pytest.param(message({"kind": "run", "program": GOOD, "files_dropped": 0, "parts": [*STREAMS, ["file:a.exe", 2]]}, b"MZ"), id="a kind"),
        pytest.param(message({"kind": "run", "program": GOOD, "files_dropped": 0, "parts": [*STREAMS, ["file:a.png", 2]]}, b"MZ"), id="no picture"),
        pytest.param(message({"kind": "read", "cause": None, "why": "", "pages_total": None, "cut": False, "seconds": 1, "pages": [], "parts": []}), id="another kind"),
    ],
)  # fmt: skip
async def test_a_caller_believes_no_answer_that_breaks_a_rule(tmp_path: Path, raw: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        writer.close()

    async with lying(tmp_path, answer) as client:
        result = await client.run(RunRequest(language=ProgramLanguage.PYTHON, code="", limits=RunLimits(seconds=0.1)))

    assert result.program.cause is RunnerCause.NOT_AVAILABLE
    assert result.program.why


async def test_a_runner_that_says_nothing_is_not_waited_for_without_end(tmp_path: Path) -> None:
    hung_up = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the caller hangs up
        writer.close()
        hung_up.set()

    async with lying(tmp_path, answer) as client:
        result = await client.run(RunRequest(language=ProgramLanguage.PYTHON, code="", limits=RunLimits(seconds=0.1)))
        await asyncio.wait_for(hung_up.wait(), 30)
        await asyncio.sleep(0)

    assert "in time" in result.program.why


async def test_without_a_runner_nothing_runs_and_the_result_says_so(tmp_path: Path) -> None:
    client = RunnerClient(tmp_path / "nowhere")

    run = await client.run(RunRequest(language=ProgramLanguage.PYTHON, code="print(1)"))
    read = await client.read(ReadRequest(name="a.txt", data=b"x"))

    assert (run.program.cause, run.program.why) == (RunnerCause.NOT_AVAILABLE, "no runner is there")
    assert (read.cause, read.why) == (RunnerCause.NOT_AVAILABLE, "no runner is there")
