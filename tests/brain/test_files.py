"""Files of people reach the agent that has their task, and nobody else; streamed, within limits, and never kept."""

import asyncio
import json
import logging
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from openclaw_brain.agents import files as module
from openclaw_brain.agents.files import AT_ONCE, FILE_MAX_BYTES, FileServer
from openclaw_core import logs
from openclaw_core.errors import FloodWait, MessengerRefused, MessengerUnauthorized, MessengerUnavailable
from openclaw_core.store import RedisSettings, Script, open_script
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Attachment, Task
from openclaw_core.tasks.work import Answered, Run
from tests.core.store_world import USAGE, World, task
from tests.redis_server import RedisServer

PIECE = 64 * 1024


@dataclass
class Source:
    """A messenger's files. *faults* are raised before the first piece of the next files; *breaks* after it."""

    files: dict[str, bytes] = field(default_factory=lambda: {"a": b"first file", "b": b"second file"})
    faults: list[Exception] = field(default_factory=list)
    breaks: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    open: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """The first piece comes once it is set."""

    def __post_init__(self) -> None:
        self.gate.set()

    async def stream_file(self, file_id: str, max_bytes: int) -> AsyncGenerator[bytes, None]:
        self.asked.append(file_id)
        self.open += 1
        try:
            await self.gate.wait()
            if self.faults:
                raise self.faults.pop(0)
            content = self.files[file_id]
            if len(content) > max_bytes:
                raise MessengerRefused("too large")
            for at in range(0, len(content), PIECE):
                yield content[at : at + PIECE]
                if self.breaks:
                    raise self.breaks.pop(0)
        finally:
            self.open -= 1


def with_files(n: int = 1, *, chat: int = 1, names: str = "ab") -> Task:
    return replace(
        task(n, chat=chat), attachments=tuple(Attachment(kind="file", file_id=name, name=name) for name in names)
    )


@dataclass
class Port:
    world: World
    source: Source
    http: httpx.AsyncClient
    port: int

    async def get(self, run: str, n: object = 0) -> httpx.Response:
        return await self.http.get(f"/files/{run}/{n}")


@asynccontextmanager
async def served(script: Script) -> AsyncIterator[Port]:
    source = Source()
    async with (
        FileServer(script=script, source=source).serve(0, "127.0.0.1") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as http,
    ):
        yield Port(World(script), source, http, port)


@pytest.fixture
async def port(script: Script) -> AsyncIterator[Port]:
    async with served(script) as opened:
        await opened.world.lead()
        yield opened


async def test_an_agent_gets_the_files_of_its_run_by_their_numbers(port: Port) -> None:
    run = await port.world.claimed(with_files())
    assert (await port.get(run.name, 0)).content == b"first file"
    assert (await port.get(run.name, 1)).content == b"second file"
    assert port.source.open == 0


@pytest.mark.parametrize("number", ["2", "-1", "x", "", "0x0", "%C2%B2", "%D9%A3", "9" * 5000, "0/0", "1e0"])
async def test_another_number_is_not_found(port: Port, number: str) -> None:
    run = await port.world.claimed(with_files())
    assert (await port.get(run.name, number)).status_code == 404
    assert port.source.asked == []


async def test_a_run_that_nobody_has_not_yet_or_not_any_more_is_not_found(port: Port) -> None:
    world = port.world
    await world.ready(with_files())
    [waiting] = await world.pools.ready("p")
    assert (await port.get(waiting)).status_code == 404, "no agent has claimed it"
    first = await world.claim()
    assert await world.pools.lost("u1", Cause.CRASH, pool="p", epoch=world.epoch) == "requeued"
    assert (await port.get(first.name)).status_code == 404, "another run has the task"
    second = await world.claim(world.work("job-2"))
    assert (await port.get(second.name)).status_code == 200
    assert await world.work("job-2").end(second, Answered(markdown="42", usage=USAGE))
    assert (await port.get(second.name)).status_code == 404, "its result is there"
    await world.hear()
    assert (await port.get(second.name)).status_code == 404


async def test_an_agent_that_writes_a_lost_run_down_again_gets_nothing_by_it(port: Port) -> None:
    world = port.world
    run = await world.claimed(with_files())
    record = await _record(world, run)
    assert await world.pools.lost("u1", Cause.CRASH, pool="p", epoch=world.epoch) == "requeued"
    await world.run_fields(run, record=record, job="job-1")
    assert (await port.get(run.name)).status_code == 404


async def test_a_run_that_was_stopped_is_not_found(port: Port) -> None:
    run = await port.world.claimed(with_files())
    await port.world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
    assert (await port.get(run.name)).status_code == 404


async def test_a_guessed_name_is_not_found(port: Port) -> None:
    run = await port.world.claimed(with_files())
    secret = run.name.rpartition(".")[2]
    for name in (
        "u1",
        "u1.",
        f"u1.{'0' * 32}",
        f"u2.{secret}",
        secret,
        f".{secret}",
        "*",
        "..",
        "%00",
        f"{run.name}%00",
    ):
        assert (await port.get(name)).status_code == 404, name
    assert port.source.asked == []


async def test_an_agent_that_writes_other_files_into_its_run_gets_none_of_them(port: Port) -> None:
    run = await port.world.claimed(with_files(names="a"))
    other = with_files(names="b")
    await port.world.run_fields(
        run,
        record=json.dumps(
            {
                **json.loads(await _record(port.world, run)),
                "materials": [{"kind": "file", "file_id": other.attachments[0].file_id}],
            }
        ),
    )
    assert (await port.get(run.name)).content == b"first file"
    assert port.source.asked == ["a"]


async def _record(world: World, run: Run) -> str:
    return str(await world.script.read("HGET", world.script.keys("agent", "run", run.name), "record"))


async def test_a_file_that_is_too_large_or_gone_is_not_found(port: Port) -> None:
    run = await port.world.claimed(with_files())
    port.source.files["a"] = bytes(FILE_MAX_BYTES + 1)
    assert (await port.get(run.name)).status_code == 404
    port.source.faults = [MessengerRefused("400")]
    assert (await port.get(run.name)).status_code == 404


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        (FloodWait(retry_after_s=7), "7"),
        (FloodWait(retry_after_s=0.2), "1"),
        (MessengerUnavailable("timed out"), "1"),
        (MessengerUnauthorized("401"), "1"),
    ],
)
async def test_telegrams_absence_and_its_flood_limit_ask_for_another_try(
    port: Port, fault: Exception, after: str
) -> None:
    run = await port.world.claimed(with_files())
    port.source.faults = [fault]
    reply = await port.get(run.name)
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, after)
    assert (await port.get(run.name)).content == b"first file"


async def test_a_run_that_waits_since_the_leader_before_knows_the_address_of_today(port: Port) -> None:
    world = port.world
    await world.inbox.set_files_at("http://gone:1", epoch=world.epoch)
    await world.ready(with_files())
    await world.leadership.give_up_lead("me")
    await world.lead("another")
    await world.inbox.set_files_at("http://here:2", epoch=world.epoch)
    for run in (await world.claim(), await world.claimed(with_files(2, chat=2))):
        assert await world.agent.files_at(run) == "http://here:2"


async def test_an_agent_that_has_its_run_since_the_leader_before_hears_of_the_new_address(port: Port) -> None:
    world = port.world
    await world.inbox.set_files_at("http://gone:1", epoch=world.epoch)
    run = await world.claimed(with_files())
    await world.leadership.give_up_lead("me")
    await world.lead("another")
    await world.inbox.set_files_at("http://here:2", epoch=world.epoch)
    assert await world.agent.files_at(run) == "http://here:2"


async def test_redis_away_asks_for_another_try(tmp_path: Path, bot_id: int) -> None:
    with RedisServer.start(tmp_path) as server:
        async with (
            open_script(RedisSettings(url=server.url, timeout_s=2), bot_id=bot_id) as script,
            served(script) as port,
        ):
            await port.world.lead()
            run = await port.world.claimed(with_files())
            server.kill()
            reply = await port.get(run.name)
            assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
            server.up()
            assert (await port.get(run.name)).status_code == 200


async def test_a_run_of_another_type_in_redis_is_not_found(port: Port) -> None:
    run = await port.world.claimed(with_files())
    key = port.world.script.keys("agent", "run", run.name)
    await port.world.script.read("DEL", key)
    await port.world.script.read("RPUSH", key, "x")
    assert (await port.get(run.name)).status_code == 404


async def test_a_file_that_breaks_off_is_seen_to(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    run = await port.world.claimed(with_files())
    port.source.files["a"] = bytes(3 * PIECE)
    port.source.breaks = [MessengerUnavailable("reset")]
    with caplog.at_level(logging.DEBUG), pytest.raises(httpx.RemoteProtocolError):
        await port.get(run.name)
    [broke_off] = [line for line in caplog.records if line.getMessage() == "file.broke_off"]
    written = json.loads(logs._JsonFormatter("brain", trace_of=lambda task: f"trace of {task}").format(broke_off))
    assert written["trace_id"] == "trace of u1"
    assert not [line for line in caplog.records if line.levelno >= logging.ERROR]
    assert len((await port.get(run.name)).content) == 3 * PIECE


async def test_twenty_megabytes_pass_through_a_little_memory(port: Port) -> None:
    run = await port.world.claimed(with_files())
    port.source.files["a"] = content = bytes(FILE_MAX_BYTES)
    read = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port.port, limit=PIECE)
    tracemalloc.start()
    writer.write(f"GET /files/{run.name}/0 HTTP/1.1\r\nHost: brain\r\nConnection: close\r\n\r\n".encode())
    while piece := await reader.read(PIECE):
        read += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    writer.close()
    assert read > len(content)
    assert peak < 2_000_000


async def test_a_client_that_reads_slowly_holds_nothing_but_its_place_and_not_for_ever(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_S", 1.0)
    run, other = await port.world.claimed(with_files()), await port.world.claimed(with_files(2, chat=2))
    port.source.files["a"] = bytes(FILE_MAX_BYTES)
    reader, writer = await _asks(port, run)
    assert (await port.get(other.name, 1)).status_code == 200, "nobody else waits for it"
    async with asyncio.timeout(20):
        while port.source.open:
            await asyncio.sleep(0.02)
        got = await reader.read()  # what had been sent, then the end of the connection
    assert len(got) < FILE_MAX_BYTES
    assert not got.endswith(b"0\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("when", ["before the first piece", "in the middle"])
async def test_a_client_that_leaves_gives_up_its_place(port: Port, when: str) -> None:
    run = await port.world.claimed(with_files())
    port.source.files["a"] = bytes(FILE_MAX_BYTES)
    if when == "before the first piece":
        port.source.gate.clear()
    reader, writer = await _asks(port, run)
    if when == "in the middle":
        await reader.read(1000)
    writer.transport.abort()
    async with asyncio.timeout(20):
        while port.source.open:
            await asyncio.sleep(0.02)
    port.source.gate.set()
    assert (await port.get(run.name, 1)).status_code == 200


async def _asks(port: Port, run: Run) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has asked, and whose file is under way."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port.port, limit=1024)
    writer.write(f"GET /files/{run.name}/0 HTTP/1.1\r\nHost: brain\r\n\r\n".encode())
    async with asyncio.timeout(20):
        while not port.source.open:
            await asyncio.sleep(0.02)
    return reader, writer


async def test_one_run_gets_one_file_at_a_time_so_that_it_cannot_take_all_places(port: Port) -> None:
    greedy, other = await port.world.claimed(with_files()), await port.world.claimed(with_files(2, chat=2))
    port.source.gate.clear()
    asking = [asyncio.create_task(port.get(greedy.name)) for _ in range(AT_ONCE + 1)]
    async with asyncio.timeout(20):
        while sum(one.done() for one in asking) < AT_ONCE:
            await asyncio.sleep(0.02)
    assert {one.result().status_code for one in asking if one.done()} == {503}
    honest = asyncio.create_task(port.get(other.name))
    async with asyncio.timeout(20):
        while port.source.open < 2:
            await asyncio.sleep(0.02)
    port.source.gate.set()
    assert (await honest).status_code == 200
    assert sorted(one.status_code for one in await asyncio.gather(*asking)) == [200] + [503] * AT_ONCE


async def test_who_stops_to_lead_does_not_wait_for_a_reader(script: Script) -> None:
    async with served(script) as port:
        await port.world.lead()
        run = await port.world.claimed(with_files())
        port.source.files["a"] = bytes(FILE_MAX_BYTES)
        _, writer = await _asks(port, run)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 10
    assert port.source.open == 0
    writer.close()


@pytest.mark.parametrize("sent", ["", "GET /files/", "GET /files/{run}/0 HTTP/1.1\r\nHost: brain\r\n"])
async def test_half_a_request_does_not_keep_its_connection(
    script: Script, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.2)
    async with served(script) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port.port)
        writer.write(sent.format(run="u1.0").encode())
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()


async def test_the_log_holds_no_name_of_a_run_and_no_id_of_a_file(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the test's own client
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    port.source.files["file-id-never-logged"] = bytes(3 * PIECE)
    run = await port.world.claimed(with_files(names=["file-id-never-logged"]))  # type: ignore[arg-type]
    with caplog.at_level(logging.DEBUG):
        port.source.faults = [
            FloodWait(retry_after_s=1),
            MessengerUnavailable("away"),
            MessengerRefused("x"),
            RuntimeError("bug"),
        ]
        statuses = [(await port.get(run.name)).status_code for _ in range(5)]
        await port.get(run.name, 7)
        port.source.breaks = [MessengerUnavailable("reset")]
        with pytest.raises(httpx.RemoteProtocolError):
            await port.get(run.name)
    assert statuses == [503, 503, 404, 500, 200]
    said = "\n".join(logs._JsonFormatter("brain").format(line) + line.getMessage() for line in caplog.records)
    for secret in (run.name, run.name.rpartition(".")[2], "file-id-never-logged"):
        assert secret not in said


@pytest.mark.parametrize("host", ["", "127.0.0.1", "::1"])
async def test_the_address_is_published_once_the_server_answers(script: Script, host: str) -> None:
    published = asyncio.Queue[str]()
    server = FileServer(script=script, source=Source())
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.run(0, host, published.put))
        address = await published.get()
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            assert (await http.get(f"{address}/files/unknown.0a/0")).status_code == 404
        serving.cancel()
    assert address.startswith("http://[::1]:" if host == "::1" else "http://127.0.0.1:")
    assert published.empty()
