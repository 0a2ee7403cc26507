"""The launcher of clusters: an agent is a Kubernetes Job. List, then watch; every end of a Job gets a verdict."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw_brain.agents.ports import JobEnded, LaunchFailed, Pool
from openclaw_brain.kubernetes import verdict
from openclaw_brain.kubernetes.api import ApiRefused, ApiUnavailable, Gone, KubernetesApi, Object
from openclaw_brain.kubernetes.job_manifest import LABELS, POOL_LABEL, ROLE_LABEL, TASK_LABEL, job_manifest
from openclaw_brain.kubernetes.verdict import Verdict
from openclaw_core import logs
from openclaw_core.tasks.outcome import Cause

log = logs.get(__name__)
BATCH = "apis/batch/v1"
CORE = "api/v1"
COMPONENT = "app.kubernetes.io/component"
SELECTOR = f"{COMPONENT}={LABELS[COMPONENT]}"
JOB_LABEL = "batch.kubernetes.io/job-name"
FAILED_CREATE = "involvedObject.kind=Job,reason=FailedCreate"
PAUSE_S = 1.0
"""Between tries to list or watch again."""
LOOK_S = 1.0
"""Between looks at Jobs whose state changes by time alone: no room, no node."""
CONFLICTS = 5
CONFLICT_PAUSE_S = 0.1
"""A create that met another one in the quota is tried so often, and so soon."""
TAIL_LINES = 20
TAIL_BYTES = 4096


@dataclass(kw_only=True)
class _Job:
    """What we know of a Job."""

    pool: str
    job: Object = field(default_factory=dict)
    pod: Object | None = None
    no_pod: Verdict | None = None
    """Why the Job controller could not make its pod, when it last said so."""
    task: str = ""
    ended_at: float | None = None
    """Monotonic seconds; None while it lives."""
    leaving: bool = False
    """Its deletion is under way."""
    told: bool = False
    """Its end was told, with the tail of its log: until then its pod is still needed."""
    sought: bool | None = None
    """Whether its pod was looked up, which the watches had not shown; None before that."""


@dataclass(kw_only=True)
class KubernetesJobs:
    """Agents by the name of their Job."""

    api: KubernetesApi
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    tries_templates: bool = True
    _jobs: dict[str, _Job] = field(default_factory=dict)
    _ended: asyncio.Queue[JobEnded] = field(default_factory=asyncio.Queue)
    _early: dict[str, Object] = field(default_factory=dict)
    """Pods that were seen before their Job, by its name."""
    _early_events: dict[str, Object] = field(default_factory=dict)
    """So with the refusals of pods."""
    _troubles: dict[str, tuple[str, Cause]] = field(default_factory=dict)
    """By Job: its pool and why it does not start, while it still may."""
    _confirmed: Callable[[str], None] = lambda _kind: None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    # ---- the port

    async def pod(self, template: str) -> Mapping[str, Any]:
        try:
            found = await self.api.get(CORE, "podtemplates", template)
        except ApiUnavailable:
            raise LaunchFailed(Cause.CLUSTER) from None
        except ApiRefused as exc:
            log.error(
                "template.refused", template=template, status=exc.status,
                hint="is there a PodTemplate of that name, and does the brain's Role name it?",
            )  # fmt: skip
            raise LaunchFailed(Cause.MISCONFIGURED) from None
        pod: Mapping[str, Any] = found["template"]
        return pod

    async def create(self, name: str, pool: Pool) -> None:
        if not pool.pod:
            await self.pod(pool.template)  # why there was none to make the pool of, while that is still so
            raise LaunchFailed(Cause.CLUSTER)  # it can be read again: the next look makes the pool of it
        for tries_left in reversed(range(CONFLICTS)):
            try:
                await self.api.create(BATCH, "jobs", job_manifest(name, pool))
                break
            except ApiUnavailable:
                raise LaunchFailed(Cause.CLUSTER) from None
            except ApiRefused as exc:
                if exc.status == 409 and "already exists" in exc.message:
                    break  # its number was written down first: this is our own earlier try
                if exc.status == 409 and tries_left:
                    # Creates side by side all write the quota's use, and the API server gives up on some of them.
                    await asyncio.sleep(CONFLICT_PAUSE_S)
                    continue
                cause = Cause.CLUSTER if exc.status == 409 else verdict.of_refusal(exc.status, exc.message)
                log.error("job.refused", job=name, status=exc.status, cause=cause.value, reason=exc.message[:300])
                raise LaunchFailed(cause) from None
        job = self._jobs.setdefault(name, _Job(pool=pool.id))
        self._refused(name, job)

    async def alive(self) -> frozenset[str]:
        return frozenset(name for name, job in self._jobs.items() if job.ended_at is None)

    async def delete(self, name: str) -> None:
        try:
            await self.api.delete(BATCH, "jobs", name)
        except (ApiUnavailable, ApiRefused) as exc:
            log.warning("job.not_deleted", job=name, error=type(exc).__name__, hint="its deadline ends it")

    async def claimed(self, name: str, *, task_id: str, role: str) -> None:
        job = self._jobs.get(name)
        if job is None or job.task == task_id:
            return
        job.task = task_id
        self._spawn(self._label(name, {TASK_LABEL: task_id, ROLE_LABEL: role}), f"label {name}")

    async def make_room(self, cap: int) -> None:
        there = {name: job for name, job in self._jobs.items() if not job.leaving}
        finished = sorted((job.ended_at, name) for name, job in there.items() if job.ended_at is not None and job.told)
        wanted = len(there) - (cap - cap // 5)
        for _, name in finished[: max(0, wanted)]:
            self._jobs[name].leaving = True
            self._spawn(self.delete(name), f"delete {name}")

    def troubles(self) -> Mapping[str, Cause]:
        return dict(self._troubles.values())

    async def ended(self) -> AsyncIterator[JobEnded]:
        while True:
            yield await self._ended.get()

    async def watch(self, *, beat: Callable[[str], Callable[[], None]], confirmed: Callable[[str], None]) -> None:
        self._jobs.clear()  # what was known before an outage or another's lead is known again after the lists
        self._troubles.clear()
        self._early.clear()
        self._early_events.clear()
        self._confirmed = confirmed
        async with asyncio.TaskGroup() as group:
            # A beat for each: one that stands still must not hide behind those that turn.
            jobs = self._follow(
                BATCH, "jobs", self._job, beat("watch_jobs"), gone=self._job_gone, labelSelector=SELECTOR
            )
            pods = self._follow(
                CORE, "pods", self._pod, beat("watch_pods"), gone=self._pod_gone, labelSelector=SELECTOR
            )
            events = self._follow(
                CORE, "events", self._event, beat("watch_events"), gone=self._event_gone, fieldSelector=FAILED_CREATE
            )
            group.create_task(jobs, name="watch jobs")
            group.create_task(pods, name="watch pods")
            group.create_task(events, name="watch events")
            group.create_task(self._look_forever(beat("verdicts")), name="look at jobs")

    async def reachable(self) -> bool:
        return await self.api.reachable()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- list, then watch

    async def _follow(
        self, api: str, kind: str, seen: Callable[[Object], None], turned: Callable[[], None],
        gone: Callable[[str], None] = lambda _name: None, **query: str,
    ) -> None:  # fmt: skip
        version = ""
        names: set[str] = set()
        self._confirmed(kind)  # its age counts from here on, also where the API server is away
        while True:
            turned()
            try:
                if not version:
                    listed = await self.api.get(api, kind, **query)
                    version = listed["metadata"]["resourceVersion"]
                    now = {item["metadata"]["name"] for item in listed["items"]}
                    for item in listed["items"]:
                        seen(item)
                    for name in names - now:
                        gone(name)
                    names = now
                    self._confirmed(kind)
                    turned()
                async for change, item in self.api.watch(api, kind, since=version, **query):
                    turned()
                    self._confirmed(kind)
                    version = item["metadata"]["resourceVersion"]
                    if change == "BOOKMARK":
                        continue
                    name = item["metadata"]["name"]
                    if change == "DELETED":
                        names.discard(name)
                        seen(item)
                        gone(name)
                    else:
                        names.add(name)
                        seen(item)
                self._confirmed(kind)  # the server ended the watch in time, as it was asked to
                continue
            except Gone:
                version = ""
                continue
            except ApiRefused as exc:
                log.error(
                    "watch.refused", kind=kind, status=exc.status, hint="does the brain's Role allow list and watch?"
                )
                version = ""
            except ApiUnavailable as exc:
                log.warning("watch.unavailable", kind=kind, error=str(exc), hint="is the API server up? Trying again")
            await asyncio.sleep(PAUSE_S)

    def _job(self, item: Object) -> None:
        name = item["metadata"]["name"]
        labels = item["metadata"].get("labels") or {}
        job = self._jobs.setdefault(name, _Job(pool=labels.get(POOL_LABEL, "")))
        job.job, job.task = item, job.task or labels.get(TASK_LABEL, "")
        job.pod = job.pod or self._early.pop(name, None)
        self._judge(name, job)
        self._refused(name, job)

    def _job_gone(self, name: str) -> None:
        self._troubles.pop(name, None)
        job = self._jobs.pop(name, None)
        if job is not None and job.ended_at is None:
            self._ended.put_nowait(JobEnded(name=name, pool=job.pool, cause=Cause.AGENT_LOST, detail="deleted"))

    def _pod(self, item: Object) -> None:
        name = (item["metadata"].get("labels") or {}).get(JOB_LABEL, "")
        job = self._jobs.get(name)
        if job is None:
            # Its Job is on its way in the other watch, or has gone already.
            self._early[name] = item
            return
        job.pod = item
        self._judge(name, job)

    def _pod_gone(self, name: str) -> None:
        for job_name in [job for job, pod in self._early.items() if pod["metadata"]["name"] == name]:
            del self._early[job_name]

    def _event(self, item: Object) -> None:
        """The Job controller could not make a Job's pod. Its Job may be on its way in the other watch."""
        name = item["involvedObject"]["name"]
        self._early_events[name] = item
        if name in self._jobs:
            self._refused(name, self._jobs[name])

    def _event_gone(self, event: str) -> None:
        for name in [name for name, item in self._early_events.items() if item["metadata"]["name"] == event]:
            del self._early_events[name]

    def _refused(self, name: str, job: _Job) -> None:
        item = self._early_events.pop(name, None)
        if (
            item is None
            or job.ended_at is not None
            or job.pod is not None
            or (job.job.get("status") or {}).get("active")
        ):
            return
        job.no_pod = verdict.of_failed_create(str(item.get("message", "")))
        self._judge(name, job)

    # ---- verdicts

    async def _look_forever(self, turned: Callable[[], None]) -> None:
        while True:
            turned()
            await asyncio.sleep(LOOK_S)
            for name, job in list(self._jobs.items()):
                self._judge(name, job)

    def _judge(self, name: str, job: _Job) -> None:
        if job.ended_at is not None:
            return
        of_job = verdict.of_job(job.job) if job.job else None
        of_pod = verdict.of_pod(job.pod, now=self.now()) if job.pod is not None else None
        # A Job past its deadline has its pod killed: the Job knows why, the pod only that.
        found = of_job if of_job is not None and of_job.cause is Cause.DEADLINE else of_pod or of_job
        if found is None and job.pod is None:
            found = job.no_pod
        if found is of_job and job.pod is not None and verdict.may_hand_back(job.pod, now=self.now()):
            return  # its agent was asked to go and is about to say how far it came
        if found is of_job and found is not None and found.cause is not None and job.pod is None and not job.sought:
            # The watches do not wait for each other: why it failed may stand in a pod that the other one is about to show.
            if job.sought is None:
                job.sought = False
                self._spawn(self._seek_pod(name, job), f"pod of {name}")
            return
        if found is None:
            self._troubles.pop(name, None)
        elif found.over:
            self._end(name, job, found, delete=of_job is None and not (job.pod and verdict.has_terminated(job.pod)))
        else:
            assert found.cause is not None  # noqa: S101 - a Job that may still start has a reason why it does not
            self._troubles[name] = (job.pool, found.cause)

    async def _seek_pod(self, name: str, job: _Job) -> None:
        try:
            found = await self.api.get(CORE, "pods", labelSelector=f"{SELECTOR},{JOB_LABEL}={name}")
            job.pod = job.pod or next(iter(found["items"]), None)
        except (ApiUnavailable, ApiRefused) as exc:
            log.info("job.no_pod", job=name, error=type(exc).__name__)
        job.sought = True
        self._judge(name, job)

    def _end(self, name: str, job: _Job, found: Verdict, *, delete: bool) -> None:
        job.ended_at = self.clock()
        self._troubles.pop(name, None)
        self._spawn(self._report(name, job, found, delete=delete), f"end {name}")

    async def _report(self, name: str, job: _Job, found: Verdict, *, delete: bool) -> None:
        tail = ""
        if found.cause is not None and job.pod is not None and _started(job.pod):
            try:
                tail = await self.api.log_tail(job.pod["metadata"]["name"], lines=TAIL_LINES, limit_bytes=TAIL_BYTES)
            except (ApiUnavailable, ApiRefused) as exc:
                log.info("job.no_log", job=name, error=type(exc).__name__)
        self._ended.put_nowait(
            JobEnded(name=name, pool=job.pool, cause=found.cause, detail=found.detail, log_tail=tail)
        )
        job.told = True
        if delete:  # it would try for ever, or until its deadline
            await self.delete(name)

    async def _label(self, name: str, labels: Mapping[str, str]) -> None:
        while (job := self._jobs.get(name)) is not None and job.task == labels[TASK_LABEL]:
            try:
                await self.api.merge(BATCH, "jobs", name, {"metadata": {"labels": labels}})
                return
            except ApiUnavailable:
                await asyncio.sleep(PAUSE_S)  # it is told of this claim once only
            except ApiRefused as exc:
                log.info("job.not_labelled", job=name, status=exc.status)
                return

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _started(pod: Object) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any("waiting" not in (status.get("state") or {}) for status in statuses)
