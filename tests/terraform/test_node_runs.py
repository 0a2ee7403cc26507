"""What single node scripts do, run here as they are but for the folders they work in; machines-test runs them all, on machines.

aws, journalctl and the like are small scripts on PATH. What a log group refuses is that of tests/machines/aws.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "terraform/modules/user-data/files"
STAND_IN = ROOT / "tests/machines/aws/logs-put-log-events"
VOLUME = "vol-0123456789abcdef0"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("jq") is None, reason="nodes' scripts need Linux and jq"
)

SETTINGS = {
    "AWS_REGION": "eu-central-1",
    "CLUSTER": "openclaw-test",
    "CLUSTER_BUCKET": "bucket",
    "ETCD_VOLUME": VOLUME,
    "KMS_KEY": "arn:aws:kms:eu-central-1:111122223333:key/mock",
    "KUBERNETES_KEY_FINGERPRINT": "A" * 40,
    "KUBERNETES_PACKAGE": "1.37.2-1.1",
    "KUBERNETES_VERSION": "1.37.2",
    "CONTAINERD_KEY_FINGERPRINT": "B" * 40,
    "CONTAINERD_PACKAGE": "2.3.6-1~debian.13~trixie",
    "CONTAINERD_VERSION": "2.3.6",
    "LOG_GROUP": "/openclaw/openclaw-test/nodes",
    "METRIC_NAMESPACE": "OpenClaw/openclaw-test",
    "ROLE": "control-plane",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    code: int
    said: str


@dataclass(frozen=True, slots=True)
class Node:
    """A folder that stands for a node's root, and the programs that its scripts find."""

    root: Path

    def path(self, name: str) -> Path:
        path = self.root / name.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str, text: str) -> Path:
        self.path(name).write_text(text)
        return self.path(name)

    def program(self, name: str, text: str = "") -> None:
        """From now on scripts find this program; an empty one does nothing, well."""
        self.write(f"bin/{name}", f"#!/bin/bash\n{text}\n").chmod(0o755)

    def moved(self, text: str) -> str:
        """The text with this folder's names in place of a node's."""
        for folder in ("/usr/local/lib/openclaw", "/var/l", "/etc/", "/run/", "/dev/disk/", "/usr/bin/kube"):
            text = text.replace(folder, f"{self.root}{folder}")
        return text

    def run(self, script: str, *arguments: str) -> Ended:
        done = subprocess.run(
            [self.path(f"/usr/local/lib/openclaw/{script}"), *arguments],
            env={"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "ROOT": str(self.root)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(code=done.returncode, said=done.stdout + done.stderr)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    node = Node(tmp_path)
    for part in ("common", "control-plane"):
        for file in (FILES / part).iterdir():
            node.write(f"/usr/local/lib/openclaw/{file.name}", node.moved(file.read_text())).chmod(0o755)
    node.write("/etc/openclaw/node.env", "".join(f"{name}='{value}'\n" for name, value in SETTINGS.items()))
    node.program("curl", "echo i-0123456789abcdef0")  # the metadata service
    node.program("sync")
    node.program("journalctl", 'cat "$ROOT/journal" 2>/dev/null || true')
    node.program("aws", 'case "$1 $2" in "logs put-log-events") exec "$ROOT/put-log-events" "${@:3}" ;; esac')
    node.write("put-log-events", node.moved(STAND_IN.read_text())).chmod(0o755)
    return node


def sent(node: Node, stream: str) -> list[str]:
    file = node.root / "run/fake-aws/logs" / stream.replace("/", "_")
    return file.read_text().splitlines() if file.exists() else []


def audited(number: int, time: str = "2026-11-27T02:00:00.000000Z") -> str:
    return json.dumps({"auditID": str(number), "stageTimestamp": time}, separators=(",", ":"))


AUDIT = "/var/log/kubernetes/audit.log"
AUDIT_STREAM = "audit/i-0123456789abcdef0"


def test_the_audit_log_is_sent_sorted_by_milliseconds(node: Node) -> None:
    times = ["02:00:01.000002Z", "02:00:00.900001Z", "02:00:00.100000Z", "02:00:02Z"]
    lines = [audited(n, f"2026-11-27T{time}") for n, time in enumerate(times)]
    node.write(AUDIT, "\n".join(lines) + "\n")

    ended = node.run("ship-logs")

    assert ended.code == 0, ended.said
    assert sent(node, AUDIT_STREAM) == [lines[2], lines[1], lines[0], lines[3]]


def test_logs_of_many_days_go_a_day_at_a_time(node: Node) -> None:
    entries = [
        {"__REALTIME_TIMESTAMP": str(day * 86_400_000_000), "_SYSTEMD_UNIT": "kubelet.service", "MESSAGE": f"day {day}"}
        for day in (20_000, 20_003)
    ]
    node.write("journal", "".join(json.dumps({**entry, "__CURSOR": "c"}) + "\n" for entry in entries))

    ended = node.run("ship-logs")

    assert ended.code == 0, ended.said
    assert sent(node, "control-plane/i-0123456789abcdef0/journal") == [
        "kubelet.service day 20000",
        "kubelet.service day 20003",
    ]


def test_the_rest_of_an_audit_log_that_was_turned_over_is_sent(node: Node) -> None:
    node.write(AUDIT, audited(1) + "\n")
    node.run("ship-logs")
    with node.path(AUDIT).open("a") as log:
        log.write(audited(2) + "\n")
    node.path(AUDIT).rename(node.path("/var/log/kubernetes/audit-2026-11-27T02-00-00.000.log"))
    node.write("/var/log/kubernetes/audit-2026-11-27T02-01-00.000.log", audited(3) + "\n")
    node.write(AUDIT, audited(4) + "\n" + '{"half a line')

    ended = node.run("ship-logs")
    node.run("ship-logs")

    assert ended.code == 0, ended.said
    assert sent(node, AUDIT_STREAM) == [audited(n) for n in (1, 2, 3, 4)]


def test_a_torn_line_holds_nothing_up(node: Node) -> None:
    node.write(AUDIT, '{"auditID": "to\n' + audited(2) + "\n")

    ended = node.run("ship-logs")

    assert ended.code == 0, ended.said
    assert set(sent(node, AUDIT_STREAM)) == {'{"auditID": "to', audited(2)}


def test_what_is_refused_as_invalid_is_passed_over_and_said(node: Node) -> None:
    node.write(AUDIT, audited(1) + "\n")
    node.write("put-log-events", "#!/bin/bash\necho 'An error occurred (InvalidParameterException)' >&2; exit 254\n")
    refused = node.run("ship-logs")
    node.write("put-log-events", node.moved(STAND_IN.read_text()))
    with node.path(AUDIT).open("a") as log:
        log.write(audited(2) + "\n")

    ended = node.run("ship-logs")

    assert refused.code == ended.code == 0
    assert "LOST 1 events of audit/" in refused.said
    assert sent(node, AUDIT_STREAM) == [audited(2)]


def test_what_could_not_be_sent_is_sent_the_next_time(node: Node) -> None:
    node.write(AUDIT, audited(1) + "\n")
    node.write("put-log-events", "#!/bin/bash\necho 'An error occurred (ThrottlingException)' >&2; exit 254\n")
    throttled = node.run("ship-logs")
    node.write("put-log-events", node.moved(STAND_IN.read_text()))

    node.run("ship-logs")

    assert throttled.code != 0
    assert "ThrottlingException" in throttled.said
    assert sent(node, AUDIT_STREAM) == [audited(1)]


def test_a_file_system_ends_the_permission_to_format(node: Node) -> None:
    node.write(f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{VOLUME.replace('-', '')}", "")
    mark = node.write("/var/lib/openclaw/formatting", VOLUME)
    node.path("/var/lib/etcd/data").mkdir()
    node.program("blkid", "echo ext4")
    node.program("mountpoint", "echo 259:1")

    ended = node.run("etcd-volume")

    assert ended.code == 0, ended.said
    assert not mark.exists()


@pytest.mark.parametrize("installed", ["v1.38.1", "v1.37.2"])
def test_a_restore_stops_nothing_where_the_settings_name_another_version(node: Node, installed: str) -> None:
    node.program("kubeadm", f"echo {installed}")
    node.program("systemctl", 'echo "$*" >>"$ROOT/stopped"; exit 1')

    ended = node.run("restore-etcd", "latest")

    assert ended.code != 0
    assert (node.root / "stopped").exists() == (installed == "v1.37.2")
    assert ("Nothing was stopped" in ended.said) == (installed == "v1.38.1")


CONTAINERD = """case "$*" in
  --version) echo "containerd containerd.io v$(cat "$ROOT/containerd") 0123abc" ;;
  *) printf "    sandbox = '%s'\\n  SystemdCgroup = %s\\n" registry.k8s.io/pause:3.10 "${CGROUP:-false}" ;;
esac"""
APT = """echo "$*" >>"$ROOT/apt"
[[ $* != *"containerd.io=2.3.6-1~debian.13~trixie" ]] || echo 2.3.6 >"$ROOT/containerd" """
GPG = """case $1 in
  --show-keys) printf 'pub:::\\nfpr:::::::::%s:\\nsub:::\\nfpr:::::::::%s:\\n' "$(cat "$ROOT/key")" CCCC ;;
  *) cat ;;
esac"""


@pytest.fixture
def fresh(node: Node) -> Node:
    """A machine of Debian 13 with Kubernetes' packages and what containerd its release has."""
    for program in ("apt-mark", "kubectl", "kubelet", "modprobe", "systemctl", "sysctl"):
        node.program(program)
    for program in ("kubectl", "kubelet"):
        node.program(f"../usr/bin/{program}")
    for name in ("aws", "conntrack", "envsubst", "gpgv", "mkfs.ext4"):
        node.program(name)
    node.program("kubeadm", 'if [[ $1 == version ]]; then echo v1.37.2; else echo "registry.example/pause:3.11"; fi')
    node.program("containerd", CONTAINERD)
    node.program("apt-get", APT)
    node.program("gpg", GPG)
    node.write("containerd", "1.7.24\n")
    node.write("key", "B" * 40)
    node.write("/etc/os-release", "VERSION_CODENAME=trixie\n")
    return node


def apt_calls(node: Node) -> list[str]:
    file = node.root / "apt"
    return file.read_text().splitlines() if file.exists() else []


def test_a_containerd_that_kubernetes_will_refuse_is_replaced_once(fresh: Node) -> None:
    ended = [fresh.run("prepare-node") for _ in range(2)]

    assert [end.code for end in ended] == [0, 0], ended
    installed = [call for call in apt_calls(fresh) if " install " in f" {call} "]
    assert len(installed) == 1
    assert installed[0].endswith("containerd.io=2.3.6-1~debian.13~trixie")
    source = fresh.path("/etc/apt/sources.list.d/containerd.list").read_text()
    assert source.endswith("https://download.docker.com/linux/debian trixie stable\n")
    [update] = [call for call in apt_calls(fresh) if call.startswith("update")]
    assert "APT::Key::GPGVCommand=/usr/bin/gpgv" in update
    assert "Dir::Etc::sourceparts=-" in update, "gpgv in place of sqv is for this source alone"


def test_containerd_of_a_stranger_is_not_installed(fresh: Node) -> None:
    fresh.write("key", "D" * 40)

    ended = fresh.run("prepare-node")

    assert ended.code != 0
    assert "nothing installed. If its owner announced a new key, set containerd_key_fingerprint" in ended.said
    assert apt_calls(fresh) == []


def test_kubernetes_of_a_stranger_is_not_installed(fresh: Node) -> None:
    fresh.write("containerd", "2.3.6\n")
    fresh.program("kubeadm", "echo v1.36.0")

    ended = fresh.run("prepare-node")

    assert ended.code != 0
    assert "set kubernetes_key_fingerprint" in ended.said
    assert apt_calls(fresh) == []


def test_containerd_keeps_to_the_kubelets_cgroups_and_to_kubeadms_pause_image(fresh: Node) -> None:
    fresh.write("containerd", "2.3.6\n")

    ended = fresh.run("prepare-node")

    assert ended.code == 0, ended.said
    written = fresh.path("/etc/containerd/config.toml").read_text()
    assert written.splitlines() == ["    sandbox = 'registry.example/pause:3.11'", "  SystemdCgroup = true"]


def test_a_configuration_of_another_form_is_refused(fresh: Node) -> None:
    fresh.write("containerd", "2.3.6\n")
    fresh.program("containerd", CONTAINERD.replace("sandbox", "pause"))

    ended = fresh.run("prepare-node")

    assert ended.code != 0
    assert "has another form of configuration" in ended.said


def test_packages_are_fetched_by_https_only(fresh: Node) -> None:
    fresh.write("containerd", "2.3.6\n")
    sources = {
        "/etc/apt/sources.list": "deb http://mirror.example/debian trixie main\n",
        "/etc/apt/sources.list.d/debian.sources": "URIs: http://mirror.example/debian https://mirror.example/security\n",
        "/etc/apt/mirrors/debian.list": "http://mirror.example/debian\n",
    }
    for name, text in sources.items():
        fresh.write(name, text)

    ended = [fresh.run("prepare-node") for _ in range(2)]

    assert [end.code for end in ended] == [0, 0], ended
    assert {name: fresh.path(name).read_text() for name in sources} == {
        name: text.replace("http://", "https://") for name, text in sources.items()
    }


def test_a_failure_before_any_program_is_installed_shows_on_the_console() -> None:
    assert "\nStandardOutput=journal+console\n" in (FILES / "common/openclaw-boot.service").read_text()


SNAPSHOT = b"REDIS0011" + b"words of users" * 50 + b"\xff" + b"checksum"


@pytest.fixture
def bots(node: Node) -> Node:
    """A master with two bots, whose stores are sent as valkey-cli does, and a bucket."""
    node.path("sent").write_bytes(SNAPSHOT + b"0123456789" * 4 + b"whole")
    node.program("kubectl", 'case $1 in get) echo openclaw-prod openclaw-staging ;; *) cat "$ROOT/sent" ;; esac')
    node.program(
        "aws",
        """echo "$*" >>"$ROOT/calls"
        case "$1 $2" in
          "s3 cp") mkdir -p "$ROOT/s3/$(dirname "${9#s3://}")"; cp "$8" "$ROOT/s3/${9#s3://}" ;;
          "s3api head-object") stat --format %s "$ROOT/s3/$4/$6" ;;
        esac""",
    )
    return node


def test_the_store_of_each_bot_goes_to_s3_and_is_counted_when_it_is_there(bots: Node) -> None:
    ended = bots.run("snapshot-redis")

    assert ended.code == 0, ended.said
    stored = sorted((bots.root / "s3/bucket/redis").rglob("*.rdb"))
    assert [file.parent.name for file in stored] == ["openclaw-prod", "openclaw-staging"]
    assert [file.read_bytes() for file in stored] == [SNAPSHOT, SNAPSHOT]
    assert (bots.root / "calls").read_text().splitlines()[-1].startswith("cloudwatch put-metric-data")
    assert not (bots.root / "var/lib/openclaw/redis.rdb").exists()


@pytest.mark.parametrize("missing", [1, 5, 6, 40, 45, 300])
def test_a_store_that_was_cut_off_is_not_stored_and_not_counted(bots: Node, missing: int) -> None:
    whole = bots.path("sent").read_bytes()
    bots.path("sent").write_bytes(whole[:-missing])

    ended = bots.run("snapshot-redis")

    assert ended.code == 1
    assert "the snapshot of openclaw-prod was cut off" in ended.said
    assert not (bots.root / "calls").exists()


def test_a_store_that_was_cut_off_within_digits_that_a_user_sent_is_not_stored(bots: Node) -> None:
    """They look like the mark behind which a snapshot ends."""
    bots.path("sent").write_bytes(b"REDIS0011" + b"0123456789abcdef" * 20 + b"whole")

    ended = bots.run("snapshot-redis")

    assert (ended.code, (bots.root / "calls").exists()) == (1, False)


def test_a_master_without_a_bot_counts_no_copy(bots: Node) -> None:
    bots.program("kubectl")

    ended = bots.run("snapshot-redis")

    assert (ended.code, (bots.root / "calls").exists()) == (1, False)
    assert "no bot is installed: nothing was copied" in ended.said


def test_an_upload_that_s3_does_not_have_whole_is_not_counted(bots: Node) -> None:
    bots.program("aws", 'echo "$*" >>"$ROOT/calls"; [ "$1" != s3api ] || echo 7')

    ended = bots.run("snapshot-redis")

    assert ended.code == 1
    assert "S3 holds 7 bytes of redis/openclaw-prod/" in ended.said
    assert "put-metric-data" not in (bots.root / "calls").read_text()
