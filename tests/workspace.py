"""The packages of the workspace, as pyproject.toml lists them."""

import tomllib
from pathlib import Path

MEMBERS: list[str] = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["tool"]["uv"][
    "workspace"
]["members"]


def sources(tree: Path) -> list[str]:
    """The folders of code in *tree*, a copy of this repository: they come before those that the environment leads to."""
    return [str(tree / folder / "src") for folder in MEMBERS]
