"""Every path that must be open is, every path that must be closed is: tried from the real pods.

An open path is tried for a while: rules follow new pods a second late, on a busy machine later. A closed one is tried once, and must be closed.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.bystanders import Bystander, bystander, namespace
from tests.e2e.cluster import NAMESPACE, OVERLAY_HOST, listed, pods, python, runs, stand_in_host, until
from tests.e2e.foreign_addresses import served
from tests.e2e.standins import BOT_API_PORT, MODEL_PORT
from tests.e2e.world import World

pytestmark = pytest.mark.timeout(180)
HOST = stand_in_host()
API_SERVER = os.environ.get("OPENCLAW_E2E_APISERVER", OVERLAY_HOST)
LISTENER = 9099
FILES = 8081
METADATA = ("169.254.169.254:443", "169.254.169.254:80")
CLOSED = METADATA + tuple(
    f"{host}:443" for host in (HOST, "10.77.0.1", "100.100.77.1", "169.254.77.1", "172.31.77.1", "192.168.77.1")
)
"""One address of each range that the rules take out, the instance metadata's and this machine's own among them."""
PAGE = "11.77.0.1:80"
"""A page without TLS, at a public address. It leads to a server of this test, for pods alone."""
INSIDE = tuple(f"{door.rpartition(':')[0]}:80" for door in CLOSED[1:])
"""Each of those addresses, where such a page would be."""

_TRY = """
import socket, sys, time
for target in sys.argv[1:]:
    host, _, port = target.rpartition(":")
    began = time.monotonic()
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        word = "open"
    except OSError as exc:
        word = f"closed: {exc}"
    print(f"{word} after {time.monotonic() - began:.1f} s")
"""
_LISTEN = """
import socket, sys, time
server = socket.create_server(("", int(sys.argv[1])))
server.settimeout(1)
until = time.monotonic() + 120
print("listening", flush=True)
while time.monotonic() < until:
    try:
        server.accept()[0].close()
    except TimeoutError:
        pass
"""


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Who tries, and addresses behind which somebody really listens."""

    brain: str
    agent: str
    redis: str
    stranger: Bystander
    """In the installation's namespace, without its labels."""
    foreigner: Bystander
    """In another namespace, which no policy holds: what it reaches is there."""
    prometheus: Bystander
    brain_ip: str
    agent_ip: str
    redis_ip: str


@contextmanager
def _listening(pod: str) -> Iterator[None]:
    """Somebody listens in a pod that has no server of its own."""
    command = ["kubectl", "-n", NAMESPACE, "exec", pod, "--", "python3", "-c", _LISTEN, str(LISTENER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        try:
            assert listener.stdout.readline().strip() == "listening"
            yield
        finally:
            listener.kill()


@pytest.fixture(scope="module")
def doors(world: World) -> Iterator[Doors]:
    world.is_well()
    brain = next(pod for pod in pods("brain") if runs(pod))

    def waiting_agents() -> list[dict[str, Any]]:
        names = world.waiting()
        return [
            pod
            for pod in pods("agent")
            if runs(pod) and pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] in names
        ]

    agent, other = until(lambda: (two := waiting_agents()[:2])[1:] and two, within_s=60, what="two agents that wait")
    [redis] = listed("pods", "-l", "app.kubernetes.io/component=redis")
    prometheus = {"app.kubernetes.io/name": "prometheus"}
    with ExitStack() as stack:
        for name in ("openclaw-e2e", "monitoring"):
            stack.enter_context(namespace(name))
        stack.enter_context(_listening(other["metadata"]["name"]))
        yield Doors(
            brain=brain["metadata"]["name"],
            agent=agent["metadata"]["name"],
            redis=redis["metadata"]["name"],
            stranger=stack.enter_context(bystander(NAMESPACE, "stranger")),
            foreigner=stack.enter_context(bystander("openclaw-e2e", "foreigner")),
            prometheus=stack.enter_context(bystander("monitoring", "prometheus", labels=prometheus)),
            brain_ip=brain["status"]["podIP"],
            agent_ip=other["status"]["podIP"],
            redis_ip=redis["status"]["podIP"],
        )


def opened(pod: str | Bystander, *doors: str) -> list[str]:
    """Which of *doors* open from this pod."""
    text = pod.python(_TRY, *doors) if isinstance(pod, Bystander) else python(pod, _TRY, *doors)
    print(*(f"{door}: {line}" for door, line in zip(doors, text.splitlines(), strict=True)), sep="\n")
    return [door for door, line in zip(doors, text.splitlines(), strict=True) if line.startswith("open")]


def test_brain_reaches_redis_the_api_server_and_its_outside(doors: Doors) -> None:
    wanted = ("redis:6379", f"{API_SERVER}:6443", f"{HOST}:{BOT_API_PORT}", f"{HOST}:{MODEL_PORT}")

    assert until(lambda: opened(doors.brain, *wanted) == list(wanted), within_s=60, what=" and ".join(wanted))


def test_agent_reaches_redis_the_brains_files_and_the_model(doors: Doors) -> None:
    wanted = ("redis:6379", f"{doors.brain_ip}:{FILES}", f"{HOST}:{MODEL_PORT}")

    assert until(lambda: opened(doors.agent, *wanted) == list(wanted), within_s=60, what=" and ".join(wanted))


def test_agent_reaches_neither_the_api_server_nor_other_pods(doors: Doors) -> None:
    doors_there = (f"{doors.agent_ip}:{LISTENER}", f"{doors.brain_ip}:8080")

    assert opened(doors.agent, f"{API_SERVER}:6443", "kubernetes.default.svc:443", *doors_there) == []


def test_agent_does_not_reach_telegram(doors: Doors) -> None:
    assert until(lambda: opened(doors.agent, f"{HOST}:{MODEL_PORT}"), within_s=60, what="the agent's rules")
    assert opened(doors.agent, f"{HOST}:{BOT_API_PORT}") == []


def test_brains_files_are_for_agents_alone(doors: Doors) -> None:
    door = f"{doors.brain_ip}:{FILES}"

    for other in (doors.prometheus, doors.foreigner, doors.stranger, doors.redis):
        assert opened(other, door) == []


def test_brain_reaches_no_agent(doors: Doors) -> None:
    assert opened(doors.brain, f"{doors.agent_ip}:{LISTENER}") == []


def test_nobody_speaks_first_to_an_agent(doors: Doors) -> None:
    door = f"{doors.agent_ip}:{LISTENER}"

    assert opened(doors.foreigner, door) == []
    assert opened(doors.stranger, door) == []


def test_redis_hears_nobody_else_and_speaks_to_nobody(doors: Doors) -> None:
    door = f"{doors.redis_ip}:6379"

    assert opened(doors.foreigner, door) == []
    assert opened(doors.stranger, door) == []
    assert opened(doors.redis, f"{doors.brain_ip}:8080", f"{API_SERVER}:6443", f"{HOST}:{BOT_API_PORT}") == []


def test_brain_shows_its_metrics_to_prometheus_alone(doors: Doors) -> None:
    door = f"{doors.brain_ip}:8080"

    assert opened(doors.prometheus, door) == [door]
    assert opened(doors.foreigner, door) == []
    assert opened(doors.stranger, door) == []


def test_a_stranger_in_the_namespace_reaches_nothing(doors: Doors) -> None:
    assert opened(doors.stranger, f"{API_SERVER}:6443", f"{HOST}:{BOT_API_PORT}", "redis:6379") == []


@pytest.mark.parametrize("who", ["brain", "agent"])
def test_private_addresses_and_instance_metadata_are_closed(who: str, doors: Doors) -> None:
    """Port 443 is open to the internet: these must be refused there all the same, and somebody would answer whom no policy holds."""
    with served(*CLOSED):
        assert opened(doors.foreigner, *CLOSED) == list(CLOSED)
        assert opened(getattr(doors, who), *CLOSED) == []


def test_agent_hears_itself(doors: Doors) -> None:
    """The listener that nobody reached does listen: its own pod reaches it."""
    name = next(pod["metadata"]["name"] for pod in pods("agent") if pod["status"].get("podIP") == doors.agent_ip)

    assert until(lambda: opened(name, f"{doors.agent_ip}:{LISTENER}"), within_s=10, what="the listener")


def agent_that_waits(world: World, *, tools: bool) -> str:
    """The pod of an agent that waits for work, with tools or without."""

    def found() -> str | None:
        names = world.waiting()
        for pod in pods("agent"):
            labels = pod["metadata"]["labels"]
            has_tools = labels.get("openclaw.io/tools") == "yes"
            if runs(pod) and has_tools is tools and labels["batch.kubernetes.io/job-name"] in names:
                return str(pod["metadata"]["name"])
        return None

    return str(until(found, within_s=90, what=f"an agent that waits, {'with' if tools else 'without'} tools"))


def test_pages_without_tls_are_open_to_agents_with_tools_alone(doors: Doors, world: World) -> None:
    with served(PAGE, *INSIDE):
        assert opened(doors.foreigner, PAGE, *INSIDE) == [PAGE, *INSIDE]
        with_tools = agent_that_waits(world, tools=True)
        assert until(lambda: opened(with_tools, PAGE) == [PAGE], within_s=60, what="the rules of an agent with tools")
        assert opened(with_tools, *INSIDE) == []
        for other in (agent_that_waits(world, tools=False), doors.brain, doors.stranger):
            assert opened(other, PAGE) == []
