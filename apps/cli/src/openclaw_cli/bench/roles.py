"""Roles of measurements and cluster tests: the shipped ones without their tools, and a second one of each that has them.

Most of what is measured and tested is the way of a task. It costs least, and compares with releases before tools, where
an agent needs no runner.
"""

import shutil
from pathlib import Path

import yaml

SUFFIX = "tools"
"""Of the second role's name and command: `/code_tools` is the Coder as it is shipped."""


def with_and_without_tools(text: str, *, both: bool = True) -> str:
    """The roles file *text*, with each role that has tools twice; with *both* False only without them."""
    file = yaml.safe_load(text)
    for name, role in [*file["roles"].items()]:
        tools = {key: role.pop(key) for key in ("tools", "max_steps") if key in role}
        if tools and both:
            titles = {lang: f"{title} ({SUFFIX})" for lang, title in role["titles"].items()}
            file["roles"][f"{name}_{SUFFIX}"] = (
                role | tools | {"command": f"{role['command']}_{SUFFIX}", "titles": titles}
            )
    return yaml.safe_dump(file, allow_unicode=True, sort_keys=False)


def folder_without_tools(shipped: Path, folder: Path) -> Path:
    """A copy of the shipped prompts and roles in *folder*, whose roles have no tools."""
    for name in ("config", "prompts"):
        shutil.copytree(shipped / name, folder / name)
    file = folder / "config/roles.yaml"
    file.write_text(with_and_without_tools(file.read_text(encoding="utf-8"), both=False), encoding="utf-8")
    return folder
