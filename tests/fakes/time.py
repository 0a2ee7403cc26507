"""A clock that only sleeping moves."""

import asyncio
from dataclasses import dataclass


@dataclass
class FakeTime:
    now_s: float = 100.0

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)
