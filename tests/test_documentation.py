"""What the documentation names is there."""

import fnmatch
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from openclaw_core.store import displays
from openclaw_core.tasks.outcome import Cause

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


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


def tracked() -> set[str]:
    """Paths of all files that git knows or would add, and of their folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()  # fmt: skip
    files = {name for name in listed if (ROOT / name).exists()}
    return files | {parent.as_posix() for name in files for parent in Path(name).parents}


TRACKED = tracked()
MAPS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", *(f"docs/{name}.md" for name in ("architecture", "tour", "failures", "local", "cost")))  # fmt: skip
"""Pages by which a stranger finds a file."""


def named_paths(text: str) -> set[str]:
    """What a page names as a path of the repository: in backticks, in a list of folders, or in a command."""
    folders = sorted(name for name in TRACKED if "/" not in name and name != "." and (ROOT / name).is_dir())
    top = "|".join(map(re.escape, folders))
    rooted = re.findall(rf"(?:(?<=[`\s=(])|^)((?:{top})/[\w./-]*)", text, re.MULTILINE)
    modules = re.findall(r"`([\w./-]+\.(?:py|lua|md|yaml|svg))`", text)
    return {path.rstrip("/.") for path in (*rooted, *modules)}


@pytest.mark.parametrize("page", MAPS)
def test_every_path_of_a_page_for_strangers_is_there(page: str) -> None:
    named = named_paths((ROOT / page).read_text())
    # A module may be named by the end of its path, as in `store/lanes.py`.
    missing = [path for path in named if not any(f"/{known}".endswith(f"/{path}") for known in TRACKED)]

    assert sorted(missing) == []


def test_a_path_that_is_not_there_is_noticed() -> None:
    text = "see `apps/brain/gone`, `gone.py`,\n    tests/gone/   words"
    assert named_paths(text) == {"apps/brain/gone", "gone.py", "tests/gone"}


def missing_tests(text: str) -> list[str]:
    """Tests of Python that a page names by file or by `::name`, which may end in `*`, and that are not there."""
    files = [ROOT / path for path in TRACKED if path.startswith("tests/") and path.endswith(".py")]
    tests = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
    unknown = [path for path in re.findall(r"\b(tests/[\w/]+\.py)\b", text) if path not in TRACKED]
    return unknown + [name for name in re.findall(r"::(test_\w+\*?)", text) if not fnmatch.filter(tests, name)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    assert missing_tests(page.read_text()) == []


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert missing_tests("`tests/gone.py::test_gone`, `::test_gone_*`") == ["tests/gone.py", "test_gone", "test_gone_*"]


EXCERPT = re.compile(r"^\[`([^`]+)`\]\(\.\./([^)]+)\)\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def stands_in(excerpt: str, code: str) -> bool:
    """Whether the pieces of *excerpt*, between lines of `…`, are lines of *code* in this order, all of them indented by as much."""
    return bool(excerpt.strip()) and any(_stands_at(excerpt, code.splitlines(), indent) for indent in range(0, 41, 2))


def _stands_at(excerpt: str, code: list[str], indent: int) -> bool:
    at = 0
    for piece in re.split(r"^\s*…\n", excerpt, flags=re.MULTILINE):
        lines = textwrap.indent(piece, " " * indent).splitlines()
        found = next((n for n in range(at, len(code)) if code[n : n + len(lines)] == lines), None)
        if found is None:
            return False
        at = found + len(lines)
    return True


TOUR = EXCERPT.findall((ROOT / "docs/tour.md").read_text())


def test_the_tour_has_ten_excerpts() -> None:
    assert len(TOUR) == 10
    assert (ROOT / "docs/tour.md").read_text().count("\n## ") == 11  # and what happens when something fails


@pytest.mark.parametrize(("label", "path", "excerpt"), TOUR, ids=[Path(path).name for _, path, _ in TOUR])
def test_each_excerpt_of_the_tour_stands_in_its_file(label: str, path: str, excerpt: str) -> None:
    assert label == path
    assert stands_in(excerpt, (ROOT / path).read_text())


def test_an_excerpt_of_other_lines_or_in_another_order_does_not_stand_in_a_file() -> None:
    code = "  if a:\n    b()\n  c()\n  d()\n"
    assert stands_in("if a:\n  b()\n…\nd()\n", code)
    assert not stands_in("if a:\n  b()\nd()\n", code)
    assert not stands_in("d()\n…\nif a:\n", code)
    assert not stands_in("e()\n", code)


def test_decisions_have_numbers_without_gaps_and_are_all_listed() -> None:
    folder = ROOT / "docs/decisions"
    names = sorted(page.name for page in folder.glob("0*.md"))
    rows = re.findall(r"^\| (\d+) \| \[([^\]]+)\]\(([^)]+)\)", (folder / "README.md").read_text(), re.MULTILINE)

    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    assert [name for _, _, name in rows] == names
    for number, title, name in rows:
        assert (folder / name).read_text().startswith(f"# {number}. {title}\n")


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    pages = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"]

    assert [name for name in pages if f"]({name})" not in index] == []


def test_the_readme_is_read_in_a_minute_and_leads_to_the_five_questions() -> None:
    text = (ROOT / "README.md").read_text()
    pages = ("cost", "failures", "infrastructure", "metrics", "updates")

    assert len(text.splitlines()) <= 85
    assert [page for page in pages if f"](docs/{page}.md" not in text] == []


def test_help_fits_a_screen_and_names_every_command() -> None:
    said = {
        arguments: subprocess.run(["make", "--no-print-directory", "help", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for arguments in ((), ("ALL=1",))
    }  # fmt: skip
    lines = said[()].splitlines()

    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    phony = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    names = {name for line in phony for name in line.split()}
    for text in said.values():
        assert sorted(name for name in names if not re.search(rf"(?<!\S){name}(?!\S)", text)) == []


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
    python = {"templates", "inbox", "control"}  # named in Python: the argument of a step, or a plain command

    assert sorted(key_names() - documented_keys()) == []
    assert sorted(documented_keys() - key_names() - python) == []


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
    shown = {numbered.sub("", name) for name in displays.TASK_FIELDS}

    assert sorted((lua_list("leader/0_base.lua", "PASSING") | shown) - task) == []
    assert sorted(lua_list("agent/1_runs.lua", "FIELDS") - run) == []
    assert sorted(lua_list("leader/0_base.lua", "names") - {"chat"} - row) == []
    notice = {numbered.sub("", name) for name in displays._NOTICE_FIELDS}
    assert sorted(notice - {"part"} - fields_of("**`notice:<key>`**")) == []


def test_what_an_ended_task_keeps_is_what_is_not_dropped() -> None:
    kept = fields_of("Once it was shown")
    assert kept
    assert sorted(kept & lua_list("leader/0_base.lua", "PASSING")) == []


def test_every_metric_of_an_alert_or_a_page_is_one_that_the_brain_serves() -> None:
    brain = ROOT / "apps/brain/src/openclaw_brain"
    source = "".join((brain / name).read_text() for name in ("metrics.py", "model_figures.py", "prompt_figures.py"))
    served = set(re.findall(r'"(openclaw_[a-z_]+)"', source))
    rules = "".join(file.read_text() for file in (ROOT / "platform/monitoring/base/rules").glob("*.yaml"))
    page = ROOT / "docs/metrics.md"
    named = set(re.findall(r"\bopenclaw_[a-z_]+", rules + page.read_text()))
    alerts = set(re.findall(r"alert `(\w+)`", page.read_text()))

    assert served
    assert {name for name in named if re.sub("_(bucket|total)$", "", name) not in served} == set()
    assert alerts <= set(re.findall(r"alert: (\w+)", rules))


def test_every_command_of_make_is_listed_by_help() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = {name for line in re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE) for name in line.split()}

    assert (
        sorted(name for name in phony if not re.search(rf"^[\w -]*\b{name}\b[\w -]*:.*## ", text, re.MULTILINE)) == []
    )
