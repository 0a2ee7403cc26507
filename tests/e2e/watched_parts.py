"""What Prometheus reads beside the brain on a cluster, as processes of this machine or by its own address. The chart has all of it in pods.

kube-state-metrics is built from the module that requirements/kube-state-metrics locks, once a machine.
"""

import asyncio
import base64
import json
import os
import shlex
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.runbook import commands
from tests.alerts.servers import free_port, process
from tests.e2e.cluster import NAMESPACE, kubectl, ours, pods
from tests.manifests.rendering import ROOT, named, render

LOCK = ROOT / "requirements/kube-state-metrics"
BUILT = ROOT / ".tools/bin/kube-state-metrics"
RESOURCES = "nodes,pods"
"""What the rules ask for. The chart has more."""
CHANGES = ("rollout restart", "port-forward")
"""Commands of docs/alerts.md that mend something, or go on until they are ended."""

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


@asynccontextmanager
async def exporter_job(folder: Path) -> AsyncIterator[Job]:
    """The scrape of the exporter's pods, also of those that come later: *folder* has a file that names them."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "pods.json"
    labels = {"namespace": NAMESPACE, "container": "redis-exporter"}

    async def name_them() -> None:
        while True:
            found = await asyncio.to_thread(pods, "redis-exporter")
            targets = [f"{pod['status']['podIP']}:9121" for pod in found if pod["status"].get("podIP")]
            file.with_suffix(".new").write_text(json.dumps([{"targets": targets, "labels": labels}]))
            file.with_suffix(".new").rename(file)
            await asyncio.sleep(1)

    naming = asyncio.create_task(name_them(), name="name the exporter's pods")
    try:
        scrape = {"files": [str(file)], "refresh_interval": "1s"}
        yield {"job_name": f"{NAMESPACE}/redis-exporter", "file_sd_configs": [scrape]}
    finally:
        naming.cancel()


def brain_job() -> Job:
    """The scrape of the brain's pod that runs now."""
    [pod] = [one for one in pods("brain") if one["status"].get("podIP")]
    labels = {"namespace": NAMESPACE, "container": "brain"}
    targets = [f"{pod['status']['podIP']}:8080"]
    return {"job_name": "monitoring/brain", "static_configs": [{"targets": targets, "labels": labels}]}


def node() -> str:
    return kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")


def shown_by(alert: str, **words: str) -> str:
    """What the `kubectl` commands of the alert's section print that look at something, also those that fail. *words*: as for `run_written`."""
    printed = []
    for command in commands(alert):
        if command.startswith("kubectl") and not any(word in command for word in CHANGES):
            printed.append(run_written(command, **words))
    return "\n".join(printed)


def run_written(command: str, **words: str) -> str:
    """Run a command of docs/alerts.md and give its output, with that to stderr. *words*: what its words in capitals stand for."""
    words = {"NS": NAMESPACE, **words}
    line = [words.get(word, word) for word in shlex.split(command)]
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90, check=False)
    return done.stdout
