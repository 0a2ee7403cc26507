"""Checks which models the servers list: when this brain takes the lead and each hour, never while a message waits.

Dispatch and routing skip a model that its server no longer lists, and the log tells the operators. A list counts only if it names
one of our models: llama.cpp lists the file that it serves, and an empty list says nothing. If a call is refused all the same, the agent
takes the next model.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from openclaw_brain.loops import Loop
from openclaw_core import logs
from openclaw_core.errors import OpenClawError
from openclaw_core.ports import ChatModel, ModelAt
from openclaw_core.roles.values import Roles

log = logs.get(__name__)
CHECK_EVERY_S = 3600.0
RETRY_S = 300.0
"""After a server that gave no list."""


def models_in_use(roles: Roles, voice_models: Sequence[str]) -> tuple[str, ...]:
    """Return every model that roles, the router and recordings may use."""
    lists = (*(role.models for role in roles.roles.values()), roles.router.models, tuple(voice_models))
    return tuple(dict.fromkeys(model for models in lists for model in models))


def unlisted_models(models: Collection[str], listed: Collection[str]) -> frozenset[str]:
    """Return those of *models* that are not *listed*, or none if the list names no model of ours."""
    missing = frozenset(models) - frozenset(listed)
    return missing if len(missing) < len(frozenset(models)) else frozenset()


def without_models(roles: Roles, missing: Collection[str]) -> Roles:
    """Return *roles* without the *missing* models, in the same order.

    A role with no model left takes those of the default role, or else any other. The router takes only models with a strict schema.
    """
    if not missing:
        return roles
    others = [*roles.roles[roles.default].models, *roles.models]
    left = tuple(dict.fromkeys(model for model in others if model not in missing))
    strict = tuple(model for model in left if model in roles.models and roles.models[model].strict_schema)

    def rest(models: tuple[str, ...], instead: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(model for model in models if model not in missing) or instead or models

    return replace(
        roles,
        roles={name: replace(role, models=rest(role.models, left)) for name, role in roles.roles.items()},
        router=replace(roles.router, models=rest(roles.router.models, strict)),
    )


@dataclass(kw_only=True)
class ServedModels:
    """Fetches the lists. *on_roles* gets the roles without missing models, *on_listed* all models and those that are not listed."""

    chat: ChatModel
    roles: Roles
    voice_models: Sequence[str] = ()
    on_roles: Callable[[Roles], None]
    on_listed: Callable[[Collection[str], Collection[str]], None]
    _unlisted: frozenset[str] = field(default_factory=frozenset)
    _missing: frozenset[str] = field(default_factory=frozenset)

    async def check_forever(self, loop: Loop) -> None:
        async def step() -> float:
            return CHECK_EVERY_S if await self.check() else RETRY_S

        await loop.run(step)

    async def check(self) -> bool:
        """Return whether all servers gave their list. For one that did not, its last list still counts."""
        models = models_in_use(self.roles, self.voice_models)
        unlisted, missing, answered = set(self._unlisted), set(self._missing), 0
        by_provider: dict[str, list[ModelAt]] = {}
        for at in map(self.roles.at, models):
            by_provider.setdefault(at.provider, []).append(at)
        for provider, places in by_provider.items():
            try:
                ids = await (self.chat.models(provider) if provider else self.chat.models())
            except OpenClawError as exc:
                log.warning("models.not_listed", error=type(exc).__name__, hint="no model is skipped for it")
                continue
            answered += 1
            names = frozenset(at.name for at in places)
            listed = frozenset(at.name for at in places if at.id in ids)
            unlisted = (unlisted - names) | (names - listed if ids else frozenset())
            missing = (missing - names) | unlisted_models(names, listed)
            if ids and not listed:
                hint = "no model is skipped: check MODEL_BASE_URL or GROQ_BASE_URL, and roles.yaml"
                log.error("models.none_listed", listed=len(ids), hint=hint)
        if not answered:
            return False
        if missing:
            log.error("models.gone", models=sorted(missing), hint="the server lists them no more: change roles.yaml")
        if back := self._unlisted - unlisted:
            log.info("models.back", models=sorted(back))
        self._unlisted, self._missing = frozenset(unlisted), frozenset(missing)
        self.on_listed(models, self._unlisted)
        self.on_roles(without_models(self.roles, self._missing))
        return answered == len(by_provider)
