"""What Prometheus reads beside the brain on a cluster, as processes of this machine or by its own address. The chart has all of it in pods.

kube-state-metrics is built from the module that requirements/kube-state-metrics locks, once a machine.
"""

import base64
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.servers import free_port, process
from tests.e2e.cluster import NAMESPACE, kubectl, ours
from tests.e2e.watched_cluster import pods_job, targets
from tests.manifests.rendering import ROOT, named, render

LOCK = ROOT / "requirements/kube-state-metrics"
BUILT = ROOT / ".tools/bin/kube-state-metrics"
RESOURCES = "nodes,pods"
"""What the rules ask for. The chart has more."""
Job = dict[str, Any]


def kube_state_metrics() -> str:
    """The path of the program. Skips the test where it cannot be built."""
    if not BUILT.exists():
        module = "k8s.io/kube-state-metrics/v2"
        built = subprocess.run(
            ["go", "-C", LOCK, "build", "-ldflags", "-s -w", "-o", BUILT, module],
            env=os.environ | {"CGO_ENABLED": "0"}, capture_output=True, text=True, timeout=1200,
        )  # fmt: skip
        if built.returncode:
            pytest.skip(f"kube-state-metrics was not built, so its alerts are NOT tried: {built.stderr[-500:]}")
    return str(BUILT)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A program that gives metrics."""

    job: Job
    pid: int


@asynccontextmanager
async def cluster_figures(folder: Path) -> AsyncIterator[Part]:
    """kube-state-metrics beside the cluster of KUBECONFIG, with the labels that the chart's ServiceMonitor gives."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    async with process(
        folder / "kube-state-metrics.log",
        kube_state_metrics(), f"--kubeconfig={os.environ['KUBECONFIG']}", f"--resources={RESOURCES}",
        "--host=127.0.0.1", f"--port={port}", "--telemetry-host=127.0.0.1", f"--telemetry-port={free_port()}",
    ) as started:  # fmt: skip
        labels = {"namespace": "monitoring", "container": "kube-state-metrics"}
        job = {
            "job_name": "kube-state-metrics",
            "honor_labels": True,  # the namespace is that of what it tells of
            "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": labels}],
        }
        yield Part(job=job, pid=started.pid)


def kubelet_job(folder: Path) -> Job:
    """The scrape of the first node's kubelet, with the certificate of KUBECONFIG. Files are written into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    [user] = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))["users"]
    files = {}
    for name, key in (("cert_file", "client-certificate-data"), ("key_file", "client-key-data")):
        files[name] = str(folder / name)
        Path(files[name]).touch(mode=0o600)
        Path(files[name]).write_bytes(base64.b64decode(user["user"][key]))
    address = kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[?(@.type=='InternalIP')].address}")
    return {
        "job_name": "kubelet",
        "scheme": "https",
        "honor_labels": True,
        "tls_config": files | {"insecure_skip_verify": True},  # as the chart has it: a kubelet signs its own
        "static_configs": [{"targets": [f"{address}:10250"], "labels": {"node": node()}}],
    }


EXPORTER_IMAGE = "localhost/redis-exporter:test"


@contextmanager
def redis_exporter() -> Iterator[None]:
    """platform/redis-exporter in the namespace of the bot, with Debian's exporter. Skips the test without OPENCLAW_CLUSTER_TOOL."""
    tool = os.environ.get("OPENCLAW_CLUSTER_TOOL") or pytest.skip(
        "OPENCLAW_CLUSTER_TOOL is not set: it builds the exporter's image"
    )
    if EXPORTER_IMAGE not in subprocess.run([tool, "images"], check=True, capture_output=True, text=True).stdout:
        dockerfile = "tests/e2e/gitops/redis-exporter/Dockerfile"
        subprocess.run(
            [tool, "image", EXPORTER_IMAGE, dockerfile, "."], cwd=ROOT, check=True, capture_output=True, timeout=300
        )
    objects = [one for one in render(ROOT / "platform/redis-exporter") if one["kind"] != "PodMonitor"]
    named(objects, "ConfigMap", "redis-exporter-policy")["data"]["image.redis-exporter"] = EXPORTER_IMAGE
    deployment = named(objects, "Deployment", "redis-exporter")
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = EXPORTER_IMAGE
    text = yaml.safe_dump_all(objects)
    ours("apply", "-f", "-", stdin=text)
    try:
        ours("rollout", "status", "deployment/redis-exporter", "--timeout=90s", timeout_s=100)
        yield
    finally:
        ours("delete", "--ignore-not-found", "-f", "-", stdin=text)


def exporter_job(folder: Path) -> AbstractAsyncContextManager[Job]:
    """The scrape of the exporter's pods. *folder* gets a file that names them."""
    return pods_job(folder, f"{NAMESPACE}/redis-exporter", "redis-exporter", port=9121)


def brain_job() -> Job:
    """The scrape of the brain's pods that run now: without an API server nobody can ask for those that come later."""
    return {"job_name": "monitoring/brain", "static_configs": targets("brain", port=8080)}


def node() -> str:
    return kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
