"""The differences between servers that speak OpenAI's API, as data. Another server of this kind is an entry of `PROVIDERS`.

Requests are strict: a server may refuse an unknown parameter. Reading is tolerant: looking for a missing field costs nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryHeader:
    """A header in which a server says when it can be asked again."""

    name: str
    unit: Literal["s", "ms"] = "s"
    """Milliseconds, or seconds; instead of seconds, `retry-after` may have an HTTP date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Models whose parameters other models of their server do not know, or refuse."""

    prefix: str = ""
    """How their ids begin; empty: all models of the server."""
    always: Mapping[str, Any] = field(default_factory=dict)
    efforts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The parameters for each effort of `ModelCall.reasoning_effort`. An effort that is not here is not sent."""
    temperature: bool = True
    """Whether they take a temperature."""
    tools: bool = False
    """Whether they take the server's built-in tools."""
    functions: bool = True
    """Whether they take functions of ours. Those that do not refuse the request, or read past them."""
    counts_unasked: bool = False
    """Whether a stream ends with token counts without being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One kind of model server."""

    name: str
    """As in `roles.yaml` and `MODEL_PROVIDER`."""
    title: str
    """For people."""
    url: str
    """Scheme, host and port; empty where a setting gives the address."""
    path: str = "/v1"
    """Between the address and `/chat/completions`, unless the address has a path."""
    variable: str
    """Its key is `<variable>_API_KEY`, another address of it `<variable>_BASE_URL`."""
    needs_key: bool = True
    limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """The parameter for the longest answer. Old servers know only the second, OpenAI's reasoning models only the first."""
    json_schema: Literal["strict", "plain"] = "strict"
    """Whether a JSON schema is sent with `strict`. Either way the reply is compared with the schema."""
    reasoning_fields: tuple[str, ...] = ("reasoning", "reasoning_content", "thinking")
    """Fields of a streamed message for thoughts. Servers rename them between versions, so all are read."""
    tool_choice: bool = True
    """Whether it knows `tool_choice`. If not, functions that must not be called are not sent."""
    mixes_tools: bool = False
    """Whether built-in tools and functions may be in one request. No server documents it; functions win where they may not."""
    usage_fields: tuple[tuple[str, ...], ...] = (("usage",), ("x_groq", "usage"))
    """Paths to the token counts of a reply; the first that exists counts."""
    retry_headers: tuple[RetryHeader, ...] = (RetryHeader(name="retry-after"),)
    transcription_path: str = "/audio/transcriptions"
    """Where it takes recordings; empty: nowhere."""
    families: tuple[Family, ...] = ()
    """The first that matches a model counts."""

    def family_of(self, model: str) -> Family:
        return next((family for family in self.families if model.startswith(family.prefix)), _NO_FAMILY)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int | None:
        return urlsplit(self.url).port

    @property
    def base_url(self) -> str:
        return f"{self.url}{self.path}"


_NO_FAMILY = Family()


def _efforts(name: str, **words: str) -> Mapping[str, Mapping[str, Any]]:
    """One parameter *name* for each effort, with the server's *words* where they differ from ours."""
    known = {"low": "low", "medium": "medium", "high": "high"} | words
    return {effort: {name: word} for effort, word in known.items()}


_NO_THINKING = {"none": {"chat_template_kwargs": {"enable_thinking": False}}}
"""A variable of the chat template; templates without it ignore it."""

GROQ = Provider(
    name="groq",
    title="Groq",
    url="https://api.groq.com",
    path="/openai/v1",
    variable="GROQ",
    families=(
        # This family cannot do without thoughts: the least is `low`.
        Family(
            prefix="openai/gpt-oss",
            always={"include_reasoning": False},
            efforts=_efforts("reasoning_effort", none="low"),
            tools=True,
            counts_unasked=True,
        ),
        # Without `hidden` the answer begins with the model's thoughts. `none` is the one effort that every Qwen of Groq's has known.
        Family(
            prefix="qwen/",
            always={"reasoning_format": "hidden"},
            efforts={"none": {"reasoning_effort": "none"}},
            counts_unasked=True,
        ),
        # These search and run code themselves, and refuse a request with a function in it.
        Family(prefix="groq/compound", functions=False),
    ),
)
OPENAI = Provider(
    name="openai",
    title="OpenAI",
    url="https://api.openai.com",
    variable="OPENAI",
    retry_headers=(RetryHeader(name="retry-after-ms", unit="ms"), RetryHeader(name="retry-after")),
    # Reasoning models refuse a temperature other than 1, the others refuse an effort. `low` is known to all that think.
    families=tuple(
        Family(prefix=prefix, efforts=_efforts("reasoning_effort", none="low"), temperature=False)
        for prefix in ("gpt-5", "o1", "o3", "o4")
    ),
)
OPENROUTER = Provider(
    name="openrouter",
    title="OpenRouter",
    url="https://openrouter.ai",
    path="/api/v1",
    variable="OPENROUTER",
    limit_field="max_tokens",
    transcription_path="",
    families=(
        Family(
            always={"reasoning": {"exclude": True}},
            efforts={
                effort: {"reasoning": {"effort": word, "exclude": True}}
                for effort, word in {"none": "low", "low": "low", "medium": "medium", "high": "high"}.items()
            },
        ),
    ),
)
TOGETHER = Provider(
    name="together",
    title="Together",
    url="https://api.together.ai",
    variable="TOGETHER",
    limit_field="max_tokens",
    json_schema="plain",
    families=(Family(prefix="openai/gpt-oss", efforts=_efforts("reasoning_effort", none="low")),),
)
OLLAMA = Provider(
    name="ollama",
    title="Ollama",
    url="http://127.0.0.1:11434",
    variable="OLLAMA",
    needs_key=False,
    limit_field="max_tokens",
    json_schema="plain",
    tool_choice=False,
    # An effort is an error for a model that cannot think; `none` is one for nobody.
    families=(
        Family(prefix="gpt-oss", efforts=_efforts("reasoning_effort", none="low")),
        Family(efforts={"none": {"reasoning_effort": "none"}}),
    ),
)
LLAMA_CPP = Provider(
    name="llama.cpp",
    title="llama.cpp",
    url="http://127.0.0.1:8080",
    variable="LLAMA_CPP",
    needs_key=False,
    limit_field="max_tokens",
    json_schema="plain",
    families=(
        # The built-in demo model of `make up`. Its chat template knows no tools: the server would leave them out without a word.
        Family(prefix="smollm2", efforts=_NO_THINKING, functions=False),
        Family(efforts=_NO_THINKING),
    ),
)
LM_STUDIO = Provider(
    name="lmstudio",
    title="LM Studio",
    url="http://127.0.0.1:1234",
    variable="LMSTUDIO",
    needs_key=False,
    limit_field="max_tokens",
    transcription_path="",
)
VLLM = Provider(
    name="vllm",
    title="vLLM",
    url="http://127.0.0.1:8000",
    variable="VLLM",
    needs_key=False,
    families=(
        Family(prefix="openai/gpt-oss", efforts=_efforts("reasoning_effort", none="low")),
        Family(efforts=_NO_THINKING),
    ),
)
COMPATIBLE = Provider(
    name="compatible",
    title="another server",
    url="",
    variable="MODEL",
    needs_key=False,
    limit_field="max_tokens",
)
"""A server of which only the address is known: parameters that nearly all servers know."""

PROVIDERS: Mapping[str, Provider] = {
    provider.name: provider
    for provider in (GROQ, OPENAI, OPENROUTER, TOGETHER, OLLAMA, LLAMA_CPP, LM_STUDIO, VLLM, COMPATIBLE)
}
NAMED = tuple(name for name in PROVIDERS if name != COMPATIBLE.name)
"""Providers that a model of `roles.yaml` may name: they have a known address."""


VARIABLES = (
    "MODEL_PROVIDER",
    *(
        f"{provider.variable}_{what}"
        for provider in (COMPATIBLE, *(PROVIDERS[name] for name in NAMED))
        for what in ("API_KEY", "BASE_URL")
    ),
)
"""The environment variables for the addresses and keys of model servers."""


def provider_at(url: str) -> Provider:
    """The provider at *url*: by its host, on this machine by its default port."""
    at = urlsplit(url)
    host = at.hostname or ""
    for provider in PROVIDERS.values():
        local = host in LOOPBACK and provider.host in LOOPBACK
        if (local and at.port == provider.port) or (host and not local and host == provider.host):
            return provider
    return COMPATIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServer:
    """The address and key of one model server."""

    provider: Provider
    url: str
    """The address without `/chat/completions`, and without a slash at its end."""
    api_key: str = field(repr=False)

    @classmethod
    def of(cls, provider: Provider, api_key: str, url: str | None = None) -> "ModelServer":
        """*url* overrides the provider's own address. The provider's path is added if it has none."""
        base = provider.base_url if url is None else url if urlsplit(url).path else f"{url}{provider.path}"
        return cls(provider=provider, url=base, api_key=api_key)

    @property
    def local(self) -> bool:
        """Whether it runs on this machine."""
        return (urlsplit(self.url).hostname or "") in LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServers:
    """The default server, and the servers of providers that models name."""

    default: ModelServer
    named: Mapping[str, ModelServer] = field(default_factory=dict)

    def of(self, provider: str) -> ModelServer | None:
        """The server of *provider*, the default one for an empty name; None if there is no key for it."""
        return self.named.get(provider) if provider else self.default

    def route_with(self, model_override: str | None) -> bool:
        """Whether a model helps with routing: the one model of a small server seldom keeps to a schema within the budget."""
        return model_override is None or self.default.provider is GROQ
