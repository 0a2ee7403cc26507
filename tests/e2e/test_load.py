"""Many messages at once, and in the middle of them something that machines do: nothing lost, nothing twice, order kept, told in time."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest

from openclaw_core.store.agent_work import LEASE_S
from openclaw_core.tasks.outcome import Cause
from openclaw_core.texts import wording
from tests.e2e.bystanders import hand_on_the_node
from tests.e2e.cluster import api_server_is_ready, kubectl, leader, ours, pod_of, pods, redis, runs, until
from tests.e2e.world import CLEAN, LEASES, NOTICE_S, TOLD_S, Asked, World

pytestmark = pytest.mark.timeout(900)

CHATS, EACH = 20, 10
HAND_OVER_S = 15
OUTAGE_S = 60
SETTLED_S = 480
"""Two hundred Jobs on two busy cores; a fault that loses messages never settles."""

Blow = Callable[[World, list[Asked]], None]


def flood(bot: World, chats: int = CHATS, each: int = EACH) -> list[Asked]:
    names = [bot.new_chat() for _ in range(chats)]
    return [bot.ask(chat, f"load {chat}-{n}") for n in range(each) for chat in names]


def busy_pod(bot: World, asked: list[Asked]) -> tuple[str, Asked]:
    """The pod of an agent that works on one of these, and which."""
    by_task = {one.task: one for one in asked}

    def found() -> tuple[str, Asked] | None:
        for one in (by_task[task] for task in bot.owned() if task in by_task):
            if bot.calls(one.question) and not bot.answers(one) and (pod := pod_of(bot.task(one, "job"))) and runs(pod):
                return pod["metadata"]["name"], one
        return None

    hit: tuple[str, Asked] = until(found, within_s=60, what="an agent at work")
    return hit


@pytest.fixture(scope="module", autouse=True)
def hand(world: World) -> Iterator[None]:
    with hand_on_the_node() as world.hand:
        yield
    world.hand = None


def kill(bot: World, pod: str) -> None:
    """At once and without a goodbye, as when its machine fails."""
    assert bot.hand is not None
    bot.hand.kill_pod(pod)
    delete(pod)


def delete(pod: str) -> None:
    """Without waiting; its process still hears SIGTERM and has two seconds."""
    ours("delete", "pod", pod, "--grace-period=0", "--force")


def some_answered(bot: World, asked: list[Asked], count: int) -> None:
    until(
        lambda: sum(bool(bot.answers(one)) for one in asked) >= count,
        within_s=180,
        what=f"{count} answers",
        every_s=0.5,
    )


def kill_agent(bot: World, asked: list[Asked]) -> None:
    bot.pace(tokens_per_s=4)  # a quarter of a minute for an answer, so that there is one to interrupt
    quick = {
        run.rpartition(".")[0] for run in redis("ZRANGE", LEASES, "0", "-1")
    }  # begun before: over by the time that it is struck
    pod, hit = busy_pod(bot, [one for one in asked if one.task not in quick])
    kill(bot, pod)
    bot.pace(tokens_per_s=200)

    def goes_on() -> bool:
        return int(bot.task(hit, "attempt") or 0) > 1 or bool(bot.told(hit) or bot.answers(hit))

    until(goes_on, within_s=LEASE_S + TOLD_S, what="another try, or a word")


def kill_brain(bot: World, asked: list[Asked]) -> None:
    kill(bot, leader())
    bot.cluster.brain_is_out(within_s=120)


def kill_leader_of_two(bot: World, asked: list[Asked]) -> None:
    old = leader()
    kill(bot, old)
    until(lambda: leader() not in ("", old), within_s=HAND_OVER_S, what="another leader")


def kill_redis(bot: World, asked: list[Asked]) -> None:
    kill(bot, "redis-0")
    ours("rollout", "status", "statefulset/redis", "--timeout=120s", timeout_s=130)


def stop_api_server(bot: World, asked: list[Asked]) -> None:
    """For a minute. Agents that were there go on; chats whose turn it is then have nobody, and are told so."""
    stop, start = os.environ["OPENCLAW_APISERVER_STOP"], os.environ["OPENCLAW_APISERVER_START"]
    subprocess.run(stop.split(), check=True)
    began = time.monotonic()
    try:
        until(lambda: not untold(bot, asked), within_s=NOTICE_S + TOLD_S, what="a word in each chat that waits")
        print(f"told that the cluster does not answer: {time.monotonic() - began:.1f} s after it had gone")
        time.sleep(max(0.0, began + OUTAGE_S - time.monotonic()))
    finally:
        subprocess.run(start.split(), check=True)
        until(api_server_is_ready, within_s=90, what="the API server")  # nothing can be removed before


def untold(bot: World, asked: list[Asked]) -> set[int]:
    """Chats that wait for an answer and do not know why."""
    notice = wording.waiting(Cause.CLUSTER, "en")
    waiting = {one.chat_id for one in asked if not bot.answers(one)}
    return {chat for chat in waiting if not any(message["text"] == notice for message in bot.messages(chat))}


def drain_node(bot: World, asked: list[Asked]) -> None:
    with bot.cluster.cordoned():
        for node in kubectl("get", "nodes", "-o", "name").split():
            kubectl(
                "drain", node, "--pod-selector=app.kubernetes.io/name=openclaw", "--delete-emptydir-data", "--ignore-daemonsets", "--timeout=150s", timeout_s=160,
            )  # fmt: skip


def under_load(bot: World, *blows: Blow, chats: int = CHATS, each: int = EACH) -> None:
    """All messages at once, and each blow when a part of them is answered."""
    began = time.monotonic()
    asked = flood(bot, chats, each)
    with ended_leases_watched() as leases:
        for n, blow in enumerate(blows, start=1):
            some_answered(bot, asked, len(asked) * n // 6)
            print(f"{time.monotonic() - began:.0f} s: {blow.__name__}")
            blow(bot, asked)
        bot.settled(asked, within_s=SETTLED_S)
    print(f"{len(asked)} messages settled in {time.monotonic() - began:.0f} s; {leases}")
    assert bot.verdict(asked) == CLEAN
    assert leases.looks > 0
    assert leases.longest_s <= TOLD_S, "told, or taken up once more"
    assert sum(bool(bot.told(one)) for one in asked) <= len(asked) // 20, "told is not lost, but answered is better"


@dataclass
class EndedLeases:
    """How long a task whose agent has fallen silent stands with nobody's care; counted anew when Redis has been away, since nobody could tell."""

    looks: int = 0
    longest_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def __str__(self) -> str:
        return f"the longest that an ended lease stood: {self.longest_s:.1f} s, in {self.looks} looks"

    def watch(self) -> None:
        heard_since: float | None = None
        while not self.stop.wait(2):
            try:
                seconds, micros = redis("TIME")
                oldest = redis("ZRANGE", LEASES, "0", "0", "WITHSCORES")
            except (AssertionError, ValueError, subprocess.TimeoutExpired):
                heard_since = None  # Redis or the API server, through which it is asked, is away
                continue
            now_s = int(seconds) + int(micros) / 1e6
            heard_since = heard_since or now_s
            self.looks += 1
            for _run, ends_ms in oldest:
                self.longest_s = max(self.longest_s, now_s - max(heard_since, ends_ms / 1000))


@contextmanager
def ended_leases_watched() -> Iterator[EndedLeases]:
    leases = EndedLeases()
    watcher = threading.Thread(target=leases.watch, name="ended leases", daemon=True)
    watcher.start()
    try:
        yield leases
    finally:
        leases.stop.set()
        watcher.join()


FAULTS = {
    "agent": kill_agent,
    "brain": kill_brain,
    "redis": kill_redis,
    "leader-of-two": kill_leader_of_two,
    "api-server": stop_api_server,
    "node": drain_node,
}


@contextmanager
def two_brains(bot: World) -> Iterator[None]:
    """As prod has them."""

    def two(deployment: Any) -> None:
        deployment["spec"]["replicas"] = 2

    with bot.cluster.changed("Deployment", "brain", two):
        until(lambda: sum(ready(pod) for pod in pods("brain")) == 2, within_s=90, what="two brains")
        yield


def api_server_can_be_stopped() -> bool:
    return bool(os.environ.get("OPENCLAW_APISERVER_STOP") and os.environ.get("OPENCLAW_APISERVER_START"))


def strike(bot: World, fault: str) -> None:
    if fault == "api-server" and not api_server_can_be_stopped():
        pytest.skip(
            "OPENCLAW_APISERVER_STOP and OPENCLAW_APISERVER_START are not set: an API server that is away is NOT tried"
        )
    with two_brains(bot) if fault == "leader-of-two" else nullcontext():
        under_load(bot, FAULTS[fault])


def test_one_fault_after_the_other_under_load(bot: World) -> None:
    """In one run, since 200 messages take two busy cores two minutes; each fault in a run of its own is in `make e2e-full`."""
    faults = ["agent", "redis", "leader-of-two", "api-server", "node"]
    if not api_server_can_be_stopped():
        faults.remove("api-server")
        print("OPENCLAW_APISERVER_STOP is not set: an API server that is away is NOT tried")
    with two_brains(bot):
        under_load(bot, *(FAULTS[fault] for fault in faults))


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_under_load(fault: str, bot: World) -> None:
    strike(bot, fault)


def ready(pod: Any) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


@pytest.mark.full
def test_a_thousand_messages_at_once_from_two_hundred_chats(bot: World) -> None:
    under_load(bot, chats=200, each=5)


def slow_disk(stateful_set: Any) -> None:
    """Redis under strace, which adds 5 ms to each fsync."""
    container = stateful_set["spec"]["template"]["spec"]["containers"][0]
    container["command"] = [
        "strace", "-f", "-qq", "-o", "/dev/null", "--seccomp-bpf", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:delay_exit=5000",
        *container["command"],
    ]  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_under_load_on_a_disk_that_is_slow_to_write(fault: str, bot: World) -> None:
    with bot.cluster.changed("StatefulSet", "redis", slow_disk):
        ours("rollout", "status", "statefulset/redis", "--timeout=120s", timeout_s=130)
        strike(bot, fault)
