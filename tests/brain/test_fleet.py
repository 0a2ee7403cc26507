"""Which pool tasks go to while PodTemplates change: the last good one, until one agent of the new one has come up."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from openclaw_brain.agents.fleet import Fleet
from openclaw_brain.agents.pool import PoolKeeper
from openclaw_brain.agents.ports import Launcher, Pool
from openclaw_core.errors import StoreUnavailable
from openclaw_core.store import Inbox, Lanes, Pools, Script
from openclaw_core.store.pools import task_of
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import HandedBack
from tests.brain.api_server import ApiServer
from tests.brain.api_server import launcher as a_real_launcher
from tests.core.store_world import ORDER, World, task
from tests.fakes.launcher import FakeLauncher


def pod(image: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "agent", "image": image}]}}


def pool_of(template: str, found: Mapping[str, Any]) -> Pool:
    return Pool.of(template, pod=found, env={"TASKS_PER_JOB": "1"}, deadline_s=1140)


async def a_fleet(script: Script, launcher: Launcher, fallbacks: list[bool] | None = None) -> Fleet:
    epoch = await Inbox(script).take_lead("me", ttl_s=8)
    pools = Pools(script)

    def keeper(pool: Pool, warm: int, cap: int) -> PoolKeeper:
        return PoolKeeper(
            pool=pool, pools=pools, lanes=Lanes(script), launcher=launcher, epoch=epoch, warm=warm, cap=cap, queue_deadline_s=900
        )  # fmt: skip

    fleet = Fleet(
        templates=["agent"], launcher=launcher, pools=pools, epoch=epoch, warm=2, cap=10, pool_of=pool_of, keeper_of_pool=keeper,
        on_fallback=lambda _template, in_use: None if fallbacks is None else fallbacks.append(in_use),
    )  # fmt: skip
    await fleet.open()
    return fleet


async def comes_up(script: Script, pool_id: str, launcher: FakeLauncher) -> None:
    [name] = [name for name in launcher.created if name.startswith(f"agent-{pool_id}-")][:1]
    await World(script).work(name, pool=pool_id).check_in()


async def keep(fleet: Fleet) -> None:
    for name in [fleet.current("agent"), *(k.pool.id for k in fleet._trial.values())]:
        keeper = fleet.keeper(name)
        assert keeper is not None
        await keeper.keep()


async def test_a_changed_template_waits_until_one_agent_of_it_has_come_up(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    launcher = FakeLauncher(pods={"agent": pod("one")})
    fallbacks: list[bool] = []
    fleet = await a_fleet(script, launcher, fallbacks)
    one, two = pool_of("agent", pod("one")).id, pool_of("agent", pod("two")).id
    await keep(fleet)
    await comes_up(script, one, launcher)
    await fleet.open()

    launcher.pods["agent"] = pod("two")
    with caplog.at_level(logging.WARNING):
        await fleet.open()
    assert [line.getMessage() for line in caplog.records] == ["template.on_trial"]
    fleet._trial["agent"].coming = lambda: {"u1", "u2", "u3"}
    await keep(fleet)
    await fleet.open()
    assert fleet.current("agent") == one
    assert len([name for name in launcher.created if name.startswith(f"agent-{two}-")]) == 1
    assert fallbacks == [True]
    assert set(launcher.rooms) == {10}  # one agent on trial is no reason to delete what others have finished

    await comes_up(script, two, launcher)
    await fleet.open()
    assert fleet.current("agent") == two
    assert fleet.successor(one) == two
    assert fallbacks == [True, False]
    assert all(name in launcher.deleted for name in launcher.created if name.startswith(f"agent-{one}-"))


async def test_a_new_leader_uses_the_last_good_template_while_the_one_of_today_cannot_start(script: Script) -> None:
    launcher = FakeLauncher(pods={"agent": pod("good")})
    fleet = await a_fleet(script, launcher)
    good = fleet.current("agent")
    await keep(fleet)
    await comes_up(script, good, launcher)
    await fleet.open()

    later = FakeLauncher(pods={"agent": pod("broken")})
    fleet = await a_fleet(script, later)
    await fleet.open()
    assert fleet.current("agent") == good
    keeper = fleet.keeper(good)
    assert keeper is not None
    assert keeper.pool.pod == pod("good")


async def test_a_template_that_goes_back_ends_the_trial(script: Script) -> None:
    launcher = FakeLauncher(pods={"agent": pod("one")})
    fallbacks: list[bool] = []
    fleet = await a_fleet(script, launcher, fallbacks)
    await keep(fleet)
    await comes_up(script, fleet.current("agent"), launcher)
    await fleet.open()
    launcher.pods["agent"] = pod("two")
    await fleet.open()
    await keep(fleet)
    launcher.pods["agent"] = pod("one")
    await fleet.open()
    assert fallbacks == [True, False]
    assert fleet.keeper(pool_of("agent", pod("two")).id) is None
    assert len(launcher.deleted) == 1


async def test_a_template_that_never_worked_is_simply_replaced(script: Script) -> None:
    launcher = FakeLauncher(pods={"agent": pod("broken")})
    fleet = await a_fleet(script, launcher)
    launcher.pods["agent"] = pod("mended")
    await fleet.open()
    assert fleet.current("agent") == pool_of("agent", pod("mended")).id


async def test_a_missing_template_is_a_cause_and_mended_by_itself(script: Script) -> None:
    launcher = FakeLauncher()
    fleet = await a_fleet(script, launcher)
    launcher.cause = Cause.MISCONFIGURED
    await keep(fleet)
    keeper = fleet.keeper(fleet.current("agent"))
    assert keeper is not None
    assert keeper.backoff.cause is Cause.MISCONFIGURED
    launcher.pods["agent"] = pod("there")
    await fleet.open()
    assert fleet.current("agent") == pool_of("agent", pod("there")).id


async def test_a_missing_template_is_a_cause_in_a_cluster_too(script: Script, tmp_path: Path) -> None:
    server = ApiServer()
    async with server.serve(), a_real_launcher(server, tmp_path / "kubeconfig") as jobs:
        fleet = await a_fleet(script, jobs)
        await keep(fleet)
        keeper = fleet.keeper(fleet.current("agent"))
        assert keeper is not None
        assert keeper.backoff.cause is Cause.MISCONFIGURED
        server.templates["agent"] = pod("there")
        await fleet.open()
        await keep(fleet)
        assert len(server.posted) == 2


async def test_the_last_good_template_is_told_of_while_the_one_of_today_cannot_be_read(script: Script) -> None:
    launcher = FakeLauncher(pods={"agent": pod("good")})
    fleet = await a_fleet(script, launcher)
    await keep(fleet)
    await comes_up(script, fleet.current("agent"), launcher)
    await fleet.open()

    fallbacks: list[bool] = []
    later = FakeLauncher()
    fleet = await a_fleet(script, later, fallbacks)
    assert (fleet.current("agent"), fallbacks) == (pool_of("agent", pod("good")).id, [True])
    later.pods["agent"] = pod("good")
    await fleet.open()
    assert fallbacks == [True, False]


async def test_a_pool_that_was_forgotten_is_known_again_once_a_task_comes_back_to_it(script: Script) -> None:
    world = World(script)
    await world.lead()
    world.agent = world.work("agent-agent-11111111-1", pool="agent-11111111")
    await world.ask(task(1))
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.lanes.dispatch(
        task(1).ordered(ORDER), pool="agent-11111111", decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch
    )
    run = await world.claim()
    await world.pools.forget("agent-11111111", world.agent.job)
    assert await world.pools.ids() == frozenset()
    await world.end(run, HandedBack())
    assert await world.pools.ids() == {"agent-11111111"}


async def test_tasks_of_an_older_pool_move_over_though_redis_went_away_meanwhile(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = FakeLauncher(pods={"agent": pod("one")})
    fleet = await a_fleet(script, launcher)
    older = fleet.current("agent")
    await script.read("RPUSH", script.keys("agent", "ready", older), "u1.0")
    move = Pools.move_ready

    async def away(*_: object, **__: object) -> int:
        monkeypatch.setattr(Pools, "move_ready", move)
        raise StoreUnavailable("away")

    await keep(fleet)
    monkeypatch.setattr(Pools, "move_ready", away)
    launcher.pods["agent"] = pod("two")
    with pytest.raises(StoreUnavailable):
        await fleet.open()
    await fleet.open()
    assert fleet.current("agent") != older
    assert await fleet.pools.ready(fleet.current("agent")) == ["u1.0"]


async def test_a_task_whose_agent_hands_it_back_to_an_older_pool_is_not_left_there(script: Script) -> None:
    """A new brain knows of no Job yet: what it does not see alive must not make it forget where tasks come back to."""
    world = World(script)
    launcher = FakeLauncher(pods={"agent": pod("two")})
    fleet = await a_fleet(script, launcher)
    world.epoch = await world.inbox.epoch()
    older = pool_of("agent", pod("one")).id
    world.agent = world.work("of the brain before", pool=older)
    one = task(1)
    await world.ask(one)
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.lanes.dispatch(
        one.ordered(ORDER), pool=older, decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch
    )
    run = await world.claim()
    fleet.clock = lambda: 0.0
    await fleet.open()
    assert "of the brain before" in await world.pools.jobs(older)

    await world.end(run, HandedBack())
    await fleet.open()
    [back] = await world.pools.ready(fleet.current("agent"))
    assert task_of(back) == "u1"
    fleet.clock = lambda: 1e9
    await fleet.open()
    assert await world.pools.jobs(older) == {}
