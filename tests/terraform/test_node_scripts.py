"""Node scripts, their settings and the rights of the instances that run them stand in three places that must agree.

A missing right or a setting under another name would show on AWS only, minutes after an apply; each is read here from the files.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
USER_DATA = ROOT / "terraform/modules/user-data"
NODES = (ROOT / "terraform/modules/iam/nodes.tf").read_text()
GROUPS = (ROOT / "terraform/modules/workers/groups.tf").read_text()
ROLES = {"master": "control-plane", "worker": "worker"}

# What one command asks for, where the name alone does not tell.
ACTIONS = {
    "s3 cp from": ["s3:GetObject"],
    "s3 cp to": ["s3:PutObject"],
    # Without ListBucket a missing object would be a 403, which looks like a missing right.
    "s3api head-object": ["s3:GetObject", "s3:ListBucket"],
}
# Asked for by AWS's services on the caller's behalf, or by Amazon's own agent: no script names them.
INDIRECT = re.compile(r"^(kms|ssmmessages):|^ssm:UpdateInstanceInformation$")
# Set on the node by identify(), by systemd, by /etc/os-release or by the script itself.
LOCAL_NAMES = {
    "NODE_NAME",
    "ADDRESS",
    "INSTANCE_ID",
    "ZONE",
    "JOIN_TOKEN",
    "CA_HASH",
    "SECONDS",
    "VERSION_CODENAME",
    "BASH_SOURCE",
    "KUBECONFIG",
}


def scripts(role: str) -> str:
    """All that a node of this role runs, comments left out."""
    files = [path for part in ("common", role) for path in sorted((USER_DATA / "files" / part).iterdir())]
    text = "\n".join(path.read_text() for path in files)
    return re.sub(r"^\s*#.*$", "", text.replace("\\\n", " "), flags=re.M)


def wanted(role: str) -> set[str]:
    actions: set[str] = set()
    for service, operation, rest in re.findall(r"\baws ([a-z0-9]+) ([a-z-]+)([^\n;|]*)", scripts(role)):
        command = f"{service} {operation}"
        if command == "s3 cp":
            words = [word.strip("\"';)") for word in rest.split() if not word.startswith("--")]
            # `fetch` hands its location on as "$1"; a location to write to comes last.
            command = f"s3 cp {'to' if words[-1].startswith('s3://') else 'from'}"
        camel = "".join(word.capitalize() for word in operation.split("-"))
        actions |= set(ACTIONS.get(command, [f"{service}:{camel}"]))
    return actions


def policy(role: str) -> str:
    """The policy's text, with the statements that both roles share."""
    shared = "".join(re.findall(r"^  (?:session_manager|node_log)_statement = \{\n.*?^  \}\n", NODES, re.M | re.S))
    name = {"master": r"master_policy = \{", "worker": r"worker_policies = \{ for [^\n]* => \{"}[role]
    own = re.search(rf"^  {name}\n(.*?)^  \}}( \}})?\n", NODES, re.M | re.S)
    assert own is not None
    return shared + own[1]


def granted(role: str) -> set[str]:
    return set(re.findall(r'"([a-z0-9]+:[A-Z][A-Za-z]+)"', policy(role)))


def test_these_tests_see_what_they_judge() -> None:
    assert {"ssm:PutParameter", "s3:PutObject", "s3:GetObject", "cloudwatch:PutMetricData"} <= wanted("control-plane")
    assert {"ssm:GetParameter", "autoscaling:CompleteLifecycleAction"} <= wanted("worker")
    assert "s3:PutObject" not in wanted("worker")


@pytest.mark.parametrize("role", ROLES)
def test_a_node_may_do_what_its_scripts_do_and_no_more(role: str) -> None:
    may = {action for action in granted(role) if not INDIRECT.search(action)}

    assert may == wanted(ROLES[role])


def test_the_master_reaches_the_prefixes_that_its_scripts_use() -> None:
    used = set(
        re.findall(
            r"\b(etcd|pki|gitops|redis)/",
            " ".join(re.findall(r"(?:CLUSTER_BUCKET/|key=)\S+", scripts("control-plane"))),
        )
    )
    reached = set(re.findall(r"cluster_bucket_arn\}/([a-z]+)/\*", policy("master")))

    assert used == reached == {"etcd", "pki", "gitops", "redis"}


def test_the_alarm_watches_what_the_copies_of_the_store_count() -> None:
    alarms = (ROOT / "terraform/modules/backup/alarm.tf").read_text()
    counted = re.findall(r"--metric-name ([A-Z]\w+)", scripts("control-plane"))

    assert counted == re.findall(r'metric_name +="?\s"(\w+)" #', alarms) == ["RedisSnapshotStored"]


def test_the_role_that_the_bucket_leaves_its_keys_to_is_the_masters() -> None:
    bucket = (ROOT / "terraform/modules/backup/bucket.tf").read_text()

    assert ":role/${var.name}-master" in bucket
    assert re.search(r'resource "aws_iam_role" "master" \{\n  name +=\s"\$\{var\.name\}-master"', NODES)


def test_the_issuers_documents_are_those_that_the_master_may_write() -> None:
    loop = re.search(r"for document in (.*);", scripts("control-plane"))
    assert loop is not None

    assert set(loop[1].split()) == set(re.findall(r"issuer\.arn\}/([^\"]+)\"", policy("master")))


def test_hooks_are_answered_by_their_names_in_their_group() -> None:
    hooks = set(re.findall(r'initial_lifecycle_hook \{\n\s+name\s+= "([^"]+)"', GROUPS))
    answered = set(re.findall(r'scripts?/lifecycle"? ([a-z]+) (?:CONTINUE|ABANDON)', scripts("worker"))) | set(
        re.findall(r"openclaw/lifecycle ([a-z]+) ABANDON", scripts("worker"))
    )

    assert hooks == answered == {"joined", "drained"}
    assert 'key => "${var.name}-${group.pool}-${group.zone}" }' in GROUPS
    assert "name                = local.group_names[each.key]" in GROUPS
    assert '"$CLUSTER-$POOL-$ZONE"' in scripts("worker")


@pytest.mark.parametrize("role", ROLES.values())
def test_every_setting_that_is_used_is_given_and_none_in_vain(role: str) -> None:
    main = (USER_DATA / "main.tf").read_text()
    block = "control_plane_settings" if role == "control-plane" else "worker_settings"
    own = re.search(rf"^  {block} = .*?^  \}}\) ?[]}}]\n", main, re.M | re.S)
    shared = re.search(r"^  settings = \{.*?^  \}\n", main, re.M | re.S)
    assert own is not None
    assert shared is not None
    given = set(re.findall(r"^\s+([A-Z][A-Z0-9_]+)\s+=", shared[0] + own[0], re.M))
    used = set(re.findall(r"(?<!\\)\$\{?([A-Z][A-Z0-9_]{2,})\b", scripts(role))) | set(
        re.findall(r"env\.([A-Z_]+)", scripts(role))
    )

    assert used - LOCAL_NAMES <= given
    assert given <= used


def test_prometheus_reads_etcds_metrics_where_it_may() -> None:
    """Role, scrape job and etcd's own setting stand in three files and name one Pod, port and account."""
    values = yaml.safe_load((ROOT / "platform/monitoring/values.yaml").read_text())
    [job] = [
        job for job in values["prometheus"]["prometheusSpec"]["additionalScrapeConfigs"] if job["job_name"] == "etcd"
    ]
    [path] = [rule["replacement"] for rule in job["relabel_configs"] if rule.get("target_label") == "__metrics_path__"]
    role, binding = yaml.safe_load_all((USER_DATA / "files/control-plane/etcd-metrics.yaml").read_text())
    port = re.findall(r"http://\$\{ADDRESS\}:(\d+)", (USER_DATA / "files/control-plane/kubeadm-init.yaml").read_text())

    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": f"{values['fullnameOverride']}-prometheus", "namespace": "monitoring"}
    ]
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["pods/proxy"],
            "resourceNames": [f"etcd-${{NODE_NAME}}:{port[0]}"],
            "verbs": ["get"],
        }
    ]
    assert path == f"/api/v1/namespaces/kube-system/pods/$1:{port[0]}/proxy/metrics"


@pytest.mark.parametrize("path", sorted((USER_DATA / "files").rglob("*")), ids=lambda path: path.name)
def test_scripts_stop_at_the_first_failure(path: Path) -> None:
    if path.is_file() and path.read_text().startswith("#!") and path.name != "give-up":
        text = path.read_text()
        assert text.startswith("#!/bin/bash\n")
        assert "\nset -euo pipefail\n" in text or "\n. /usr/local/lib/openclaw/node.sh\n" in text
