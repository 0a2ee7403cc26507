"""Alerts of etcd and of certificates, each by its fault on a cluster that kubeadm made: `make machines-alerts`.

Prometheus and Alertmanager are processes of this machine, with the repository's rules and configuration. They scrape
etcd, the API server and the kubelets with the rights that Prometheus' account has on a cluster. The commands of docs/alerts.md
are run on the node, as they are written.
"""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.operators import Operators, operators
from tests.alerts.runbook import commands, named
from tests.manifests.rendering import ROOT

NAMES = os.environ.get("OPENCLAW_ALERTS_MACHINES", "")
"""The master and a worker, as the tool calls them, with a comma between."""
SCRAPE = "2s"
"""Longer than that of the cluster by the factor of the other times (0.5 s): the API server's metrics are 3 MB."""
AUTOAPPROVES = "kubeadm:node-autoapprove-certificate-rotation"
SIZE = "apiserver_resource_size_estimate_bytes"
FULL_QUOTA = 8 * 1024**3
pytestmark = [
    pytest.mark.skipif(not NAMES, reason="needs machines: make machines-alerts"),
    pytest.mark.timeout(1200),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMachine:
    """A machine that is a node."""

    tool: str
    name: str

    @property
    def address(self) -> str:
        folder = subprocess.run(
            [self.tool, "dir", self.name], check=True, capture_output=True, text=True
        ).stdout.strip()
        return (Path(folder) / "ip").read_text().strip()

    @property
    def node(self) -> str:
        return f"ip-{self.address.replace('.', '-')}.eu-central-1.compute.internal"

    async def run(self, command: str) -> str:
        """What *command* prints for root with the administrator's kubeconfig. Raises AssertionError if it fails."""
        code, printed = await self.tried(command)
        assert code == 0, f"{self.name}: {command}: {printed}"
        return printed

    async def tried(self, command: str) -> tuple[int, str]:
        shell = f"export KUBECONFIG=/etc/kubernetes/admin.conf; {command}"
        done = await asyncio.to_thread(
            subprocess.run, [self.tool, "run", self.name, "--", "bash", "-o", "pipefail", "-c", shell],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        )  # fmt: skip
        return done.returncode, done.stdout

    async def until(self, command: str, *, within_s: float) -> None:
        """Wait until *command* succeeds."""
        deadline = time.monotonic() + within_s
        while (found := await self.tried(command))[0] != 0:
            assert time.monotonic() < deadline, (
                f"{self.name}: {command} did not succeed within {within_s} s: {found[1]}"
            )
            await asyncio.sleep(0.5)


@pytest.fixture
def master() -> NodeMachine:
    return NodeMachine(tool=os.environ["OPENCLAW_MACHINES_TOOL"], name=NAMES.split(",")[0])


@pytest.fixture
def worker() -> NodeMachine:
    return NodeMachine(tool=os.environ["OPENCLAW_MACHINES_TOOL"], name=NAMES.split(",")[1])


@asynccontextmanager
async def watched(folder: Path, master: NodeMachine, worker: NodeMachine) -> AsyncIterator[Operators]:
    """The operators' chat, told of these machines."""
    token = folder / "account"
    token.write_text(
        await master.run("kubectl --namespace monitoring create token monitoring-prometheus --duration 2h")
    )
    secure = {
        "scheme": "https",
        "authorization": {"credentials_file": str(token)},
        "tls_config": {"insecure_skip_verify": True},
        "scrape_interval": SCRAPE,
        "scrape_timeout": SCRAPE,
    }
    api = f"{master.address}:6443"
    etcd = f"/api/v1/namespaces/kube-system/pods/etcd-{master.node}:2381/proxy/metrics"

    def scrape(job: str, *targets: tuple[str, dict[str, str]], **more: str) -> dict[str, Any]:
        return {
            "job_name": job,
            **secure,
            **more,
            "static_configs": [{"targets": [address], "labels": labels} for address, labels in targets],
        }

    async with operators(
        folder,
        scrape("apiserver", (api, {})),
        scrape("etcd", (api, {"pod": f"etcd-{master.node}"}), metrics_path=etcd),
        scrape("kubelet", *((f"{one.address}:10250", {"node": one.node}) for one in (master, worker))),
    ) as chat:
        yield chat


async def follow(alert: str, master: NodeMachine, node: NodeMachine | None = None, **names: str) -> dict[str, str]:
    """What each command of the alert's section prints, also those that fail: what is asked for may be gone.

    Logs of a unit are those of *node*; all else is for the master. *names* stand in the commands in capitals.
    """
    printed = {}
    for command in commands(alert):
        on = node if node and command.startswith("journalctl") else master
        printed[command] = (await on.tried(named(command, **names)))[1]
        print(f"$ {command}\n{printed[command]}")
    return printed


async def quota_is(master: NodeMachine, size: int) -> None:
    """Start etcd again with a quota of *size* bytes."""
    manifest = "/etc/kubernetes/manifests/etcd.yaml"
    # Not in place: what sed writes beside the file is another Pod to the kubelet.
    await master.run(
        f"sed 's/--quota-backend-bytes=[0-9]*/--quota-backend-bytes={size}/' {manifest} >/run/etcd.yaml"
        f" && cp /run/etcd.yaml {manifest}"
    )
    await master.until(
        "curl --silent http://127.0.0.1:2381/metrics | grep ^etcd_server_quota_backend_bytes"
        f" | xargs printf '%s %.0f\\n' | grep --quiet ' {size}$'",
        within_s=240,
    )
    await master.until("kubectl get --raw /readyz", within_s=240)


async def etcd_holds(master: NodeMachine) -> int:
    """The size of etcd's file, in bytes."""
    metrics = await master.run("curl --silent http://127.0.0.1:2381/metrics | grep ^etcd_mvcc_db_total_size_in_bytes")
    return int(float(metrics.split()[1]))


async def test_etcd_that_fills_up_is_told_and_its_script_gives_the_room_back(
    master: NodeMachine, worker: NodeMachine, tmp_path: Path
) -> None:
    quota = 2 * await etcd_holds(master) + 12 * 1024**2
    await quota_is(master, quota)
    try:
        async with watched(tmp_path, master, worker) as chat:
            for version in range(200):  # of four objects: most of what fills etcd is old
                await master.run(
                    f"{{ echo {version}; head --bytes 450000 /dev/urandom | base64 --wrap 0; }} >/run/filling;"
                    f" kubectl create configmap filling-{version % 4} --from-file /run/filling"
                    " --dry-run=client --output yaml >/run/filling.yaml;"
                    " kubectl replace --filename /run/filling.yaml || kubectl create --filename /run/filling.yaml"
                )
                if await etcd_holds(master) > 0.8 * quota:
                    break
            told = await chat.told("EtcdFilling", since=time.monotonic())
            # The API server estimates sizes once a minute, and nobody on a cluster comes so soon.
            await master.until(
                f"kubectl get --raw /metrics | grep '{SIZE}.*configmaps' | awk '{{exit $2 < 2e6}}'", within_s=150
            )
            printed = await follow("EtcdFilling", master)
            held, freed = re.findall(r"etcd holds (\d+) bytes", printed["sudo /usr/local/lib/openclaw/free-etcd-space"])

            assert int(held) > 0.75 * quota > int(freed)
            assert 'resource="configmaps"' in next(
                text for command, text in printed.items() if "size_estimate" in command
            )
            assert "% full" in told.text
            await chat.over("EtcdFilling")
    finally:
        await master.run("kubectl delete configmap filling-{0..3} --ignore-not-found")
        await quota_is(master, FULL_QUOTA)


async def sign(master: NodeMachine, subject: str, *, began: str) -> str:
    """A client's certificate and key, signed by the cluster, which ends in ten days."""
    file = ROOT / "tests/machines/alerts/sign"
    await asyncio.to_thread(subprocess.run, [master.tool, "put", master.name, str(file), "/root/sign"], check=True)
    return await master.run(
        f"/root/sign '{subject}' '{began}' '+10 days' /root/signed.pem >/dev/null && cat /root/signed.pem"
    )


async def test_a_kubelet_whose_certificate_nobody_renews_is_told_and_gets_a_new_one_once_it_is_approved(
    master: NodeMachine, worker: NodeMachine, tmp_path: Path
) -> None:
    signed = tmp_path / "signed.pem"
    signed.write_text(await sign(master, f"/O=system:nodes/CN=system:node:{worker.node}", began="-355 days"))
    await master.run(f"kubectl delete clusterrolebinding {AUTOAPPROVES}")
    try:
        async with watched(tmp_path, master, worker) as chat:
            await asyncio.to_thread(
                subprocess.run,
                [worker.tool, "put", worker.name, str(signed), "/var/lib/kubelet/pki/old.pem"],
                check=True,
            )
            await worker.run(
                "cd /var/lib/kubelet/pki && ln -sfn $PWD/old.pem kubelet-client-current.pem && systemctl restart kubelet"
            )
            told = await chat.told("CertificateEnds", since=time.monotonic(), within_s=240)
            assert worker.node in told.text
            asked = await master.run(
                f"kubectl get csr --sort-by .metadata.creationTimestamp | grep '{worker.node}.*Pending'"
                " | tail --lines 1 | cut --delimiter ' ' --fields 1"
            )
            printed = await follow("CertificateEnds", master, worker, CSR=asked.strip())

            pending = [line for line in printed["kubectl get csr"].splitlines() if line.endswith("Pending")]
            assert [line for line in pending if worker.node in line], printed
            assert "NotFound" in printed[f"kubectl get clusterrolebinding {AUTOAPPROVES}"]
            assert "approved" in printed["kubectl certificate approve CSR"]
            await chat.over("CertificateEnds", within_s=180)
            kept = await worker.run(
                "openssl x509 -noout -checkend $((300 * 86400)) -in /var/lib/kubelet/pki/kubelet-client-current.pem"
            )
            assert "will not expire" in kept
    finally:
        remake = next(command for command in commands("CertificateEnds") if " create " in command)
        await master.run(f"kubectl get clusterrolebinding {AUTOAPPROVES} || {remake}")


async def test_a_client_whose_certificate_ends_is_told_and_kubeadm_renews_it(
    master: NodeMachine, worker: NodeMachine, tmp_path: Path
) -> None:
    await sign(master, "/CN=system:kube-scheduler", began="now")
    async with watched(tmp_path, master, worker) as chat:
        await master.run(
            "kubectl --kubeconfig /etc/kubernetes/scheduler.conf config set-credentials system:kube-scheduler"
            " --client-certificate=/root/signed.pem --client-key=/root/signed.pem --embed-certs=true"
            " && pkill -x kube-scheduler"
        )
        await chat.told("CertificateOfClientEnds", since=time.monotonic(), within_s=240)
        printed = await follow("CertificateOfClientEnds", master)

        ends = printed["sudo kubeadm certs check-expiration"]
        assert re.search(r"^scheduler\.conf .* 9d ", ends, re.MULTILINE), ends
        assert "system:kube-scheduler" in next(text for command, text in printed.items() if "audit.log" in command)
        await master.until("kubectl get --raw /readyz", within_s=240)
        await chat.over("CertificateOfClientEnds", within_s=240)
        after = await master.run("sudo kubeadm certs check-expiration")
        assert re.search(r"^scheduler\.conf .* 4y\d+d ", after, re.MULTILINE), after
