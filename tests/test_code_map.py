"""docs/architecture.md says where the code is: every folder of the packages and the order of imports. No import goes in a circle."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import grimp

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


def circles(imports: Mapping[str, set[str]]) -> list[str]:
    """Modules that are in a circle of imports: what is left once all that import nothing, or are imported by nothing, are taken away."""
    left = {module: set(imported) & set(imports) for module, imported in imports.items()}
    while ends := {
        module for module, imported in left.items() if not imported or not any(module in of for of in left.values())
    }:
        left = {module: imported - ends for module, imported in left.items() if module not in ends}
    return sorted(left)


def test_no_modules_import_each_other_in_a_circle() -> None:
    packages = sorted(folder.name for folder in ROOT.glob("*/*/src/openclaw_*"))
    graph = grimp.build_graph(packages[0], *packages[1:], exclude_type_checking_imports=True)
    imports = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}

    assert len(packages) == 7
    assert circles(imports) == []


def test_a_circle_is_noticed() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"c", "e"}, "e": set()}) == ["b", "c"]
    assert circles({"a": {"b"}, "b": {"c", "json"}, "c": set()}) == []
