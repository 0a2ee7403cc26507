"""Diagnosis of an agent's Job: why it ended or does not start, from its status, its pod and its events. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openclaw_brain.agents.exit_codes import cause_of_exit
from openclaw_core.tasks.outcome import Cause

NO_ROOM_S = 10.0
"""After this long without a node, a pod is reported to its pool. It stays, since a new node may be on its way."""
NODE_SILENT_S = 45.0
"""A kubelet starts a pod within a second. If nothing has happened for this long, the node is gone."""

IMAGE_REASONS = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
CONFIG_REASONS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
START_REASONS = frozenset({"StartError", "ContainerCannotRun"})
"""The container runtime could not run what the image holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """*over*: the Job has ended, or has to be deleted because it never will. *cause* None: it ended well."""

    cause: Cause | None
    over: bool = True
    detail: str = ""
    """An exit code or the API server's own reason, never a user's words."""


def of_pod(pod: Mapping[str, Any], *, now: float) -> Diagnosis | None:
    """What a pod's state says; None while it starts or runs. *now* in Unix seconds."""
    status = pod.get("status") or {}
    if status.get("reason") == "Evicted":
        return Diagnosis(cause=Cause.EVICTED, detail="Evicted")
    disrupted = _condition(status, "DisruptionTarget")
    if disrupted is not None and disrupted.get("status") == "True" and not _ended_well(status):
        reason = str(disrupted.get("reason", ""))
        lost = reason == "DeletionByTaintManager" and _node_silent(status)
        left = bool(pod["metadata"].get("deletionTimestamp")) and not may_hand_back(pod, now=now)
        if left or status.get("phase") in ("Failed", "Succeeded"):
            return Diagnosis(cause=Cause.NODE_LOST if lost else Cause.EVICTED, detail=reason)
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        if "terminated" in state:
            return _terminated(state["terminated"])
        if "waiting" in state:
            return _waiting(str(state["waiting"].get("reason", ""))) or _sidecar(status)
    if status.get("phase") == "Failed":
        return Diagnosis(cause=Cause.CRASH, detail=str(status.get("reason", "Failed")))
    return _not_started(pod, status, now)


def may_hand_back(pod: Mapping[str, Any], *, now: float) -> bool:
    """Whether this pod is being deleted and its agent still has time to hand its task back, which is no loss.

    `deletionTimestamp` is the end of the grace period. The Job controller marks the Job failed long before.
    """
    until = pod["metadata"].get("deletionTimestamp")
    return bool(until) and now < _seconds(until, now) and not has_terminated(pod)


def has_terminated(pod: Mapping[str, Any]) -> bool:
    """Whether the agent's process in this pod has ended."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any("terminated" in (status.get("state") or {}) for status in statuses)


def of_job(job: Mapping[str, Any]) -> Diagnosis | None:
    """What a Job's own conditions say; None while it may go on."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("status") != "True":
            continue
        if condition["type"] in ("Complete", "SuccessCriteriaMet"):
            return Diagnosis(cause=None)
        if condition["type"] in ("Failed", "FailureTarget"):
            reason = str(condition.get("reason", ""))
            return Diagnosis(cause=Cause.DEADLINE if reason == "DeadlineExceeded" else Cause.CRASH, detail=reason)
    return None


def of_refusal(status: int, message: str) -> Cause:
    """Why the API server refused a Job or a pod."""
    if "exceeded quota" in message:
        return Cause.QUOTA
    return Cause.MISCONFIGURED if status == 404 else Cause.ADMISSION


def of_failed_create(message: str) -> Diagnosis:
    """Why the Job controller could not create a pod. It goes on trying, so a cause that may pass by itself is not over."""
    if "error looking up service account" in message:
        return Diagnosis(cause=Cause.MISCONFIGURED, over=False, detail="FailedCreate")
    if "forbidden" in message or "denied" in message:
        return Diagnosis(cause=of_refusal(403, message), detail="FailedCreate")
    return Diagnosis(cause=Cause.CLUSTER, over=False, detail="FailedCreate")


def _terminated(state: Mapping[str, Any]) -> Diagnosis:
    reason, code = str(state.get("reason", "")), int(state.get("exitCode", -1))
    if reason == "OOMKilled":
        return Diagnosis(cause=Cause.OUT_OF_MEMORY, detail=reason)
    if reason in START_REASONS:
        return Diagnosis(cause=Cause.IMAGE, detail=reason)
    return Diagnosis(cause=cause_of_exit(code), detail=f"exit {code}")


def _waiting(reason: str) -> Diagnosis | None:
    if reason in IMAGE_REASONS:
        return Diagnosis(cause=Cause.IMAGE, detail=reason)
    if reason in CONFIG_REASONS:
        return Diagnosis(cause=Cause.CONTAINER_CONFIG, detail=reason)
    return None


def _sidecar(status: Mapping[str, Any]) -> Diagnosis | None:
    """Why the agent waits for the runner beside it; None while that one starts."""
    for container in status.get("initContainerStatuses") or ():
        reason = str(((container.get("state") or {}).get("waiting") or {}).get("reason", ""))
        if reason == "CrashLoopBackOff":
            return Diagnosis(cause=Cause.CRASH, detail="the runner ends at once")
        if found := _waiting(reason):
            return found
    return None


def _not_started(pod: Mapping[str, Any], status: Mapping[str, Any], now: float) -> Diagnosis | None:
    scheduled = _condition(status, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        if now - _seconds(scheduled.get("lastTransitionTime"), now) >= NO_ROOM_S:
            return Diagnosis(cause=Cause.NO_ROOM, over=False, detail="Unschedulable")
        return None
    placed = pod.get("spec", {}).get("nodeName")
    if placed and not status.get("startTime"):
        since = (scheduled or {}).get("lastTransitionTime") or pod["metadata"].get("creationTimestamp")
        if now - _seconds(since, now) >= NODE_SILENT_S:
            return Diagnosis(cause=Cause.NODE_LOST, detail="not taken up by its node")
    return None


def _ended_well(status: Mapping[str, Any]) -> bool:
    """Whether every container has ended with an exit code that says: the result is in Redis."""
    states = [(c.get("state") or {}).get("terminated") for c in status.get("containerStatuses") or ()]
    return bool(states) and all(state is not None and _terminated(state).cause is None for state in states)


def _node_silent(status: Mapping[str, Any]) -> bool:
    """Whether the node stopped reporting: then readiness stays as it was, or unknown. A node that is drained still reports."""
    ready = _condition(status, "Ready")
    return ready is None or ready.get("status") != "False" or ready.get("reason") == "NodeLost"


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    return next((condition for condition in status.get("conditions") or () if condition.get("type") == kind), None)


def _seconds(stamp: str | None, otherwise: float) -> float:
    return datetime.fromisoformat(stamp).timestamp() if stamp else otherwise
