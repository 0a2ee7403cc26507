"""A brain that leads goes on through what comes and goes: Redis at the wrong moment, another leader, the end of the process."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import httpx
import pytest

from openclaw_brain.leadership import RedisLeader, lead_until
from openclaw_brain.leading import Brain
from openclaw_brain.loops import Heartbeats, Loop
from openclaw_brain.metrics import Metrics
from openclaw_brain.settings import at_start
from openclaw_core.chat.telegram.messenger import BotIdentity, TelegramMessenger
from openclaw_core.errors import StoreUnavailable
from openclaw_core.store import Leadership, Script
from openclaw_standin.bot_api import BotApi
from tests.fakes.launcher import FakeLauncher
from tests.waiting import until


class Flaky(Script):
    """A Redis that is away for the next calls of a step."""

    def __init__(self, real: Script) -> None:
        super().__init__(real.redis, real.keys)
        self.fails: dict[str, int] = {}

    async def steps(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        for op, _ in calls:
            if self.fails.get(op, 0) > 0:
                self.fails[op] -= 1
                raise StoreUnavailable("away")
        return await super().steps(calls)


class Silent:
    """No chat is told anything here."""

    async def set_commands(self, *_: object) -> None: ...


@pytest.fixture
def brain(script: Script, monkeypatch: pytest.MonkeyPatch) -> Brain:
    settings, roles = at_start(
        {
            "TELEGRAM_TOKEN": f"{script.keys.bot_id}:a",
            "TELEGRAM_BASE_URL": "http://127.0.0.1:9",
            "REDIS_URL": "redis://unused",
            "DEMO_MODEL": "yes",
            "GROQ_API_KEY": "k",
        }
    )
    flaky, heartbeats = Flaky(script), Heartbeats(clock=lambda: 0.0)
    pod = {"spec": {"containers": [{"name": "agent", "image": "one"}]}}
    return Brain(
        settings=settings, script=flaky, messenger=cast("TelegramMessenger", Silent()), chat=None, classifier=None,
        launcher=FakeLauncher(pods={"agent": pod}), roles=roles, heartbeats=heartbeats,
        identity=BotIdentity(id=1, username="b"),
        metrics=Metrics(script=flaky, roles=sorted(roles.roles), loop_ages_s=heartbeats.ages_s),
        exporter=None,
    )  # fmt: skip


async def lead(brain: Brain, leader: RedisLeader, stop: asyncio.Event, on_stop: Callable[[], None]) -> None:
    await lead_until(stop, partial(brain.lead, leader), on_stop=on_stop)


@pytest.mark.parametrize("step", ["set_prices", "move_ready"])
async def test_a_redis_that_goes_away_just_as_a_brain_takes_the_lead_ends_nothing(
    brain: Brain, script: Script, step: str
) -> None:
    flaky = cast("Flaky", brain.script)
    flaky.fails[step] = 1
    stop, left = asyncio.Event(), asyncio.Event()
    await script.read("SADD", script.keys("pools"), "agent-11111111")  # of the release before
    await script.read("RPUSH", script.keys("ready", "agent-11111111"), "u1")
    leading = asyncio.create_task(lead(brain, RedisLeader(leadership=Leadership(script), holder="me"), stop, left.set))
    launcher = cast("FakeLauncher", brain.launcher)
    await until(lambda: leading.done() or launcher.created)
    assert not leading.done(), leading.exception()
    assert flaky.fails[step] == 0
    assert await Leadership(script).epoch() == 1, "the lead that it took is the one that it has"
    assert not left.is_set()
    stop.set()
    await leading
    assert left.is_set()


async def test_a_bot_api_that_hangs_costs_a_new_leader_neither_its_lead_nor_its_queue(
    brain: Brain, script: Script
) -> None:
    async with BotApi.open(token=brain.settings.telegram_token) as api:
        brain.settings = replace(brain.settings, telegram_base_url=api.url)
        hangs = api.faults.next("deleteWebhook", "hang")
        stop, renewed = asyncio.Event(), asyncio.Event()

        class Leader(RedisLeader):
            async def keep(self, epoch: int, loop: Loop) -> None:
                renewed.set()
                await super().keep(epoch, loop)

        leading = asyncio.create_task(
            lead(brain, Leader(leadership=Leadership(script), holder="me"), stop, lambda: None)
        )
        launcher = cast("FakeLauncher", brain.launcher)
        async with asyncio.timeout(10):  # the call is given up after 30 s
            await until(lambda: hangs.times == 0 and renewed.is_set() and launcher.created)
        assert not leading.done()
        stop.set()
        async with asyncio.timeout(brain.settings.drain_s + 2):  # nor does it keep a brain that is told to go
            await leading


LOOPS = {
    "leader", "updates", "control", "inbox", "lanes", "pool", "templates", "ends", "leases", "room", "forget", "news", "delivery",
}  # fmt: skip
"""Those that tell that they turn; `watch` is the launcher's."""


async def test_every_loop_of_a_leader_tells_that_it_turns_and_no_other_is_left_when_it_leads_no_more(
    brain: Brain, script: Script
) -> None:
    leadership, stop = Leadership(script), asyncio.Event()
    leading = asyncio.create_task(lead(brain, RedisLeader(leadership=leadership, holder="me"), stop, lambda: None))
    await until(lambda: brain.heartbeats.ages_s().keys() >= LOOPS)
    assert {"files", "watch"} <= {task.get_name() for task in asyncio.all_tasks()}
    assert brain.metrics.leading

    address = await _files_at(script)
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{address}/files/u1.{0:032x}/0")).status_code == 404

        await script.read("SET", script.keys("leader"), "another")
        await script.read("SET", script.keys("epoch.holder"), "another")
        await script.read("INCR", script.keys("epoch"))
        await until(lambda: not brain.metrics.leading)
        await until(lambda: brain.heartbeats.ages_s().keys() == {"leader"})
        assert not {"files", "news", "delivery", "room"} & {task.get_name() for task in asyncio.all_tasks()}
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{address}/files/u1.{0:032x}/0")
    assert not leading.done(), "it waits for its next turn"

    await leadership.give_up_lead("another")
    await until(lambda: brain.heartbeats.ages_s().keys() >= LOOPS)
    assert await leadership.epoch() == 3
    assert await _files_at(script, before=address) != address
    stop.set()
    async with asyncio.timeout(brain.settings.drain_s + 5):
        await leading


async def _files_at(script: Script, *, before: str = "") -> str:
    """The address that the leader has set, after that of one *before*."""
    async with asyncio.timeout(30):
        while (address := str(await script.read("GET", script.keys("files.at")) or "")) == before:
            await asyncio.sleep(0.02)
    return address


@pytest.mark.parametrize("step", ["set_files_at", "reconcile", "changed", "admit", "release"])
async def test_a_redis_that_goes_away_for_a_step_of_any_loop_costs_no_lead(
    brain: Brain, script: Script, step: str
) -> None:
    flaky = cast("Flaky", brain.script)
    flaky.fails[step] = 2
    stop = asyncio.Event()
    async with BotApi.open(token=brain.settings.telegram_token) as api:
        brain.settings = replace(brain.settings, telegram_base_url=api.url)
        api.users.write(7, "hello")
        leading = asyncio.create_task(
            lead(brain, RedisLeader(leadership=Leadership(script), holder="me"), stop, lambda: None)
        )
        await until(lambda: leading.done() or not flaky.fails[step])
        await until(lambda: leading.done() or brain.heartbeats.ages_s().keys() >= LOOPS)
        assert not leading.done(), leading.exception()
        assert await Leadership(script).epoch() == 1
        stop.set()
        await leading


def test_a_brain_of_one_machine_loads_nothing_of_kubernetes() -> None:
    code = "import sys, openclaw_brain.app; print('aiohttp' in sys.modules, 'kubernetes' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == ["True", "False"]
