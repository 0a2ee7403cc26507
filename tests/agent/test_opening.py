"""A claim does not wait for what only an answer needs, nor for a task that nobody can read; who can never answer, or takes no more, is not counted on."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from openclaw_agent.answering import Answering
from openclaw_agent.app import _in_pool
from openclaw_agent.opening import NeverReady, Opening
from openclaw_agent.settings import Settings, from_env
from openclaw_core.errors import ChatUnauthorized, LostOwnership, SettingsError
from openclaw_core.outcome import Exit
from openclaw_core.store import Script
from tests.agent.test_answering import Desk
from tests.core.store_world import World, task


@pytest.fixture
async def desk(script: Script) -> Desk:
    store = World(script)
    await store.lead()
    return Desk(store)


@pytest.fixture
def settings() -> Settings:
    return from_env(
        {
            "TELEGRAM_TOKEN": "1:a",
            "GROQ_API_KEY": "k",
            "REDIS_URL": "redis://unused",
            "AGENT_JOB": "job-1",
            "AGENT_POOL": "p",
        }
    )


async def ready_task(desk: Desk, n: int = 1) -> None:
    await desk.store.ask(task(n))
    await desk.store.lanes.release(cap=10, at_most=10, epoch=desk.store.epoch)
    await desk.store.lanes.save_context(task(n), epoch=desk.store.epoch)
    assert await desk.store.dispatch(task(n))


async def until(found: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(20):
        while not await found():
            await asyncio.sleep(0.01)


async def job_state(desk: Desk) -> str:
    return str(await desk.store.script.read("HGET", desk.store.script.keys("jobs", "p"), "job-1"))


async def test_a_job_that_was_made_for_a_task_takes_it_while_it_still_loads(desk: Desk, settings: Settings) -> None:
    loaded = asyncio.Event()

    async def opened() -> Answering:
        await loaded.wait()
        return desk.answering

    await ready_task(desk)
    agent = asyncio.create_task(_in_pool(settings, desk.store.agent, Opening(opened), asyncio.Event()))

    async def claimed() -> bool:
        return await job_state(desk) == "claimed u1"

    await until(claimed)
    assert desk.messenger.texts == []
    loaded.set()
    assert await agent is Exit.DONE
    assert desk.messenger.texts == ["The whole answer."]


async def test_a_job_of_several_tasks_leaves_them_to_those_that_are_up(desk: Desk, settings: Settings) -> None:
    loaded = asyncio.Event()

    async def opened() -> Answering:
        await loaded.wait()
        return desk.answering

    await ready_task(desk)
    many = replace(settings, tasks_per_job=20)
    stop = asyncio.Event()
    agent = asyncio.create_task(_in_pool(many, desk.store.agent, Opening(opened), stop))
    await asyncio.sleep(0.3)
    assert await desk.store.state(task(1)) == "ready"
    loaded.set()

    async def answered() -> bool:
        return await desk.store.state(task(1)) == "closed"

    await until(answered)
    stop.set()
    assert await agent is Exit.DONE


async def test_nobody_counts_on_an_agent_after_its_last_task(desk: Desk, settings: Settings) -> None:
    async def opened() -> Answering:
        return desk.answering

    await ready_task(desk, 1)
    agent = asyncio.create_task(
        _in_pool(replace(settings, tasks_per_job=2), desk.store.agent, Opening(opened), asyncio.Event())
    )

    async def waits() -> bool:
        return await desk.store.state(task(1)) == "closed" and (await job_state(desk)).startswith("waiting ")

    await until(waits)
    await ready_task(desk, 2)
    assert await agent is Exit.DONE
    assert await desk.store.state(task(2)) == "closed"
    assert (await job_state(desk)).startswith("retired ")


async def test_nobody_counts_on_an_agent_that_gave_its_last_task_up(desk: Desk, settings: Settings) -> None:
    async def opened() -> Answering:
        return desk.answering

    desk.chat.script = [ChatUnauthorized("401")]
    await ready_task(desk)
    assert await _in_pool(settings, desk.store.agent, Opening(opened), asyncio.Event()) is Exit.MISCONFIGURED
    assert await desk.store.state(task(1)) == "failed"
    assert (await job_state(desk)).startswith("retired ")


async def test_nobody_counts_on_an_agent_that_has_waited_for_too_long(desk: Desk, settings: Settings) -> None:
    async def opened() -> Answering:
        return desk.answering

    aged = replace(settings, warm_max_age_s=0.0)
    assert await _in_pool(aged, desk.store.agent, Opening(opened), asyncio.Event()) is Exit.DONE
    assert (await job_state(desk)).startswith("retired ")


async def test_an_agent_says_that_it_waits_only_when_it_could_begin(desk: Desk, settings: Settings) -> None:
    loaded, stop = asyncio.Event(), asyncio.Event()

    async def opened() -> Answering:
        await loaded.wait()
        return desk.answering

    agent = asyncio.create_task(_in_pool(settings, desk.store.agent, Opening(opened), stop))
    await asyncio.sleep(0.3)
    assert await job_state(desk) == "None"
    loaded.set()

    async def waits() -> bool:
        return (await job_state(desk)).startswith("waiting")

    await until(waits)
    stop.set()
    assert await agent is Exit.DONE


async def test_a_process_that_can_never_answer_puts_its_task_back_untouched(desk: Desk, settings: Settings) -> None:
    async def opened() -> Answering:
        raise SettingsError("no such key")

    await ready_task(desk)
    with pytest.raises(NeverReady) as raised:
        await _in_pool(settings, desk.store.agent, Opening(opened), asyncio.Event())
    assert isinstance(raised.value.fault, SettingsError)
    assert await desk.fields("state", "tries", "handbacks", "claimed_ms") == ["ready", "0", "0", None]
    assert (await job_state(desk)).startswith("created"), "a fault before any claim is the pool's"
    claimed = await desk.store.agent.claim()
    assert claimed is not None
    await desk.answer(claimed)
    assert await desk.store.state(task(1)) == "closed"


async def test_a_record_that_cannot_be_read_is_told_and_the_agent_goes_on_to_the_next(
    desk: Desk, settings: Settings
) -> None:
    async def opened() -> Answering:
        return desk.answering

    await ready_task(desk, 1)
    await desk.store.script.read("HSET", desk.store.script.keys("task", "u1"), "record", '{"v":99}')
    agent = asyncio.create_task(_in_pool(settings, desk.store.agent, Opening(opened), asyncio.Event()))

    async def told() -> bool:
        return await desk.store.state(task(1)) == "failed"

    await until(told)
    [notice] = await desk.store.notices.waiting()
    assert (notice.kind, notice.args["cause"]) == ("failed", "bad_task")
    await ready_task(desk, 2)
    assert await agent is Exit.DONE
    assert await desk.store.state(task(2)) == "closed"


async def test_a_task_that_was_stopped_meanwhile_is_not_put_back(desk: Desk) -> None:
    claimed = await desk.store.claimed(task(1))
    await desk.store.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
    await desk.store.agent.put_back(claimed)
    assert await desk.store.state(task(1)) == "cancelled"
    with pytest.raises(LostOwnership):
        await desk.store.agent.preview(claimed)


def test_a_key_that_cannot_be_sent_is_refused_before_any_claim() -> None:
    with pytest.raises(SettingsError, match="GROQ_API_KEY holds characters that no key has") as refused:
        from_env(
            {"TELEGRAM_TOKEN": "1:a", "GROQ_API_KEY": "gsk_ab\u200bc", "REDIS_HOST": "r", "TASK": "t", "CHAT_ID": "1"}
        )
    assert "gsk_" not in str(refused.value)


def test_a_claim_needs_no_library_of_telegram_or_of_the_model() -> None:
    code = (
        "import sys, openclaw_agent.app; print(*sorted({'telegram', 'groq', 'pydantic', 'httpx'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_an_answer_needs_no_sdk_of_the_model_and_no_pydantic() -> None:
    code = (
        "import sys, openclaw_agent.app; from openclaw_agent.opening import load_libraries; load_libraries(); "
        "print('httpx' in sys.modules, *sorted({'groq', 'pydantic'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == ["True"]
