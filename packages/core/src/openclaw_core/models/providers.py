"""What differs between servers that speak OpenAI's API, as data. Another server of this kind is an entry of `PROVIDERS`.

Here stands what a request must say otherwise, and where a reply says it. Requests are strict: a parameter that a server does not know
can be refused. Reading is tolerant: a field that a server lacks costs nothing to look for.
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
    """Models that take parameters which the others of their server do not know, or refuse."""

    prefix: str = ""
    """How their ids begin; empty: all models of the server."""
    always: Mapping[str, Any] = field(default_factory=dict)
    efforts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The parameters for each effort of `ModelCall.reasoning_effort`. An effort that is not here is not sent."""
    temperature: bool = True
    """Whether they take a temperature."""
    tools: bool = False
    """Whether they take the server's built-in tools."""
    counts_unasked: bool = False
    """Whether a stream ends with token counts that nobody asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One kind of model server."""

    name: str
    """As in `roles.yaml` and `MODEL_PROVIDER`."""
    title: str
    """For people."""
    url: str
    """Scheme, host and port; empty where only an address can say it."""
    path: str = "/v1"
    """Stands between the address and `/chat/completions`, unless an address brings a path of its own."""
    variable: str
    """Its key is `<variable>_API_KEY`, another address of it `<variable>_BASE_URL`."""
    needs_key: bool = True
    limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """The parameter for the longest answer. Old servers know the second alone, OpenAI's reasoning models the first alone."""
    json_schema: Literal["strict", "plain"] = "strict"
    """Whether a JSON schema is sent with `strict`. Either way the reply is compared with the schema."""
    reasoning_fields: tuple[str, ...] = ("reasoning", "reasoning_content", "thinking")
    """Fields of a streamed message that hold thoughts. Servers rename them between versions, so all are read."""
    usage_fields: tuple[tuple[str, ...], ...] = (("usage",), ("x_groq", "usage"))
    """Where a reply has its token counts: paths of fields, the first that is there counts."""
    retry_headers: tuple[RetryHeader, ...] = (RetryHeader(name="retry-after"),)
    transcription_path: str = "/audio/transcriptions"
    """Where it takes recordings; empty: nowhere."""
    families: tuple[Family, ...] = ()
    """The first that fits a model counts."""

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
"""The chat template decides whether the model thinks; those that know no such variable ignore it."""

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
    families=(Family(efforts=_NO_THINKING),),
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
"""A server of which only the address is known: what nearly all understand."""

PROVIDERS: Mapping[str, Provider] = {
    provider.name: provider
    for provider in (GROQ, OPENAI, OPENROUTER, TOGETHER, OLLAMA, LLAMA_CPP, LM_STUDIO, VLLM, COMPATIBLE)
}
NAMED = tuple(name for name in PROVIDERS if name != COMPATIBLE.name)
"""Those that a model of `roles.yaml` may name: they have an address of their own."""


VARIABLES = (
    "MODEL_PROVIDER",
    *(
        f"{provider.variable}_{what}"
        for provider in (COMPATIBLE, *(PROVIDERS[name] for name in NAMED))
        for what in ("API_KEY", "BASE_URL")
    ),
)
"""The environment variables that say where models are."""


def provider_at(url: str) -> Provider:
    """The provider whose address *url* is: by its host, on this machine by the port that the server has unless told otherwise."""
    at = urlsplit(url)
    host = at.hostname or ""
    for provider in PROVIDERS.values():
        local = host in LOOPBACK and provider.host in LOOPBACK
        if (local and at.port == provider.port) or (host and not local and host == provider.host):
            return provider
    return COMPATIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A model server that can be asked."""

    provider: Provider
    url: str
    """Up to what stands before `/chat/completions`, without a slash at its end."""
    api_key: str = field(repr=False)

    @classmethod
    def of(cls, provider: Provider, api_key: str, url: str | None = None) -> "Server":
        """*url* is another address than the provider's own. If it has no path, the provider's is added."""
        base = provider.base_url if url is None else url if urlsplit(url).path else f"{url}{provider.path}"
        return cls(provider=provider, url=base, api_key=api_key)

    @property
    def local(self) -> bool:
        """Whether it runs on this machine."""
        return (urlsplit(self.url).hostname or "") in LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The server for every model that names no provider, and those for the models that do."""

    default: Server
    named: Mapping[str, Server] = field(default_factory=dict)

    def of(self, provider: str) -> Server | None:
        """The server of *provider*, the default one for an empty name; None if there is no key for it."""
        return self.named.get(provider) if provider else self.default

    def route_with(self, model_override: str | None) -> bool:
        """Whether a model helps with routing: the one model of a small server seldom keeps to a schema within the budget."""
        return model_override is None or self.default.provider is GROQ
