"""What the documentation names is there."""

import re
from pathlib import Path

import pytest

from openclaw_core.outcome import Cause
from openclaw_core.store import displays

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


LUA = ROOT / "packages/core/src/openclaw_core/store/lua"
DATA = (ROOT / "docs/data.md").read_text()


def key_names() -> set[str]:
    """Keys of the Lua files, without what follows a colon at their end."""
    text = "\n".join(file.read_text() for file in sorted(LUA.rglob("*.lua")))
    return {
        ("agent:" if area == "A" else "") + name.rstrip(":")
        for area, name in re.findall(r"\b([PA]) \.\. '([\w.:]+)'", text)
        if name != "agent:"  # the area itself
    }


def documented_keys() -> set[str]:
    rows = [line.split("|")[1] for line in DATA.splitlines() if line.startswith("| `")]
    return {re.split(r":?<", name)[0] for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_key_of_redis_is_explained_and_every_explained_key_is_there() -> None:
    before = {re.split(r":?<", name)[0] for name in re.findall(r"`([^`]+)`", _line("The release before kept"))}
    python = {"templates", "inbox", "control"}  # named in Python: the argument of a step, or a plain command

    assert sorted(key_names() - documented_keys() - before) == []
    assert sorted(documented_keys() - key_names() - python) == []


def _line(beginning: str) -> str:
    return next(line for line in DATA.splitlines() if line.startswith(beginning))


def fields_of(beginning: str) -> set[str]:
    """Fields that the paragraph with this beginning explains, numbered ones without their number."""
    paragraph = DATA[DATA.index(beginning) :].split("\n\n", 1)[0]
    return {name.removesuffix("<n>") for name in re.findall(r"`([a-z_]+(?:<n>)?)`", paragraph)}


def lua_list(file: str, name: str) -> set[str]:
    found = re.search(rf"local {name} = \{{(.*?)\}}", (LUA / file).read_text(), re.DOTALL)
    assert found
    return set(re.findall(r"'(\w+)'", found[1]))


def test_fields_of_tasks_runs_and_notices_are_explained() -> None:
    task, run, row = fields_of("**`task:<id>`**"), fields_of("**`agent:run:"), fields_of("**A row of `runs`**")
    numbered = re.compile(r"\d+$")
    shown = {numbered.sub("", name) for name in displays._TASK_FIELDS}
    old = {"outbox", "lease_ms", "grows", "redeliveries", "recorded"}  # of the release before

    assert sorted((lua_list("leader/0_base.lua", "PASSING") | shown) - task - old) == []
    assert sorted(lua_list("agent/1_runs.lua", "FIELDS") - run) == []
    assert sorted(lua_list("leader/0_base.lua", "names") - {"chat"} - row) == []
    notice = {numbered.sub("", name) for name in displays._NOTICE_FIELDS}
    assert sorted(notice - {"part"} - fields_of("**`notice:<key>`**")) == []


def test_what_an_ended_task_keeps_is_what_is_not_dropped() -> None:
    kept = fields_of("Once it was shown")
    assert kept
    assert sorted(kept & lua_list("leader/0_base.lua", "PASSING")) == []


def test_every_metric_of_an_alert_or_a_page_is_one_that_the_brain_serves() -> None:
    served = set(re.findall(r'"(openclaw_[a-z_]+)"', (ROOT / "apps/brain/src/openclaw_brain/metrics.py").read_text()))
    rules, page = (ROOT / path for path in ("platform/monitoring/rules.yaml", "docs/metrics.md"))
    named = set(re.findall(r"\bopenclaw_[a-z_]+", rules.read_text() + page.read_text()))
    alerts = set(re.findall(r"alert `(\w+)`", page.read_text()))

    assert served
    assert {name for name in named if re.sub("_(bucket|total)$", "", name) not in served} == set()
    assert alerts <= set(re.findall(r"alert: (\w+)", rules.read_text()))


def test_every_command_of_make_is_listed_by_help() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = {name for line in re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE) for name in line.split()}

    assert (
        sorted(name for name in phony if not re.search(rf"^[\w -]*\b{name}\b[\w -]*:.*## ", text, re.MULTILINE)) == []
    )
