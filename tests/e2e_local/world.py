"""The whole bot as processes: a real Redis, the Bot API stand-in, a model server, the brain, its agents."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from openclaw_core.errors import StoreUnavailable
from openclaw_core.store import RedisSettings, RunRecords, Script, open_script
from openclaw_standin.bot_api import BotApi
from tests.e2e_local.model import EchoModel, echo_model
from tests.redis_server import RedisServer

TOKEN = "4242:marker-token-never-logged"
ROOT = Path(__file__).parents[2]


@dataclass
class World:
    api: BotApi
    model: EchoModel
    redis: RedisServer
    script: Script
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    program: str = "openclaw_brain"
    """The brain's module, or that of a brain with other agents."""
    brain: "asyncio.subprocess.Process | None" = None
    others: "list[asyncio.subprocess.Process]" = field(default_factory=list)

    # ---- processes

    async def start_brain(self, **settings: str) -> None:
        self.settings.update(settings)
        self.brain = await self._started()

    async def start_another_brain(self) -> "asyncio.subprocess.Process":
        """A second brain with the same settings, which waits for the lead."""
        brain = await self._started()
        self.others.append(brain)
        return brain

    async def _started(self) -> "asyncio.subprocess.Process":
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        env = {
            **keep, "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_BASE_URL": self.api.url,
            "GROQ_API_KEY": "marker-key-never-logged", "GROQ_BASE_URL": self.model.url,
            "REDIS_URL": self.redis.url, "ALLOWED_USER_IDS": "*", "ROLES_DIR": str(ROOT / "platform/openclaw/base"), "WARM_AGENTS": "2",
            "RUNNING_CAP": "8", "DEMO_MODEL": "yes", **self.settings,
        }  # fmt: skip
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.program,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def kill_brain(self) -> None:
        """`kill -9` of the brain alone: its agents live on."""
        assert self.brain is not None
        self.brain.kill()
        await self.brain.wait()
        self.brain = None

    async def stop_brain(self, *, within_s: float = 60) -> int:
        assert self.brain is not None
        self.brain.terminate()
        async with asyncio.timeout(within_s):
            code = await self.brain.wait()
        self.brain = None
        return code

    @property
    def model_url(self) -> str:
        """Where brain and agents ask: a test may have set a model of its own."""
        return self.settings.get("GROQ_BASE_URL", self.model.url)

    def agents(self) -> list[psutil.Process]:
        """Agent processes of this world, also those that outlived their brain; the one that forks them is the brain's own child."""
        found, brains = [], {brain.pid for brain in (self.brain, *self.others) if brain is not None}
        for process in psutil.process_iter():
            try:
                ours = (
                    any("openclaw_agent" in part for part in process.cmdline())
                    and process.environ().get("GROQ_BASE_URL") == self.model_url
                )
                if ours and process.ppid() not in brains:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def agents_at(self, port: int) -> list[psutil.Process]:
        """Agents that have a connection to *port*. One that ends between two looks at it has none."""

        def connected(agent: psutil.Process) -> bool:
            try:
                return any(
                    one.raddr and one.raddr.port == port and one.status == psutil.CONN_ESTABLISHED
                    for one in agent.net_connections()
                )
            except psutil.NoSuchProcess:
                return False

        return [agent for agent in self.agents() if connected(agent)]

    # ---- looking

    async def until(self, found: "Callable[[], object]", *, timeout_s: float = 120) -> object:
        """What *found* gives, once it gives something."""
        deadline = time.monotonic() + timeout_s
        while True:
            value = found()
            if asyncio.iscoroutine(value):
                try:
                    value = await value
                except StoreUnavailable:  # some tests take Redis away, and a busy machine may as well
                    value = None
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"nothing within {timeout_s} s; the log ends:\n"
                    + "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])
                )
            await asyncio.sleep(0.05)

    def texts(self, chat_id: int) -> list[str]:
        return self.api.bot_texts(chat_id)

    async def answered(self, chat_id: int, question: str, *, timeout_s: float = 120) -> str:
        """The final answer to *question*."""
        last = f"w{self.model.words - 1}"
        return str(
            await self.until(
                lambda: next(
                    (t for t in self.texts(chat_id) if t.startswith(f"Answer to {question}.") and last in t), None
                ),
                timeout_s=timeout_s,
            )
        )

    def verdict(self, asked: dict[int, list[str]]) -> dict[str, list[str]]:
        """What is lost, twice or out of order, by the texts that stand in the chats."""
        out: dict[str, list[str]] = {"lost": [], "twice": [], "order": []}
        last = f"w{self.model.words - 1}"
        for chat_id, questions in asked.items():
            answers = [text for text in self.texts(chat_id) if text.startswith("Answer to ") and last in text]
            order = [text.split(".")[0].removeprefix("Answer to ") for text in answers]
            counts = Counter(order)
            out["lost"] += [q for q in questions if not counts[q]]
            out["twice"] += [q for q in questions if counts[q] > 1]
            seen = [q for q in dict.fromkeys(order) if q in questions]
            if seen != [q for q in questions if q in counts]:
                out["order"].append(f"{chat_id}: {seen}")
        return out

    async def placeholder_recorded(self, chat_id: int) -> None:
        """Wait until the message that the newest task of a chat has reserved is written down: a kill before that leaves it stray."""

        async def recorded() -> bool:
            task = await self.script.read("HGET", self.script.keys("chat", chat_id), "last_task")
            return bool(task and await self.script.read("HGET", self.script.keys("task", task), "slot0"))

        await self.until(recorded)

    async def nothing_to_put_again(self, *, timeout_s: float = 120) -> None:
        """Wait until no text is to be shown any more, nor to be put again since an edit of before may still come."""

        async def settled() -> bool:
            key = self.script.keys
            return not await self.script.read("ZCARD", key("open")) and not await self.script.read(
                "ZCARD", key("again")
            )

        await self.until(settled, timeout_s=timeout_s)

    async def all_ended(self, count: int, *, timeout_s: float = 90) -> None:
        """Wait until *count* tasks have ended, and nothing is left to tell."""

        async def ended() -> bool:
            done = sum((await RunRecords(self.script).outcomes()).values())
            return done >= count and not await self.script.read("ZCARD", self.script.keys("open"))

        await self.until(ended, timeout_s=timeout_s)


@asynccontextmanager
async def world(folder: Path, program: str = "openclaw_brain", **settings: str) -> AsyncIterator[World]:
    """A bot that is up. At the end all of it is gone, also after a failure."""
    (folder / "redis").mkdir()
    with RedisServer.start(folder / "redis") as redis:
        async with (
            echo_model() as model,
            BotApi.open(token=TOKEN, data_dir=folder / "chat") as api,
            open_script(RedisSettings(url=redis.url, timeout_s=30), bot_id=4242) as script,
        ):
            bot = World(
                api=api,
                model=model,
                redis=redis,
                script=script,
                log=folder / "brain.log",
                settings=dict(settings),
                program=program,
            )
            try:
                await bot.start_brain()
                await bot.until(lambda: "leader.taken" in bot.log.read_text(errors="replace"), timeout_s=120)
                yield bot
            finally:
                for process in bot.agents():
                    try:
                        process.kill()
                    except psutil.NoSuchProcess:
                        continue
                for brain in (bot.brain, *bot.others):
                    if brain is not None:
                        with contextlib.suppress(ProcessLookupError):
                            os.killpg(brain.pid, signal.SIGKILL)
                        await brain.wait()
