"""Alerts of Argo CD, each by a commit that does harm; the commands of docs/alerts.md are run as they are written.

The Application is one of the test's own: what is tried is the way from Argo CD's metrics to the operators' chat, not the platform's manifests.
"""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.operators import operators
from tests.e2e.cluster import kubectl, until
from tests.e2e.gitops import argocd
from tests.e2e.gitops.conftest import TOOL, stop_argocd
from tests.e2e.watched_cluster import follow

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

NAME = "alerts-tried"
"""Of the Application, its namespace and its Deployment."""
METRICS = "127.0.0.1:8082"
"""Of the application controller: OPENCLAW_CLUSTER_TOOL starts it there."""


def deployment() -> Any:
    labels = {"app": NAME}
    container = {"name": "pause", "image": "localhost/pause:1", "imagePullPolicy": "IfNotPresent"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME},
        "spec": {
            "replicas": 1,
            "progressDeadlineSeconds": 10,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def selects_others(body: Any) -> None:
    """The selector of a Deployment can never be changed: the API server refuses it."""
    body["spec"]["selector"]["matchLabels"] = {"app": "other"}
    body["spec"]["template"]["metadata"]["labels"] = {"app": "other"}


def image_that_is_nowhere(body: Any) -> None:
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "localhost/alerts-tried:nowhere"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """What Git has: one Deployment."""

    root: Path

    def commit(self, change: Callable[[Any], object] = lambda _: None) -> None:
        body = deployment()
        change(body)
        file = self.root / "app/deployment.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(body))
        author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        for command in (("init", "-q", "-b", "main"), ("add", "."), (*author, "commit", "-q", "-m", "Change it")):
            subprocess.run(["git", *command], cwd=self.root, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """What Argo CD has brought to the cluster, in good health."""
    found = Repository(root=tmp_path_factory.mktemp("repository"))
    found.commit()
    subprocess.run([TOOL, "argocd"], check=True, capture_output=True, text=True, timeout=900)
    application = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": NAME, "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": {"repoURL": f"file://{found.root}", "targetRevision": "main", "path": "app"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": NAME},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
    }
    kubectl("create", "namespace", NAME)
    try:
        kubectl("apply", "-f", "-", stdin=yaml.safe_dump(application))
        argocd.wait_until_well(NAME, within_s=120)
        yield found
    finally:
        kubectl("-n", "argocd", "delete", "application.argoproj.io", NAME, "--ignore-not-found")
        kubectl("delete", "namespace", NAME, "--ignore-not-found")
        until(lambda: NAME not in argocd.applications(), within_s=60, what="the end of the Application")
        stop_argocd()


HARM: dict[str, tuple[Callable[[Any], None], str]] = {
    "ApplicationOutOfSync": (selects_others, "field is immutable"),
    "ApplicationUnhealthy": (image_that_is_nowhere, f"deployment.apps/{NAME}"),
}
"""By alert: the change in Git, and what the commands of its section show."""


@pytest.mark.parametrize("alert", HARM)
async def test_a_commit_that_does_harm_is_told_until_it_is_reverted(
    repository: Repository, alert: str, tmp_path: Path
) -> None:
    harm, shows = HARM[alert]
    job = {"job_name": "argocd-metrics", "static_configs": [{"targets": [METRICS], "labels": {"namespace": "argocd"}}]}
    async with operators(tmp_path, {**job, "honor_labels": True}) as chat:
        await asyncio.sleep(3)
        repository.commit(harm)
        since = time.monotonic()

        told = await chat.told(alert, since=since, within_s=180)
        assert NAME in told.text
        shown = await follow(alert, NAME=NAME)
        assert shows in shown, shown

        repository.commit()
        await chat.over(alert, within_s=120)
