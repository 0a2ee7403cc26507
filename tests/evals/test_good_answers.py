"""Each task can be passed: a good answer holds in every check, and the same answer with something invented, or one that
says nothing, does not.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.graders.citations import quotations
from openclaw_cli.eval.answers.graders.programs import ProgramPasses
from openclaw_cli.eval.answers.grading import grade
from openclaw_cli.eval.answers.source_text import page_text
from openclaw_cli.eval.answers.tasks import AnswerTask, load_tasks
from openclaw_core.ports import Lang
from tests.evals.answers import NoRunner, answered

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
SAYS_NOTHING: dict[Lang, str] = {"en": "Interesting.", "he": "מעניין מאוד."}
INVENTED: dict[Lang, str] = {"en": " It cost 987654, said Zebedee.", "he": " זה עלה 987654, אמר מר זבדיאלי."}

FROM_SOURCE = {"numbers_from_source", "names_from_source"}


def good_answers(name: str) -> dict[str, str]:
    """The answers of a file by their tasks' ids."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return {
        id_: answer.strip()
        for id_, answer in re.findall(r"^=== (\S+)\n(.*?)(?=^=== |\Z)", text, re.MULTILINE | re.DOTALL)
    }


OPEN, HELD_OUT = good_answers("good_answers.txt"), good_answers("good_answers_held_out.txt")
TASKS = [
    task
    for task in load_tasks(ROOT / "evals")
    if not any(isinstance(check.arguments, ProgramPasses) for check in task.checks)
]


def kinds_of(task: AnswerTask) -> set[str]:
    return {check.kind for check in task.checks}


def answer_to(task: AnswerTask, markdown: str) -> Answer:
    """The answer behind a step that opened all of the task's pages, in their order."""
    return answered(
        markdown, pages=[page.url for page in task.web], read="\n".join(page_text(page.body) for page in task.web)
    )


async def faults(task: AnswerTask, markdown: str) -> dict[str, str]:
    prompt = (ROOT / f"platform/openclaw/base/prompts/{task.role}.md").read_text()
    grades = await grade(task, answer_to(task, markdown), sandbox=NoRunner(), prompt=prompt)
    return {one.kind: one.why for one in grades if not one.passed}


def test_every_task_without_a_program_has_a_good_answer_in_the_file_where_it_belongs() -> None:
    assert set(OPEN) == {task.id for task in TASKS if not task.held_out}
    assert set(HELD_OUT) == {task.id for task in TASKS if task.held_out}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
async def test_a_good_answer_holds_in_every_check(task: AnswerTask) -> None:
    assert await faults(task, (OPEN | HELD_OUT)[task.id]) == {}


# Whoever says nothing keeps the prompt too.
@pytest.mark.parametrize("task", [task for task in TASKS if "no_leak" not in kinds_of(task)], ids=lambda task: task.id)
async def test_an_answer_that_says_nothing_does_not(task: AnswerTask) -> None:
    assert await faults(task, SAYS_NOTHING[task.lang]) != {}


@pytest.mark.parametrize("task", [task for task in TASKS if FROM_SOURCE & kinds_of(task)], ids=lambda task: task.id)
async def test_what_is_invented_is_seen_in_a_summary(task: AnswerTask) -> None:
    kinds = kinds_of(task) & FROM_SOURCE
    found = await faults(task, (OPEN | HELD_OUT)[task.id] + INVENTED[task.lang])
    assert kinds <= set(found)


@pytest.mark.parametrize("task", [task for task in TASKS if task.role == "summarizer"], ids=lambda task: task.id)
async def test_sentences_of_the_source_keep_to_the_source(task: AnswerTask) -> None:
    copied = "\n\n".join(
        [task.message, *(file.text for file in task.files), *(page_text(page.body) for page in task.web)]
    )
    found = await faults(task, copied)
    assert not FROM_SOURCE & set(found), found


async def test_of_an_answer_in_the_other_language_the_language_does_not_hold() -> None:
    for task in TASKS:
        other = SAYS_NOTHING["en" if task.lang == "he" else "he"]
        assert "language" in await faults(task, other), task.id


async def test_a_page_that_was_not_opened_cannot_be_quoted() -> None:
    good = OPEN | HELD_OUT
    quoting = [task for task in TASKS if "quotations_found" in kinds_of(task) and quotations(good[task.id])]
    assert quoting
    for task in quoting:
        bare = replace(answer_to(task, good[task.id]), steps=())
        grades = await grade(task, bare, sandbox=NoRunner(), prompt="x")
        assert [one.passed for one in grades if one.kind == "quotations_found"] == [False], task.id


async def test_a_page_that_was_not_opened_cannot_be_cited() -> None:
    for task in TASKS:
        if task.role == "researcher" and task.web:
            bare = replace(answer_to(task, (OPEN | HELD_OUT)[task.id]), steps=())
            grades = await grade(task, bare, sandbox=NoRunner(), prompt="x")
            assert [one.passed for one in grades if one.kind == "sources_opened"] == [False], task.id
