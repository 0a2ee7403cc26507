"""Runners of one machine: for agents whose role needs one, from their claim to their end, and no longer than the brain."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from openclaw_brain.agents import local_runners
from openclaw_brain.agents.local_processes import agent_environment
from openclaw_brain.agents.local_runners import LocalRunners
from openclaw_core.sealed import ProgramLanguage, RunLimits, RunnerClient, RunRequest
from tests.runner.runners import needs_sealing
from tests.shipped import ROLES

pytestmark = [pytest.mark.slow, needs_sealing]
START_S = 120.0


@pytest.fixture
async def runners() -> AsyncIterator[LocalRunners]:
    opened = LocalRunners(environment=agent_environment(os.environ, ()), needs={"coder"}.__contains__)
    try:
        yield opened
    finally:
        await opened.close()


def processes() -> set[int]:
    return {one.pid for one in psutil.Process().children(recursive=True) if "openclaw_runner" in one.cmdline()}


def test_runners_are_there_for_roles_whose_tools_need_one() -> None:
    shipped = ROLES
    runners = LocalRunners.of(shipped, {})
    assert runners is not None
    assert runners.needs("coder")
    without = {name: replace(role, functions=()) for name, role in shipped.roles.items()}
    assert LocalRunners.of(replace(shipped, roles=without), {}) is None


async def test_an_agent_that_needs_none_starts_none(runners: LocalRunners) -> None:
    await runners.start("agent-1", "summarizer")

    assert processes() == set()
    assert not runners.socket_of("agent-1").parent.parent.exists()


async def test_the_first_one_removes_what_a_killed_brain_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_runners, "MEMORY", tmp_path)
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, others = (tmp_path / f"openclaw-runners-{pid}-0a" / "agent-1" for pid in (ended.pid, os.getpid()))
    for folder in (left, others):
        folder.mkdir(parents=True)
    runners = LocalRunners(environment=agent_environment(os.environ, ()), needs={"coder"}.__contains__)
    try:
        await runners.start("agent-1", "coder")
    finally:
        await runners.close()

    assert [folder.exists() for folder in (left.parent, others)] == [False, True]


async def test_a_runner_is_there_from_the_claim_to_the_agents_end(runners: LocalRunners) -> None:
    await runners.start("agent-1", "coder")
    await runners.start("agent-1", "coder")  # a claim is told more than once
    socket = runners.socket_of("agent-1")
    client = RunnerClient(socket, spare_s=START_S, start_s=START_S)
    results = [
        await client.run(
            RunRequest(language=ProgramLanguage.BASH, code="pwd; ls -A; touch left", limits=RunLimits(seconds=20))
        )
        for _ in range(2)
    ]
    assert [result.program.exit_code for result in results] == [0, 0]
    assert results[0].program.stdout.split("\n")[1:] == results[1].program.stdout.split("\n")[1:]
    while len(processes()) > 1:  # the last handler waits a moment for its caller to hang up
        await asyncio.sleep(0.05)

    await runners.end("agent-1")
    assert processes() == set()
    assert not socket.parent.exists()


async def test_the_end_of_an_agent_ends_what_its_code_does(runners: LocalRunners) -> None:
    await runners.start("agent-1", "coder")
    client = RunnerClient(runners.socket_of("agent-1"), spare_s=START_S, start_s=START_S)
    running = asyncio.create_task(client.run(RunRequest(language=ProgramLanguage.PYTHON, code="while True: pass")))
    while len(processes()) < 3:
        await asyncio.sleep(0.05)
        assert not running.done()
    await runners.end("agent-1")

    assert processes() == set()
    await running


def test_a_runner_ends_with_the_process_that_has_started_it(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-m', 'openclaw_runner', '--socket', 's', '--folder', '.', '--parent', str(os.getpid())]); "
        "print(child.pid, flush=True); time.sleep(600)"
    )  # fmt: skip
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        until = time.monotonic() + START_S
        while not (tmp_path / "s").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        parent.kill()
        parent.wait()
        if parent.stdout is not None:
            parent.stdout.close()
