"""Which servers can be the store, and the sentence for one that cannot. For operators: `docs/redis.md`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

OLDEST = {"Redis": (7, 0), "Valkey": (7, 2)}
"""The script is tested on these and newer ones."""
WANTED = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
"""With other settings a server would lose messages that were acknowledged."""
STATED = "REDIS_SETTINGS_STATED"
_OTHERS = {"dragonfly_version": "Dragonfly", "garnet_version": "Garnet", "kvrocks_version": "Kvrocks", "keydb_version": "KeyDB"}  # fmt: skip
"""Servers that speak the protocol and promise other things, by what they call themselves in INFO."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Who answers: `Redis` or `Valkey`, and its version as it says it."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes in use, and the limit (`maxmemory`), 0 for none."""

    used: int
    limit: int

    @property
    def share(self) -> float:
        return self.used / self.limit if self.limit else 0.0


def memory_of(info: Mapping[str, str]) -> Memory:
    """The memory that INFO tells of."""
    return Memory(used=_whole(info.get("used_memory")), limit=_whole(info.get("maxmemory")))


def server_of(info: Mapping[str, str]) -> Server:
    """The server that says *info* (INFO's fields)."""
    if "valkey_version" in info:  # it also calls itself the Redis that it descends from
        return Server(name="Valkey", version=info["valkey_version"])
    for field, name in _OTHERS.items():
        if field in info:
            return Server(name=name, version=info[field])
    return Server(name="Redis", version=info.get("redis_version", "of unknown version"))


def server_fault(info: Mapping[str, str], config: Mapping[str, str], stated: Mapping[str, str]) -> str:
    """Why this server cannot be the store, in a sentence that says what to do; empty if it can.

    *config* is what CONFIG GET tells, empty where it is not allowed; *stated* is what the operator states of settings that nothing tells.
    """
    server = server_of(info)
    if server.name not in OLDEST:
        return f"{server} is not supported: use Redis or Valkey"
    oldest = OLDEST[server.name]
    if _numbers(server.version) < oldest:
        return f"{server} is not supported: use {server.name} {oldest[0]}.{oldest[1]} or newer"
    if info.get("redis_mode") == "sentinel":
        return "this is a Sentinel, which keeps no data: name the primary that it watches"
    if info.get("cluster_enabled") == "1" or info.get("redis_mode") == "cluster":
        return f"{server} runs as a cluster, which is not supported, for each step changes many keys at once: use one with cluster-enabled no"
    if info.get("role", "master") != "master":
        return f"this {server.name} is a replica, which takes no writes: name its primary"
    told = _told(info) | {name: config[name] for name in WANTED if config.get(name)}
    wrong = [
        f"{name} is {value}, set it to {wanted}"
        for name, wanted in WANTED.items()
        if (value := told.get(name) or stated.get(name, wanted)) != wanted
    ]
    if wrong:
        return f"{server.name} would lose messages: " + "; ".join(wrong)
    untold = ",".join(f"{name}={wanted}" for name, wanted in WANTED.items() if name not in told and name not in stated)
    if untold:
        return f"{server.name} does not tell its settings, since CONFIG is not allowed: make sure of {untold}, then state it by {STATED}={untold}"
    return ""


def _told(info: Mapping[str, str]) -> dict[str, str]:
    """Settings that INFO shows, where CONFIG is not allowed."""
    told = {}
    if "aof_enabled" in info:
        told["appendonly"] = "yes" if info["aof_enabled"] == "1" else "no"
    if info.get("maxmemory_policy"):
        told["maxmemory-policy"] = info["maxmemory_policy"]
    return told


def _whole(value: str | None) -> int:
    return int(value) if value and value.isascii() and value.isdigit() else 0


def _numbers(version: str) -> tuple[int, ...]:
    """Major and minor, zeros for what is no version."""
    head = [int(part) if part.isascii() and part.isdigit() else 0 for part in version.split(".")[:2]]
    return (*head, 0, 0)[:2]
