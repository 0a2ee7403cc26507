"""Agents as Kubernetes Jobs: create, list and watch, and report each Job that ended with the diagnosis why."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw_brain.agents.ports import JobEnded, LaunchFailed, Pool
from openclaw_brain.kubernetes import diagnosis
from openclaw_brain.kubernetes.api import ApiRefused, ApiUnavailable, KubernetesApi, Object
from openclaw_brain.kubernetes.diagnosis import Diagnosis
from openclaw_brain.kubernetes.follow import follow_objects
from openclaw_brain.kubernetes.job_manifest import LABELS, POOL_LABEL, ROLE_LABEL, TASK_LABEL, job_manifest
from openclaw_brain.loops import Loop
from openclaw_core import logs
from openclaw_core.roles.values import TOOLS_TEMPLATE
from openclaw_core.tasks.outcome import Cause

log = logs.get(__name__)
BATCH = "apis/batch/v1"
CORE = "api/v1"
COMPONENT = "app.kubernetes.io/component"
SELECTOR = f"{COMPONENT}={LABELS[COMPONENT]}"
JOB_LABEL = "batch.kubernetes.io/job-name"
FAILED_CREATE = "involvedObject.kind=Job,reason=FailedCreate"
PAUSE_S = 1.0
"""Between tries to label a Job."""
LOOK_S = 1.0
"""Between checks of Jobs whose diagnosis changes by time alone: no room, no node."""
CONFLICTS = 5
CONFLICT_PAUSE_S = 0.1
"""How often, and after how many seconds, a create is tried again that conflicted with another one in the quota."""
TAIL_LINES = 20
TAIL_BYTES = 4096


@dataclass(kw_only=True)
class _Job:
    """What we know of a Job."""

    pool: str
    job: Object = field(default_factory=dict)
    pod: Object | None = None
    pod_refused: Diagnosis | None = None
    """Why the Job controller last failed to create the pod."""
    task: str = ""
    ended_at: float | None = None
    """Monotonic seconds; None while it lives."""
    deleting: bool = False
    reported: bool = False
    """Its end was reported, with the last lines of its log. Until then its pod is still needed."""
    pod_looked_up: bool | None = None
    """Whether the API was asked for a pod that no watch had shown: None before, False while it is asked."""


@dataclass(kw_only=True)
class KubernetesJobs:
    """Agents by the name of their Job."""

    api: KubernetesApi
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    tries_templates: bool = True
    _jobs: dict[str, _Job] = field(default_factory=dict)
    _ended: asyncio.Queue[JobEnded] = field(default_factory=asyncio.Queue)
    _early_pods: dict[str, Object] = field(default_factory=dict)
    """Pods that were seen before their Job, by the name of the Job."""
    _early_events: dict[str, Object] = field(default_factory=dict)
    """FailedCreate events that were seen before their Job, by the name of the Job."""
    _troubles: dict[str, tuple[str, Cause]] = field(default_factory=dict)
    """By Job: its pool, and why it does not start. It may still start."""
    _templates_refused: dict[str, int] = field(default_factory=dict)
    """Templates that could not be read when last asked for, and the API server's answer."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    # ---- the port

    async def pod(self, template: str) -> Mapping[str, Any]:
        try:
            found = await self.api.get(CORE, "podtemplates", template)
        except ApiUnavailable:
            raise LaunchFailed(Cause.CLUSTER) from None
        except ApiRefused as exc:
            if self._templates_refused.get(template) != exc.status:  # it is asked for again each 3 s
                self._templates_refused[template] = exc.status
                log.error(
                    "template.refused", template=template, status=exc.status,
                    hint="is there a PodTemplate of that name, and does the brain's Role name it?",
                )  # fmt: skip
            none = template == TOOLS_TEMPLATE and exc.status in (403, 404)
            raise LaunchFailed(Cause.NO_TOOLS if none else Cause.MISCONFIGURED) from None
        self._templates_refused.pop(template, None)
        pod: Mapping[str, Any] = found["template"]
        return pod

    async def create(self, name: str, pool: Pool) -> None:
        if not pool.pod:
            await self.pod(pool.template)  # raises with the cause, while the template still cannot be read
            raise LaunchFailed(Cause.CLUSTER)  # it can be read again: the next look makes the pool from it
        for tries_left in reversed(range(CONFLICTS)):
            try:
                await self.api.create(BATCH, "jobs", job_manifest(name, pool))
                break
            except ApiUnavailable:
                raise LaunchFailed(Cause.CLUSTER) from None
            except ApiRefused as exc:
                if exc.status == 409 and "already exists" in exc.message:
                    break  # our own earlier try: the number of a Job is recorded before it is created
                if exc.status == 409 and tries_left:
                    # Parallel creates all update the quota. The API server refuses some of them with a conflict.
                    await asyncio.sleep(CONFLICT_PAUSE_S)
                    continue
                cause = Cause.CLUSTER if exc.status == 409 else diagnosis.of_refusal(exc.status, exc.message)
                log.error("job.refused", job=name, status=exc.status, cause=cause.value, reason=exc.message[:300])
                raise LaunchFailed(cause) from None
        job = self._jobs.setdefault(name, _Job(pool=pool.id))
        self._apply_event(name, job)

    async def alive(self) -> frozenset[str]:
        return frozenset(name for name, job in self._jobs.items() if job.ended_at is None)

    async def delete(self, name: str) -> None:
        try:
            await self.api.delete(BATCH, "jobs", name)
        except (ApiUnavailable, ApiRefused) as exc:
            log.warning("job.not_deleted", job=name, error=type(exc).__name__, hint="its deadline ends it")

    async def claimed(self, name: str, task_id: str, role: str) -> None:
        job = self._jobs.get(name)
        if job is None or job.task == task_id:
            return
        job.task = task_id
        self._spawn(self._label(name, {TASK_LABEL: task_id, ROLE_LABEL: role}), f"label {name}")

    async def delete_finished(self, cap: int) -> None:
        there = {name: job for name, job in self._jobs.items() if not job.deleting}
        finished = sorted((job.ended_at or 0.0, name) for name, job in there.items() if job.reported)
        wanted = len(there) - (cap - cap // 5)
        for _, name in finished[: max(0, wanted)]:
            self._jobs[name].deleting = True
            self._spawn(self.delete(name), f"delete {name}")

    def troubles(self) -> Mapping[str, Cause]:
        return dict(self._troubles.values())

    async def next_end(self) -> JobEnded:
        return await self._ended.get()

    async def watch(self, *, loop_of: Callable[[str], Loop], confirmed: Callable[[str], None]) -> None:
        self._jobs.clear()  # the lists bring back what was known before an outage, or before another brain led
        self._troubles.clear()
        self._early_pods.clear()
        self._early_events.clear()
        async with asyncio.TaskGroup() as group:
            # A heartbeat for each: a loop that hangs must not hide behind the others.
            for api, kind, seen, gone, selector in (
                (BATCH, "jobs", self._job, self._job_gone, {"labelSelector": SELECTOR}),
                (CORE, "pods", self._pod, lambda pod: _drop(self._early_pods, pod), {"labelSelector": SELECTOR}),
                (CORE, "events", self._event, lambda event: _drop(self._early_events, event), {"fieldSelector": FAILED_CREATE}),
            ):  # fmt: skip
                following = follow_objects(
                    self.api, api, kind, seen=seen, gone=gone, confirmed=confirmed, loop=loop_of(f"watch_{kind}"), query=selector,
                )  # fmt: skip
                group.create_task(following, name=f"watch {kind}")
            group.create_task(self._look_forever(loop_of("verdicts")), name="look at jobs")

    async def reachable(self) -> bool:
        return await self.api.reachable()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- what the watches show

    def _job(self, item: Object) -> None:
        name = item["metadata"]["name"]
        labels = item["metadata"].get("labels") or {}
        job = self._jobs.setdefault(name, _Job(pool=labels.get(POOL_LABEL, "")))
        job.job, job.task = item, job.task or labels.get(TASK_LABEL, "")
        job.pod = job.pod or self._early_pods.pop(name, None)
        self._diagnose(name, job)
        self._apply_event(name, job)

    def _job_gone(self, name: str) -> None:
        self._troubles.pop(name, None)
        job = self._jobs.pop(name, None)
        if job is not None and job.ended_at is None:
            self._ended.put_nowait(JobEnded(name=name, pool=job.pool, cause=Cause.AGENT_LOST, detail="deleted"))

    def _pod(self, item: Object) -> None:
        name = (item["metadata"].get("labels") or {}).get(JOB_LABEL, "")
        job = self._jobs.get(name)
        if job is None:
            # The other watch has not shown its Job yet, or the Job is gone already.
            self._early_pods[name] = item
            return
        job.pod = item
        self._diagnose(name, job)

    def _event(self, item: Object) -> None:
        """The Job controller could not create a pod. The other watch may not have shown its Job yet."""
        name = item["involvedObject"]["name"]
        self._early_events[name] = item
        if name in self._jobs:
            self._apply_event(name, self._jobs[name])

    def _apply_event(self, name: str, job: _Job) -> None:
        item = self._early_events.pop(name, None)
        has_pod = job.pod is not None or (job.job.get("status") or {}).get("active")
        if item is None or job.ended_at is not None or has_pod:
            return
        job.pod_refused = diagnosis.of_failed_create(str(item.get("message", "")))
        self._diagnose(name, job)

    # ---- diagnosis

    async def _look_forever(self, loop: Loop) -> None:
        async def step() -> float:
            for name, job in list(self._jobs.items()):
                self._diagnose(name, job)
            return LOOK_S

        await loop.run(step, first_after_s=LOOK_S)

    def _diagnose(self, name: str, job: _Job) -> None:
        if job.ended_at is not None:
            return
        of_job = diagnosis.of_job(job.job) if job.job else None
        of_pod = diagnosis.of_pod(job.pod, now=self.now()) if job.pod is not None else None
        # The pod of a Job past its deadline is killed. Only the Job knows why.
        found = of_job if of_job is not None and of_job.cause is Cause.DEADLINE else of_pod or of_job
        if found is None and job.pod is None:
            found = job.pod_refused
        if found is of_job and job.pod is not None and diagnosis.may_hand_back(job.pod, now=self.now()):
            return  # its agent was asked to end and is about to hand its task back
        failed = found is of_job and found is not None and found.cause is not None
        if failed and job.pod is None and not job.pod_looked_up:
            # The watches are independent: the reason may be in a pod that the other watch is about to show.
            if job.pod_looked_up is None:
                job.pod_looked_up = False
                self._spawn(self._look_up_pod(name, job), f"pod of {name}")
            return
        if found is None:
            self._troubles.pop(name, None)
        elif found.over:
            self._end(name, job, found, delete=of_job is None and not (job.pod and diagnosis.has_terminated(job.pod)))
        else:
            assert found.cause is not None  # noqa: S101 - a Job that may still start has a reason why it does not
            self._troubles[name] = (job.pool, found.cause)

    async def _look_up_pod(self, name: str, job: _Job) -> None:
        try:
            found = await self.api.get(CORE, "pods", labelSelector=f"{SELECTOR},{JOB_LABEL}={name}")
            job.pod = job.pod or next(iter(found["items"]), None)
        except (ApiUnavailable, ApiRefused) as exc:
            log.info("job.no_pod", job=name, error=type(exc).__name__)
        job.pod_looked_up = True
        self._diagnose(name, job)

    def _end(self, name: str, job: _Job, found: Diagnosis, *, delete: bool) -> None:
        job.ended_at = self.clock()
        self._troubles.pop(name, None)
        self._spawn(self._report(name, job, found, delete=delete), f"end {name}")

    async def _report(self, name: str, job: _Job, found: Diagnosis, *, delete: bool) -> None:
        tail = ""
        if found.cause is not None and job.pod is not None and _started(job.pod):
            try:
                tail = await self.api.log_tail(job.pod["metadata"]["name"], lines=TAIL_LINES, limit_bytes=TAIL_BYTES)
            except (ApiUnavailable, ApiRefused) as exc:
                log.info("job.no_log", job=name, error=type(exc).__name__)
        self._ended.put_nowait(
            JobEnded(name=name, pool=job.pool, cause=found.cause, detail=found.detail, log_tail=tail)
        )
        job.reported = True
        if delete:  # it would try for ever, or until its deadline
            await self.delete(name)

    async def _label(self, name: str, labels: Mapping[str, str]) -> None:
        while (job := self._jobs.get(name)) is not None and job.task == labels[TASK_LABEL]:
            try:
                await self.api.merge(BATCH, "jobs", name, {"metadata": {"labels": labels}})
                return
            except ApiUnavailable:
                await asyncio.sleep(PAUSE_S)  # a claim is reported to us only once, so try again here
            except ApiRefused as exc:
                log.info("job.not_labelled", job=name, status=exc.status)
                return

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _drop(early: dict[str, Object], name: str) -> None:
    """Remove the object *name* from *early*, whose keys are names of Jobs."""
    for job in [job for job, item in early.items() if item["metadata"]["name"] == name]:
        del early[job]


def _started(pod: Object) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any("waiting" not in (status.get("state") or {}) for status in statuses)
