"""Tasks that Redis has let go are dispatched, whatever became of its reply."""

import asyncio
from typing import Any, cast

import pytest

from openclaw_brain.lanes import LaneKeeper
from openclaw_core.errors import StoreUnavailable


class LostReply:
    """Lanes whose first release happens, and whose reply never comes."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.calls = 0

    async def release(self, **_: object) -> list[str]:
        self.calls += 1
        if self.calls == 1:
            self.out = ["u1", "u2"]
            raise StoreUnavailable("TimeoutError")
        return []

    async def released(self) -> list[str]:
        return self.out

    async def fields(self, tasks: list[str], *_: str) -> list[dict[str, Any]]:
        return [{"state": "queued"} for _ in tasks]


async def test_tasks_whose_release_was_not_heard_of_are_dispatched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatched: list[str] = []
    over = asyncio.Event()

    async def dispatch(_: LaneKeeper, task_id: str) -> None:
        dispatched.append(task_id)
        await over.wait()

    monkeypatch.setattr(LaneKeeper, "_dispatch", dispatch)
    nothing = cast("Any", None)
    keeper = LaneKeeper(
        lanes=cast("Any", LostReply()), roles=nothing, chat=None, classifier=None, pool_of=lambda _: "agent-00000000", cap=10, epoch=1
    )  # fmt: skip
    looping = asyncio.create_task(keeper.forever(nudge=asyncio.Event(), moved=lambda: None, turned=lambda: None))
    async with asyncio.timeout(10):
        while len(dispatched) < 2:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)  # further turns find the two under way
    looping.cancel()
    await asyncio.gather(looping, return_exceptions=True)

    assert sorted(dispatched) == ["u1", "u2"]
