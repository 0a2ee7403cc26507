"""The Bot API and the model server that the cluster talks to, on a loop of their own: no waiting test holds them up."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from openclaw_standin.bot_api import BotApi
from openclaw_standin.model import ScriptedModel

BOT_API_PORT, MODEL_PORT, SEARCH_PORT = 8481, 8482, 8485
"""As tests/e2e/overlay has them."""

T = TypeVar("T")


@dataclass
class StandIns:
    api: BotApi
    model: ScriptedModel
    loop: asyncio.AbstractEventLoop

    def do(self, act: Callable[[], T]) -> T:
        """Run *act* where the stand-ins live: their state changes in their loop alone."""

        async def inside() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(inside(), self.loop).result(30)

    @classmethod
    @contextmanager
    def serve(
        cls, host: str, *, token: str, bot_api_port: int = BOT_API_PORT, model_port: int = MODEL_PORT
    ) -> "Iterator[StandIns]":
        started, ended = threading.Event(), threading.Event()
        made: list[StandIns] = []
        faults: list[BaseException] = []

        async def run() -> None:
            loop = asyncio.get_running_loop()
            async with (
                BotApi.open(host=host, port=bot_api_port, token=token, hosts=[host]) as api,
                ScriptedModel.open(
                    host=host, port=model_port, first_token_s=0.2, tokens_per_s=200, tokens=60, hosts=[host]
                ) as model,
            ):
                made.append(cls(api, model, loop))
                started.set()
                await loop.run_in_executor(None, ended.wait)

        def main() -> None:
            try:
                asyncio.run(run())
            except BaseException as exc:  # noqa: BLE001 - told to whoever waits
                faults.append(exc)
            finally:
                started.set()

        thread = threading.Thread(target=main, name="stand-ins", daemon=True)
        thread.start()
        started.wait(30)
        if not made:
            raise RuntimeError(
                f"the stand-ins cannot listen on {host}: is OPENCLAW_E2E_HOST an address of this machine, and no other run under way?"
            ) from (faults[0] if faults else None)
        try:
            yield made[0]
        finally:
            ended.set()
            thread.join(30)
