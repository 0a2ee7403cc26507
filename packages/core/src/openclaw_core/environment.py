"""Reads settings from environment variables. Faults are collected and reported together, without any value."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from openclaw_core.errors import SettingsError
from openclaw_core.models.providers import (
    COMPATIBLE,
    GROQ,
    NAMED,
    PROVIDERS,
    VARIABLES,
    ModelServer,
    ModelServers,
    provider_at,
)
from openclaw_core.store import RedisSettings
from openclaw_core.store.server import STATED, WANTED

VOICE_MODELS = "whisper-large-v3,whisper-large-v3-turbo"
"""Models for transcripts, unless `VOICE_MODELS` names others. The first makes fewer errors, the second costs a third."""

NO_KEY = "none"
"""The key for servers that need none: some still require the header."""


def model_ids(listed: str) -> tuple[str, ...]:
    """The ids of a comma-separated list, in order."""
    return tuple(name.strip() for name in listed.split(",") if name.strip())


class Environment:
    """Variables, read by type. Call `done` at the end: it raises SettingsError with all faults."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._env.get(name, "").strip() or default

    def secret(self, name: str, *, required: bool = False) -> str:
        """The variable, or the content of the file in `NAME_FILE`."""
        value = self.text(name)
        path = self.text(f"{name}_FILE")
        if not value and path:
            try:
                value = Path(path).read_bytes().decode().strip()  # text mode would change line ends
            except (OSError, UnicodeDecodeError):
                self.faults.append(f"{name}_FILE: the file cannot be read; check the path and its permissions")
                return ""
        if required and not value:
            self.faults.append(f"{name} is missing: set it, or {name}_FILE to a file that holds it")
        return value

    def api_key(self, name: str, *, required: bool = True) -> str:
        """A secret that can be in an HTTP header."""
        key = self.secret(name, required=required)
        if not (key.isascii() and key.isprintable() and " " not in key):
            self.faults.append(f"{name} holds characters that no key has: copy it again")
        return key

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        raw = self.text(name)
        if not raw:
            return default
        try:
            value = float(raw)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            self.faults.append(f"{name} must be a number from {low:g} to {high:g}")
            return default
        return value

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        value = self.number(name, default, low=low, high=high)
        if value != int(value):
            self.faults.append(f"{name} must be a whole number")
            return default
        return int(value)

    def one_of(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in choices:
            self.faults.append(f"{name} must be one of {', '.join(choices)}")
            return default
        return value

    def url(self, name: str) -> str | None:
        """Scheme, host and port, without a trailing slash; None if unset."""
        raw = self.text(name)
        if not raw:
            return None
        parts = urlsplit(raw)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            self.faults.append(f"{name} must look like https://host or http://host:port")
            return None
        return raw.rstrip("/")

    def model_servers(self) -> ModelServers:
        """The model servers. `MODEL_…` gives the default one, else `GROQ_…` does. Each other provider has variables of its own, such as
        `OPENROUTER_API_KEY`."""
        chosen = any(
            self.text(name) for name in ("MODEL_BASE_URL", "MODEL_PROVIDER", "MODEL_API_KEY", "MODEL_API_KEY_FILE")
        )
        named: dict[str, ModelServer] = {}
        for provider in map(PROVIDERS.__getitem__, NAMED):
            required = provider is GROQ and not chosen
            key = self.api_key(f"{provider.variable}_API_KEY", required=required)
            url = self.url(f"{provider.variable}_BASE_URL")
            if key or url or required or not provider.needs_key:
                named[provider.name] = ModelServer.of(provider, key or NO_KEY, url)
        default = self._chosen_server(named) if chosen else named[GROQ.name]
        return ModelServers(default=default, named={**named, default.provider.name: default})

    def _chosen_server(self, named: Mapping[str, ModelServer]) -> ModelServer:
        """The server of `MODEL_…`. The key of a provider is never sent to another address."""
        url, key = self.url("MODEL_BASE_URL"), self.api_key("MODEL_API_KEY", required=False)
        name = self.text("MODEL_PROVIDER")
        if name and name not in PROVIDERS:
            self.faults.append(f"MODEL_PROVIDER must be one of {', '.join(PROVIDERS)}")
        provider = PROVIDERS.get(name, GROQ if url is None else provider_at(url))
        if provider is COMPATIBLE and url is None:
            self.faults.append(
                "MODEL_BASE_URL is missing: say where the model server is, such as http://127.0.0.1:8000/v1"
            )
        own = named.get(provider.name)
        if not key and own is not None and (url is None or provider_at(url) is provider):
            key = own.api_key
        if not key and provider.needs_key:
            self.faults.append(
                f"MODEL_API_KEY is missing: {provider.title} needs one; set it, or MODEL_API_KEY_FILE to a file that holds it"
            )
        if url is None and own is not None:
            return replace(own, api_key=key or NO_KEY)
        return ModelServer.of(provider, key or NO_KEY, url)

    def model_addresses(self) -> dict[str, str]:
        """The variables of `model_servers` that are set, without secrets."""
        values = {name: self.text(name).rstrip("/") for name in VARIABLES if not name.endswith("_API_KEY")}
        return {name: value for name, value in values.items() if value}

    def token(self, name: str = "TELEGRAM_TOKEN") -> tuple[str, int]:
        """The bot token, and the bot's id, which is its first part."""
        token = self.secret(name, required=True)
        head, colon, tail = token.partition(":")
        if token and not (head.isdigit() and colon and tail):
            self.faults.append(
                f"{name} does not look like a bot token (digits, a colon, letters): copy it again from @BotFather"
            )
            return token, 0
        return token, int(head) if head else 0

    def redis(self) -> RedisSettings:
        """`REDIS_URL`, or `REDIS_HOST` with `REDIS_PORT`, `REDIS_USERNAME` and `REDIS_PASSWORD`; and the stated settings of the server."""
        stated = self._stated()
        url = self.secret("REDIS_URL")
        if url:
            if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
                self.faults.append("REDIS_URL must begin with redis://, rediss:// or unix://")
                url = ""
            return RedisSettings(url=url or "redis://unset", stated=stated)
        host = self.text("REDIS_HOST")
        if not host:
            self.faults.append(
                "REDIS_URL or REDIS_HOST is missing: say where Redis is, for example REDIS_URL=redis://127.0.0.1:6379"
            )
        port = self.integer("REDIS_PORT", 6379, low=1, high=65535)
        password = self.secret("REDIS_PASSWORD")
        user = self.text("REDIS_USERNAME")
        if user and not password:
            self.faults.append("REDIS_PASSWORD is missing: REDIS_USERNAME needs that user's")
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else ""
        return RedisSettings(url=f"redis://{login}{host or 'unset'}:{port}", stated=stated)

    def _stated(self) -> dict[str, str]:
        """Settings of a server that does not show them, as comma-separated `name=value`; empty after a fault."""
        raw = self.text(STATED)
        pairs = [part.partition("=") for part in raw.split(",") if part.strip()]
        stated = {name.strip(): value.strip() for name, _, value in pairs}
        if stated.keys() <= WANTED.keys() and all(stated.values()):
            return stated
        example = ",".join(f"{name}={value}" for name, value in WANTED.items())
        self.faults.append(f"{STATED} must state settings of Redis with commas between, of these: {example}")
        return {}

    def done(self) -> None:
        """Raise SettingsError naming every variable at fault, never its value."""
        if self.faults:
            raise SettingsError("wrong settings:\n" + "\n".join(f"  - {fault}" for fault in self.faults))
