"""Whoever holds the brain's token: what kubectl and a patch by it come to."""

import base64
import json
import ssl
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from openclaw_brain.agents.ports import Pool
from openclaw_brain.kubernetes.job_manifest import job_manifest

DEADLINE_S = 1140
"""Of staging's settings."""


def run(*args: str, stdin: str | None = None, check: bool = True) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(["kubectl", *args], input=stdin, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


@dataclass(frozen=True, kw_only=True)
class Brain:
    """Whoever holds the brain's token."""

    namespace: str
    kubeconfig: str
    template: dict[str, Any]
    policy: dict[str, Any]

    def kubectl(self, *args: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        return run("--kubeconfig", self.kubeconfig, "-n", self.namespace, *args, stdin=stdin, check=False)

    def patch(self, job: str, change: dict[str, Any]) -> tuple[int, str]:
        """Status and message of a JSON merge patch, as the brain sends it: kubectl would get the Job first, which the brain may not."""
        view = yaml.safe_load(Path(self.kubeconfig).read_text())
        cluster, token = view["clusters"][0]["cluster"], view["users"][0]["user"]["token"]
        trusted = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        request = urllib.request.Request(  # noqa: S310 - the address of the cluster under test
            f"{cluster['server']}/apis/batch/v1/namespaces/{self.namespace}/jobs/{job}",
            method="PATCH",
            data=json.dumps(change).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"},
        )
        try:
            with urllib.request.urlopen(request, context=trusted, timeout=30) as answer:  # noqa: S310
                return answer.status, ""
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, str(json.loads(refused.read())["message"])

    def job(self, n: int = 1) -> dict[str, Any]:
        """A Job as the brain makes it of the PodTemplate that staging has."""
        pool = Pool(
            template="agent",
            hash8="0123abcd",
            pod=self.template,
            env={"BOT_ID": "1000000001", "TASKS_PER_JOB": "1", "TASK_DEADLINE_S": "180", "WARM_MAX_AGE_S": "900"},
            deadline_s=DEADLINE_S,
        )
        return job_manifest(f"agent-{pool.id}-{n}", pool)

    def create(self, job: dict[str, Any], *flags: str) -> "subprocess.CompletedProcess[str]":
        return self.kubectl("create", *flags, "-f", "-", stdin=json.dumps(job))
