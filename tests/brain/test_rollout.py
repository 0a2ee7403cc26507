"""Which pool tasks go to while PodTemplates change: the last good one, until one agent of the new one has come up."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from openclaw_brain.agents.pool import PoolLimits
from openclaw_brain.agents.ports import Launcher, Pool
from openclaw_brain.agents.rollout import Rollout
from openclaw_core.errors import StoreUnavailable
from openclaw_core.store import Lanes, Leadership, Pools, Script
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


async def a_rollout(script: Script, launcher: Launcher, fallbacks: list[bool] | None = None) -> Rollout:
    epoch = await Leadership(script).take_lead("me", ttl_s=8)
    rollout = Rollout(
        templates=["agent"], launcher=launcher, pools=Pools(script), lanes=Lanes(script), epoch=epoch, pool_of=pool_of,
        limits_of=lambda _template: PoolLimits(warm=2, cap=10, queue_deadline_s=900),
        on_fallback=lambda _template, in_use: None if fallbacks is None else fallbacks.append(in_use),
    )  # fmt: skip
    await rollout.refresh()
    return rollout


async def comes_up(script: Script, pool_id: str, launcher: FakeLauncher) -> None:
    [name] = [name for name in launcher.created if name.startswith(f"agent-{pool_id}-")][:1]
    await World(script).work(name, pool=pool_id).check_in()


async def scale(rollout: Rollout) -> None:
    for name in [rollout.current("agent"), *(one.pool.id for one in rollout._trial.values())]:
        controller = rollout.controller(name)
        assert controller is not None
        await controller.scale()


async def test_a_changed_template_waits_until_one_agent_of_it_has_come_up(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    launcher = FakeLauncher(pods={"agent": pod("one")})
    fallbacks: list[bool] = []
    rollout = await a_rollout(script, launcher, fallbacks)
    one, two = pool_of("agent", pod("one")).id, pool_of("agent", pod("two")).id
    await scale(rollout)
    await comes_up(script, one, launcher)
    await rollout.refresh()

    launcher.pods["agent"] = pod("two")
    with caplog.at_level(logging.WARNING):
        await rollout.refresh()
    assert [line.getMessage() for line in caplog.records] == ["template.on_trial"]
    rollout._trial["agent"].in_routing = lambda: {"u1", "u2", "u3"}
    await scale(rollout)
    await rollout.refresh()
    assert rollout.current("agent") == one
    assert len([name for name in launcher.created if name.startswith(f"agent-{two}-")]) == 1
    assert fallbacks == [True]
    assert set(launcher.caps) == {10}  # one agent on trial is no reason to delete what others have finished

    await comes_up(script, two, launcher)
    await rollout.refresh()
    assert rollout.current("agent") == two
    assert rollout.successor(one) == two
    assert fallbacks == [True, False]
    assert all(name in launcher.deleted for name in launcher.created if name.startswith(f"agent-{one}-"))


async def test_a_new_leader_uses_the_last_good_template_while_the_one_of_today_cannot_start(script: Script) -> None:
    launcher = FakeLauncher(pods={"agent": pod("good")})
    rollout = await a_rollout(script, launcher)
    good = rollout.current("agent")
    await scale(rollout)
    await comes_up(script, good, launcher)
    await rollout.refresh()

    later = FakeLauncher(pods={"agent": pod("broken")})
    rollout = await a_rollout(script, later)
    await rollout.refresh()
    assert rollout.current("agent") == good
    controller = rollout.controller(good)
    assert controller is not None
    assert controller.pool.pod == pod("good")


async def test_a_template_that_goes_back_ends_the_trial(script: Script) -> None:
    launcher = FakeLauncher(pods={"agent": pod("one")})
    fallbacks: list[bool] = []
    rollout = await a_rollout(script, launcher, fallbacks)
    await scale(rollout)
    await comes_up(script, rollout.current("agent"), launcher)
    await rollout.refresh()
    launcher.pods["agent"] = pod("two")
    await rollout.refresh()
    await scale(rollout)
    launcher.pods["agent"] = pod("one")
    await rollout.refresh()
    assert fallbacks == [True, False]
    assert rollout.controller(pool_of("agent", pod("two")).id) is None
    assert len(launcher.deleted) == 1


async def test_a_template_that_never_worked_is_simply_replaced(script: Script) -> None:
    launcher = FakeLauncher(pods={"agent": pod("broken")})
    rollout = await a_rollout(script, launcher)
    launcher.pods["agent"] = pod("mended")
    await rollout.refresh()
    assert rollout.current("agent") == pool_of("agent", pod("mended")).id


async def test_a_missing_template_is_a_cause_and_mended_by_itself(script: Script) -> None:
    launcher = FakeLauncher()
    rollout = await a_rollout(script, launcher)
    launcher.cause = Cause.MISCONFIGURED
    await scale(rollout)
    controller = rollout.controller(rollout.current("agent"))
    assert controller is not None
    assert controller.backoff.cause is Cause.MISCONFIGURED
    launcher.pods["agent"] = pod("there")
    await rollout.refresh()
    assert rollout.current("agent") == pool_of("agent", pod("there")).id


async def test_a_missing_template_is_a_cause_in_a_cluster_too(script: Script, tmp_path: Path) -> None:
    server = ApiServer()
    async with server.serve(), a_real_launcher(server, tmp_path / "kubeconfig") as jobs:
        rollout = await a_rollout(script, jobs)
        await scale(rollout)
        controller = rollout.controller(rollout.current("agent"))
        assert controller is not None
        assert controller.backoff.cause is Cause.MISCONFIGURED
        server.templates["agent"] = pod("there")
        await rollout.refresh()
        await scale(rollout)
        assert len(server.posted) == 2


async def test_the_last_good_template_is_told_of_while_the_one_of_today_cannot_be_read(script: Script) -> None:
    launcher = FakeLauncher(pods={"agent": pod("good")})
    rollout = await a_rollout(script, launcher)
    await scale(rollout)
    await comes_up(script, rollout.current("agent"), launcher)
    await rollout.refresh()

    fallbacks: list[bool] = []
    later = FakeLauncher()
    rollout = await a_rollout(script, later, fallbacks)
    assert (rollout.current("agent"), fallbacks) == (pool_of("agent", pod("good")).id, [True])
    later.pods["agent"] = pod("good")
    await rollout.refresh()
    assert fallbacks == [True, False]


async def test_a_pool_that_was_forgotten_is_known_again_once_a_task_comes_back_to_it(script: Script) -> None:
    world = World(script)
    await world.lead()
    world.agent = world.work("agent-agent-11111111-1", pool="agent-11111111")
    await world.ask(task(1))
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.lanes.dispatch(
        task(1).with_snapshot(ORDER),
        pool="agent-11111111",
        decision="rule",
        route_ms=1,
        route_tokens=0,
        epoch=world.epoch,
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
    rollout = await a_rollout(script, launcher)
    older = rollout.current("agent")
    await script.read("RPUSH", script.keys("agent", "ready", older), "u1.0")
    move = Pools.move_ready

    async def away(*_: object, **__: object) -> int:
        monkeypatch.setattr(Pools, "move_ready", move)
        raise StoreUnavailable("away")

    await scale(rollout)
    monkeypatch.setattr(Pools, "move_ready", away)
    launcher.pods["agent"] = pod("two")
    with pytest.raises(StoreUnavailable):
        await rollout.refresh()
    await rollout.refresh()
    assert rollout.current("agent") != older
    assert await rollout.pools.ready(rollout.current("agent")) == ["u1.0"]


async def test_a_task_whose_agent_hands_it_back_to_an_older_pool_is_not_left_there(script: Script) -> None:
    """A new brain knows of no Job yet: what it does not see alive must not make it forget where tasks come back to."""
    world = World(script)
    launcher = FakeLauncher(pods={"agent": pod("two")})
    rollout = await a_rollout(script, launcher)
    world.epoch = await world.leadership.epoch()
    older = pool_of("agent", pod("one")).id
    world.agent = world.work("of the brain before", pool=older)
    one = task(1)
    await world.ask(one)
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.lanes.dispatch(
        one.with_snapshot(ORDER), pool=older, decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch
    )
    run = await world.claim()
    rollout.clock = lambda: 0.0
    await rollout.refresh()
    assert "of the brain before" in await world.pools.jobs(older)

    await world.end(run, HandedBack())
    await rollout.refresh()
    [back] = await world.pools.ready(rollout.current("agent"))
    assert task_of(back) == "u1"
    rollout.clock = lambda: 1e9
    await rollout.refresh()
    assert await world.pools.jobs(older) == {}
