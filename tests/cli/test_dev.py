"""`openclaw dev`: a change starts the bot again, and its log can be read."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from openclaw_cli.up import dev

EVENT = '{"at":"2026-11-30T01:20:20.521Z","level":"warning","service":"brain","event":"task.queued","logger":"queue","role":"coder"}'
FAULT = '{"at":"2026-11-30T01:20:20.521Z","level":"error","service":"brain","event":"loop.failed","faults":[{"type":"builtins.KeyError","at":["app:5"]}]}'
STAYS = "import os, signal, sys; print('up', os.getpid(), file=sys.stderr); signal.pause()"
"""Logs go to standard error, what a person is told to standard output."""
ENDS = "print('broken', flush=True); raise SystemExit(3)"


class Dev:
    """A run over a folder, and what it has said."""

    def __init__(self, folder: Path, program: str) -> None:
        self.said: list[str] = []
        self._news = asyncio.Event()
        self._stop = asyncio.Event()
        self._running = asyncio.create_task(
            dev.run([sys.executable, "-c", program], [folder], self._stop, tell=self._tell, poll_s=0.01)
        )

    def _tell(self, line: str) -> None:
        self.said.append(line)
        self._news.set()

    async def until(self, count: int, word: str) -> list[str]:
        """The lines with *word* once there are *count*."""
        async with asyncio.timeout(60):
            while len(found := [line for line in self.said if word in line]) < count:
                self._news.clear()
                await self._news.wait()
        return found

    async def end(self) -> None:
        self._stop.set()
        await self._running


@pytest.fixture
async def started(tmp_path: Path) -> Callable[[str], Awaitable[Dev]]:
    async def start(program: str) -> Dev:
        (tmp_path / "code.py").write_text("1")
        return Dev(tmp_path, program)

    return start


async def test_a_change_ends_the_running_bot_and_starts_another(
    started: Callable[[str], Awaitable[Dev]], tmp_path: Path
) -> None:
    run = await started(STAYS)
    [first] = await run.until(1, "up")

    (tmp_path / "new.lua").write_text("2")
    await run.until(1, "new.lua changed")
    _, second = await run.until(2, "up")

    assert first != second
    with pytest.raises(ProcessLookupError):
        os.kill(int(first.split()[1]), 0)
    await run.end()
    with pytest.raises(ProcessLookupError):
        os.kill(int(second.split()[1]), 0)


async def test_code_that_does_not_start_is_tried_again_at_the_next_change_only(
    started: Callable[[str], Awaitable[Dev]], tmp_path: Path
) -> None:
    run = await started(ENDS)
    await run.until(1, "exit code 3")
    await asyncio.sleep(0.2)  # twenty looks
    assert len(await run.until(1, "broken")) == 1

    (tmp_path / "code.py").write_text("mended")
    await run.until(2, "broken")
    await run.end()


def test_only_what_the_bot_is_made_of_is_watched(tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("1")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/code.pyc").write_text("1")
    (tmp_path / ".code.py.swp").write_text("1")

    assert [path.name for path in dev.file_times([tmp_path])] == ["prompt.md"]


def test_what_is_watched_is_there() -> None:
    root = Path(__file__).parents[2]
    assert {path.suffix for path in dev.file_times(root / name for name in dev.WATCHED)} == dev.SUFFIXES


def test_an_event_is_one_coloured_line_and_a_fault_has_its_places() -> None:
    plain = dev.in_colour(EVENT).replace(dev.DIM, "").replace(dev.BOLD, "").replace(dev.RESET, "")
    assert plain == "01:20:20.521 \x1b[33mwarning brain  task.queued logger=queue role=coder"
    assert dev.in_colour(FAULT).splitlines()[1] == f"    builtins.KeyError {dev.DIM}app:5{dev.RESET}"


@pytest.mark.parametrize("line", ["", "OpenClaw is up.", "[1]", '{"at": "2026"}', "null"])
def test_what_is_no_event_stays_as_it_is(line: str) -> None:
    assert dev.in_colour(line) == line
