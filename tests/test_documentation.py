"""What the documentation names is there."""

import re
from pathlib import Path

import pytest

from openclaw_core.outcome import Cause

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+(?: [\w-]+)*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {name for names in targets for name in names.split()}
    text = page.read_text()
    commands = re.findall(r"(?:^    |`|\$ )make ([a-z][a-z0-9-]*)", text, re.MULTILINE)
    missing = [f"make {name}" for name in commands if name not in known]
    missing += [name for name in re.findall(r"scripts/[a-z][\w-]*", text) if not (ROOT / name).exists()]

    assert missing == []


def test_every_cause_of_a_failure_is_explained() -> None:
    page = (ROOT / "docs/failures.md").read_text()

    assert [cause.value for cause in Cause if f"`{cause.value}`" not in page] == []


def test_every_command_of_make_is_listed_by_help() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = {name for line in re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE) for name in line.split()}

    assert (
        sorted(name for name in phony if not re.search(rf"^[\w -]*\b{name}\b[\w -]*:.*## ", text, re.MULTILINE)) == []
    )
