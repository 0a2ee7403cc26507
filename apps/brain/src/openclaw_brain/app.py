"""The brain's composition root: it opens the clients, hands them down, and closes in order. What leads is in `leading`."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial

from openclaw_brain import startup
from openclaw_brain.agents.local_processes import LocalProcesses, agent_environment
from openclaw_brain.agents.local_runners import LocalRunners
from openclaw_brain.agents.ports import Launcher
from openclaw_brain.health import Health
from openclaw_brain.leadership import Leader, RedisLeader, lead_until
from openclaw_brain.leading import Brain
from openclaw_brain.loops import Heartbeats
from openclaw_brain.metrics import Metrics
from openclaw_brain.model_figures import ModelFigures
from openclaw_brain.pool_policy import AGENT_VARIABLES
from openclaw_brain.routing import Classifier
from openclaw_brain.secret_files import stopping_when_replaced
from openclaw_brain.settings import Settings
from openclaw_brain.tracing.export import Exporter
from openclaw_core import logs
from openclaw_core.chat.telegram.messenger import TelegramMessenger
from openclaw_core.models.brain_clients import open_brain_clients
from openclaw_core.roles.values import Roles
from openclaw_core.store import Leadership, Script, move_chat, open_script

log = logs.get(__name__)


def _local_processes(environment: Mapping[str, str], runners: LocalRunners | None) -> Launcher:
    return LocalProcesses(environment=environment, runners=runners)


async def run(
    settings: Settings,
    roles: Roles,
    env: Mapping[str, str],
    stop: asyncio.Event,
    *,
    local: Callable[[Mapping[str, str], LocalRunners | None], Launcher] = _local_processes,
) -> int:
    """Serve until *stop* is set. *local* makes the launcher of one machine.

    Raises SettingsError for what only a person can repair.
    """
    startup.warn_if_closed(settings)
    heartbeats = Heartbeats()
    async with AsyncExitStack() as stack:
        script = await stack.enter_async_context(open_script(settings.redis, bot_id=settings.bot_id))
        launcher, leader = await _cluster_or_local(settings, roles, env, script, stack, local)
        figures = ModelFigures(models=roles.models)
        metrics = Metrics(
            script=script,
            roles=sorted(roles.roles),
            models=figures,
            loop_ages_s=heartbeats.ages_s,
            budgets=settings.budgets,
        )
        reachable = launcher.reachable if settings.launcher == "kubernetes" else None
        health = Health(heartbeats=heartbeats, script=script, metrics=metrics, reachable=reachable, ready=False)
        # Before Redis and Telegram answer: waiting for them is no reason to be restarted.
        if settings.health_port:
            await stack.enter_async_context(health.serve(settings.health_port))
        await startup.wait_for_store(script, stop)
        if stop.is_set():
            return 0
        messenger = await stack.enter_async_context(
            TelegramMessenger.open(settings.telegram_token, settings.telegram_base_url)
        )
        messenger.on_moved = partial(move_chat, script)
        chat = await stack.enter_async_context(open_brain_clients(settings.servers))
        exporter = await _open_exporter(settings, stack)
        classifier = (
            None if settings.routes_by_model else await stack.enter_async_context(Classifier.open(start_now=True))
        )
        identity = await startup.wait_for_telegram(messenger, stop)
        if identity is None:
            return 0
        health.ready = True
        log.info("brain.started", bot=identity.username, roles=sorted(roles.roles), launcher=settings.launcher)
        brain = Brain(
            settings=settings, script=script, messenger=messenger, chat=chat if settings.routes_by_model else None,
            classifier=classifier, launcher=launcher, roles=roles, identity=identity, heartbeats=heartbeats,
            metrics=metrics, exporter=exporter,
        )  # fmt: skip

        def not_ready() -> None:
            health.ready = False

        async with stopping_when_replaced(settings, env, stop):
            await lead_until(stop, partial(brain.lead, leader), on_stop=not_ready)
        await launcher.close()  # 3. agents of this machine hand their tasks back
        await leader.release()  # 4. the next one need not wait for the lock's end
    return 0


async def _open_exporter(settings: Settings, stack: AsyncExitStack) -> Exporter | None:
    """What sends traces; None where there are none, and nothing is loaded for it."""
    if settings.traces is None:
        return None
    from openclaw_brain.tracing.otlp import OtlpExporter

    to = settings.traces
    opened = OtlpExporter.at(to.url, to.headers, environment=settings.namespace or "openclaw")
    return await stack.enter_async_context(opened)


async def _cluster_or_local(
    settings: Settings,
    roles: Roles,
    env: Mapping[str, str],
    script: Script,
    stack: AsyncExitStack,
    local: Callable[[Mapping[str, str], LocalRunners | None], Launcher],
) -> tuple[Launcher, Leader]:
    """What starts agents, and what decides which brain leads."""
    holder = f"{settings.holder}-{uuid.uuid4().hex[:8]}"  # a restarted container is another holder than before
    leadership = Leadership(script)
    if settings.launcher == "processes":
        launcher = local(agent_environment(env, AGENT_VARIABLES), LocalRunners.of(roles, agent_environment(env, ())))
        return launcher, RedisLeader(leadership=leadership, holder=holder)
    # Here: on one machine the client library would cost 11 MB and 0.1 s for nothing.
    from openclaw_brain.kubernetes.api import KubernetesApi
    from openclaw_brain.kubernetes.jobs import KubernetesJobs
    from openclaw_brain.kubernetes.lease import LeaseLeader

    api = await stack.enter_async_context(
        KubernetesApi.open(settings.namespace, kubeconfig=settings.kubeconfig or None)
    )
    return KubernetesJobs(api=api), LeaseLeader(api=api, leadership=leadership, holder=holder)
