"""Check that the model servers answer, and serve the models of every role."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from openclaw_cli.doctor.findings import ROLES_DIR, SETTINGS_FIRST, Env, Level, Results, is_set, placeholder_key
from openclaw_cli.up import builtin_model, model_servers
from openclaw_cli.up.backends import is_chosen
from openclaw_core.environment import Environment
from openclaw_core.errors import ChatUnauthorized, OpenClawError
from openclaw_core.models.brain_clients import open_brain_clients
from openclaw_core.models.providers import PROVIDERS, ModelServer
from openclaw_core.ports import ChatModel
from openclaw_core.roles.check import load_roles


async def check(env: Env) -> Results:
    if not is_chosen(env):
        yield Level.OK, await _model_without_a_key(env)
        return
    read = Environment({**env, **placeholder_key(env)})
    servers = read.model_servers()
    if read.faults:
        yield Level.FAULT, SETTINGS_FIRST
        return
    override = env.get("MODEL_OVERRIDE")
    loaded = load_roles(Path(env.get("ROLES_DIR") or ROLES_DIR))
    wanted = {name: role.models for name, role in loaded.roles.items()} | {"router": loaded.router.models}
    places = {name: known.at for name, known in loaded.models.items()}
    providers = {places[name].provider for names in wanted.values() for name in names}
    served: set[str] = set()
    async with open_brain_clients(servers) as chat:
        for provider in [""] if override else ["", *sorted(providers - {""})]:
            server = servers.of(provider)
            if server is None:
                yield Level.FAULT, f"{_key_variable(provider)} is missing: roles.yaml names models of {provider}"
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
    found = None if env.get("DEMO_MODEL") == "yes" else await model_servers.running_server(env)
    if found is not None:
        return f"no GROQ_API_KEY: {found.name}"
    builtin_model.check_machine()
    return "no GROQ_API_KEY: the built-in model (small, English only)"


async def _listed(chat: ChatModel, provider: str, server: ModelServer, env: Env) -> tuple[Level, str, frozenset[str]]:
    """Ask the server of *provider* for its models: the result of that, and their ids."""
    kind = server.provider
    # Of a server that speaks as Groq does the address was given without the path.
    address = server.url.removesuffix(kind.path) if kind.name == "groq" else server.url
    where = kind.title if server.url == kind.base_url else address
    try:
        ids = await chat.models(provider)
    except ChatUnauthorized:
        own = not provider and is_set(env, "MODEL_API_KEY")
        key = "MODEL_API_KEY" if own else _key_variable(provider or kind.name)
        get_one = ": make a new one at console.groq.com/keys" if kind.name == "groq" else ": check it"
        return Level.FAULT, f"{where} refuses {key}{get_one}", frozenset()
    except OpenClawError as exc:
        variable = f"{kind.variable}_BASE_URL" if provider or kind.name == "groq" else "MODEL_BASE_URL"
        unreachable = f"{where} does not answer ({type(exc).__name__})"
        return Level.FAULT, f"{unreachable}: check the network, a proxy, {variable}", frozenset()
    return Level.OK, f"{where} serves {len(ids)} models", ids


def _key_variable(provider: str) -> str:
    return f"{PROVIDERS[provider].variable}_API_KEY"


def missing(wanted: Mapping[str, tuple[str, ...]], served: frozenset[str]) -> Iterable[tuple[Level, str]]:
    """Models that are not served: a fault where none of a list is left, a warning where another can answer."""
    warned: set[str] = set()
    for name, models in wanted.items():
        gone = [id_ for id_ in models if id_ not in served]
        names = ", ".join(gone)
        if len(gone) == len(models):
            yield Level.FAULT, f"{name}: none of its models is served ({names}): name others in config/roles.yaml"
        elif not set(gone) <= warned:
            warned |= set(gone)
            yield Level.WARNING, f"{name}: {names} is not served, others answer: take it out of config/roles.yaml"
