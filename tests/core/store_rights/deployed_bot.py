"""A bot on a server with the users that are deployed: it leads with the brain's password, and its agents have an agent's."""

from dataclasses import dataclass
from typing import Any

import redis

from openclaw_core.store import Became, Script
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import Answered, Run
from tests.core.store_world import World, task
from tests.redis_server import RedisServer
from tests.redis_users import PASSWORDS

POOL = "p"


def answered(text: str) -> Answered:
    return Answered(markdown=text, usage=RunUsage(model="m", calls=1))


def url_of(server: RedisServer, user: str) -> str:
    return f"redis://{user}:{PASSWORDS[user]}@127.0.0.1:{server.port}"


def plain(server: RedisServer, user: str) -> "redis.Redis":
    return redis.Redis(port=server.port, username=user, password=PASSWORDS[user], decode_responses=True)


@dataclass(kw_only=True)
class Bot:
    """A bot that leads with the password of the brain; its agents have an agent's."""

    world: World
    server: RedisServer
    asked: int = 0

    @property
    def script(self) -> Script:
        return self.world.script

    def key(self, *parts: object) -> str:
        return self.script.keys(*parts)

    async def hand_over(self, *, chat: int, text: str = "hello") -> Task:
        """A question that is ready for an agent."""
        self.asked += 1
        one = task(self.asked, chat=chat, text=text)
        await self.world.ready(one)
        return one

    async def adopt(self, run: Run) -> Became:
        [heard] = await self.world.news.adopt([run.name], epoch=self.world.epoch)
        return heard.became

    async def answer(self, *, chat: int, text: str, answer: str) -> None:
        """A question and its answer, which are history then."""
        await self.hand_over(chat=chat, text=text)
        work = self.world.work("job-of-a-good-agent")
        run = await self.world.claim(work)
        await work.end(run, answered(answer))
        assert await self.adopt(run) is Became.ENDED

    async def all_but_the_agents(self) -> dict[str, str]:
        """What stands outside the agents' area."""
        names = [name for name in await self.script.read("KEYS", self.key("*")) if ":agent:" not in name]
        return {name: repr(await self._value(name)) for name in names}

    async def _value(self, name: str) -> Any:
        read: dict[str, tuple[Any, ...]] = {
            "string": ("GET",), "hash": ("HGETALL",), "list": ("LRANGE", 0, -1), "set": ("SMEMBERS",), "zset": ("ZRANGE", 0, -1),
            "stream": ("XRANGE", "-", "+"),
        }  # fmt: skip
        command, *rest = read[await self.script.read("TYPE", name)]
        value = await self.script.read(command, name, *rest)
        return sorted(value) if isinstance(value, set) else value
