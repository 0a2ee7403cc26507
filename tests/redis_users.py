"""The users of Redis as they are deployed: the Secret's template filled in, and a server that has them."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.redis_server import RedisServer

BASE = Path(__file__).parent.parent / "platform/openclaw/base"
TEMPLATE = yaml.safe_load((BASE / "secrets/redis.yaml").read_text())["spec"]["target"]["template"]["data"]
PASSWORDS = {"brain": "the-brain-s", "agent": "an-agent-s", "exporter": "the-exporter-s"}

ONCE = Retry(NoBackoff(), 0)
"""For a client that will be refused: redis-py counts a wrong password among the faults of a connection, and asks again for seconds."""


def filled(key: str, passwords: Mapping[str, str]) -> str:
    """What External Secrets makes of the template, for the two functions that it uses."""

    def fill(match: re.Match[str]) -> str:
        name, *steps = (step.strip() for step in match[1].split("|"))
        value = passwords[name.removeprefix(".")]
        for step in steps:
            assert step in ("trim", "sha256sum"), "a function that this module does not know"
            value = value.strip() if step == "trim" else hashlib.sha256(value.encode()).hexdigest()
        return value

    return re.sub(r"\{\{([^{}]*)\}\}", fill, TEMPLATE[key])


@contextmanager
def deployed(
    folder: Path, passwords: Mapping[str, str] = PASSWORDS, *, program: str | None = None
) -> Iterator[RedisServer]:
    """A server with the repository's redis.conf and users, but for its folder, port and addresses."""
    auth, config = folder / "auth.conf", folder / "redis.conf"
    auth.write_text(filled("auth.conf", passwords))
    ours = (BASE / "redis/redis.conf").read_text()
    included = "/run/secrets/openclaw/redis/auth.conf"
    assert f"include {included}\n" in ours
    lines = [line.replace(included, str(auth)) for line in ours.splitlines() if not re.match(r"(dir|port|bind) ", line)]
    config.write_text("\n".join(lines) + "\n")
    with RedisServer.start(folder, "--include", str(config), program=program) as server:
        yield server
