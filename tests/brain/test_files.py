"""Files of people reach the agent that has their task, and nobody else; streamed, within limits, and never kept."""

import asyncio
import json
import logging
from pathlib import Path

import httpx
import pytest

from openclaw_brain.agents.files import FILE_MAX_BYTES, FileServer
from openclaw_core import logs
from openclaw_core.errors import FloodWait, MessengerRefused, MessengerUnauthorized, MessengerUnavailable
from openclaw_core.store import RedisSettings, Script, open_script
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import Answered, Run
from tests.brain.file_port import PIECE, Port, Source, port, served, with_files
from tests.core.store_world import USAGE, World
from tests.redis_server import RedisServer

__all__ = ["port"]


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
