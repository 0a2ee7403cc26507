"""Reading settings from an environment: every fault is collected, and no value is ever repeated in a message."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from openclaw_core.errors import SettingsError
from openclaw_core.store import RedisSettings
from openclaw_core.store.server import STATED, WANTED

VOICE_MODELS = "whisper-large-v3,whisper-large-v3-turbo"
"""Models that hear, unless `VOICE_MODELS` names others. The first makes fewer errors, the second is a third of its price."""


def model_ids(listed: str) -> tuple[str, ...]:
    """The ids of a list with commas between, in its order."""
    return tuple(name.strip() for name in listed.split(",") if name.strip())


class Environment:
    """A mapping of variables, read by kind. Call `done` at the end: it raises SettingsError with all faults together."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._env.get(name, "").strip() or default

    def secret(self, name: str, *, required: bool = False) -> str:
        """The variable, or the content of the file that `NAME_FILE` names."""
        value = self.text(name)
        path = self.text(f"{name}_FILE")
        if not value and path:
            try:
                value = Path(path).read_bytes().decode().strip()  # as it is: text mode changes line ends
            except (OSError, UnicodeDecodeError):
                self.faults.append(f"{name}_FILE: the file cannot be read; check the path and its permissions")
                return ""
        if required and not value:
            self.faults.append(f"{name} is missing: set it, or {name}_FILE to a file that holds it")
        return value

    def api_key(self, name: str) -> str:
        """A required secret that can stand in an HTTP header."""
        key = self.secret(name, required=True)
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
        """`REDIS_URL`, or `REDIS_HOST` with `REDIS_PORT`, `REDIS_USERNAME` and `REDIS_PASSWORD`; and what is stated of a server that does not tell."""
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
        """`name=value` with commas between, of the settings that the store needs; empty with a fault."""
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
