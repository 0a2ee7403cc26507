"""What a brain does while it leads: it puts the parts of its loops together, and runs them until it leads no more."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from openclaw_brain import startup
from openclaw_brain.agents.files import FileServer
from openclaw_brain.agents.ports import Launcher
from openclaw_brain.agents.recovery import Recovery
from openclaw_brain.agents.results import ResultReader
from openclaw_brain.agents.rollout import Rollout
from openclaw_brain.forgetting import Forgetting
from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.handler import UpdateHandler
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.leadership import Leader
from openclaw_brain.loops import Heartbeats, Loop
from openclaw_brain.metrics import Metrics
from openclaw_brain.model_figures import CountedChat
from openclaw_brain.pool_policy import limits_of, pool_of, templates_of
from openclaw_brain.queue.canary_watch import CanaryWatch
from openclaw_brain.queue.consumer import QueueConsumer
from openclaw_brain.queue.served_models import ServedModels
from openclaw_brain.queue.spending import TaskBudget
from openclaw_brain.routing import Classifier
from openclaw_brain.settings import Settings
from openclaw_brain.store_capacity import StoreCapacity
from openclaw_brain.telegram.incoming import Bot
from openclaw_brain.telegram.updates import Batch, Poller, admit_forever
from openclaw_brain.tracing.export import Exporter, TraceExport, names_of
from openclaw_core.chat.delivery.dispatcher import Dispatcher
from openclaw_core.chat.telegram.messenger import BotIdentity, TelegramMessenger
from openclaw_core.ports import ChatModel
from openclaw_core.roles.values import Roles
from openclaw_core.store import Inbox, Lanes, News, Pools, RedisDisplays, RunRecords, Script
from openclaw_core.store.budgets import Spending
from openclaw_core.store.canaries import Canaries
from openclaw_core.store.feedback import FeedbackRecords

WOKEN = ("inbox", "control", "lanes", "pool")
"""Loops that others wake."""


@dataclass(kw_only=True)
class Brain:
    """The clients that every leadership of this process shares."""

    settings: Settings
    script: Script
    messenger: TelegramMessenger
    chat: ChatModel | None
    classifier: Classifier | None
    launcher: Launcher
    roles: Roles
    identity: BotIdentity
    heartbeats: Heartbeats
    metrics: Metrics
    exporter: Exporter | None
    """Of traces."""
    _woken: dict[str, asyncio.Event] = field(default_factory=lambda: {name: asyncio.Event() for name in WOKEN})

    def wake(self, *names: str) -> None:
        """End the wait of these loops."""
        for name in names:
            self._woken[name].set()

    def loop(self, name: str) -> Loop:
        return Loop(on_heartbeat=self.heartbeats.of(name), woken=self._woken.get(name))

    async def lead(self, leader: Leader) -> None:
        """Wait for the lead, then run all loops of a leader until cancelled.

        Raises LostOwnership (in a group) when another one leads.
        """
        epoch = await leader.acquire(self.loop("leader"))
        self.metrics.leading = True
        try:
            await self._run_loops(epoch, leader)
        finally:
            self.metrics.forget()
            self.heartbeats.forget()

    async def _run_loops(self, epoch: int, leader: Leader) -> None:
        settings, roles, metrics = self.settings, self.roles, self.metrics
        inbox, lanes, pools = Inbox(self.script), Lanes(self.script), Pools(self.script)
        canaries = Canaries(self.script)
        templates = templates_of(roles)
        # While a task is routed, an agent of the default role's template starts: most tasks will need that one.
        likely = roles.roles[roles.default].template

        delivery = Dispatcher(
            displays=RedisDisplays(self.script, epoch=epoch, task_deadline_s=settings.task_deadline_s),
            messenger=self.messenger, roles=roles, drain_s=settings.drain_s,
            heartbeat=self.heartbeats.of("delivery"), feedback_buttons=settings.feedback_buttons,
        )  # fmt: skip
        rollout = Rollout(
            templates=templates, launcher=self.launcher, pools=pools, lanes=lanes, epoch=epoch,
            limits_of=partial(limits_of, settings=settings),
            pool_of=lambda template, pod: pool_of(template, pod, settings), on_fallback=metrics.template_fallback,
            in_routing=lambda template: consumer.routing() if template == likely else (),
        )  # fmt: skip
        metrics.causes = lambda: {
            one.pool.template: one.backoff.cause for one in rollout.controllers() if one.backoff.cause
        }
        budget = TaskBudget(
            script=self.script, budgets=settings.budgets, epoch=epoch,
            on_refused=delivery.wake, wait_s=settings.queue_deadline_s,
        )  # fmt: skip
        consumer = QueueConsumer(
            lanes=lanes, roles=roles, chat=CountedChat(chat=self.chat, figures=metrics.models) if self.chat else None,
            classifier=self.classifier, pool_of=rollout.current, epoch=epoch,
            cap=settings.running_cap, model_override=settings.model_override, demo=settings.demo_model,
            canaries=canaries, budget=budget,
        )  # fmt: skip
        access = Access.of(settings.access, users=settings.allowed_user_ids, bots=settings.smoke_bot_ids)
        sees = (
            not settings.demo_model
            and settings.model_override is None
            and any(role.seeing for role in roles.roles.values())
        )
        intake = Intake(roles=roles, access=access, english_only=settings.demo_model, sees_pictures=sees)
        handler = UpdateHandler(
            inbox=inbox, lanes=lanes, runs=RunRecords(self.script), intake=intake, epoch=epoch,
            bot=Bot(id=self.identity.id, username=self.identity.username),
            windows=settings.windows, chat_cap=settings.chat_cap, total_cap=settings.total_cap, on_display=delivery.wake,
            spending=Spending(self.script, settings.budgets), canaries=canaries,
            release_request=consumer.release_request, on_released=consumer.route_released,
        )  # fmt: skip

        def admitted(fresh: Batch, complete: bool) -> None:
            handler.add_admitted(fresh, complete)
            self.wake(*({stream for stream, _ in fresh} if complete else ("inbox", "control")))

        def task_lost() -> None:
            delivery.wake()
            self.wake("lanes", "pool")

        def agent_ended() -> None:
            if any(one.full for one in rollout.controllers()):
                self.wake("pool")

        results = ResultReader(
            news=News(self.script, timings=self.exporter is not None), lanes=lanes, epoch=epoch,
            on_text=delivery.grew, on_changed=delivery.changed, on_claimed=self.launcher.claimed,
            on_chat_free=partial(self.wake, "lanes"), on_timings=metrics.models.of_agent,
        )  # fmt: skip
        recovery = Recovery(
            pools=pools, lanes=lanes, launcher=self.launcher, controller_of=rollout.controller, successor_of=rollout.successor,
            epoch=epoch, task_deadline_s=settings.task_deadline_s, on_ended=agent_ended, on_lost=task_lost,
        )  # fmt: skip
        capacity = StoreCapacity(inbox=inbox, memory=self.script.memory, epoch=epoch, on_share=metrics.memory_seen)
        poller = Poller(settings.telegram_token, settings.telegram_base_url)

        async with contextlib.aclosing(poller), asyncio.TaskGroup() as group:

            def start(name: str, run: Callable[[Loop], Coroutine[Any, Any, None]]) -> None:
                group.create_task(run(self.loop(name)), name=name)

            start("leader", partial(leader.keep, epoch))
            await startup.prepare_lead(self.script, lanes, rollout, roles, access, settings.budgets, epoch=epoch)
            start(
                "updates",
                partial(
                    admit_forever, poller, inbox, epoch=epoch,
                    on_admitted=admitted, on_webhook=metrics.webhook_ended, on_heard=metrics.telegram_heard,
                ),
            )  # fmt: skip
            start("control", partial(handler.forever, "control", handled=delivery.indicators_added))
            start("inbox", partial(handler.forever, "inbox", handled=delivery.indicators_added))
            start_agents = partial(self.wake, "pool")
            on_ready = start_agents if len(templates) > 1 else lambda: None
            start("lanes", partial(consumer.forever, on_released=start_agents, on_ready=on_ready))
            start("pool", rollout.scale_pools)
            start("templates", rollout.follow_templates)
            start("ends", recovery.follow_ends)
            start("leases", recovery.check_leases)
            start("room", capacity.run)
            start("forget", Forgetting(inbox=inbox, epoch=epoch).run)
            start("news", results.run)
            watch = CanaryWatch(
                canaries=canaries, runs=RunRecords(self.script), feedback=FeedbackRecords(self.script), roles=roles,
                epoch=epoch, model_override=settings.model_override, demo=settings.demo_model,
                on_state=metrics.canary_seen, figures=metrics.prompts,
            )  # fmt: skip
            if watch.tries:
                start("canaries", watch.run)
            if self.exporter is not None:
                names = names_of(roles, settings.model_override)
                traces = TraceExport(
                    records=RunRecords(self.script), exporter=self.exporter, names=names, bot_id=self.identity.id
                )
                start("traces", traces.run)
            group.create_task(self.launcher.watch(loop_of=self.loop, confirmed=metrics.watch_confirmed), name="watch")
            group.create_task(delivery.run(), name="delivery")
            files = FileServer(script=self.script, source=self.messenger)
            group.create_task(
                files.run(settings.file_port, settings.file_host, partial(inbox.set_files_at, epoch=epoch)),
                name="files",
            )
            group.create_task(startup.set_commands(self.messenger, roles), name="commands")
            if self.chat is not None and not settings.model_override:

                def use(roles: Roles) -> None:
                    consumer.roles = roles

                served = ServedModels(
                    chat=self.chat, roles=roles, voice_models=settings.voice_model_ids,
                    on_roles=use, on_listed=metrics.models_listed,
                )  # fmt: skip
                group.create_task(served.check_forever(Loop()), name="models")
