"""`scripts/infra` asks before it destroys, and takes things down in an order that leaves nothing paid behind.

terraform and aws are small scripts on PATH that write down how they were called.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FAKE_TERRAFORM = """#!/bin/bash
echo "terraform ${@:2}" >> "$CALLS"
case $2 in
  show) cat "$PLAN" ;;
  output) echo "$OUTPUTS" ;;
esac
"""

FAKE_AWS = """#!/bin/bash
echo "aws $*" >> "$CALLS"
case "$1 $2" in
  'sts get-caller-identity') echo "$ACCOUNT" ;;
  'ssm send-command') echo command-1 ;;
  'ssm wait') exit "${MASTER_EXIT:-0}" ;;
  'ec2 describe-volumes') printf 'vol-1\\tvol-2\\n' ;;
  'resourcegroupstaggingapi get-resources') [[ "$*" == *"${LEFT_BY:-Project}"* ]] && echo "${LEFT:-None}" || echo None ;;
esac
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    code: int
    said: str
    calls: list[str]

    def position(self, beginning: str) -> int:
        """Where in the order of calls the first one with this beginning stands."""
        return next(n for n, call in enumerate(self.calls) if call.startswith(beginning))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the script and of what it reads, where a test may change things."""
    for path in ("scripts", "clusters", "terraform/environments", "terraform/modules", "docs/cost.md"):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, target, ignore=shutil.ignore_patterns(".terraform*", "tests"))
        else:
            shutil.copy(ROOT / path, target)
    for name, text in {"terraform": FAKE_TERRAFORM, "aws": FAKE_AWS}.items():
        fake = tmp_path / "bin" / name
        fake.parent.mkdir(exist_ok=True)
        fake.write_text(text)
        fake.chmod(0o755)
    plan_of(tmp_path, {"module.network.aws_vpc.this": ["create"]})
    return tmp_path


def plan_of(project: Path, changes: Mapping[str, list[str]]) -> None:
    """Let the next plan hold these changes: address -> actions."""
    document = {
        "resource_changes": [
            {"address": address, "change": {"actions": actions}} for address, actions in changes.items()
        ]
    }
    (project / "plan.json").write_text(json.dumps(document))


def infra(project: Path, *arguments: str, **environment: str) -> Ended:
    calls = project / "calls"
    calls.write_text("")
    done = subprocess.run(
        [project / "scripts/infra", *arguments],
        env={
            "PATH": f"{project / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(calls),
            "PLAN": str(project / "plan.json"),
            "ACCOUNT": "111122223333",
            "OUTPUTS": '{"master_instance_ids": {"value": ["i-0123456789abcdef0"]}}',
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return Ended(
        code=done.returncode,
        said=done.stdout + done.stderr,
        calls=calls.read_text().splitlines(),
    )


def test_a_plan_takes_no_lock_and_changes_nothing(project: Path) -> None:
    ended = infra(project, "plan", "staging")

    assert ended.code == 0, ended.said
    assert [call for call in ended.calls if call.startswith("terraform")][1:] == [
        "terraform plan -input=false -lock=false"
    ]


def test_the_state_is_that_of_the_account_in_git(project: Path) -> None:
    ended = infra(project, "plan", "prod")

    init = ended.calls[ended.position("terraform init")]
    assert "bucket=openclaw-terraform-111122223333" in init
    assert "region=eu-central-1" in init


@pytest.mark.parametrize("action", ["plan", "up"])
def test_a_wrong_setting_stops_before_anything_is_asked_of_aws(project: Path, action: str) -> None:
    file = project / "terraform/environments/staging/terraform.tfvars"
    file.write_text(file.read_text().replace("snapshot_retention_days", "snapshot_retention_day"))

    ended = infra(project, action, "staging")

    assert ended.code == 78
    assert "terraform.tfvars:28: snapshot_retention_day is no variable. Did you mean" in ended.said
    assert ended.calls == []


def test_credentials_of_another_account_stop_before_terraform(project: Path) -> None:
    ended = infra(project, "up", "staging", ACCOUNT="999988887777")

    assert ended.code == 77
    assert "999988887777" in ended.said
    assert not any(call.startswith("terraform") for call in ended.calls)


def test_what_only_adds_is_applied_without_a_question(project: Path) -> None:
    ended = infra(project, "up", "staging")

    assert ended.code == 0, ended.said
    assert ended.position("terraform plan") < ended.position("terraform apply")


@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"], ["create", "delete"]])
def test_what_destroys_or_replaces_is_applied_only_when_confirmed(project: Path, actions: list[str]) -> None:
    plan_of(project, {"module.control_plane.aws_instance.master[0]": actions})

    refused = infra(project, "up", "staging")
    mistyped = infra(project, "up", "staging", CONFIRM="prod")
    confirmed = infra(project, "up", "staging", CONFIRM="staging")

    assert refused.code == mistyped.code == 65
    assert "module.control_plane.aws_instance.master[0]" in refused.said
    assert not any("apply" in call for call in refused.calls + mistyped.calls)
    assert confirmed.code == 0
    assert confirmed.position("terraform apply") > 0


def test_down_needs_the_environments_name(project: Path) -> None:
    ended = infra(project, "down", "staging")

    assert ended.code == 65
    assert not any("destroy" in call or "delete" in call for call in ended.calls)


def test_a_protected_environment_is_not_taken_down(project: Path) -> None:
    ended = infra(project, "down", "prod", CONFIRM="prod")

    assert ended.code == 78
    assert "protected = false" in ended.said
    assert not any("destroy" in call for call in ended.calls)


def test_down_deletes_what_the_cluster_made_and_leaves_nothing(project: Path) -> None:
    ended = infra(project, "down", "staging", CONFIRM="staging")

    assert ended.code == 0, ended.said
    commands = [call for call in ended.calls if call.startswith("aws ssm send-command")]
    assert "argocd-application-controller" in commands[0], "Argo CD must stop first"
    assert "LoadBalancer" in commands[1]
    assert (
        ended.position("aws ssm send-command")
        < ended.position("terraform destroy")
        < ended.position("aws ec2 delete-volume --volume-id vol-1")
        < ended.position("aws ec2 delete-volume --volume-id vol-2")
        < ended.position("aws ssm delete-parameter --name /openclaw/openclaw-staging/join")
        < ended.position("aws resourcegroupstaggingapi get-resources")
    )


def test_down_stops_when_the_cluster_cannot_be_emptied(project: Path) -> None:
    ended = infra(project, "down", "staging", CONFIRM="staging", MASTER_EXIT="255")

    assert ended.code == 1
    assert "get-command-invocation" in ended.said
    assert not any("destroy" in call for call in ended.calls)


@pytest.mark.parametrize("outputs", ["{}", '{"master_instance_ids": {"value": []}}'])
def test_down_takes_down_what_has_no_master(project: Path, outputs: str) -> None:
    ended = infra(project, "down", "staging", CONFIRM="staging", OUTPUTS=outputs)

    assert ended.code == 0, ended.said
    assert "no master is asked" in ended.said
    assert not any("send-command" in call for call in ended.calls)
    assert ended.position("terraform destroy") < ended.position("aws ec2 delete-volume --volume-id vol-1")


def test_down_asks_no_master_that_cannot_answer(project: Path) -> None:
    ended = infra(project, "down", "staging", CONFIRM="staging", MASTER_EXIT="255", WITHOUT_MASTER="1")

    assert ended.code == 0, ended.said
    assert ended.position("terraform destroy")


@pytest.mark.parametrize("tag", ["Project", "kubernetes.io/cluster/openclaw-staging"])
def test_what_is_left_after_down_is_named(project: Path, tag: str) -> None:
    left = "arn:aws:ec2:eu-central-1:1:volume/vol-9"

    ended = infra(project, "down", "staging", CONFIRM="staging", LEFT=left, LEFT_BY=tag)

    assert ended.code == 1
    assert "volume/vol-9" in ended.said


def test_what_waits_for_its_recovery_window_is_no_failure(project: Path) -> None:
    waiting = "arn:aws:kms:eu-central-1:1:key/k\tarn:aws:secretsmanager:eu-central-1:1:secret:s"

    ended = infra(project, "down", "staging", CONFIRM="staging", LEFT=waiting)

    assert ended.code == 0, ended.said
    assert "recovery windows:\narn:aws:kms:" in ended.said


@pytest.mark.parametrize(
    "arguments", [(), ("up",), ("up", "production"), ("destroy", "staging"), ("up", "prod", "now")]
)
def test_a_wrong_call_says_how_it_goes(project: Path, arguments: tuple[str, ...]) -> None:
    ended = infra(project, *arguments)

    assert ended.code == 64
    assert "staging" in ended.said
    assert ended.calls == []
