"""The Job of an agent: the pool's template, its own name, nothing of any task, nothing of the PodTemplate's own metadata."""

import copy
from pathlib import Path
from typing import Any

import yaml

from openclaw_brain.agents.ports import Pool
from openclaw_brain.kubernetes.job_manifest import job_manifest

TEMPLATE = yaml.safe_load(Path("platform/openclaw/base/agent/podtemplate.yaml").read_text(encoding="utf-8"))


def a_pool(pod: dict[str, Any] | None = None) -> Pool:
    return Pool.of("agent", pod=pod or TEMPLATE["template"], env={"TASKS_PER_JOB": "1"}, deadline_s=1140)


def test_the_spec_says_that_only_the_brain_tries_again_and_that_the_job_goes_by_itself() -> None:
    spec = job_manifest("agent-agent-12345678-1", a_pool())["spec"]
    assert {key: spec[key] for key in spec if key != "template"} == {
        "parallelism": 1, "completions": 1, "backoffLimit": 0, "ttlSecondsAfterFinished": 60, "activeDeadlineSeconds": 1140,
    }  # fmt: skip


def test_the_podtemplates_own_metadata_stays_behind() -> None:
    pod = copy.deepcopy(TEMPLATE["template"])
    made = job_manifest("agent-agent-12345678-1", a_pool(pod))
    assert "annotations" not in made["metadata"]
    assert set(made["metadata"]["labels"]) <= set(made["spec"]["template"]["metadata"]["labels"])
    assert not any(
        "argocd" in key for key in (made["metadata"]["labels"] | made["spec"]["template"]["metadata"]["labels"])
    )


def test_the_agent_learns_its_own_name_and_its_pools_limits() -> None:
    pool = a_pool()
    [container] = job_manifest("agent-agent-12345678-7", pool)["spec"]["template"]["spec"]["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert env["AGENT_JOB"] == "agent-agent-12345678-7"
    assert env["AGENT_POOL"] == pool.id
    assert env["TASKS_PER_JOB"] == "1"
    assert env["REDIS_HOST"] == "redis"


def test_the_pool_is_another_when_the_pod_or_a_setting_is() -> None:
    changed = copy.deepcopy(TEMPLATE["template"])
    changed["spec"]["containers"][0]["image"] = "other"
    ids = {a_pool().id, a_pool(changed).id, Pool.of("agent", pod=TEMPLATE["template"], env={}, deadline_s=1140).id}
    assert len(ids) == 3
    assert Pool.from_json("agent", a_pool().to_json()) == a_pool()


def test_making_a_job_leaves_the_pools_template_as_it_was() -> None:
    pool = a_pool()
    before = pool.to_json()
    job_manifest("agent-agent-12345678-1", pool)
    assert pool.to_json() == before
