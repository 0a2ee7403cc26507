"""What the repository ships, as tests of the code use it."""

from pathlib import Path

from openclaw_core.roles.check import load_roles

ROLES = load_roles(Path(__file__).parents[1] / "platform/openclaw/base")
