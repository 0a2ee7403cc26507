"""Files that came with a task, from a brain over HTTP: bounded, patient with a brain that is away, and never with the address in a log."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web

from openclaw_agent.attachments.files import LONGEST_PAUSE_S, MAX_BYTES, PAUSES_S, BrainFiles, NoFile
from openclaw_core.errors import LostOwnership, StoreFull, StoreUnavailable
from tests.agent.harness import task
from tests.fakes.bot_api_emulator import serving
from tests.fakes.time import FakeTime
from tests.fakes.work import FakeWork

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
NAME = f"u1.{1:032x}"


@asynccontextmanager
async def brain(*answers: Answer, time: FakeTime | None = None) -> AsyncIterator[tuple[BrainFiles, list[str]]]:
    """A brain that gives *answers* one after the other, the last one for ever; with the paths that were asked for."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return await answers[min(len(asked), len(answers)) - 1](request)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with serving(app) as url:
        yield await files_at(url, sleep=(time or FakeTime()).sleep), asked


async def files_at(address: str, *, sleep: Callable[[float], Awaitable[None]]) -> BrainFiles:
    """The files of a run that was claimed, of a brain at *address*."""
    work = FakeWork(address=address)
    work.hand_over(task(1))
    run = await work.claim()
    assert run is not None
    return BrainFiles(work=work, run=run, sleep=sleep)


def work_of(files: BrainFiles) -> FakeWork:
    assert isinstance(files.work, FakeWork)
    return files.work


def status(code: int, retry_after: str | None = None) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return web.Response(status=code, body=b"no", headers=headers)

    return answer


def content(body: bytes) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    reply = web.StreamResponse()
    await reply.prepare(request)
    for _ in range(MAX_BYTES // 1_000_000 + 2):
        await reply.write(b"x" * 1_000_000)
    return reply


async def cut_short(request: web.Request) -> web.StreamResponse:
    reply = web.StreamResponse(headers={"content-length": "100"})
    await reply.prepare(request)
    await reply.write(b"half")
    assert request.transport is not None
    request.transport.close()
    return reply


async def squeezed(request: web.Request) -> web.StreamResponse:
    assert request.headers["accept-encoding"] == "identity"
    return web.Response(body=b"x", headers={"content-encoding": "gzip"})


async def test_a_file_is_asked_for_by_its_run_and_its_number() -> None:
    async with brain(content("שלום".encode())) as (files, asked):
        assert await files.content(3) == "שלום".encode()
    assert asked == [f"/files/{NAME}/3"]


@pytest.mark.parametrize("code", [400, 403, 404, 413])
async def test_a_file_that_there_is_not_is_asked_for_once(code: int) -> None:
    async with brain(status(code)) as (files, asked):
        with pytest.raises(NoFile):
            await files.content(0)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "away", [status(503), status(502), status(429), cut_short], ids=["503", "502", "429", "cut short"]
)
async def test_a_brain_that_is_away_is_asked_again(away: Answer) -> None:
    time = FakeTime()
    async with brain(away, away, content(b"text"), time=time) as (files, asked):
        assert await files.content(0) == b"text"
    assert len(asked) == 3
    assert time.now_s == 100 + sum(PAUSES_S[:2])


async def test_a_brain_that_stays_away_is_given_up() -> None:
    async with brain(status(503)) as (files, asked):
        with pytest.raises(NoFile):
            await files.content(0)
    assert len(asked) == len(PAUSES_S) + 1


async def test_a_pause_that_the_brain_asks_for_is_made() -> None:
    time = FakeTime()
    async with brain(
        status(503, "7"), status(503, "0"), status(503, "soon"), status(429, "9999"), content(b"text"), time=time
    ) as (files, _):
        assert await files.content(0) == b"text"
    assert time.now_s == 100 + 7 + PAUSES_S[1] + PAUSES_S[2] + LONGEST_PAUSE_S


async def test_a_new_leader_is_asked_at_its_own_address() -> None:
    time = FakeTime()
    async with brain(status(503), time=time) as (files, of_old), brain(content(b"text")) as (of_new, asked):

        async def lead(seconds: float) -> None:
            await time.sleep(seconds)
            work_of(files).address = work_of(of_new).address

        moved = replace(files, sleep=lead)
        assert await moved.content(0) == b"text"
    assert (len(of_old), len(asked)) == (1, 1)


async def test_an_address_that_redis_does_not_tell_is_asked_for_again() -> None:
    async with brain(content(b"text")) as (files, asked):
        work_of(files).faults["files_at"] = [StoreUnavailable("away"), StoreFull("full")]
        assert await files.content(0) == b"text"
    assert len(asked) == 1


async def test_a_run_that_is_not_ours_any_more_gets_no_files() -> None:
    async with brain(content(b"text")) as (files, asked):
        work_of(files).take_away("u1")
        with pytest.raises(LostOwnership):
            await files.content(0)
    assert asked == []


async def test_a_connection_that_is_refused_is_tried_again() -> None:
    time = FakeTime()
    async with brain(content(b"text")) as (files, _):
        closed = work_of(files).address
    with pytest.raises(NoFile):
        await (await files_at(closed, sleep=time.sleep)).content(0)
    assert time.now_s == 100 + sum(PAUSES_S), "they outlast a change of the leader"
    assert sum(PAUSES_S) > 20


@pytest.mark.parametrize("address", ["", "no address", "http://[::1", "ftp://x"])
async def test_no_address_is_no_file(address: str) -> None:
    with pytest.raises(NoFile):
        await (await files_at(address, sleep=FakeTime().sleep)).content(0)


@pytest.mark.parametrize("answer", [endless, squeezed], ids=["too long", "compressed"])
async def test_a_reply_beyond_its_limit_is_not_read(answer: Answer) -> None:
    async with brain(answer) as (files, asked):
        with pytest.raises(NoFile):
            await files.content(0)
    assert len(asked) == 1


async def test_the_name_of_the_run_stays_out_of_logs_and_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with brain(status(503)) as (files, _):
        with pytest.raises(NoFile) as raised:
            await files.content(0)
    ours = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]  # that is the brain's
    assert NAME not in " ".join(ours) + repr(raised.value) + repr(files)
    assert raised.value.__cause__ is None
    assert "file.not_fetched" in ours


async def test_a_deadline_ends_the_waiting() -> None:
    async with brain(status(503)) as (files, _):
        patient = await files_at(work_of(files).address, sleep=asyncio.sleep)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await patient.content(0)
