"""`scripts/terraform-scan` is green only when checkov looked at something and found nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

SCAN = Path(__file__).resolve().parents[2] / "scripts/terraform-scan"


def scan(tmp_path: Path, report: str, **environment: str) -> subprocess.CompletedProcess[str]:
    checkov = tmp_path / "checkov"
    checkov.write_text(f"#!/bin/bash\ncat <<'REPORT'\n{report}\nREPORT\n")
    checkov.chmod(0o755)
    return subprocess.run(
        [SCAN],
        env={"PATH": os.environ["PATH"], "CHECKOV": str(checkov), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def report(*, passed: int, failed: int = 0, parsing_errors: int = 0) -> str:
    found = {
        "check_id": "CKV_AWS_79",
        "resource": "aws_instance.master",
        "check_name": "IMDSv1 is off",
        "file_path": "/masters.tf",
    }
    return json.dumps(
        {
            "summary": {
                "passed": passed,
                "failed": failed,
                "skipped": 2,
                "parsing_errors": parsing_errors,
            },
            "results": {"failed_checks": [found] * failed},
        }
    )


def test_passed_checks_and_no_failure_are_green(tmp_path: Path) -> None:
    assert scan(tmp_path, report(passed=7)).returncode == 0


def test_a_failed_check_is_red_and_named(tmp_path: Path) -> None:
    done = scan(tmp_path, report(passed=7, failed=1))

    assert done.returncode == 1
    assert "CKV_AWS_79 aws_instance.master" in done.stdout


@pytest.mark.parametrize("said", ["", "not json", '{"passed": 0}', report(passed=0)])
def test_a_scan_that_looked_at_nothing_is_red(tmp_path: Path, said: str) -> None:
    assert scan(tmp_path, said).returncode == 1


def test_a_file_that_cannot_be_read_is_red(tmp_path: Path) -> None:
    assert scan(tmp_path, report(passed=7, parsing_errors=1)).returncode == 1


def test_a_checkov_that_is_not_there_is_red(tmp_path: Path) -> None:
    done = scan(tmp_path, "", CHECKOV="/nonexistent/checkov")

    assert done.returncode == 1
    assert "not an executable" in done.stderr
