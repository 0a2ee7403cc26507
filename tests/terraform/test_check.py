"""`scripts/terraform-check` does not pass over a missing checker in CI, and asks the quick questions first."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parents[2] / "scripts/terraform-check"


def checked(root: Path, ci: str = "", tfvars: str = "exit 0") -> subprocess.CompletedProcess[str]:
    """Run the script in a folder with one module, in which every program but the named ones is well."""
    for name, text in {
        "scripts/terraform-check": CHECK.read_text(),
        "scripts/tfvars-check": f"#!/bin/sh\n{tfvars}\n",
        "scripts/tflint": "#!/bin/sh\nexit 1\n",
        "bin/terraform": "#!/bin/sh\necho called >>\"$0.calls\"\necho '1 passed, 0 failed'\n",
        "clusters/environment.yaml": "",
        "terraform/module/main.tf": "",
        "terraform/module/tests/module.tftest.hcl": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    env = os.environ | {"PATH": f"{root}/bin{os.pathsep}{os.environ['PATH']}", "CI": ci}
    return subprocess.run([root / "scripts/terraform-check"], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_a_missing_tflint_is_told_and_red_in_ci(tmp_path: Path, ci: str, status: int) -> None:
    done = checked(tmp_path, ci=ci)

    assert "tflint SKIPPED" in done.stderr
    assert done.returncode == status, done.stdout + done.stderr


def test_a_wrong_setting_is_told_before_terraform_runs(tmp_path: Path) -> None:
    done = checked(tmp_path, tfvars="echo 'terraform.tfvars:3: the cost table' >&2; exit 1")

    assert done.returncode == 1
    assert "terraform.tfvars:3: the cost table" in done.stderr
    assert not (tmp_path / "bin/terraform.calls").exists()
