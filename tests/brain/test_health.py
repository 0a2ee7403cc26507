"""The three pages, asked over HTTP: what fails them, and what does not."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from openclaw_brain.app import run
from openclaw_brain.health import Health
from openclaw_brain.kubernetes.api import CALL_S, SILENCE_S, WATCH_S
from openclaw_brain.kubernetes.lease import LeaseLeader
from openclaw_brain.leadership import RedisLeader
from openclaw_brain.loops import STUCK_S, Heartbeats, Loop
from openclaw_brain.metrics import Metrics
from openclaw_brain.settings import at_start
from openclaw_brain.telegram.updates import admit_forever
from openclaw_core.errors import FloodWait
from openclaw_core.store import Inbox, Leadership, RedisSettings, Script, open_script
from openclaw_standin.bot_api import BotApi
from tests.brain.test_kubernetes_lease import Epochs, Leases
from tests.redis_server import RedisServer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def served(
    script: Script, heartbeats: Heartbeats, reachable: Callable[[], Awaitable[bool]] | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Health]]:
    metrics = Metrics(script=script, roles=(), loop_ages_s=heartbeats.ages_s)
    health = Health(heartbeats=heartbeats, script=script, metrics=metrics, reachable=reachable)
    async with (
        health.serve(0, host="127.0.0.1") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        yield client, health


async def test_a_loop_that_no_longer_turns_fails_healthz_by_name_and_one_that_turns_again_passes(
    script: Script,
) -> None:
    clock = Clock()
    heartbeats = Heartbeats(clock=clock)
    lanes, _inbox = heartbeats.of("lanes"), heartbeats.of("inbox")
    async with served(script, heartbeats) as (client, _):
        clock.now += STUCK_S
        assert (await client.get("/healthz")).status_code == 200
        clock.now += 1
        lanes()
        reply = await client.get("/healthz")
        assert (reply.status_code, reply.text) == (503, "stuck: inbox\n")


async def redis_standby(script: Script, on_heartbeat: Callable[[], None]) -> None:
    leadership = Leadership(script)
    await leadership.take_lead("another", ttl_s=60)
    await RedisLeader(leadership=leadership, holder="me").acquire(Loop(on_heartbeat=on_heartbeat))


async def soon(_: float) -> None:
    await asyncio.sleep(0.01)


def on_a_cluster(leases: Leases, epochs: Epochs) -> LeaseLeader:
    return LeaseLeader(api=leases, leadership=epochs, holder="me", clock=lambda: 0.0)  # type: ignore[arg-type]


async def lease_standby(_: Script, on_heartbeat: Callable[[], None]) -> None:
    leases, epochs = Leases(), Epochs()
    another = on_a_cluster(leases, epochs)
    another.holder = "another"
    await another.acquire(Loop(sleep=soon))
    await on_a_cluster(leases, epochs).acquire(Loop(on_heartbeat=on_heartbeat, sleep=soon))


async def lease_without_api_server(_: Script, on_heartbeat: Callable[[], None]) -> None:
    leases = Leases()
    leases.away = True
    await on_a_cluster(leases, Epochs()).acquire(Loop(on_heartbeat=on_heartbeat, sleep=soon))


async def lease_without_redis(_: Script, on_heartbeat: Callable[[], None]) -> None:
    leases, epochs = Leases(), Epochs()
    epochs.away = True
    await on_a_cluster(leases, epochs).acquire(Loop(on_heartbeat=on_heartbeat, sleep=soon))


async def lease_that_is_kept(_: Script, on_heartbeat: Callable[[], None]) -> None:
    leader = on_a_cluster(Leases(), Epochs())
    epoch = await leader.acquire(Loop(sleep=soon))
    await leader.keep(epoch, Loop(on_heartbeat=on_heartbeat, sleep=soon))


@pytest.mark.parametrize(
    "waiting",
    [redis_standby, lease_standby, lease_without_api_server, lease_without_redis, lease_that_is_kept],
    ids=lambda waiting: waiting.__name__,
)
async def test_a_brain_whose_wait_for_the_lead_stands_still_fails_healthz_and_one_that_waits_passes(
    script: Script, waiting: Callable[[Script, Callable[[], None]], Awaitable[None]]
) -> None:
    clock = Clock()
    heartbeats = Heartbeats(clock=clock)
    standby = asyncio.ensure_future(waiting(script, heartbeats.of("leader")))
    try:
        async with served(script, heartbeats) as (client, _):
            for _round in range(2):  # the first turn of a wait is another line than those that follow
                clock.now += 10 * STUCK_S
                await eventually(client, "/healthz", 200)  # a failed attempt is a turn
            standby.cancel()
            await asyncio.wait([standby])
            clock.now += 10 * STUCK_S
            assert (await client.get("/healthz")).text == "stuck: leader\n"
    finally:
        standby.cancel()


async def test_a_leader_that_has_ended_on_purpose_is_not_stuck(script: Script) -> None:
    clock = Clock()
    heartbeats = Heartbeats(clock=clock)
    heartbeats.of("lanes")
    heartbeats.forget()
    clock.now += 10 * STUCK_S
    async with served(script, heartbeats) as (client, _):
        assert (await client.get("/healthz")).status_code == 200


async def test_a_long_flood_wait_of_the_poll_is_no_stuck_loop(script: Script) -> None:
    clock = Clock()
    heartbeats = Heartbeats(clock=clock)
    oldest = 0.0

    class Refused:
        async def end_webhook(self) -> None: ...

        async def poll(self, offset: int | None) -> list[dict[str, object]]:
            raise FloodWait(retry_after_s=10 * STUCK_S)

    async def sleep(seconds: float) -> None:
        nonlocal oldest
        clock.now += seconds
        oldest = max(oldest, *heartbeats.ages_s().values())
        if clock.now > 1000 + 10 * STUCK_S:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await admit_forever(
            Refused(),  # type: ignore[arg-type]
            Inbox(script), Loop(on_heartbeat=heartbeats.of("updates"), sleep=sleep), epoch=1, on_admitted=lambda *_: None, clock=clock,
        )  # fmt: skip
    assert 0 < oldest < STUCK_S


def test_an_api_server_that_falls_silent_is_given_up_before_the_watch_looks_stuck() -> None:
    assert WATCH_S < SILENCE_S
    assert CALL_S + SILENCE_S < STUCK_S, "a connection is made first"


async def test_outside_faults_fail_readyz_and_not_healthz(tmp_path: Path, bot_id: int) -> None:
    answers = True

    async def reachable() -> bool:
        return answers

    with RedisServer.start(tmp_path) as server:
        async with (
            open_script(RedisSettings(url=server.url, timeout_s=1), bot_id=bot_id) as script,
            served(script, Heartbeats(), reachable) as (client, _),
        ):
            assert (await client.get("/readyz")).text == "ok\n"
            answers = False
            reply = await client.get("/readyz")
            assert (reply.status_code, reply.text) == (503, "API server: no answer\n")
            server.kill()
            reply = await client.get("/readyz")
            assert (reply.status_code, reply.text) == (503, "Redis: StoreUnavailable\nAPI server: no answer\n")
            assert (await client.get("/healthz")).status_code == 200
            answers = True
            server.up()
            await eventually(client, "/readyz", 200)


async def test_an_api_server_that_never_answers_ends_readyz_within_the_probe(script: Script) -> None:

    async def reachable() -> bool:
        await asyncio.Event().wait()
        return True

    async with served(script, Heartbeats(), reachable) as (client, health):
        health.reach_s = 0.05
        reply = await client.get("/readyz")
        assert (reply.status_code, reply.text) == (503, "API server: no answer within 0.05 s\n")


async def test_a_brain_whose_token_has_not_proved_good_is_not_ready(redis_url: str, bot_id: int) -> None:
    token = f"{bot_id}:test-token-of-nobody"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with BotApi.open(token=token) as api:
        asked = api.faults.next("getMe", "server_error", times=1000)
        env = {
            "TELEGRAM_TOKEN": token, "TELEGRAM_BASE_URL": api.url, "GROQ_API_KEY": "k", "REDIS_URL": redis_url, "HEALTH_PORT": str(port),
        }  # fmt: skip
        stop = asyncio.Event()
        starting = asyncio.create_task(run(*at_start(env), env, stop))
        try:
            async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False) as client:
                while asked.times == 1000 and not starting.done():
                    await asyncio.sleep(0.02)
                reply = await client.get(f"http://127.0.0.1:{port}/readyz")
                assert (reply.status_code, reply.text) == (503, "starting or leaving\n")
                assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
        finally:
            stop.set()
            assert await starting == 0


async def test_a_brain_that_leaves_is_not_ready(script: Script) -> None:
    async with served(script, Heartbeats()) as (client, health):
        health.ready = False
        assert (await client.get("/readyz")).status_code == 503


@pytest.mark.parametrize("sent", [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: brain\r\n"])
async def test_half_a_request_does_not_keep_its_connection(script: Script, sent: bytes) -> None:
    health = Health(
        heartbeats=Heartbeats(),
        script=script,
        metrics=Metrics(script=script, roles=(), loop_ages_s=Heartbeats().ages_s),
        idle_s=0.2,
    )
    assert 0 < Health.idle_s <= 120
    async with health.serve(0, host="127.0.0.1") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        try:
            async with asyncio.timeout(30):
                assert await reader.read() == b""
        finally:
            writer.close()


async def test_a_body_that_never_comes_does_not_keep_its_connection(script: Script) -> None:
    async with served(script, Heartbeats()) as (client, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: brain\r\nContent-Length: 9\r\n\r\n")
        try:
            async with asyncio.timeout(9):
                assert b" 200 " in await reader.read()
        finally:
            writer.close()


async def eventually(client: httpx.AsyncClient, path: str, status: int) -> None:
    async with asyncio.timeout(20):
        while (await client.get(path)).status_code != status:
            await asyncio.sleep(0.05)
