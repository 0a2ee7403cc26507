"""What happened to a Job, from the shapes that the API server was seen to send."""

from datetime import UTC, datetime
from typing import Any

import pytest

from openclaw_brain.kubernetes.diagnosis import Diagnosis, may_hand_back, of_job, of_pod, of_refusal
from openclaw_core.tasks.outcome import Cause

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()


def stamp(seconds_ago: float) -> str:
    return datetime.fromtimestamp(NOW - seconds_ago, UTC).isoformat().replace("+00:00", "Z")


def pod(*, node: str = "node-1", deleted: bool = False, **status: Any) -> dict[str, Any]:
    metadata = {"name": "p", "creationTimestamp": stamp(100), **({"deletionTimestamp": stamp(1)} if deleted else {})}
    return {"metadata": metadata, "spec": {"nodeName": node} if node else {}, "status": status}


def container(**state: Any) -> list[dict[str, Any]]:
    return [{"name": "agent", "state": state}]


def judged(found: dict[str, Any]) -> Diagnosis | None:
    return of_pod(found, now=NOW)


@pytest.mark.parametrize(
    ("state", "cause", "detail"),
    [
        ({"terminated": {"exitCode": 0, "reason": "Completed"}}, None, "exit 0"),
        ({"terminated": {"exitCode": 65, "reason": "Error"}}, None, "exit 65"),
        ({"terminated": {"exitCode": 75, "reason": "Error"}}, None, "exit 75"),
        ({"terminated": {"exitCode": 78, "reason": "Error"}}, Cause.MISCONFIGURED, "exit 78"),
        ({"terminated": {"exitCode": 1, "reason": "Error"}}, Cause.CRASH, "exit 1"),
        ({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}, Cause.OUT_OF_MEMORY, "OOMKilled"),
        ({"terminated": {"exitCode": 128, "reason": "StartError"}}, Cause.IMAGE, "StartError"),
        ({"waiting": {"reason": "ImagePullBackOff"}}, Cause.IMAGE, "ImagePullBackOff"),
        ({"waiting": {"reason": "ErrImageNeverPull"}}, Cause.IMAGE, "ErrImageNeverPull"),
        ({"waiting": {"reason": "CreateContainerConfigError"}}, Cause.CONTAINER_CONFIG, "CreateContainerConfigError"),
    ],
)
def test_a_container_tells_how_it_ended_or_why_it_never_will_start(
    state: dict[str, Any], cause: Cause | None, detail: str
) -> None:
    assert judged(pod(containerStatuses=container(**state))) == Diagnosis(cause=cause, detail=detail)


@pytest.mark.parametrize(
    "state", [{"waiting": {"reason": "ContainerCreating"}}, {"waiting": {"reason": "ErrImagePull"}}, {"running": {}}]
)
def test_a_container_that_starts_or_runs_gets_no_verdict(state: dict[str, Any]) -> None:
    assert judged(pod(startTime=stamp(5), containerStatuses=container(**state))) is None


def test_a_pod_without_room_stays_but_tells_so_after_a_while() -> None:
    def waiting(ago: float) -> dict[str, Any]:
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "lastTransitionTime": stamp(ago),
        }
        return pod(node="", conditions=[condition])

    assert judged(waiting(3)) is None
    assert judged(waiting(15)) == Diagnosis(cause=Cause.NO_ROOM, over=False, detail="Unschedulable")


def test_a_pod_that_its_node_never_takes_up_is_on_a_lost_node() -> None:
    def placed(ago: float) -> dict[str, Any]:
        return pod(conditions=[{"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(ago)}])

    assert judged(placed(10)) is None
    found = judged(placed(60))
    assert found is not None
    assert found.cause is Cause.NODE_LOST


def test_eviction_by_pressure_by_drain_and_by_a_dead_node_are_told_apart() -> None:
    def disrupted(reason: str, ready: dict[str, str]) -> dict[str, Any]:
        return pod(
            deleted=True,
            conditions=[{"type": "DisruptionTarget", "status": "True", "reason": reason}, {"type": "Ready", **ready}],
        )

    assert judged(pod(reason="Evicted", phase="Failed")) == Diagnosis(cause=Cause.EVICTED, detail="Evicted")
    drained = judged(disrupted("EvictionByEvictionAPI", {"status": "True"}))
    assert drained is not None
    assert drained.cause is Cause.EVICTED
    lost = judged(disrupted("DeletionByTaintManager", {"status": "True"}))
    assert lost is not None
    assert lost.cause is Cause.NODE_LOST


def test_an_agent_that_is_asked_to_go_has_its_grace_to_hand_its_task_back() -> None:
    def evicted(ago: float, **state: Any) -> dict[str, Any]:
        found = pod(
            phase="Running",
            startTime=stamp(60),
            conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}],
            containerStatuses=container(**state),
        )
        found["metadata"]["deletionTimestamp"] = stamp(ago)
        return found

    in_grace, over = evicted(-8, running={}), evicted(1, running={})
    assert (judged(in_grace), may_hand_back(in_grace, now=NOW)) == (None, True)
    assert (judged(over), may_hand_back(over, now=NOW)) == (
        Diagnosis(cause=Cause.EVICTED, detail="EvictionByEvictionAPI"),
        False,
    )
    handed_back = evicted(-8, terminated={"reason": "Error", "exitCode": 75})
    assert judged(handed_back) == Diagnosis(cause=None, detail="exit 75")
    killed = evicted(-8, terminated={"reason": "Error", "exitCode": 137})
    assert judged(killed) == Diagnosis(cause=Cause.EVICTED, detail="EvictionByEvictionAPI")


def test_a_job_tells_its_deadline_and_its_good_end() -> None:
    def ended(kind: str, reason: str = "") -> dict[str, Any]:
        return {"status": {"conditions": [{"type": kind, "status": "True", "reason": reason}]}}

    assert of_job({"status": {"active": 1}}) is None
    assert of_job(ended("Complete")) == Diagnosis(cause=None)
    assert of_job(ended("Failed", "DeadlineExceeded")) == Diagnosis(cause=Cause.DEADLINE, detail="DeadlineExceeded")
    assert of_job(ended("FailureTarget", "BackoffLimitExceeded")) == Diagnosis(
        cause=Cause.CRASH, detail="BackoffLimitExceeded"
    )


def test_a_refusal_is_the_quotas_the_rules_or_a_missing_namespace() -> None:
    assert (
        of_refusal(403, 'jobs.batch "a" is forbidden: exceeded quota: openclaw, requested: count/jobs.batch=1')
        is Cause.QUOTA
    )
    assert of_refusal(403, "ValidatingAdmissionPolicy 'openclaw-job-shape' denied request") is Cause.ADMISSION
    assert of_refusal(422, "Job is invalid") is Cause.ADMISSION
    assert of_refusal(404, 'namespaces "x" not found') is Cause.MISCONFIGURED


@pytest.mark.parametrize(
    ("reason", "found"),
    [
        ("ImagePullBackOff", Diagnosis(cause=Cause.IMAGE, detail="ImagePullBackOff")),
        ("CrashLoopBackOff", Diagnosis(cause=Cause.CRASH, detail="the runner ends at once")),
        ("ContainerCreating", None),
    ],
)
def test_an_agent_that_waits_for_its_runner_tells_why_that_one_does_not_start(
    reason: str, found: Diagnosis | None
) -> None:
    runner = [{"name": "runner", "state": {"waiting": {"reason": reason}}}]
    waiting = container(waiting={"reason": "PodInitializing"})
    assert judged(pod(startTime=stamp(5), containerStatuses=waiting, initContainerStatuses=runner)) == found
    # A runner that is started again is no reason to end an agent that works.
    running = container(running={})
    assert judged(pod(startTime=stamp(5), containerStatuses=running, initContainerStatuses=runner)) is None
