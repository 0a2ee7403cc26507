"""Brain, agents and delivery without their processes: the steps that they take in the store, for many messages at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.gather import Windows
from openclaw_brain.inbox.handler import UpdateHandler
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.telegram.incoming import Bot
from openclaw_cli.bench.questions import MIX
from openclaw_core.budgets.values import Budgets
from openclaw_core.errors import SettingsError
from openclaw_core.roles.snapshot import snapshot_of
from openclaw_core.roles.values import Roles
from openclaw_core.store import AgentWork, Inbox, Lanes, Leadership, News, RedisDisplays, RunRecords, Script
from openclaw_core.store.budgets import Spending
from openclaw_core.store.client import Rights
from openclaw_core.tasks.outcome import Decision, Delivery
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.work import Answered
from openclaw_standin.model.script import answer_for

BOT_ID, FIRST_CHAT, FIRST_UPDATE = 7_770_000_002, 1_000_000_000, 700_000_000
"""As long as Telegram's, since they are in every key."""


@dataclass(kw_only=True)
class BotSteps:
    """Answers many messages at once."""

    script: Script
    agents: Script
    roles: Roles
    chats: int
    answer_tokens: int = 120
    epoch: int = 0
    _next: int = FIRST_UPDATE

    async def lead(self) -> None:
        self.epoch = await Leadership(self.script).take_lead("bench", ttl_s=86400)

    async def answer(self, count: int) -> list[int]:
        """Take *count* messages from admission to delivery. Returns the numbers of their updates."""
        updates = [self._update() for _ in range(count)]
        texts = {f"u{update['update_id']}": update["message"]["text"] for update in updates}
        inbox, lanes, news = Inbox(self.script), Lanes(self.script), News(self.script)
        await inbox.admit([("inbox", update) for update in updates], offset=None, epoch=self.epoch)
        handler = UpdateHandler(
            inbox=inbox, lanes=lanes, runs=RunRecords(self.script),
            intake=Intake(roles=self.roles, access=Access(users=None)), bot=Bot(id=BOT_ID, username="bench"),
            windows=Windows(), epoch=self.epoch, chat_cap=count, total_cap=5000, spending=Spending(self.script, Budgets()),
        )  # fmt: skip
        while await handler.handle_batch("inbox"):
            pass
        left = count
        while left:  # of one chat, one after the other
            ids = await lanes.release(cap=count, at_most=count, epoch=self.epoch)
            if not ids:
                raise SettingsError(
                    "a message is left that nobody can take: the steps of this benchmark are not the bot's"
                )
            await asyncio.gather(*(self._dispatch(lanes, task_id) for task_id in ids))
            await asyncio.gather(*(self._answer(n, texts) for n in range(len(ids))))
            while runs := await self.script.read("LPOP", self.script.keys("agent", "news"), 1000):
                await news.adopt(list(dict.fromkeys(runs)), epoch=self.epoch)
            displays = RedisDisplays(self.script, epoch=self.epoch)
            await asyncio.gather(*(self._show(displays, one) for one in await displays.changed(0)))
            await displays.take_indicators(count)
            left -= len(ids)
        return [update["update_id"] for update in updates]

    def chat_of(self, n: int) -> int:
        return FIRST_CHAT + (n - FIRST_UPDATE) % self.chats

    def asked_as(self, n: int) -> int:
        """The id of the message of an update in its chat: questions have odd ones, since each has one answer."""
        return 2 * ((n - FIRST_UPDATE) // self.chats) + 1

    def _update(self) -> dict[str, Any]:
        n = self._next
        self._next += 1
        chat, text = self.chat_of(n), MIX[n % len(MIX)].format(n=n)
        message: dict[str, Any] = {
            "message_id": self.asked_as(n), "date": 1_700_000_000 + n * 60, "chat": {"id": chat, "type": "private"},
            "from": {"id": chat, "is_bot": False}, "text": text,
        }  # fmt: skip
        if text.startswith("/"):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]
        return {"update_id": n, "message": message}

    async def _dispatch(self, lanes: Lanes, task_id: str) -> None:
        queued = await lanes.queued(task_id)
        role = self.roles.roles[queued.task.role or self.roles.default]
        how = {"decision": Decision.RULE.value, "route_ms": 1, "route_tokens": 0, "epoch": self.epoch}
        await lanes.dispatch(queued.task.with_snapshot(snapshot_of(role)), pool="agent-00000000", **how)  # type: ignore[arg-type]

    async def _answer(self, n: int, texts: dict[str, str]) -> None:
        agent = AgentWork(self.agents, pool="agent-00000000", job=f"agent-agent-00000000-{n}")
        run = await agent.claim()
        if run is None:
            raise SettingsError("there is nothing to claim: the steps of this benchmark are not the bot's")
        usage = RunUsage(
            model=run.snapshot.models[0], calls=1, prompt_tokens=300, answer_tokens=self.answer_tokens, first_token_ms=300, model_ms=1500,
        )  # fmt: skip
        await agent.end(run, Answered(markdown=answer_for(texts[run.task.id], tokens=self.answer_tokens), usage=usage))

    async def _show(self, displays: RedisDisplays, one: Any) -> None:
        await displays.reserved(one.id, 0, self.asked_as(int(one.task_id[1:])) + 1)
        await displays.shown(one.id, one.version, Delivery.DELIVERED)


class BatchingScript(Script):
    """Sends the calls that many tasks make in one turn of the loop in one round trip: 25 for each message would take most of the time."""

    _steps: list[tuple[Sequence[tuple[str, Mapping[str, Any]]], asyncio.Future[list[Any]]]]
    _reads: list[tuple[Sequence[tuple[Any, ...]], asyncio.Future[list[Any]]]]

    @classmethod
    def over(cls, script: Script, rights: Rights) -> "BatchingScript":
        made = cls(script.redis, script.keys, rights=rights, timeout_s=60)
        made._steps, made._reads = [], []
        return made

    async def steps(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        return await _batched(calls, self._steps, super().steps)

    async def reads(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        return await _batched(commands, self._reads, super().reads)

    async def read(self, command: str, *args: Any) -> Any:
        return (await self.reads([(command, *args)]))[0]


async def _batched(
    wanted: Sequence[Any],
    waiting: list[tuple[Sequence[Any], "asyncio.Future[list[Any]]"]],
    ask: Callable[[list[Any]], Awaitable[list[Any]]],
) -> list[Any]:
    """The replies of *ask* to *wanted*. The first caller waits for one turn of the loop, then asks for all callers in their order."""
    mine: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
    waiting.append((wanted, mine))
    if len(waiting) == 1:
        await asyncio.sleep(0)
        together = list(waiting)
        waiting.clear()
        replies = iter(await ask([one for some, _ in together for one in some]))
        for some, future in together:
            future.set_result([next(replies) for _ in some])
    return await mine
