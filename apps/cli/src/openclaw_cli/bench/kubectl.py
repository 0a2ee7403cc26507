"""Call kubectl on a test cluster, and ask it about the installation."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from openclaw_gitops.kustomize import Manifest

NAMESPACE = "openclaw-staging"


class Unmet(AssertionError):
    """The cluster did not do what it was asked for. The message says what."""


def kubectl(*args: str, stdin: str | None = None, check: bool = True, timeout_s: float = 120) -> str:
    """What `kubectl` prints. Raises Unmet with its error text."""
    done = subprocess.run(  # noqa: S603
        ["kubectl", *args],  # noqa: S607
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    if check and done.returncode:
        raise Unmet(f"kubectl {' '.join(args)}: {done.stderr}")
    return done.stdout


def ours(*args: str, stdin: str | None = None, check: bool = True, timeout_s: float = 120) -> str:
    """`kubectl` in the namespace of the installation."""
    return kubectl("-n", NAMESPACE, *args, stdin=stdin, check=check, timeout_s=timeout_s)


def listed(kind: str, *args: str) -> list[Manifest]:
    items = json.loads(ours("get", kind, *args, "-o", "json"))["items"]
    return list(items)


def until(found: Callable[[], Any], *, within_s: float, what: str, every_s: float = 0.2) -> Any:
    """Call *found* until it gives something, and return that. Raises Unmet, which names *what* did not come."""
    deadline = time.monotonic() + within_s
    while True:
        if value := found():
            return value
        if time.monotonic() > deadline:
            raise Unmet(f"{what}: not within {within_s:g} s")
        time.sleep(every_s)


def apply(*objects: Manifest) -> None:
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))


def api_server_is_ready() -> bool:
    return kubectl("get", "--raw=/readyz", check=False).strip() == "ok"


def state() -> Iterator[tuple[str, str]]:
    """Logs, Jobs, Pods and events, each with its title: what the reader of a failure needs."""
    brain = ("logs", "-l", "app.kubernetes.io/component=brain", "--prefix")
    for title, args in (
        ("brain", (*brain, "--tail=60")),
        ("brain before its restart", (*brain, "--tail=20", "--previous")),
        ("jobs and pods", ("get", "jobs,pods", "-o", "wide")),
        ("events", ("get", "events", "--sort-by=.lastTimestamp")),
    ):
        yield title, "\n".join(ours(*args, check=False).splitlines()[-60:])


def pods(component: str) -> list[Manifest]:
    return listed("pods", "-l", f"app.kubernetes.io/component={component}")


def is_terminating(pod: Manifest) -> bool:
    """Whether *pod* is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def redis(*command: str) -> Any:
    """One command to the Redis of the installation."""
    line = 'REDISCLI_AUTH="$(cat /run/secrets/openclaw/redis/password)" exec valkey-cli --user brain --json "$@"'
    return json.loads(ours("exec", "redis-0", "--", "sh", "-ec", line, "valkey-cli", *command))
