"""List, then watch: what the launcher makes of a server that forgets, breaks off or falls silent."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from openclaw_brain.agents.ports import LaunchFailed, Pool
from openclaw_brain.loops import STUCK_S, Heartbeats
from openclaw_core.tasks.outcome import Cause
from tests.brain.api_server import POOL, ApiServer, job, launcher, next_end, pod
from tests.waiting import until

FAILED = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    return tmp_path / "kubeconfig"


async def test_a_failed_agent_is_told_with_the_tail_of_its_log_while_its_job_is_there(kubeconfig: Path) -> None:
    server = ApiServer()
    server.lists["jobs"] = [[job("agent-a", 1)]]
    server.lists["pods"] = [[pod("agent-a", 2, terminated={"exitCode": 137, "reason": "OOMKilled"})]]
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        ended = await next_end(jobs)
        assert (ended.name, ended.pool, ended.cause) == ("agent-a", POOL.id, Cause.OUT_OF_MEMORY)
        assert ended.log_tail == '{"event":"last words"}\n'
        assert await jobs.alive() == frozenset()


async def test_an_end_is_told_once_whatever_else_is_heard_of_it(kubeconfig: Path) -> None:
    server = ApiServer()
    server.lists["jobs"] = [[job("agent-a", 1), job("agent-b", 2)]]
    done = {"exitCode": 0, "reason": "Completed"}
    server.watches["pods"] = [
        [{"type": "ADDED", "object": pod("agent-a", 101, terminated=done)}, {"type": "MODIFIED", "object": pod("agent-a", 102, terminated=done)}]
    ]  # fmt: skip
    complete = {"conditions": [{"type": "Complete", "status": "True"}]}
    server.watches["jobs"] = [
        [{"type": "MODIFIED", "object": job("agent-a", 103, **complete)}, {"type": "DELETED", "object": job("agent-a", 104)}, {"type": "DELETED", "object": job("agent-b", 105)}]
    ]  # fmt: skip
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        ends = [await next_end(jobs), await next_end(jobs)]
        assert sorted((end.name, end.cause) for end in ends) == [("agent-a", None), ("agent-b", Cause.AGENT_LOST)]
        await asyncio.sleep(0.2)
        assert jobs._ended.empty()


async def test_a_watch_goes_on_from_the_last_bookmark_and_lists_again_after_410(kubeconfig: Path) -> None:
    server = ApiServer()
    server.watches["jobs"] = [
        [{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "140"}}}],
        [{"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}],
        [{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "190"}}}],
    ]
    async with server.serve(), launcher(server, kubeconfig):
        await until(lambda: len(server.since("jobs")) == 4)
    assert server.since("jobs") == ["100", "140", "100", "190"]


async def test_a_job_that_vanished_during_an_outage_is_told_from_the_next_list(kubeconfig: Path) -> None:
    server = ApiServer()
    server.lists["jobs"] = [[job("agent-a", 1)], []]
    server.watches["jobs"] = [[{"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}]]
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        ended = await next_end(jobs)
    assert (ended.name, ended.cause) == ("agent-a", Cause.AGENT_LOST)


def refused(message: str) -> dict[str, Any]:
    of = {"kind": "Job", "name": "agent-a"}
    about = {"name": "e", "resourceVersion": "120"}
    return {"metadata": about, "involvedObject": of, "reason": "FailedCreate", "message": f"Error creating: {message}"}


@pytest.mark.parametrize("first", ["the event", "the Job"])
@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ('pods "agent-a-x" is forbidden: exceeded quota: openclaw', Cause.QUOTA),
        ('pods "agent-a-x" is forbidden: violates PodSecurity "restricted:v1.34"', Cause.ADMISSION),
        ('admission webhook "w" denied the request', Cause.ADMISSION),
    ],
)
async def test_a_job_whose_pod_was_refused_is_told_and_deleted(
    kubeconfig: Path, message: str, cause: Cause, first: str
) -> None:
    server = ApiServer()
    if first == "the Job":
        server.lists["jobs"] = [[job("agent-a", 1)]]
    server.watches["events"] = [[{"type": "ADDED", "object": refused(message)}]]
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        await until(lambda: len(server.since("events")) == 2)  # the first one, with the refusal, has ended
        if first == "the event":
            jobs._job(job("agent-a", 130))
        ended = await next_end(jobs)
        assert (ended.cause, ended.detail) == (cause, "FailedCreate")
        await until(
            lambda: any(path == "DELETE /apis/batch/v1/namespaces/there/jobs/agent-a" for path, _ in server.asked)
        )


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("Timeout: request did not complete within requested timeout", Cause.CLUSTER),
        (
            'pods "agent-a-" is forbidden: error looking up service account there/agent: not found',
            Cause.MISCONFIGURED,
        ),
    ],
)
async def test_a_pod_that_may_still_be_made_is_its_pools_trouble_and_its_job_stays(
    kubeconfig: Path, message: str, cause: Cause
) -> None:
    server = ApiServer()
    server.lists["jobs"] = [[job("agent-a", 1)]]
    server.watches["events"] = [[{"type": "ADDED", "object": refused(message)}]]
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        await until(lambda: dict(jobs.troubles()) == {POOL.id: cause})
        assert await jobs.alive() == {"agent-a"}
        jobs._pod(pod("agent-a", 121, running={}))
        assert dict(jobs.troubles()) == {}
        assert not [path for path, _ in server.asked if path.startswith("DELETE ")]


async def test_an_old_refusal_does_not_end_a_job_whose_pod_was_made_meanwhile(kubeconfig: Path) -> None:
    server = ApiServer()
    server.lists["jobs"] = [[job("agent-a", 1, active=1)]]
    server.lists["events"] = [[refused('pods "agent-a-x" is forbidden: exceeded quota: openclaw')]]
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        await until(lambda: server.since("events") and server.since("jobs"))
        assert await jobs.alive() == {"agent-a"}


@pytest.mark.parametrize(
    ("status", "message", "cause"),
    [
        (403, "exceeded quota: openclaw", Cause.QUOTA),
        (403, "denied by policy", Cause.ADMISSION),
        (503, "", Cause.CLUSTER),
    ],
)
async def test_a_refused_create_has_its_cause(kubeconfig: Path, status: int, message: str, cause: Cause) -> None:
    server = ApiServer()
    server.refusal = (status, message)
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        with pytest.raises(LaunchFailed) as failed:
            await jobs.create("agent-a", POOL)
        assert failed.value.cause is cause
        assert await jobs.alive() == frozenset()


async def test_a_repeated_create_is_harmless(kubeconfig: Path) -> None:
    server = ApiServer()
    server.refusal = (409, 'jobs.batch "agent-a" already exists')
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        await jobs.create("agent-a", POOL)
        assert await jobs.alive() == {"agent-a"}


async def test_finished_jobs_go_early_when_less_than_a_fifth_of_the_cap_is_free(kubeconfig: Path) -> None:
    server = ApiServer()
    complete = {"conditions": [{"type": "Complete", "status": "True"}]}
    server.lists["jobs"] = [[job(f"agent-{n}", n, **complete) for n in range(8)] + [job("agent-live", 9)]]
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        await until(lambda: sum(job.reported for job in jobs._jobs.values()) == 8)
        await jobs.delete_finished(20)
        assert not any(job.deleting for job in jobs._jobs.values())
        await jobs.delete_finished(10)
        await until(lambda: sum(path.startswith("DELETE ") for path, _ in server.asked) == 1)
        assert "agent-live" in await jobs.alive()


async def test_a_finished_job_whose_log_is_on_its_way_makes_no_room(kubeconfig: Path) -> None:
    server = ApiServer()
    server.logs.clear()
    server.lists["jobs"] = [[job("agent-a", 1)]]
    server.lists["pods"] = [[pod("agent-a", 2, terminated={"exitCode": 137, "reason": "OOMKilled"})]]
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        await until(lambda: any(path.endswith("/log") for path, _ in server.asked))
        await jobs.delete_finished(0)
        assert not jobs._jobs["agent-a"].deleting
        server.logs.set()
        assert (await next_end(jobs)).log_tail
        await jobs.delete_finished(0)
        assert jobs._jobs["agent-a"].deleting


async def test_a_pool_that_has_no_pod_is_refused_for_the_reason_that_it_has_none(kubeconfig: Path) -> None:
    server, nothing = ApiServer(), Pool(template="agent", hash8="0" * 8)
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        with pytest.raises(LaunchFailed) as missing:
            await jobs.create("agent-a", nothing)
        server.templates["agent"] = dict(POOL.pod)
        with pytest.raises(LaunchFailed) as read_again:
            await jobs.create("agent-b", nothing)
    assert (missing.value.cause, read_again.value.cause) == (Cause.MISCONFIGURED, Cause.CLUSTER)
    assert server.posted == []


async def test_an_api_server_that_is_away_is_no_pod_for_now(kubeconfig: Path) -> None:
    server = ApiServer()
    server.url = "http://127.0.0.1:9"  # the discard port: nobody listens
    async with launcher(server, kubeconfig) as jobs:
        with pytest.raises(LaunchFailed) as failed:
            await jobs.pod("agent")
        assert failed.value.cause is Cause.CLUSTER
        assert not await jobs.reachable()


QUOTA_MET = 'Operation cannot be fulfilled on resourcequotas "openclaw": the object has been modified'


async def test_a_create_that_met_another_in_the_quota_is_tried_again(kubeconfig: Path) -> None:
    server = ApiServer()
    server.refusal, server.refusals_left = (409, QUOTA_MET), 2
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        await jobs.create("agent-a", POOL)

        assert [body["metadata"]["name"] for body in server.posted] == ["agent-a"]
        assert await jobs.alive() == {"agent-a"}


async def test_a_create_that_meets_others_again_and_again_has_made_no_job(kubeconfig: Path) -> None:
    server = ApiServer()
    server.refusal = (409, QUOTA_MET)
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        with pytest.raises(LaunchFailed) as failed:
            await jobs.create("agent-a", POOL)

        assert failed.value.cause is Cause.CLUSTER
        assert await jobs.alive() == frozenset()


async def test_an_agent_that_was_asked_to_go_is_heard_before_its_jobs_verdict(kubeconfig: Path) -> None:
    going = pod("agent-a", 2, running={})
    end_of_grace = datetime.now(UTC) + timedelta(seconds=30)
    going["metadata"]["deletionTimestamp"] = end_of_grace.isoformat().replace("+00:00", "Z")
    server = ApiServer()
    server.lists["jobs"] = [[job("agent-a", 1)]]
    server.lists["pods"] = [[going]]
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        await until(lambda: "agent-a" in jobs._jobs and jobs._jobs["agent-a"].pod is not None)
        jobs._job(job("agent-a", 3, **FAILED))
        assert await jobs.alive() == {"agent-a"}
        jobs._pod(pod("agent-a", 3, terminated={"exitCode": 75, "reason": "Error"}))
        ended = await next_end(jobs)
    assert (ended.cause, ended.detail) == (None, "exit 75")


async def test_a_job_that_is_heard_to_have_failed_before_its_pod_is_told_with_the_pods_cause(kubeconfig: Path) -> None:
    server = ApiServer()
    server.lists["jobs"] = [[job("agent-a", 1, **FAILED)]]
    server.pod_of_job = [pod("agent-a", 2, terminated={"exitCode": 137, "reason": "OOMKilled"})]
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        ended = await next_end(jobs)
        assert (ended.cause, ended.log_tail) == (Cause.OUT_OF_MEMORY, '{"event":"last words"}\n')
        assert [q["labelSelector"] for path, q in server.asked if "job-name" in q.get("labelSelector", "")] == [
            "app.kubernetes.io/component=agent,batch.kubernetes.io/job-name=agent-a"
        ]


@pytest.mark.parametrize("pods", [[], None], ids=["gone", "not to be had"])
async def test_a_failed_job_without_a_pod_is_told_all_the_same(
    kubeconfig: Path, pods: list[dict[str, Any]] | None
) -> None:
    server = ApiServer()
    server.lists["jobs"] = [[job("agent-a", 1, **FAILED)]]
    server.pod_of_job = pods
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        ended = await next_end(jobs)
    assert (ended.cause, ended.detail) == (Cause.CRASH, "BackoffLimitExceeded")


async def test_each_watch_has_a_heartbeat_of_its_own_and_tells_what_it_heard(kubeconfig: Path) -> None:
    now = 0.0
    heartbeats, heard = Heartbeats(clock=lambda: now), list[str]()
    server = ApiServer()
    async with server.serve(), launcher(server, kubeconfig, heartbeats, heard) as jobs:
        await until(lambda: all(heard.count(kind) > 1 for kind in ("jobs", "pods", "events")))
        assert set(heartbeats.ages_s()) == {"watch_jobs", "watch_pods", "watch_events", "verdicts"}
        await until(lambda: all(server.since(kind) for kind in ("jobs", "pods", "events")))
        now = 2 * STUCK_S  # three watches that hang, while Jobs are looked at again each second
        await until(lambda: heartbeats.ages_s()["verdicts"] == 0)
        assert heartbeats.stuck() == ["watch_events", "watch_jobs", "watch_pods"]
        assert await jobs.alive() == frozenset()


async def test_each_watch_has_an_age_also_where_the_api_server_was_never_heard(kubeconfig: Path) -> None:
    server, heard = ApiServer(), list[str]()
    server.url = "http://127.0.0.1:9"  # the discard port: nobody listens
    async with launcher(server, kubeconfig, heard=heard):
        await until(lambda: {"jobs", "pods", "events"} <= set(heard))
        await asyncio.sleep(0.1)
    assert len(heard) == 3


async def test_a_claim_is_shown_on_its_job_once_by_two_labels_and_no_more(kubeconfig: Path) -> None:
    server = ApiServer()
    server.lists["jobs"] = [[job("agent-a", 1)]]
    server.patches_lost = 1
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        await until(lambda: "agent-a" in jobs._jobs)
        for _ in range(2):
            await jobs.claimed("agent-a", task_id="u7", role="coder")
        await jobs.claimed("agent-of-another", task_id="u8", role="coder")
        await until(lambda: server.patched)
        await jobs.claimed("agent-a", task_id="u9", role="coder")
        await until(lambda: len(server.patched) == 2)
    labels = [{"openclaw.io/task": task, "openclaw.io/role": "coder"} for task in ("u7", "u9")]
    assert server.patched == [("application/merge-patch+json", {"metadata": {"labels": one}}) for one in labels]


async def test_a_missing_template_for_tools_is_a_cause_of_its_own_and_logged_once(
    kubeconfig: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = ApiServer()
    async with server.serve(), launcher(server, kubeconfig) as jobs:
        for template, cause in (
            ("agent-tools", Cause.NO_TOOLS),
            ("agent-tools", Cause.NO_TOOLS),
            ("large", Cause.MISCONFIGURED),
        ):
            with pytest.raises(LaunchFailed) as missing:
                await jobs.pod(template)
            assert missing.value.cause is cause
    assert caplog.text.count("template.refused") == 2
