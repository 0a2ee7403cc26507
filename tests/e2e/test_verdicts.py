"""Whatever ends an agent or keeps one from starting is provoked for real, and the chat is told what it was."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import pytest

from openclaw_core.tasks.outcome import Cause
from openclaw_core.texts import wording
from tests.e2e.bystanders import Hand, hand_on_the_node
from tests.e2e.changes import image_that_is_nowhere
from tests.e2e.cluster import (
    NAMESPACE,
    apply,
    cordoned,
    kubectl,
    metric,
    ours,
    pod_of,
    python,
    until,
    use_up_memory,
    without,
)
from tests.e2e.world import CLEAN, NOTICE_S, TOLD_S, Asked, World

pytestmark = pytest.mark.timeout(300)

GHOST = "node-without-a-kubelet"


# ---- before any claim: the pool's causes


def used_up(counted: str) -> Callable[[World], AbstractContextManager[None]]:
    """Of *counted*, the quota lets nobody in any more."""

    def none_left(quota: Any) -> None:
        quota["spec"]["hard"][counted] = "0"

    return lambda bot: bot.cluster.changed("ResourceQuota", "openclaw", none_left)


def policy_without_parameters(bot: World) -> AbstractContextManager[None]:
    return without(bot.cluster, "ConfigMap", "agent-policy")


def nodes_cordoned(bot: World) -> AbstractContextManager[None]:
    return cordoned()


@contextmanager
def node_without_a_kubelet(bot: World) -> Iterator[None]:
    """The only node that takes pods is one on which nobody starts them."""
    ready = [{"type": "Ready", "status": "True", "reason": "Forged"}]
    room = {"cpu": "8", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    with cordoned():
        apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": GHOST}})
        try:
            status = {"status": {"conditions": ready, "capacity": room, "allocatable": room}}
            kubectl("patch", "node", GHOST, "--subresource=status", "--type=merge", "-p", json.dumps(status))
            kubectl("taint", "node", GHOST, "node.kubernetes.io/not-ready-", check=False)
            yield
        finally:
            kubectl("delete", "node", GHOST)


@contextmanager
def policies_that_let_it_in(bot: World) -> Iterator[None]:
    """The admission policies refuse what is provoked here before the kubelet sees it: without its label they leave the namespace alone."""
    kubectl("label", "namespace", NAMESPACE, "openclaw.io/agents-")
    try:
        yield
    finally:
        kubectl("label", "namespace", NAMESPACE, "openclaw.io/agents=enforced", "--overwrite")


def first_template_is(change: Callable[[Any], None]) -> Callable[[World], AbstractContextManager[None]]:
    """A PodTemplate that cannot start, where no earlier one is known to: a first installation gone wrong."""

    @contextmanager
    def broken(bot: World) -> Iterator[None]:
        with (
            policies_that_let_it_in(bot),
            bot.cluster.changed("PodTemplate", "agent", change),
            bot.without_a_good_template(),
        ):
            yield

    broken.__name__ = change.__name__
    return broken


def path_that_cannot_be_made(template: Any) -> None:
    """The kubelet cannot expand the path: CreateContainerConfigError."""
    mounts = template["template"]["spec"]["containers"][0]["volumeMounts"]
    next(mount for mount in mounts if mount["name"] == "tmp")["subPathExpr"] = "$(NOWHERE)"


OBSTACLES = {
    "quota": (Cause.QUOTA, used_up("count/jobs.batch")),
    "quota_of_pods": (Cause.QUOTA, used_up("pods")),  # lets the Job in; that it gets no pod stands in an event alone
    "admission": (Cause.ADMISSION, policy_without_parameters),
    "no_room": (Cause.NO_ROOM, nodes_cordoned),
    "node_lost": (Cause.NODE_LOST, node_without_a_kubelet),
    "image": (Cause.IMAGE, first_template_is(image_that_is_nowhere)),
    "container_config": (Cause.CONTAINER_CONFIG, first_template_is(path_that_cannot_be_made)),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_keeps_agents_from_starting_is_told_and_the_question_keeps_its_place(obstacle: str, bot: World) -> None:
    cause, in_the_way = OBSTACLES[obstacle]
    chat = bot.new_chat()
    with in_the_way(bot):
        until(
            lambda: _in_force(cause, bot),
            within_s=90,
            every_s=1,
            what="the end of the agents that waited, and a cause for it",
        )
        asked = bot.ask(chat, f"a question in spite of {obstacle}")
        expected = wording.pool_wait(cause, "en")
        until(
            lambda: [m for m in bot.messages(chat) if m["text"] == expected],
            within_s=NOTICE_S + TOLD_S,
            what=f"the notice {expected!r}",
        )
        assert bot.task(asked, "state") == "ready"
    bot.answered(asked, within_s=120)

    assert bot.verdict([asked]) == CLEAN
    assert not bot.told(asked)


def _in_force(cause: Cause, bot: World) -> bool:
    """Whether nobody waits any more and nobody new comes: rules and quotas are read a moment after they were written."""
    waiting = bot.waiting()
    if waiting:
        # In the foreground: a Job that is gone while its agent still hears would let it take the question.
        ours("delete", "jobs", "--cascade=foreground", "--wait=false", "--ignore-not-found", *waiting)
    return not waiting and any(f'cause="{cause.value}"' in line for line in metric("openclaw_pool_cause"))


# ---- after the claim: the task's causes


@pytest.fixture(scope="module")
def hand(world: World) -> Iterator[Hand]:
    with hand_on_the_node() as hand:
        yield hand


def told_why(bot: World, asked: Asked, cause: Cause, *, within_s: float) -> None:
    """Both tries ended so: the chat is told, once, and the run record knows why."""
    assert bot.failed(asked, within_s=within_s) == wording.failure(cause, "en")
    assert bot.task(asked, "state", "cause") == {"state": "failed", "cause": cause.value}
    assert bot.verdict([asked]) == CLEAN


def test_out_of_memory(bot: World) -> None:
    bot.pace(first_token_s=60)
    asked = bot.ask(bot.new_chat(), "more than fits")
    for n in (1, 2):
        use_up_memory(bot.tried(asked, n))

    told_why(bot, asked, Cause.OUT_OF_MEMORY, within_s=60)


def test_crash_with_its_exit_code_and_last_words(bot: World, hand: Hand) -> None:
    bot.pace(first_token_s=60)
    asked = bot.ask(bot.new_chat(), "killed twice")
    for n in (1, 2):
        hand.kill(bot.tried(asked, n), signal.SIGKILL)

    told_why(bot, asked, Cause.CRASH, within_s=60)
    record = bot.task(asked, "job_detail", "log_tail")
    assert record["job_detail"] == "exit 137"
    assert "task.claimed" in record["log_tail"]


def test_eviction(bot: World, hand: Hand) -> None:
    bot.pace(first_token_s=90)
    asked = bot.ask(bot.new_chat(), "has to go twice")
    for n in (1, 2):
        job = bot.tried(asked, n)
        hand.kill(job, signal.SIGSTOP)  # one that hears the eviction hands its task back, and that is no failure
        pod = pod_of(job)
        assert pod is not None
        evict(pod["metadata"]["name"])

    told_why(bot, asked, Cause.EVICTED, within_s=60)


def evict(pod: str) -> None:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}}
    kubectl("create", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction", "-f", "-", stdin=json.dumps(body))


@pytest.mark.full
def test_eviction_by_a_kubelet_whose_disk_fills(bot: World) -> None:
    bot.pace(first_token_s=150)
    asked = bot.ask(bot.new_chat(), "fills its disk")
    fill = (
        "file = open('/tmp/full', 'wb')\nfor _ in range(90): file.write(b'x' * 1_000_000)"  # the volume's limit is 64Mi
    )
    for n in (1, 2):
        pod = pod_of(bot.tried(asked, n))
        assert pod is not None
        python(pod["metadata"]["name"], fill, check=False)
        until(partial(_tried, bot, asked, n), within_s=120, what="the kubelet's look at its disks")

    told_why(bot, asked, Cause.EVICTED, within_s=60)


def _tried(bot: World, asked: Asked, n: int) -> bool:
    return int(bot.task(asked, "attempt")) > n or bool(bot.told(asked))


def test_deadline(bot: World) -> None:
    with bot.cluster.settings(TASK_DEADLINE_S="8"):
        until(bot.waiting, within_s=60, what="an agent with the new deadline")
        bot.pace(first_token_s=60)
        asked = bot.ask(bot.new_chat(), "takes too long")

        told_why(bot, asked, Cause.DEADLINE, within_s=60)


def test_deadline_of_the_job_itself(bot: World, hand: Hand) -> None:
    """What is left for Kubernetes to do if neither the agent nor the brain keeps the time: here the agent cannot, and its Job's ends first."""
    bot.pace(first_token_s=90)
    asked = bot.ask(bot.new_chat(), "out of time twice")
    for n in (1, 2):
        job = bot.tried(asked, n)
        hand.kill(job, signal.SIGSTOP)
        ours("patch", "job", job, "--type=merge", "-p", '{"spec": {"activeDeadlineSeconds": 1}}')

    told_why(bot, asked, Cause.DEADLINE, within_s=90)
    assert bot.task(asked, "job_detail") == "DeadlineExceeded"
