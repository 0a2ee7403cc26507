"""`openclaw doctor`: is everything here that a run needs, and if not, what to do. One line for each thing that was looked at.

Each area is looked at by itself, with the same variables and defaults as `openclaw up`, and imports only what it needs.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from openclaw_core.errors import MessengerUnauthorized, OpenClawError, SettingsError, StoreMisconfigured

if TYPE_CHECKING:
    from openclaw_core.models.providers import Server
    from openclaw_core.ports import Chat

Env = Mapping[str, str]
ROLES_DIR = "platform/openclaw/base"
OLDEST_PYTHON = (3, 11)
MEMORY_MB = 600
"""Brain 120, an agent 70, the built-in model 270, the classifier's process 200, less what is shared."""
DISK_MB = 500
NEARLY_FULL = 0.8
"""Of `maxmemory`: as the brain's own warning and the alert have it."""


NOT_LOOKED_AT = "not looked at: repair the settings first (openclaw doctor --only settings)"


class Level(Enum):
    OK = "✓"
    WARNING = "!"
    FAULT = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen in an area; for a fault or a warning, with what to do."""

    level: Level
    area: str
    text: str


# ---- the command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=tuple(CHECKS), action="append", help="look at this alone (may be repeated)")


def main(args: argparse.Namespace, env: Env) -> int:
    """Print what was found; 1 if anything is wrong."""
    findings = asyncio.run(examine(args.only or tuple(CHECKS), env))
    _print(findings)
    return 1 if any(finding.level is Level.FAULT for finding in findings) else 0


async def examine(areas: Iterable[str], env: Env) -> list[Finding]:
    """Look at *areas*, all of which may wait on something, at the same time."""
    return [finding for found in await asyncio.gather(*(_examine(area, env) for area in areas)) for finding in found]


async def _examine(area: str, env: Env) -> list[Finding]:
    try:
        return [Finding(level, area, text) async for level, text in CHECKS[area](env)]
    except SettingsError as exc:
        head, *faults = str(exc).splitlines()
        return [Finding(Level.FAULT, area, fault.strip().removeprefix("- ")) for fault in faults or [head]]


def _print(findings: list[Finding]) -> None:
    faults = sum(finding.level is Level.FAULT for finding in findings)
    end = f"{faults} to repair" if faults else "all well"
    if not sys.stdout.isatty():
        for finding in findings:
            print(f"{finding.level.name.lower():8}{finding.area:10}{finding.text}")
        print(end)
        return
    from rich.console import Console
    from rich.table import Table

    colours = {Level.OK: "green", Level.WARNING: "yellow", Level.FAULT: "red"}
    table = Table(box=None, show_header=False, padding=(0, 1))
    for _ in range(3):
        table.add_column(overflow="fold")
    for finding in findings:
        colour = colours[finding.level]
        table.add_row(f"[{colour}]{finding.level.value}[/]", finding.area, _escaped(finding.text))
    console = Console()
    console.print(table, highlight=False)
    console.print(f"[{'red' if faults else 'green'}]{end}[/]")


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


# ---- the areas

Seen = AsyncIterator[tuple[Level, str]]


async def machine(env: Env) -> Seen:
    import psutil

    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info >= OLDEST_PYTHON:
        yield Level.OK, f"Python {version}"
    else:
        yield Level.FAULT, f"Python {version} is too old: install 3.11 or newer, then `make clean install`"
    free = psutil.virtual_memory().available // 2**20
    if free >= MEMORY_MB:
        yield Level.OK, f"{free} MB of memory available"
    else:
        yield Level.FAULT, f"{free} MB of memory available, {MEMORY_MB} are needed: close something"
    disk = shutil.disk_usage(Path.cwd()).free // 2**20
    if disk >= DISK_MB:
        yield Level.OK, f"{disk} MB of disk free here"
    else:
        yield Level.FAULT, f"{disk} MB of disk free here, {DISK_MB} are needed: make room"


async def settings(env: Env) -> Seen:
    from openclaw_brain.settings import from_env

    chosen = from_env({**_local_defaults(env), **{name: value for name, value in env.items() if value}})
    yield Level.OK, f"launcher {chosen.launcher}, at most {chosen.running_cap} tasks at a time, {chosen.warm} warm"
    if _set(env, "TELEGRAM_TOKEN") and chosen.allowed_user_ids is not None and not chosen.allowed_user_ids:
        yield (
            Level.WARNING,
            "ALLOWED_USER_IDS is empty, so the bot refuses everybody: it tells each their id; set that, or *",
        )


async def roles(env: Env) -> Seen:
    from openclaw_cli.roles_folder import faults
    from openclaw_core.roles.values import load

    folder = Path(env.get("ROLES_DIR") or ROLES_DIR)
    loaded = load(folder)
    if found := faults(folder, loaded):
        for fault in found:
            yield Level.FAULT, fault
        return
    names = ", ".join(f"/{role.command} {role.name}" for role in loaded.roles.values())
    yield Level.OK, f"{len(loaded.roles)} roles in {folder}: {names}"


async def redis(env: Env) -> Seen:
    from openclaw_core.environment import Environment
    from openclaw_core.store import open_script

    async with _redis(env) as (url, whose):
        read = Environment({"REDIS_URL": url} if url else env)
        found = read.redis()
        if read.faults:
            yield Level.FAULT, NOT_LOOKED_AT
            return
        async with open_script(found, bot_id=0) as script:
            try:
                server = await script.check()
                memory = await script.memory()
            except StoreMisconfigured as exc:
                yield Level.FAULT, f"{whose}: {exc}"
                return
            except OpenClawError as exc:
                yield Level.FAULT, f"{whose}: {exc}; start it, or check REDIS_URL"
                return
        yield Level.OK, f"{whose}: {server}, appendfsync always, noeviction"
        yield fullness(memory.used, memory.limit)


def fullness(used: int, limit: int) -> tuple[Level, str]:
    """How full a server is that may use *limit* bytes, 0 for all of its machine's."""
    if not limit:
        return Level.OK, f"{used / 2**20:.0f} MB in use, no maxmemory: the machine's memory is the limit"
    text = f"{used / 2**20:.0f} of {limit / 2**20:.0f} MB in use ({used / limit:.0%})"
    if used < NEARLY_FULL * limit:
        return Level.OK, text
    return Level.WARNING, f"{text}: raise maxmemory, or the oldest finished tasks go soon (docs/capacity.md)"


@asynccontextmanager
async def _redis(env: Env) -> AsyncIterator[tuple[str | None, str]]:
    """The Redis that the environment names, else one that `openclaw up` would start, for the time of the check."""
    if _set(env, "REDIS_URL") or env.get("REDIS_HOST"):
        yield None, "REDIS_URL" if _set(env, "REDIS_URL") else "REDIS_HOST"
        return
    from openclaw_cli.local_redis import local_redis, server_binary

    with tempfile.TemporaryDirectory() as folder:
        async with local_redis(Path(folder)) as url:
            yield url, f"our own ({Path(server_binary()).name})"


async def telegram(env: Env) -> Seen:
    if not _set(env, "TELEGRAM_TOKEN"):
        yield Level.OK, "no TELEGRAM_TOKEN: the chat page of `openclaw up`"
        return
    from openclaw_core.chat.telegram.messenger import TelegramMessenger
    from openclaw_core.environment import Environment

    read = Environment(env)
    token, _ = read.token()
    base_url = read.url("TELEGRAM_BASE_URL")
    if read.faults:
        yield Level.FAULT, NOT_LOOKED_AT
        return
    where = base_url or "api.telegram.org"
    try:
        async with TelegramMessenger.open(token, base_url) as messenger:
            me = await messenger.get_me()
    except MessengerUnauthorized:
        yield Level.FAULT, "TELEGRAM_TOKEN is refused: copy it again from @BotFather (/token)"
        return
    except OpenClawError as exc:
        yield (
            Level.FAULT,
            f"{where} does not answer ({type(exc).__name__}): check the network, a proxy, TELEGRAM_BASE_URL",
        )
        return
    yield Level.OK, f"@{me.username} on {where}"


async def model(env: Env) -> Seen:
    from openclaw_cli.backends import is_chosen

    if not is_chosen(env):
        yield Level.OK, await _model_without_a_key(env)
        return
    from openclaw_core.environment import Environment
    from openclaw_core.models.brain_clients import open_chat
    from openclaw_core.roles.values import load

    read = Environment({**env, **_key_of_none(env)})
    servers = read.model_servers()
    if read.faults:
        yield Level.FAULT, NOT_LOOKED_AT
        return
    override = env.get("MODEL_OVERRIDE")
    loaded = load(Path(env.get("ROLES_DIR") or ROLES_DIR))
    wanted = {name: role.models for name, role in loaded.roles.items()} | {"router": loaded.router.models}
    places = {name: known.at for name, known in loaded.models.items()}
    providers = {places[name].provider for names in wanted.values() for name in names}
    served: set[str] = set()
    async with open_chat(servers) as chat:
        for provider in [""] if override else ["", *sorted(providers - {""})]:
            server = servers.of(provider)
            if server is None:
                yield Level.FAULT, f"{_variable(provider)} is missing: roles.yaml names models of {provider}"
                continue
            level, text, ids = await _listed(chat, provider, server, env)
            yield level, text
            if level is Level.FAULT and not provider:
                return
            served |= {name for name, at in places.items() if at.provider == provider and at.id in ids}
            served |= {override} & ids if override else set()
    for level, text in missing({"every role": (override,)} if override else wanted, frozenset(served)):
        yield level, text


async def _model_without_a_key(env: Env) -> str:
    """What `openclaw up` would take. Raises SettingsError if this machine cannot run it."""
    from openclaw_cli import builtin_model, model_servers

    found = None if env.get("DEMO_MODEL") == "yes" else await model_servers.running_server(env)
    if found is not None:
        return f"no GROQ_API_KEY: {found.name}"
    builtin_model.check_machine()
    return "no GROQ_API_KEY: the built-in model (small, English only)"


async def _listed(chat: "Chat", provider: str, server: "Server", env: Env) -> tuple[Level, str, frozenset[str]]:
    """What the server of *provider* lists, and what to say of that."""
    from openclaw_core.errors import ChatUnauthorized

    kind = server.provider
    # Of a server that speaks as Groq does the address was given without the path.
    address = server.url.removesuffix(kind.path) if kind.name == "groq" else server.url
    where = kind.title if server.url == kind.base_url else address
    try:
        ids = await chat.models(provider)
    except ChatUnauthorized:
        own = not provider and _set(env, "MODEL_API_KEY")
        key = "MODEL_API_KEY" if own else _variable(provider or kind.name)
        get_one = ": make a new one at console.groq.com/keys" if kind.name == "groq" else ": check it"
        return Level.FAULT, f"{where} refuses {key}{get_one}", frozenset()
    except OpenClawError as exc:
        variable = f"{kind.variable}_BASE_URL" if provider or kind.name == "groq" else "MODEL_BASE_URL"
        return (
            Level.FAULT,
            f"{where} does not answer ({type(exc).__name__}): check the network, a proxy, {variable}",
            frozenset(),
        )
    return Level.OK, f"{where} serves {len(ids)} models", ids


def _variable(provider: str) -> str:
    """Where the key of *provider* stands."""
    from openclaw_core.models.providers import PROVIDERS

    return f"{PROVIDERS[provider].variable}_API_KEY"


def missing(wanted: Mapping[str, tuple[str, ...]], served: frozenset[str]) -> Iterable[tuple[Level, str]]:
    """Models that are not served: a fault where none of a list is left, a warning where another can answer."""
    told: set[str] = set()
    for name, models in wanted.items():
        gone = [id_ for id_ in models if id_ not in served]
        if len(gone) == len(models):
            yield (
                Level.FAULT,
                f"{name}: none of its models is served ({', '.join(gone)}): name others in config/roles.yaml",
            )
        elif not set(gone) <= told:
            told |= set(gone)
            yield (
                Level.WARNING,
                f"{name}: {', '.join(gone)} is not served, others answer: take it out of config/roles.yaml",
            )


CHECKS: Mapping[str, Callable[[Env], Seen]] = {
    "machine": machine,
    "settings": settings,
    "roles": roles,
    "redis": redis,
    "telegram": telegram,
    "model": model,
}


def _set(env: Env, name: str) -> bool:
    return bool(env.get(name) or env.get(f"{name}_FILE"))


def _local_defaults(env: Env) -> dict[str, str]:
    """What `openclaw up` fills in for a variable that is not set."""
    defaults: dict[str, str] = {}
    if not _set(env, "TELEGRAM_TOKEN"):
        defaults |= {"TELEGRAM_TOKEN": "1:page", "ALLOWED_USER_IDS": "*"}
    defaults |= _key_of_none(env)
    if not _set(env, "REDIS_URL") and not env.get("REDIS_HOST"):
        defaults["REDIS_URL"] = "redis://127.0.0.1"
    return defaults


def _key_of_none(env: Env) -> dict[str, str]:
    """A key for a server that asks for none, where *env* has not any."""
    return {} if _set(env, "GROQ_API_KEY") or _set(env, "MODEL_API_KEY") else {"GROQ_API_KEY": "none"}
