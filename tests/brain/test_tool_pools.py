"""Agents with tools have a pool of their own: who is asked for, how many wait, and what follows where there is none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openclaw_brain.agents.pool import PoolLimits
from openclaw_brain.agents.ports import LaunchFailed, Pool
from openclaw_brain.agents.rollout import Rollout
from openclaw_brain.pool_policy import limits_of, pool_of, templates_of
from openclaw_brain.settings import from_env
from openclaw_cli.bench.roles import with_and_without_tools
from openclaw_core.roles.check import load_roles
from openclaw_core.store import Script
from openclaw_core.store.agent_work import AgentWork
from openclaw_core.store.pools import task_of, template_of
from openclaw_core.tasks.outcome import Cause
from tests.core.store_world import ORDER, World, task
from tests.fakes.launcher import FakeLauncher

BASE = Path("platform/openclaw/base")
PODS: dict[str, Mapping[str, Any]] = {
    "agent": {"spec": {"of": "agent"}},
    "agent-tools": {"spec": {"of": "agent-tools"}},
}
ENV = {"TELEGRAM_TOKEN": "4242:abc", "GROQ_API_KEY": "k", "REDIS_URL": "redis://127.0.0.1:1"}


async def a_rollout(world: World, launcher: FakeLauncher, *templates: str, warm: int = 0) -> Rollout:
    await world.lead()
    rollout = Rollout(
        templates=templates, launcher=launcher, pools=world.pools, lanes=world.lanes, epoch=world.epoch,
        limits_of=lambda _template: PoolLimits(warm=warm, cap=10, queue_deadline_s=1e10),  # the tasks of tests are old
        pool_of=lambda template, pod: Pool.of(template, pod=pod, env={}, deadline_s=1),
    )  # fmt: skip
    await rollout.refresh()
    return rollout


async def dispatch(world: World, n: int, pool: str) -> None:
    one = task(n, chat=n)
    await world.ask(one)
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.lanes.dispatch(
        one.with_snapshot(ORDER), pool=pool, decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch
    )


async def scale(rollout: Rollout) -> None:
    for controller in rollout.controllers():
        await controller.scale()
        await controller.tell_waiting()


def agents_of(launcher: FakeLauncher, template: str) -> list[str]:
    return [
        name for name in launcher.created if template_of(name.removeprefix("agent-").rpartition("-")[0]) == template
    ]


def roles_with(tmp_path: Path, tools: str, template: str = "") -> dict[str, str]:
    """Templates by role, where the coder has these *tools*."""
    (tmp_path / "prompts").symlink_to((BASE / "prompts").resolve())
    (tmp_path / "config").mkdir()
    text = (BASE / "config/roles.yaml").read_text()
    before, coder = with_and_without_tools(text, both=False).split("  coder:\n")
    coder = f"    tools: [{tools}]\n{coder}" if tools else coder
    if template:
        coder = coder.replace("template: agent\n", f"template: {template}\n", 1)
    (tmp_path / "config/roles.yaml").write_text(f"{before}  coder:\n{coder}")
    return {role.name: role.template for role in load_roles(tmp_path).roles.values()}


def test_a_role_with_tools_of_ours_has_agents_of_another_template(tmp_path: Path) -> None:
    templates = roles_with(tmp_path, "web_search, open_page")
    assert (templates["coder"], templates["researcher"]) == ("agent-tools", "agent")


def test_a_template_that_is_named_stays(tmp_path: Path) -> None:
    assert roles_with(tmp_path, "open_page", template="large")["coder"] == "large"


def test_without_a_role_that_has_tools_there_is_no_second_pool(tmp_path: Path) -> None:
    templates = roles_with(tmp_path, "")
    assert set(templates.values()) == {"agent"}
    assert templates_of(load_roles(tmp_path)) == ["agent"]


def test_an_agent_with_tools_does_one_task_and_few_of_them_wait() -> None:
    settings = from_env({**ENV, "TASKS_PER_JOB": "50", "WARM_AGENTS": "4", "TASK_DEADLINE_S": "100"})
    plain, tools = (pool_of(template, {}, settings) for template in PODS)
    assert (plain.env["TASKS_PER_JOB"], tools.env["TASKS_PER_JOB"]) == ("50", "1")
    assert plain.deadline_s - tools.deadline_s == 49 * 100
    assert [limits_of(template, settings).warm for template in PODS] == [4, 1]
    assert limits_of("agent-tools", from_env({**ENV, "WARM_TOOL_AGENTS": "3"})).warm == 3
    assert limits_of("agent", settings).sleep_after_s == 0
    assert limits_of("agent", from_env({**ENV, "SLEEP_AFTER_S": "60"})).sleep_after_s == 60


async def test_an_agent_claims_tasks_of_its_own_template_alone(script: Script) -> None:
    world = World(script)
    rollout = await a_rollout(world, FakeLauncher(pods=PODS), "agent", "agent-tools")
    plain, tools = rollout.current("agent"), rollout.current("agent-tools")
    await dispatch(world, 1, plain)
    await dispatch(world, 2, tools)

    async def claimed(job: str, pool: str) -> str:
        agent: AgentWork = world.work(job, pool=pool)
        await agent.check_in()
        run = await agent.claim()
        return "" if run is None else run.task.id

    assert [await claimed("a", tools), await claimed("b", tools)] == ["u2", ""]
    assert [await claimed("c", plain), await claimed("d", plain)] == ["u1", ""]


async def test_each_template_keeps_as_many_agents_as_it_has_work(script: Script) -> None:
    world, launcher = World(script), FakeLauncher(pods=PODS)
    rollout = await a_rollout(world, launcher, "agent", "agent-tools")
    for n in (1, 2):
        await dispatch(world, n, rollout.current("agent-tools"))
    await scale(rollout)
    assert (len(agents_of(launcher, "agent")), len(agents_of(launcher, "agent-tools"))) == (0, 2)


async def test_a_template_that_no_role_names_any_more_keeps_its_pool_until_its_tasks_are_done(script: Script) -> None:
    """Its tasks were given tools, so agents without them must not have them; and nobody else would look after them."""
    world, launcher = World(script), FakeLauncher(pods=PODS)
    before = await a_rollout(world, launcher, "agent", "agent-tools", warm=2)
    tools = before.current("agent-tools")
    await dispatch(world, 1, tools)

    after = await a_rollout(world, launcher, "agent", warm=2)
    await scale(after)
    assert [task_of(run) for run in await world.pools.ready(tools)] == ["u1"]
    [name] = agents_of(launcher, "agent-tools")  # for the task; none waits
    agent = world.work(name, pool=tools)
    await agent.check_in()
    world.agent = agent
    await world.answered(await world.claim(agent))
    await world.pools.forget(tools, name)
    await after.refresh()
    assert [one.pool.template for one in after.controllers()] == ["agent"]


async def test_without_the_template_a_task_fails_at_once_with_one_sentence(script: Script) -> None:
    class WithoutTools(FakeLauncher):
        async def create(self, name: str, pool: Pool) -> None:
            if not pool.pod:
                raise LaunchFailed(Cause.NO_TOOLS)
            await super().create(name, pool)

    world, launcher = World(script), WithoutTools(pods={"agent": PODS["agent"]})
    rollout = await a_rollout(world, launcher, "agent", "agent-tools")
    await dispatch(world, 1, rollout.current("agent-tools"))
    await dispatch(world, 2, rollout.current("agent"))
    await scale(rollout)

    assert await world.state(task(1, chat=1)) == "failed"
    assert await world.field("u1", "cause") == "no_tools"
    assert await world.state(task(2, chat=2)) == "ready"
    await dispatch(world, 3, rollout.current("agent-tools"))
    await scale(rollout)
    assert await world.field("u3", "cause") == "no_tools"

    launcher.pods["agent-tools"] = PODS["agent-tools"]
    await rollout.refresh()
    await dispatch(world, 4, rollout.current("agent-tools"))
    await scale(rollout)
    assert (await world.state(task(4, chat=4)), len(agents_of(launcher, "agent-tools"))) == ("ready", 1)
