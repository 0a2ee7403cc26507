"""`scripts/terraform-check` does not pass over a missing checker in CI."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parents[2] / "scripts/terraform-check"


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_a_missing_tflint_is_said_loudly_and_red_in_ci(tmp_path: Path, ci: str, status: int) -> None:
    for name, text in {
        "scripts/terraform-check": CHECK.read_text(),
        "scripts/tflint": "#!/bin/sh\nexit 1\n",
        "bin/terraform": "#!/bin/sh\necho '1 passed, 0 failed'\n",
        "clusters/environment.yaml": "",
        "terraform/module/main.tf": "",
        "terraform/module/tests/module.tftest.hcl": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}", "CI": ci}

    done = subprocess.run([tmp_path / "scripts/terraform-check"], env=env, capture_output=True, text=True, check=False)

    assert "tflint SKIPPED" in done.stderr
    assert done.returncode == status, done.stdout + done.stderr
