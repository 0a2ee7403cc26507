"""What single node scripts do, run here as they are but for the folders they work in; machines-test runs them all, on machines.

aws, journalctl and the like are small scripts on PATH. What a log group refuses is that of tests/machines/aws.
"""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from tests.terraform.node_folder import FILES, STAND_IN, VOLUME, Node, node

__all__ = ["node"]


pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("jq") is None, reason="nodes' scripts need Linux and jq"
)


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
