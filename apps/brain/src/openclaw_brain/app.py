"""The brain's composition root: what is opened, who leads, which loops turn, and the order of a shutdown."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from openclaw_brain.agents.files import FilePort
from openclaw_brain.agents.fleet import Fleet
from openclaw_brain.agents.hearing import Hearing
from openclaw_brain.agents.pool import PoolKeeper
from openclaw_brain.agents.ports import Launcher, Pool
from openclaw_brain.agents.processes import Processes, agent_environment
from openclaw_brain.agents.watch import Watch
from openclaw_brain.health import Beats, Health
from openclaw_brain.inbox.handling import Handling
from openclaw_brain.inbox.intake import Access, Intake
from openclaw_brain.leader import Leader, RedisLeader
from openclaw_brain.metrics import Metrics
from openclaw_brain.queue.lanes import LaneKeeper
from openclaw_brain.queue.served_models import ServedModels
from openclaw_brain.room import Room
from openclaw_brain.routing import Classifier
from openclaw_brain.settings import Settings
from openclaw_brain.telegram.incoming import Bot
from openclaw_brain.telegram.updates import Poller, admit_forever
from openclaw_core import logs
from openclaw_core.chat.delivery.dispatcher import Dispatcher
from openclaw_core.chat.telegram.messenger import BotIdentity, TelegramMessenger
from openclaw_core.errors import (
    LostOwnership,
    MessengerUnauthorized,
    OpenClawError,
    SettingsError,
    StoreFull,
    StoreMisconfigured,
    StoreUnavailable,
)
from openclaw_core.models import providers
from openclaw_core.models.brain_clients import open_chat
from openclaw_core.ports import Chat
from openclaw_core.roles.values import Roles
from openclaw_core.store import Inbox, Lanes, News, Pools, RedisDisplays, Script, move_chat, open_script
from openclaw_core.store.figures import set_prices
from openclaw_core.texts import wording
from openclaw_core.texts.language import LANGS

log = logs.get(__name__)
AGENT_VARIABLES = (
    *providers.VARIABLES, "REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD", "LOG_LEVEL",
    "TASKS_PER_JOB", "TASK_DEADLINE_S", "WARM_MAX_AGE_S", "VOICE_MODELS",
)  # fmt: skip

JOB_GRACE_S = 60
"""Between an agent's own limits and the deadline of its Job: start-up, and handing back."""


@dataclass(kw_only=True)
class Brain:
    """What every leadership of this process shares."""

    settings: Settings
    script: Script
    messenger: TelegramMessenger
    chat: Chat | None
    classifier: Classifier | None
    launcher: Launcher
    roles: Roles
    identity: BotIdentity
    beats: Beats
    metrics: Metrics
    nudges: dict[str, asyncio.Event] = field(
        default_factory=lambda: {name: asyncio.Event() for name in ("inbox", "control", "lanes", "pool")}
    )

    def nudge(self, *names: str) -> None:
        for name in names:
            self.nudges[name].set()

    async def lead(self, epoch: int, leader: Leader) -> None:
        """All loops of a leader, until cancelled. Raises LostOwnership (in a group) when another one leads."""
        settings = self.settings
        inbox, lanes, pools = Inbox(self.script), Lanes(self.script), Pools(self.script)

        def keeper_of_pool(pool: Pool, warm: int, cap: int) -> PoolKeeper:
            return PoolKeeper(
                pool=pool, pools=pools, lanes=lanes, launcher=self.launcher, epoch=epoch, warm=warm, cap=cap,
                starting_cap=settings.starting_cap, queue_deadline_s=settings.queue_deadline_s, coming=coming,
            )  # fmt: skip

        templates = sorted({role.template for role in self.roles.roles.values()})

        def coming() -> Collection[str]:
            # With several templates a task's own is known only when it is routed.
            return lane_keeper.under_way() if len(templates) == 1 else ()

        fleet = Fleet(
            templates=templates, launcher=self.launcher, pools=pools, epoch=epoch,
            warm=settings.warm, cap=settings.running_cap, pool_of=lambda template, pod: pool_of(template, pod, settings),
            keeper_of_pool=keeper_of_pool, on_fallback=self.metrics.template_fallback,
        )  # fmt: skip
        self.metrics.causes = lambda: {k.pool.template: k.backoff.cause for k in fleet.keepers() if k.backoff.cause}
        intake = Intake(
            roles=self.roles,
            access=Access(users=settings.allowed_user_ids, bots=settings.smoke_bot_ids),
            english_only=settings.demo_model,
        )
        handling = Handling(
            inbox=inbox, lanes=lanes, intake=intake, bot=Bot(id=self.identity.id, username=self.identity.username), epoch=epoch,
            windows=settings.windows, chat_cap=settings.chat_cap, total_cap=settings.total_cap, shows=lambda: delivery.nudge(),
            room=lambda: lane_keeper.room(), let_go=lambda ids: lane_keeper.let_go(ids),
        )  # fmt: skip
        lane_keeper = LaneKeeper(
            lanes=lanes, roles=self.roles, chat=self.chat, classifier=self.classifier, pool_of=fleet.current, epoch=epoch,
            cap=settings.running_cap, model_override=settings.model_override,
            demo=settings.demo_model,
        )  # fmt: skip
        delivery = Dispatcher(
            displays=RedisDisplays(self.script, epoch=epoch, task_deadline_s=settings.task_deadline_s), messenger=self.messenger, roles=self.roles,
            drain_s=settings.drain_s, beat=self.beats.of("delivery"),
        )  # fmt: skip

        def handled(_: int) -> None:
            delivery.signed()

        def lost() -> None:
            delivery.nudge()
            self.nudge("lanes", "pool")

        def agents_start() -> None:  # there is more to do, or one less waits
            self.nudge("pool")

        hearing = Hearing(
            news=News(self.script),
            lanes=lanes,
            epoch=epoch,
            grew=delivery.grew,
            changed=delivery.changed,
            began=agents_start,
            room=lambda: self.nudge("lanes"),
        )
        files = FilePort(script=self.script, source=self.messenger)
        watch = Watch(
            pools=pools, lanes=lanes, launcher=self.launcher, keeper_of=fleet.keeper, current_pool=fleet.successor, epoch=epoch, task_deadline_s=settings.task_deadline_s,
        )  # fmt: skip
        poller = Poller(settings.telegram_token, settings.telegram_base_url)
        turned = self.beats.of
        n = self.nudges
        async with contextlib.aclosing(poller), asyncio.TaskGroup() as group:
            start = group.create_task
            start(leader.keep(epoch, turned=turned("leader")), name="leader")
            await self._prepare(fleet, lanes, epoch)
            start(
                admit_forever(
                    poller,
                    inbox,
                    epoch=epoch,
                    on_admitted=lambda _: self.nudge("inbox", "control"),
                    turned=turned("updates"),
                    on_webhook=self.metrics.webhook_ended,
                ),
                name="updates",
            )
            start(
                handling.forever(
                    "control",
                    nudge=n["control"],
                    handled=handled,
                    turned=turned("control"),
                ),
                name="control",
            )
            start(
                handling.forever(
                    "inbox",
                    nudge=n["inbox"],
                    handled=handled,
                    turned=turned("inbox"),
                ),
                name="inbox",
            )
            start(
                # Where all tasks go to one pool, its agents start while a task is routed.
                lane_keeper.forever(
                    nudge=n["lanes"],
                    turned=turned("lanes"),
                    **{"let_go" if len(templates) == 1 else "ready": agents_start},
                ),
                name="lanes",
            )
            start(fleet.keep_forever(nudge=n["pool"], turned=turned("pool")), name="pool")
            start(fleet.look_forever(turned=turned("templates")), name="templates")
            start(self.launcher.watch(beat=turned, confirmed=self.metrics.watch_turned), name="watch")
            start(watch.ends(lost=lost, over=agents_start, turned=turned("ends")), name="ends")
            start(watch.leases(turned=turned("leases")), name="leases")
            room = Room(inbox=inbox, memory=self.script.memory, epoch=epoch, seen=self.metrics.memory_seen)
            start(room.keep(turned=turned("room")), name="room")
            start(hearing.forever(turned=turned("news")), name="news")
            start(delivery.run(), name="delivery")
            start(self._serve_files(files, inbox, epoch), name="files")
            start(self._set_commands(), name="commands")
            if self.chat is not None and not settings.model_override:

                def use(roles: Roles) -> None:
                    lane_keeper.roles = roles

                served = ServedModels(
                    chat=self.chat, roles=self.roles, voice_models=settings.voice_model_ids, use=use, told=self.metrics.models_listed,
                )  # fmt: skip
                start(served.look_forever(), name="models")

    async def _prepare(self, fleet: Fleet, lanes: Lanes, epoch: int) -> None:
        """What every loop stands on. A Redis that is away just now is waited out, and the lead is kept meanwhile."""
        while True:
            try:
                await lanes.reconcile(epoch=epoch)
                await fleet.open()
                await set_prices(self.script, self.roles.models, epoch=epoch)
                return
            except (StoreUnavailable, StoreFull):
                log.warning("store.unavailable", during="prepare", hint="the lead is kept; trying again")
            await asyncio.sleep(1)

    async def _serve_files(self, files: FilePort, inbox: Inbox, epoch: int) -> None:
        """Give agents the files of their runs, and say where."""
        host = self.settings.file_host or "127.0.0.1"
        async with files.serve(self.settings.file_port, host) as port:
            while True:
                try:
                    await inbox.set_files_at(
                        f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}", epoch=epoch
                    )
                    break
                except (StoreUnavailable, StoreFull):
                    await asyncio.sleep(1)
            await asyncio.Event().wait()

    async def _set_commands(self) -> None:
        for lang in LANGS:
            try:
                await self.messenger.set_commands(lang, wording.commands(self.roles, lang))
            except OpenClawError as exc:
                log.warning("commands.not_set", lang=lang, error=type(exc).__name__)


def pool_of(template: str, pod: Mapping[str, Any], settings: Settings) -> Pool:
    """The pool of a template under today's settings."""
    env = {
        "TASKS_PER_JOB": str(settings.tasks_per_job),
        "TASK_DEADLINE_S": f"{settings.task_deadline_s:g}",
        "WARM_MAX_AGE_S": f"{settings.warm_max_age_s:g}",
        "BOT_ID": str(settings.bot_id),
    }
    if settings.launcher == "processes":
        env |= {"GROQ_BASE_URL": "", **settings.model_addresses}
    else:  # but the settings that an overlay merges reach the brain alone, and its agents through it
        models = {**settings.model_addresses, "VOICE_MODELS": settings.voice_models}
        env |= {name: value for name, value in models.items() if value}
    deadline_s = settings.warm_max_age_s + settings.tasks_per_job * settings.task_deadline_s + JOB_GRACE_S
    return Pool.of(template, pod=pod, env=env, deadline_s=round(deadline_s))


async def run(settings: Settings, roles: Roles, env: Mapping[str, str], stop: asyncio.Event) -> int:
    """Serve until *stop* is set. Raises SettingsError and StoreMisconfigured for what only a person can mend."""
    if settings.allowed_user_ids is not None and not settings.allowed_user_ids:
        log.warning(
            "access.closed",
            hint="nobody may use the bot: set ALLOWED_USER_IDS to user ids (the bot tells each its own), or to * for everyone",
        )
    beats = Beats(clock=time.monotonic)
    async with AsyncExitStack() as stack:
        script = await stack.enter_async_context(open_script(settings.redis, bot_id=settings.bot_id))
        launcher, leader = await _cluster_or_local(settings, env, script, stack)
        metrics = Metrics(script=script, roles=sorted(roles.roles), loop_ages_s=beats.ages_s)
        reachable = launcher.reachable if settings.launcher == "kubernetes" else None
        health = Health(beats=beats, script=script, metrics=metrics, reachable=reachable, ready=False)
        # Also while Redis or Telegram is waited for: that is no reason to be restarted.
        if settings.health_port:
            await stack.enter_async_context(health.serve(settings.health_port))
        await _wait_for_store(script, stop)
        if stop.is_set():
            return 0
        messenger = await stack.enter_async_context(
            TelegramMessenger.open(settings.telegram_token, settings.telegram_base_url)
        )
        messenger.on_moved = partial(move_chat, script)
        chat = await stack.enter_async_context(open_chat(settings.servers))
        classifier = (
            None if settings.routes_by_model else await stack.enter_async_context(Classifier.open(start_now=True))
        )
        identity = await _identity(messenger, stop)
        if identity is None:
            return 0
        health.ready = True
        log.info("brain.started", bot=identity.username, roles=sorted(roles.roles), launcher=settings.launcher)
        brain = Brain(
            settings=settings, script=script, messenger=messenger, chat=chat if settings.routes_by_model else None, classifier=classifier, launcher=launcher,
            roles=roles, identity=identity, beats=beats, metrics=metrics,
        )  # fmt: skip

        def leaving() -> None:
            health.ready = False

        await _lead_until(brain, leader, stop, leaving)
        await launcher.close()  # 3. agents of this machine hand their tasks back
        await leader.release()  # 4. the next one need not wait for the lock's end
    return 0


async def _cluster_or_local(
    settings: Settings, env: Mapping[str, str], script: Script, stack: AsyncExitStack
) -> tuple[Launcher, Leader]:
    """Who starts agents, and who says which brain leads."""
    holder = f"{settings.holder}-{uuid.uuid4().hex[:8]}"  # a restarted container is another holder than its forerunner
    inbox = Inbox(script)
    if settings.launcher == "processes":
        return Processes(environment=agent_environment(env, AGENT_VARIABLES)), RedisLeader(inbox=inbox, holder=holder)
    # Here: on one machine the client library would cost 11 MB and 0.1 s for nothing.
    from openclaw_brain.kubernetes.api import KubernetesApi
    from openclaw_brain.kubernetes.jobs import KubernetesJobs
    from openclaw_brain.kubernetes.lease import LeaseLeader

    api = await stack.enter_async_context(
        KubernetesApi.open(settings.namespace, kubeconfig=settings.kubeconfig or None)
    )
    return KubernetesJobs(api=api), LeaseLeader(api=api, inbox=inbox, holder=holder)


async def _lead_until(brain: Brain, leader: Leader, stop: asyncio.Event, leaving: Callable[[], None]) -> None:
    stopping = asyncio.create_task(stop.wait(), name="stop")
    while not stop.is_set():
        leading = asyncio.create_task(_lead_once(brain, leader), name="lead")
        await asyncio.wait([leading, stopping], return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            leaving()  # 1. tell whoever asks, before anything closes
        # 2. Admitting ends here: what is not in Redis yet was not acknowledged. Texts that were begun are finished, within DRAIN_S.
        leading.cancel()
        results = await asyncio.gather(leading, return_exceptions=True)
        if isinstance(results[0], Exception) and not _only_lost(results[0]):
            raise results[0]
        if isinstance(results[0], Exception):
            log.warning("leader.lost")
            await asyncio.sleep(1)
    stopping.cancel()


def _only_lost(exc: Exception) -> bool:
    if isinstance(exc, ExceptionGroup):
        return all(isinstance(inner, Exception) and _only_lost(inner) for inner in exc.exceptions)
    return isinstance(exc, LostOwnership)


async def _lead_once(brain: Brain, leader: Leader) -> None:
    epoch = await leader.acquire(turned=brain.beats.of("leader"))
    brain.metrics.leading = True
    try:
        await brain.lead(epoch, leader)
    finally:
        brain.metrics.forget()
        brain.beats.forget()


async def _wait_for_store(script: Script, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await script.check()
            return
        except StoreMisconfigured as exc:
            raise SettingsError(str(exc)) from None
        except (StoreUnavailable, StoreFull):
            log.error(
                "store.unavailable",
                during="start",
                hint="is Redis running, and is REDIS_URL or REDIS_HOST right? Trying again",
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await stop.wait()


async def _identity(messenger: TelegramMessenger, stop: asyncio.Event) -> BotIdentity | None:
    while not stop.is_set():
        try:
            return await messenger.get_me()
        except MessengerUnauthorized:
            raise SettingsError("TELEGRAM_TOKEN is refused by Telegram: copy it again from @BotFather") from None
        except OpenClawError as exc:
            log.warning("telegram.unavailable", during="start", error=type(exc).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await stop.wait()
    return None
