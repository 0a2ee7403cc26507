"""Pure: what happened to an agent's Job, from what the API server says of it, its pod and its events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openclaw_core.tasks.outcome import Cause, Exit

NO_ROOM_S = 10.0
"""A pod that finds no node for this long tells its pool so; it stays, since a new node may be on its way."""
UNHEARD_S = 45.0
"""A pod whose node has not taken notice of it for this long is on a node that is gone (a kubelet does so within a second)."""

IMAGE_REASONS = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
CONFIG_REASONS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
START_REASONS = frozenset({"StartError", "ContainerCannotRun"})
"""The container runtime could not run what the image holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """*over*: the Job has ended or never will by itself, so it is to be forgotten or deleted. *cause* None: it ended well."""

    cause: Cause | None
    over: bool = True
    detail: str = ""
    """An exit code or the API server's own reason, never a user's words."""


def of_pod(pod: Mapping[str, Any], *, now: float) -> Verdict | None:
    """What a pod's state says; None while it starts or runs. *now* in Unix seconds."""
    status = pod.get("status") or {}
    if status.get("reason") == "Evicted":
        return Verdict(cause=Cause.EVICTED, detail="Evicted")
    disrupted = _condition(status, "DisruptionTarget")
    if disrupted is not None and disrupted.get("status") == "True" and not _ended_well(status):
        reason = str(disrupted.get("reason", ""))
        lost = reason == "DeletionByTaintManager" and _unknown(status)
        left = bool(pod["metadata"].get("deletionTimestamp")) and not may_hand_back(pod, now=now)
        if left or status.get("phase") in ("Failed", "Succeeded"):
            return Verdict(cause=Cause.NODE_LOST if lost else Cause.EVICTED, detail=reason)
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        if "terminated" in state:
            return _terminated(state["terminated"])
        if "waiting" in state:
            return _waiting(str(state["waiting"].get("reason", "")))
    if status.get("phase") == "Failed":
        return Verdict(cause=Cause.CRASH, detail=str(status.get("reason", "Failed")))
    return _not_started(pod, status, now)


def may_hand_back(pod: Mapping[str, Any], *, now: float) -> bool:
    """Whether this pod was told to go, and its agent still has the time to hand its task back: that is no loss.

    The time of a deletion is the end of its grace. The Job controller calls the Job failed long before.
    """
    until = pod["metadata"].get("deletionTimestamp")
    return bool(until) and now < _seconds(until, now) and not has_terminated(pod)


def has_terminated(pod: Mapping[str, Any]) -> bool:
    """Whether the agent's process in this pod has ended."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any("terminated" in (status.get("state") or {}) for status in statuses)


def of_job(job: Mapping[str, Any]) -> Verdict | None:
    """What a Job's own conditions say; None while it may go on."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("status") != "True":
            continue
        if condition["type"] in ("Complete", "SuccessCriteriaMet"):
            return Verdict(cause=None)
        if condition["type"] in ("Failed", "FailureTarget"):
            reason = str(condition.get("reason", ""))
            return Verdict(cause=Cause.DEADLINE if reason == "DeadlineExceeded" else Cause.CRASH, detail=reason)
    return None


def of_refusal(status: int, message: str) -> Cause:
    """Why a Job or a pod was not let in."""
    if "exceeded quota" in message:
        return Cause.QUOTA
    return Cause.MISCONFIGURED if status == 404 else Cause.ADMISSION


def of_failed_create(message: str) -> Verdict:
    """Why the Job controller could not make a pod. It goes on trying, so that what may pass by itself is not over."""
    if "error looking up service account" in message:
        return Verdict(cause=Cause.MISCONFIGURED, over=False, detail="FailedCreate")
    if "forbidden" in message or "denied" in message:
        return Verdict(cause=of_refusal(403, message), detail="FailedCreate")
    return Verdict(cause=Cause.CLUSTER, over=False, detail="FailedCreate")


def _terminated(state: Mapping[str, Any]) -> Verdict:
    reason, code = str(state.get("reason", "")), int(state.get("exitCode", -1))
    if reason == "OOMKilled":
        return Verdict(cause=Cause.OUT_OF_MEMORY, detail=reason)
    if reason in START_REASONS:
        return Verdict(cause=Cause.IMAGE, detail=reason)
    return Verdict(cause=cause_of_exit(code), detail=f"exit {code}")


def cause_of_exit(code: int) -> Cause | None:
    """The verdict on an agent's exit code; codes of a process that a signal ended are negative or above 128."""
    match code:
        case Exit.DONE | Exit.BAD_TASK | Exit.TRY_AGAIN:
            return None  # the agent has said in Redis what it had to say
        case Exit.MISCONFIGURED:
            return Cause.MISCONFIGURED
        case _:
            return Cause.CRASH


def _waiting(reason: str) -> Verdict | None:
    if reason in IMAGE_REASONS:
        return Verdict(cause=Cause.IMAGE, detail=reason)
    if reason in CONFIG_REASONS:
        return Verdict(cause=Cause.CONTAINER_CONFIG, detail=reason)
    return None


def _not_started(pod: Mapping[str, Any], status: Mapping[str, Any], now: float) -> Verdict | None:
    scheduled = _condition(status, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        if now - _seconds(scheduled.get("lastTransitionTime"), now) >= NO_ROOM_S:
            return Verdict(cause=Cause.NO_ROOM, over=False, detail="Unschedulable")
        return None
    placed = pod.get("spec", {}).get("nodeName")
    if placed and not status.get("startTime"):
        since = (scheduled or {}).get("lastTransitionTime") or pod["metadata"].get("creationTimestamp")
        if now - _seconds(since, now) >= UNHEARD_S:
            return Verdict(cause=Cause.NODE_LOST, detail="not taken up by its node")
    return None


def _ended_well(status: Mapping[str, Any]) -> bool:
    """Every container has ended, and its agent had said in Redis what it had to say."""
    states = [(c.get("state") or {}).get("terminated") for c in status.get("containerStatuses") or ()]
    return bool(states) and all(state is not None and _terminated(state).cause is None for state in states)


def _unknown(status: Mapping[str, Any]) -> bool:
    """A node that stopped reporting leaves its pods' readiness as it was, or unknown; a node that drains answers."""
    ready = _condition(status, "Ready")
    return ready is None or ready.get("status") != "False" or ready.get("reason") == "NodeLost"


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    found: list[Mapping[str, Any]] = [c for c in status.get("conditions") or () if c.get("type") == kind]
    return found[0] if found else None


def _seconds(stamp: str | None, otherwise: float) -> float:
    return datetime.fromisoformat(stamp).timestamp() if stamp else otherwise
