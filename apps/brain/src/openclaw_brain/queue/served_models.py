"""Which models the servers offer: asked when a brain takes the lead and each hour, never while a message waits.

A model that the server lists no more is skipped where tasks are dispatched and routed, and the operators are told. A list is believed
only if it names one of our models: llama.cpp names the file that it serves, and an empty list says nothing. What a list does not show,
the call does: a refused model is left for the next one by the agent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from openclaw_core import logs
from openclaw_core.errors import OpenClawError
from openclaw_core.ports import Chat, ModelAt
from openclaw_core.roles.values import Roles

log = logs.get(__name__)
LOOK_EVERY_S = 3600.0
LOOK_AGAIN_S = 300.0
"""After a list that could not be had."""


def wanted(roles: Roles, voice_models: Sequence[str]) -> tuple[str, ...]:
    """Every model that a role, the router or a recording may ask for."""
    lists = (*(role.models for role in roles.roles.values()), roles.router.models, tuple(voice_models))
    return tuple(dict.fromkeys(model for models in lists for model in models))


def gone(models: Collection[str], listed: Collection[str]) -> frozenset[str]:
    """Those of *models* that are not *listed*; none if the list names no model of ours at all."""
    missing = frozenset(models) - frozenset(listed)
    return missing if len(missing) < len(frozenset(models)) else frozenset()


def without(roles: Roles, missing: Collection[str]) -> Roles:
    """*roles* with the models that are left, in the same order.

    A role that has none left takes those of the default role, or else any that is left of the file. The router's need a strict schema.
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
    """Looks at the servers' lists again and again. *use* gets the roles to work with, *told* all models and those that are not listed."""

    chat: Chat
    roles: Roles
    voice_models: Sequence[str] = ()
    use: Callable[[Roles], None]
    told: Callable[[Collection[str], Collection[str]], None]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _unlisted: frozenset[str] = field(default_factory=frozenset)
    _gone: frozenset[str] = field(default_factory=frozenset)

    async def look_forever(self) -> None:
        while True:
            await self.sleep(LOOK_EVERY_S if await self.look() else LOOK_AGAIN_S)

    async def look(self) -> bool:
        """Whether all servers gave their list. For one that did not, what its last list said goes on."""
        models = wanted(self.roles, self.voice_models)
        unlisted, missing, heard = set(self._unlisted), set(self._gone), 0
        by_provider: dict[str, list[ModelAt]] = {}
        for at in map(self._at, models):
            by_provider.setdefault(at.provider, []).append(at)
        for provider, places in by_provider.items():
            try:
                ids = await (self.chat.models(provider) if provider else self.chat.models())
            except OpenClawError as exc:
                log.warning("models.not_listed", error=type(exc).__name__, hint="no model is skipped for it")
                continue
            heard += 1
            names = frozenset(at.name for at in places)
            listed = frozenset(at.name for at in places if at.id in ids)
            unlisted = (unlisted - names) | (names - listed if ids else frozenset())
            missing = (missing - names) | gone(names, listed)
            if ids and not listed:
                hint = "no model is skipped: check MODEL_BASE_URL or GROQ_BASE_URL, and roles.yaml"
                log.error("models.none_listed", listed=len(ids), hint=hint)
        if not heard:
            return False
        if missing:
            log.error("models.gone", models=sorted(missing), hint="the server lists them no more: change roles.yaml")
        if back := self._unlisted - unlisted:
            log.info("models.back", models=sorted(back))
        self._unlisted, self._gone = frozenset(unlisted), frozenset(missing)
        self.told(models, self._unlisted)
        self.use(without(self.roles, self._gone))
        return heard == len(by_provider)

    def _at(self, name: str) -> ModelAt:
        model = self.roles.models.get(name)  # None: a model that hears, which the default server has
        return ModelAt(name=name, id=name) if model is None else model.at
