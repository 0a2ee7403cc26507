"""Pure: the Job of an agent, from its pool and its name."""

import copy
from typing import Any

from openclaw_brain.agents.ports import Pool

TTL_S = 60
"""A finished Job is gone after this long; platform/policies allows no more."""
LABELS = {
    "app.kubernetes.io/name": "openclaw",
    "app.kubernetes.io/component": "agent",
    "app.kubernetes.io/part-of": "openclaw",
    "app.kubernetes.io/managed-by": "openclaw-brain",
}
POOL_LABEL = "openclaw.io/pool"
TASK_LABEL = "openclaw.io/task"
ROLE_LABEL = "openclaw.io/role"


def job_manifest(name: str, pool: Pool) -> dict[str, Any]:
    """The Job *name* of *pool*. No task stands in it: which one it takes, it learns from Redis.

    Only the PodTemplate's `template` is copied. Its own metadata carries the tracking id of Argo CD, which would take our
    Jobs for its own and prune them.
    """
    template = copy.deepcopy(dict(pool.pod))
    labels = {**LABELS, POOL_LABEL: pool.id}
    metadata = template.get("metadata") or {}
    template["metadata"] = {
        "labels": {**(metadata.get("labels") or {}), **labels},
        **({"annotations": metadata["annotations"]} if metadata.get("annotations") else {}),
    }
    container = template["spec"]["containers"][0]
    own = {**pool.env, "AGENT_JOB": name, "AGENT_POOL": pool.id}
    kept = [entry for entry in container.get("env") or () if entry["name"] not in own]
    container["env"] = kept + [{"name": key, "value": value} for key, value in sorted(own.items())]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 0,  # only the brain tries again
            "ttlSecondsAfterFinished": TTL_S,
            "activeDeadlineSeconds": pool.deadline_s,
            "template": template,
        },
    }
