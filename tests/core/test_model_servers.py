"""Which server a model is asked of: what the environment says, which variable wins, and whose key goes where."""

import pytest

from openclaw_core.environment import Environment
from openclaw_core.errors import ChatUnauthorized, SettingsError
from openclaw_core.models.brain_clients import open_chat
from openclaw_core.models.client import ModelClient
from openclaw_core.models.clients import ModelClients, open_clients
from openclaw_core.models.groq_chat import GroqChat
from openclaw_core.models.providers import NAMED, PROVIDERS, Server, Servers, provider_at
from openclaw_core.ports import Message, ModelCall
from openclaw_core.roles.file import ModelEntry
from tests.core.groq_server import listening, streams
from tests.core.model_recordings import STREAMS

GROQ_URL, OPENROUTER_URL = "https://api.groq.com/openai/v1", "https://openrouter.ai/api/v1"


def servers(**env: str) -> Servers:
    read = Environment(env)
    found = read.model_servers()
    read.done()
    return found


@pytest.mark.parametrize(
    ("env", "provider", "url", "key"),
    [
        ({"GROQ_API_KEY": "g"}, "groq", GROQ_URL, "g"),
        ({"GROQ_API_KEY": "g", "GROQ_BASE_URL": "http://h:1"}, "groq", "http://h:1/openai/v1", "g"),
        ({"MODEL_API_KEY": "m"}, "groq", GROQ_URL, "m"),
        ({"MODEL_API_KEY": "m", "GROQ_API_KEY": "g"}, "groq", GROQ_URL, "m"),
        ({"MODEL_BASE_URL": "http://h:1", "GROQ_BASE_URL": "http://i:1", "GROQ_API_KEY": "g"}, "compatible", "http://h:1/v1", "none"),
        ({"MODEL_BASE_URL": "http://h:1/api/v3/", "MODEL_API_KEY": "m"}, "compatible", "http://h:1/api/v3", "m"),
        ({"MODEL_BASE_URL": GROQ_URL, "GROQ_API_KEY": "g"}, "groq", GROQ_URL, "g"),
        ({"MODEL_BASE_URL": "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY": "o"}, "openrouter", OPENROUTER_URL, "o"),
        ({"MODEL_PROVIDER": "openrouter", "MODEL_API_KEY": "m"}, "openrouter", OPENROUTER_URL, "m"),
        ({"MODEL_PROVIDER": "ollama"}, "ollama", "http://127.0.0.1:11434/v1", "none"),
        ({"MODEL_PROVIDER": "ollama", "OLLAMA_BASE_URL": "http://h:1"}, "ollama", "http://h:1/v1", "none"),
        ({"MODEL_PROVIDER": "vllm", "MODEL_BASE_URL": "http://h:1"}, "vllm", "http://h:1/v1", "none"),
        ({"MODEL_BASE_URL": "http://localhost:11434/v1"}, "ollama", "http://localhost:11434/v1", "none"),
    ],
)  # fmt: skip
def test_one_server_is_the_default_and_model_wins_over_groq(
    env: dict[str, str], provider: str, url: str, key: str
) -> None:
    default = servers(**env).default
    assert (default.provider.name, default.url, default.api_key) == (provider, url, key)


@pytest.mark.parametrize("name", [name for name in NAMED if PROVIDERS[name].needs_key])
def test_a_providers_own_key_goes_to_its_own_address_alone(name: str) -> None:
    own = {f"{PROVIDERS[name].variable}_API_KEY": "secret-7c1"}
    with pytest.raises(SettingsError, match="MODEL_API_KEY is missing"):
        servers(MODEL_PROVIDER=name, MODEL_BASE_URL="https://elsewhere.example", **own)
    assert servers(MODEL_BASE_URL="https://elsewhere.example", **own).default.api_key == "none"


@pytest.mark.parametrize(
    ("env", "fault"),
    [
        ({}, "GROQ_API_KEY is missing: set it, or GROQ_API_KEY_FILE"),
        ({"GROQ_API_KEY": "two words"}, "GROQ_API_KEY holds characters that no key has"),
        ({"MODEL_API_KEY": "two words"}, "MODEL_API_KEY holds characters that no key has"),
        ({"MODEL_PROVIDER": "nobody"}, "MODEL_PROVIDER must be one of groq, openai,"),
        ({"MODEL_PROVIDER": "compatible"}, "MODEL_BASE_URL is missing"),
        ({"MODEL_PROVIDER": "together"}, "MODEL_API_KEY is missing: Together needs one"),
        ({"MODEL_BASE_URL": "nowhere"}, "MODEL_BASE_URL must look like"),
    ],
)
def test_what_is_wrong_is_told_by_name(env: dict[str, str], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault) as told:
        servers(**env)
    assert "two words" not in str(told.value)


def test_each_provider_has_a_server_once_there_is_a_key_for_it() -> None:
    found = servers(GROQ_API_KEY="g", TOGETHER_API_KEY="t")

    assert set(found.named) == {"groq", "together", "ollama", "llama.cpp", "lmstudio", "vllm"}
    assert found.of("") is found.of("groq")
    assert found.of("openai") is None
    assert "secret" not in repr(servers(GROQ_API_KEY="secret"))


def test_a_chosen_server_is_also_the_one_of_its_provider() -> None:
    found = servers(MODEL_BASE_URL="http://h:1", MODEL_PROVIDER="vllm")
    assert found.of("vllm") is found.default


def test_a_host_of_the_internet_is_known_whatever_its_port_and_one_of_this_machine_by_it() -> None:
    assert provider_at("https://api.together.ai:443/v1").name == "together"
    assert provider_at("http://[::1]:1234/v1").name == "lmstudio"
    assert provider_at("http://127.0.0.1:4000").name == "compatible"


def test_roles_may_name_every_provider_that_has_an_address() -> None:
    [choice, _] = ModelEntry.model_json_schema()["properties"]["provider"]["anyOf"]
    assert tuple(choice["enum"]) == NAMED


# ---- clients


def call(provider: str) -> ModelCall:
    return ModelCall(model="m", messages=(Message(role="user", content="?"),), max_tokens=10, provider=provider)


async def said(clients: ModelClients, provider: str) -> str:
    return "".join([piece.text async for piece in clients.stream(call(provider))])


async def test_a_call_goes_to_the_server_of_its_model_with_that_servers_key() -> None:
    async with listening(streams(*STREAMS["groq"])) as groq, listening(streams(*STREAMS["ollama"]), "/v1") as ollama:
        found = servers(GROQ_API_KEY="g", GROQ_BASE_URL=groq.url, OLLAMA_BASE_URL=ollama.url)
        async with open_clients(found) as clients:
            assert [await said(clients, provider) for provider in ("", "groq", "ollama", "ollama")] == ["Four."] * 4
            with pytest.raises(ChatUnauthorized):
                await said(clients, "openai")

    assert [len(groq.bodies), len(ollama.bodies)] == [2, 2]
    assert "max_tokens" in ollama.bodies[0]
    assert "max_completion_tokens" in groq.bodies[0]


async def test_only_groq_is_asked_by_its_sdk() -> None:
    async with open_chat(servers(GROQ_API_KEY="g")) as chat:
        assert isinstance(await chat._of(""), GroqChat)
        assert not isinstance(await chat._of("ollama"), GroqChat)
    async with open_chat(servers(MODEL_PROVIDER="groq", MODEL_API_KEY="m", MODEL_BASE_URL="http://h:1/v1")) as chat:
        assert type(await chat._of("")) is ModelClient  # the SDK knows no other path


def test_the_address_of_a_server_may_bring_its_path() -> None:
    assert Server.of(PROVIDERS["openrouter"], "k").url == "https://openrouter.ai/api/v1"
    assert Server.of(PROVIDERS["openrouter"], "k", "http://h:1").url == "http://h:1/api/v1"
    assert Server.of(PROVIDERS["openrouter"], "k", "http://h:1/else").url == "http://h:1/else"
