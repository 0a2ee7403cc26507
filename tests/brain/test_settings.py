"""What ends a start: everything that is wrong, in one message."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from openclaw_core.outcome import Exit

TOKEN = "4242:test-token-of-nobody"


def test_a_start_is_refused_with_one_message_that_lists_wrong_variables_and_wrong_roles(
    platform_base: Path, tmp_path: Path
) -> None:
    base = shutil.copytree(platform_base, tmp_path / "base")
    roles = base / "config/roles.yaml"
    roles.write_text(roles.read_text().replace("template: agent", "template: agent\n    tempreature: 1", 1))
    env = {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "TELEGRAM_TOKEN": TOKEN, "ROLES_DIR": str(base)}
    env |= {"DRAIN_S": "soon", "REDIS_URL": "redis://127.0.0.1:1"}

    started = subprocess.run(
        [sys.executable, "-m", "openclaw_brain"], env=env, capture_output=True, text=True, check=False, timeout=60
    )

    assert started.returncode == Exit.MISCONFIGURED
    for fault in ("GROQ_API_KEY is missing", "DRAIN_S must be a number", "tempreature"):
        assert fault in started.stderr
    assert TOKEN not in started.stderr
