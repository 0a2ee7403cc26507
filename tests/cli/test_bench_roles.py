"""Roles of measurements: without tools, and beside them as they are shipped."""

from pathlib import Path

from openclaw_cli.bench.roles import folder_without_tools
from openclaw_cli.bench.roles import with_and_without_tools as both_ways
from openclaw_core.roles.check import load_roles

BASE = Path(__file__).parents[2] / "platform/openclaw/base"


def test_no_role_of_a_measurement_has_tools_and_all_else_is_as_shipped(tmp_path: Path) -> None:
    shipped, bare = load_roles(BASE).roles, load_roles(folder_without_tools(BASE, tmp_path)).roles
    assert any(role.functions for role in shipped.values())
    assert not any(role.functions or role.tools for role in bare.values())
    assert {name: role.prompt for name, role in bare.items()} == {name: role.prompt for name, role in shipped.items()}


def test_on_a_cluster_each_role_is_there_both_ways(tmp_path: Path) -> None:
    folder = folder_without_tools(BASE, tmp_path)
    file = folder / "config/roles.yaml"
    file.write_text(both_ways((BASE / "config/roles.yaml").read_text(encoding="utf-8")), encoding="utf-8")
    shipped, both = load_roles(BASE).roles, load_roles(folder).roles
    for name, role in shipped.items():
        if role.functions:
            assert both[f"{name}_tools"].functions == role.functions
            assert both[f"{name}_tools"].command == f"{role.command}_tools"
            assert not both[name].functions
