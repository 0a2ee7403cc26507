"""The loader of `evals/`: what a task becomes, and each fault with file, line and what to do."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from openclaw_agent.tools.pages import reading
from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.graders.grader import CannotGrade
from openclaw_cli.eval.answers.grading import grade
from openclaw_cli.eval.answers.source_text import page_text, source_of
from openclaw_cli.eval.answers.task_file import KINDS, json_schema
from openclaw_cli.eval.answers.tasks import ROLES, AnswerTask, BadTasks, load_tasks
from openclaw_cli.eval.answers.yaml_lines import read_yaml_lines
from openclaw_core.texts.language import lang_of
from tests.evals.answers import NoRunner, answered

ROOT = Path(__file__).parents[2]
EVALS = ROOT / "evals"
TASK = """\
lang: en
message: How high is it?
history:
  - {user: "Which one?", assistant: The one of Cape Almog.}
files: [note.txt]
web: [almog]
holds:
  - has: {numbers: [41], dates: [2026-05-03], words: ["14:30"]}
  - sources_opened: {cites: [almog]}
  - language:
"""
SITES = "almog: {url: http://almog.example.org/, title: Almog, snippet: It is high.}\n"


def folder_with(folder: Path, task: str = TASK, *, sites: str = SITES, note: bytes = "41 מ׳".encode()) -> Path:
    for name, content in (
        ("researcher/height.yaml", task.encode()), ("web/sites.yaml", sites.encode()), ("material/note.txt", note),
        ("web/almog.html", b"<title>Almog</title><style>p {}</style><p>It is 41 metres &amp; high.</p>"),
    ):  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_a_task_has_its_material(tmp_path: Path) -> None:
    [task] = load_tasks(folder_with(tmp_path))

    assert (task.id, task.role, task.lang, task.held_out) == ("researcher/height", "researcher", "en", False)
    assert [check.kind for check in task.checks] == ["has", "sources_opened", "language"]
    assert task.web[0].url == "http://almog.example.org/"
    source = source_of(task)
    assert [part in source for part in ("How high", "Cape Almog", "41 מ׳", "41 metres & high.", "p {}")] == [
        True
    ] * 4 + [False]


@pytest.mark.parametrize(
    ("change", "at", "said"),
    [
        (("lang: en", "lang: fr"), 1, "the task: `lang`: Input should be 'en' or 'he'"),
        (("message: How high is it?", "message: '  '"), 2, "write what the user says"),
        (("lang: en\n", ""), 1, "`lang`: Field required"),
        (("lang: en", "lang: en\nlang: he"), 2, "`lang` is there twice; keep one"),
        (("files: [note.txt]", "fils: [note.txt]"), 5, "`fils`: Extra inputs are not permitted; known here: lang, message"),
        (("note.txt", "gone.txt"), 5, "gone.txt cannot be read; add the file"),
        (("note.txt", "../web/almog.html"), 5, "leads out of evals/material"),
        (("web: [almog]", "web: [gone]"), 6, "no page `gone`; add it to evals/web/sites.yaml"),
        (("- has: {numbers: [41]", "- haas: {numbers: [41]"), 8, "no grader `haas`; known here: has, has_any"),
        (("numbers: [41]", "numbers: [high]"), 8, "has: `numbers.0"),
        (("2026-05-03", "3.5.2026"), 8, "has: `dates.0`: String should match"),
        (("cites: [almog]", "cites: [other]"), 7, "sources_opened names `other`, which is not in `web`"),
        (("  - language:", "  - {language: , length: }"), 1, "each line of `holds` has one grader"),
        (("  - language:", "  - program_passes: {language: bash}"), 10, "give tests for pytest, or lines that it prints"),
        (("  - language:", "  - &a [*a]"), 10, "an alias that contains itself"),
        (("  - language:", "  - has: {words: [x]}"), 10, "`has` is there twice; put its arguments together"),
        (("lang: en", "lang: [en"), 2, "not valid YAML"),
    ],
)  # fmt: skip
def test_each_fault_has_a_file_a_line_and_what_to_do(
    tmp_path: Path, change: tuple[str, str], at: int, said: str
) -> None:
    assert change[0] in TASK
    with pytest.raises(BadTasks) as caught:
        load_tasks(folder_with(tmp_path, TASK.replace(*change)))
    assert f"researcher/height.yaml:{at}: " in str(caught.value)
    assert said in str(caught.value)


def test_all_faults_are_told_together(tmp_path: Path) -> None:
    folder_with(tmp_path, TASK.replace("lang: en", "lang: fr"))
    (tmp_path / "coder").mkdir()
    (tmp_path / "coder/empty.yaml").write_text("")
    with pytest.raises(BadTasks) as caught:
        load_tasks(tmp_path)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        (SITES.replace("example.org", "openclaw.dev"), "sites.yaml:1: `almog`: `url`: String should match pattern"),
        (SITES + "gone: {url: http://gone.example.org/, title: Gone, snippet: x}\n", "gone.html cannot be read"),
        (SITES + SITES.replace("almog:", "other:"), "belongs to two pages"),
    ],
)
def test_faults_of_the_small_web(tmp_path: Path, sites: str, said: str) -> None:
    folder_with(tmp_path, sites=sites)
    (tmp_path / "web/other.html").write_text("<p>x</p>")
    with pytest.raises(BadTasks, match=said):
        load_tasks(tmp_path)


def test_the_digest_changes_with_anything_that_goes_in(tmp_path: Path) -> None:
    digests = {load_tasks(folder_with(tmp_path))[0].digest}
    digests.add(load_tasks(folder_with(tmp_path, TASK + "\n"))[0].digest)
    digests.add(load_tasks(folder_with(tmp_path, note=b"42"))[0].digest)
    digests.add(load_tasks(folder_with(tmp_path, sites=SITES.replace("high", "low")))[0].digest)
    folder_with(tmp_path)
    (tmp_path / "web/almog.html").write_text("<p>other</p>")
    digests.add(load_tasks(tmp_path)[0].digest)
    assert len(digests) == 5


# ---- the shipped tasks


@pytest.fixture(scope="module")
def shipped() -> tuple[AnswerTask, ...]:
    return load_tasks(EVALS)


def test_the_schema_file_is_the_one_that_loading_checks_and_takes_every_task(shipped: tuple[AnswerTask, ...]) -> None:
    assert json.loads((EVALS / "task.schema.json").read_text()) == json_schema(), (
        "write it anew: python -m openclaw_cli.eval.answers.task_file > evals/task.schema.json"
    )
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    for task in shipped:
        path = EVALS / f"{task.id}.yaml"
        assert path.read_text().startswith("# yaml-language-server: $schema=../task.schema.json\n"), path
        assert [fault.message for fault in validator.iter_errors(read_yaml_lines(path)[0])] == [], path


def test_the_schema_refuses_what_loading_refuses() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    good = {"lang": "en", "message": "x", "holds": [{"has": {"words": ["x"]}}]}
    assert validator.is_valid(good)
    changes: list[dict[str, Any]] = [
        {"lang": "fr"}, {"holds": []}, {"holds": [{"haas": {}}]}, {"holds": [{"has": {"word": []}}]}, {"fils": []},
    ]  # fmt: skip
    for change in changes:
        assert not validator.is_valid(good | change), change


def test_each_role_has_forty_tasks_half_of_them_hebrew_and_a_third_held_out(shipped: tuple[AnswerTask, ...]) -> None:
    for role in ROLES:
        own = [task for task in shipped if task.role == role]
        assert len(own) >= 40, role
        assert abs(sum(task.lang == "he" for task in own) / len(own) - 0.5) < 0.05, role
        assert 0.25 <= sum(task.held_out for task in own) / len(own) <= 0.35, role
        assert (
            0.4 <= sum(task.lang == "he" for task in own if task.held_out) / sum(task.held_out for task in own) <= 0.6
        )


def test_every_grader_is_used(shipped: tuple[AnswerTask, ...]) -> None:
    assert {check.kind for task in shipped for check in task.checks} == set(KINDS)


def test_no_message_is_there_twice_and_each_is_in_its_language(shipped: tuple[AnswerTask, ...]) -> None:
    asked = [(task.message, task.history) for task in shipped]
    assert len(set(asked)) == len(asked)
    assert [task.id for task in shipped if lang_of(task.message) != task.lang] == []


def test_every_page_is_used_and_none_is_without_an_entry(shipped: tuple[AnswerTask, ...]) -> None:
    entries = set(yaml.safe_load((EVALS / "web/sites.yaml").read_text()))
    assert {path.stem for path in (EVALS / "web").glob("*.html")} == entries
    assert {page.name for task in shipped for page in task.web} == entries
    material = {path.relative_to(EVALS / "material").name for path in (EVALS / "material").rglob("*.*")}
    assert {file.name for task in shipped for file in task.files} == material


def test_an_agent_reads_all_that_stands_in_a_page(shipped: tuple[AnswerTask, ...]) -> None:
    for page in {page.name: page for task in shipped for page in task.web}.values():
        read = reading.read(page.body, "html")
        assert read.title == page.title, page.name
        lost = set(page_text(page.body).split()) - set(f"{read.title} {read.text}".split())
        assert lost == set(), page.name


# ---- grading a whole task


async def test_a_task_is_graded_check_by_check(tmp_path: Path) -> None:
    [task] = load_tasks(folder_with(tmp_path))
    good = answered("It is 41 metres high [1], since 3 May, 14:30.", pages=["http://almog.example.org/"])
    assert [(one.kind, one.passed) for one in await grade(task, good, sandbox=NoRunner())] == [
        ("has", True), ("sources_opened", True), ("language", True),
    ]  # fmt: skip
    bad = answered("הוא גבוה מאוד [2]", pages=["http://almog.example.org/"])
    assert [one.passed for one in await grade(task, bad, sandbox=NoRunner())] == [False] * 3


async def test_of_an_answer_with_a_fault_nothing_holds(tmp_path: Path) -> None:
    [task] = load_tasks(folder_with(tmp_path))
    grades = await grade(task, Answer(markdown="", fault="timed_out"), sandbox=NoRunner())
    assert {one.why for one in grades} == {"there is no answer: timed_out"}


async def test_without_a_runner_a_program_is_not_graded_as_bad(shipped: tuple[AnswerTask, ...]) -> None:
    [task] = [one for one in shipped if one.id == "coder/fizzbuzz_he"]
    with pytest.raises(CannotGrade, match="no runner is there"):
        await grade(task, answered("הנה:\n```python\nx = 1\n```"), sandbox=NoRunner())
    grades = await grade(task, answered("אין לי קוד"), sandbox=NoRunner())
    assert grades[0].why == "has no block of python"


def test_the_page_names_every_grader_with_every_argument() -> None:
    page = (ROOT / "docs/evals.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", page, re.MULTILINE))
    lacks = [
        f"{kind}: {name}"
        for kind, grader in KINDS.items()
        for name in grader.model_fields
        if f"`{name}`" not in rows[kind]
    ]
    assert lacks == []
