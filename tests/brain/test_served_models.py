"""A model that its server lists no more is skipped and told; a list that cannot be had, or names nothing of ours, changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from openclaw_brain.loops import Loop
from openclaw_brain.queue.served_models import (
    CHECK_EVERY_S,
    RETRY_S,
    ServedModels,
    models_in_use,
    unlisted_models,
    without_models,
)
from openclaw_core.errors import ChatUnavailable, OpenClawError
from openclaw_core.models.groq_chat import GroqChat
from openclaw_core.roles.check import load_roles
from openclaw_core.roles.values import ModelSpec, Role, Roles, Router
from openclaw_standin.model import ScriptedModel
from tests.core.groq_server import open_groq

SHIPPED = load_roles(Path("platform/openclaw/base"))


def role(name: str, *models: str) -> Role:
    return Role(
        name=name, command=name, titles={"en": name, "he": name}, descriptions={"en": name, "he": name}, emoji="x",
        when="always", prompt="p",
        models=models, tools=(), max_answer_tokens=100, history_tokens=100, temperature=None, reasoning_effort=None, template="agent",
    )  # fmt: skip


ROLES = Roles(
    roles={"writer": role("writer", "big", "small"), "coder": role("coder", "code")},
    default="writer",
    router=Router(models=("fast",), prompt="p", budget_s=2, max_tokens=100, reasoning_effort=None),
    models={
        "big": ModelSpec(id="big", context_tokens=1), "small": ModelSpec(id="small", context_tokens=1, strict_schema=True),
        "code": ModelSpec(id="code", context_tokens=1), "fast": ModelSpec(id="fast", context_tokens=1, strict_schema=True),
    },
)  # fmt: skip


def models_of(roles: Roles) -> dict[str, tuple[str, ...]]:
    return {name: role.models for name, role in roles.roles.items()} | {"router": roles.router.models}


ALL = {"writer": ("big", "small"), "coder": ("code",), "router": ("fast",)}


@pytest.mark.parametrize(
    ("missing", "left"),
    [
        (set(), ALL),
        ({"big"}, ALL | {"writer": ("small",)}),
        ({"code"}, ALL | {"coder": ("big", "small", "fast")}),
        ({"big", "small"}, ALL | {"writer": ("code", "fast")}),
        ({"fast"}, ALL | {"router": ("small",)}),
        ({"fast", "small"}, {"writer": ("big",), "coder": ("code",), "router": ("fast",)}),
        ({"big", "small", "code", "fast"}, ALL),
    ],
)
def test_what_is_missing_is_skipped_and_nobody_is_left_without_a_model(
    missing: set[str], left: dict[str, tuple[str, ...]]
) -> None:
    assert models_of(without_models(ROLES, missing)) == left


@pytest.mark.parametrize(
    ("listed", "missing"),
    [
        ({"big", "small", "code", "fast", "other"}, set()),
        ({"small", "fast"}, {"big", "code"}),
        ({"hears"}, {"big", "small", "code", "fast"}),
        (set(), set()),
        ({"/models/llama.gguf"}, set()),
    ],
)
def test_a_list_is_believed_if_it_names_a_model_of_ours(listed: set[str], missing: set[str]) -> None:
    models = models_in_use(ROLES, ("hears",))

    assert models == ("big", "small", "code", "fast", "hears")
    assert unlisted_models(models, listed) - {"hears"} == missing


@dataclass
class Looking:
    """What the looks have led to."""

    roles: list[Roles] = field(default_factory=list)
    told: list[Collection[str]] = field(default_factory=list)

    def served(self, chat: "GroqChat | Listing") -> ServedModels:
        return ServedModels(
            chat=cast("GroqChat", chat), roles=SHIPPED, voice_models=("whisper-large-v3",), on_roles=self.roles.append,
            on_listed=lambda _, gone: self.told.append(gone),
        )  # fmt: skip


@pytest.fixture
async def server() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel.open() as opened:
        yield opened


async def test_shipped_models_are_all_served(server: ScriptedModel) -> None:
    seen = Looking()
    async with open_groq("k", server.url) as chat:
        assert await seen.served(chat).check()

    assert (seen.roles, seen.told) == ([SHIPPED], [frozenset()])


async def test_a_model_that_goes_is_skipped_and_one_that_comes_back_is_used(
    server: ScriptedModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="openclaw")
    seen = Looking()
    big = "openai/gpt-oss-120b"
    async with open_groq("k", server.url) as chat:
        served = seen.served(chat)
        server.models.remove(big)
        await served.check()
        server.models.append(big)
        await served.check()

    assert [roles.roles["coder"].models[0] for roles in seen.roles] == ["openai/gpt-oss-20b", big]
    assert seen.told == [{big}, frozenset()]
    assert [record.message for record in caplog.records if record.name.endswith("served_models")] == [
        "models.gone",
        "models.back",
    ]


ALL_IDS = frozenset(models_in_use(SHIPPED, ("whisper-large-v3",)))


@pytest.mark.parametrize("then", ["unauthorized", "empty", "others", "away"])
async def test_a_list_that_fails_or_says_nothing_skips_no_model(then: str) -> None:
    seen = Looking()
    ids = {"empty": (), "others": ("/models/some.gguf",)}.get(then)
    key = "right" if then == "unauthorized" else None
    async with ScriptedModel.open(api_key=key) as server:
        if ids is not None:
            server.models[:] = ids
        url = "http://127.0.0.1:9" if then == "away" else server.url
        async with open_groq("k", url) as chat:
            looked = await seen.served(chat).check()

    assert looked == (ids is not None)
    assert all(roles == SHIPPED for roles in seen.roles)
    assert seen.told == {"empty": [frozenset()], "others": [ALL_IDS]}.get(then, []), (
        "none of ours listed is told all the same"
    )


class Listing:
    """A server whose looks end in turn with a list or an error."""

    def __init__(self, *lists: frozenset[str] | OpenClawError) -> None:
        self.lists = list(lists)

    async def models(self) -> frozenset[str]:
        listed = self.lists.pop(0)
        if isinstance(listed, OpenClawError):
            raise listed
        return listed


ELSEWHERE = replace(
    ROLES,
    models={
        **ROLES.models,
        "big": replace(ROLES.models["big"], provider="together", served_as="maker/big"),
        "code": replace(ROLES.models["code"], provider="together"),
    },
)


class Listings:
    """Servers of several providers, each with its list, or an error."""

    def __init__(self, **lists: frozenset[str] | OpenClawError) -> None:
        self.lists = lists

    async def models(self, provider: str = "") -> frozenset[str]:
        listed = self.lists[provider or "default"]
        if isinstance(listed, OpenClawError):
            raise listed
        return listed


async def test_each_provider_is_asked_for_its_own_models_by_the_ids_that_they_have_there() -> None:
    seen = Looking()
    chat = Listings(default=frozenset({"small"}), together=frozenset({"maker/big"}))
    served = replace(seen.served(cast("GroqChat", chat)), roles=ELSEWHERE, voice_models=())

    assert await served.check()
    assert seen.told == [{"code", "fast"}]
    assert models_of(seen.roles[0]) == {"writer": ("big", "small"), "coder": ("big", "small"), "router": ("small",)}

    chat.lists = {"default": frozenset({"small", "fast"}), "together": ChatUnavailable()}
    assert not await served.check()
    assert seen.told[1] == {"code"}, "what the last list of the server that is away said goes on"


async def test_what_the_last_list_said_goes_on_while_the_server_is_away() -> None:
    seen = Looking()
    served = seen.served(Listing(ALL_IDS - {"openai/gpt-oss-120b"}, ChatUnavailable()))

    assert (await served.check(), await served.check()) == (True, False)
    assert len(seen.roles) == len(seen.told) == 1, "nothing new was said"


async def test_the_list_is_looked_at_each_hour_and_sooner_after_a_failure() -> None:
    waits: list[float] = []
    over = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            over.set()
            await asyncio.Event().wait()

    served = Looking().served(Listing(ALL_IDS, ChatUnavailable(), ALL_IDS))
    looking = asyncio.create_task(served.check_forever(Loop(sleep=sleep)))
    async with asyncio.timeout(20):
        await over.wait()
    looking.cancel()

    assert waits == [CHECK_EVERY_S, RETRY_S, CHECK_EVERY_S]
