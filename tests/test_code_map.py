"""docs/architecture.md says where the code is: every folder of the packages, and the order of imports, stand there."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECTION = (ROOT / "docs/architecture.md").read_text().partition("\n## Where the code is\n")[2]
CODE = {".py", ".lua", ".js"}


def folders_with_code() -> set[str]:
    """Every folder below a package's src that holds code of its own: a module, a step of the store, the chat page."""
    files = [*ROOT.glob("apps/*/src/**/*"), *ROOT.glob("packages/*/src/**/*"), *ROOT.glob("tools/*/src/**/*")]
    return {file.parent.relative_to(ROOT).as_posix() for file in files if file.suffix in CODE}


def named_folders(section: str) -> set[str]:
    """The folders that a row of a table links to."""
    return set(re.findall(r"^\| \[[\w/]+\]\(\.\./([\w/]+)\) \| [^|\s]", section, re.MULTILINE))


def test_every_folder_of_a_package_has_a_row_that_says_what_is_in_it() -> None:
    assert named_folders(SECTION) == folders_with_code()


def test_a_folder_without_a_sentence_has_no_row() -> None:
    assert named_folders("| [a/b](../apps/a/b) | what it is |\n| [a/c](../apps/a/c) | |\n") == {"apps/a/b"}


def arrows(section: str) -> dict[str, list[set[str]]]:
    """For each package the modules of its layers, the uppermost first, as the section names them."""
    lines = re.findall(r"^- `(\w+)`: (.+→.+)$", section, re.MULTILINE)
    return {name: [set(re.findall(r"\w+", layer)) for layer in text.split("→")] for name, text in lines}


def test_the_arrows_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    checked = {
        contract["containers"][0]: [set(re.findall(r"\w+", layer)) for layer in contract["layers"]]
        for contract in contracts
        if contract["type"] == "layers"
    }

    assert arrows(SECTION) == checked
