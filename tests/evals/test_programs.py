"""Programs of answers in the sealed runner: a reference solution of each coder task holds in every check, and one that
does nothing fails.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.graders.programs import ProgramPasses
from openclaw_cli.eval.answers.grading import Grade, grade
from openclaw_cli.eval.answers.tasks import AnswerTask, load_tasks
from openclaw_core.tasks.steps import CodeRun, Ended
from tests.evals.answers import answered
from tests.runner.runners import Runner, needs_sealing, runner

ROOT = Path(__file__).parents[2]
SOLUTIONS = Path(__file__).parent / "solutions"
MARKS = {"python": "python", "bash": "bash", "sqlite": "sql"}
SAID = {
    "coder/binary_search_bug": "With `low = middle` the loop never ends: `low` stays where it is. It must be `middle + 1`.",
    "coder/unsafe_query": "The text of the user is part of the statement, so it can inject SQL. Take a parameter.",
}
"""What an answer says beside its program, where the task asks for it."""
WRONG = {
    # Runs, and does nothing of what was asked.
    "python": "def __getattr__(name):\n    return lambda *given, **named: None\n",
    "bash": "true\n",
    "sqlite": "SELECT 'nothing';\n",
}


def program_tasks() -> list[AnswerTask]:
    tasks = load_tasks(ROOT / "evals")
    return [task for task in tasks if any(isinstance(check.arguments, ProgramPasses) for check in task.checks)]


TASKS = program_tasks()


def check_of(task: AnswerTask) -> ProgramPasses:
    [found] = [check.arguments for check in task.checks if isinstance(check.arguments, ProgramPasses)]
    return found


def solution_of(task: AnswerTask) -> Path:
    return SOLUTIONS / f"{task.id.partition('/')[2]}.txt"


@pytest.fixture(scope="module")
def opened() -> Iterator[Runner]:
    with runner() as found:
        yield found


def answer_with(task: AnswerTask, code: str) -> Answer:
    """The program as an answer shows it: behind a sentence, and run with a test before."""
    ran = CodeRun(language="python", program=Ended(exit_code=0), test=Ended(exit_code=0))
    said = SAID.get(
        task.id, {"en": "Here is the whole program.", "he": "הנה התוכנית, והיא רצה עם בדיקה משלה."}[task.lang]
    )
    return answered(f"{said}\n\n```{MARKS[check_of(task).language]}\n{code.rstrip()}\n```\n", ran=ran)


async def graded(task: AnswerTask, code: str, opened: Runner) -> dict[str, Grade]:
    grades = await grade(task, answer_with(task, code), sandbox=opened.client, prompt="x")
    return {one.kind: one for one in grades}


def test_every_program_has_a_reference_solution_and_no_solution_is_left_over() -> None:
    assert {solution_of(task) for task in TASKS} == {path for path in SOLUTIONS.iterdir() if path.is_file()}


@needs_sealing
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
async def test_the_reference_solution_passes(task: AnswerTask, opened: Runner) -> None:
    grades = await graded(task, solution_of(task).read_text(), opened)
    assert {one.kind: one.why for one in grades.values() if not one.passed} == {}


@needs_sealing
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
async def test_a_program_that_does_nothing_fails(task: AnswerTask, opened: Runner) -> None:
    assert not (await graded(task, WRONG[check_of(task).language], opened))["program_passes"].passed


WRONG_ROWS = {
    "missing_days": "WITH RECURSIVE d(x) AS (SELECT min(day) FROM readings UNION ALL SELECT date(x, '+1 day') FROM d"
    " WHERE x < (SELECT max(day) FROM readings)) SELECT x FROM d;",
    "second_salary": "SELECT dept, name, salary FROM employees ORDER BY dept, name;",
    "overdue_loans_he": "SELECT reader, count(*) AS n FROM loans WHERE returned IS NULL AND due < '2026-03-10' GROUP "
    "BY reader ORDER BY n DESC;",
    "top_customers": "SELECT name, sum(total) AS s FROM customers c JOIN orders o ON o.customer_id = c.id WHERE status = 'paid'"
    " GROUP BY c.id ORDER BY s DESC;",
    "error_codes": "awk '{n[$3] += ($4 >= 500)} END {for (p in n) print p, n[p]}' access.log | sort -k2,2nr -k1,1",
    "words_per_user": "awk '{n[$2]++} END {for (u in n) print u, n[u]}' chat.log | tr -d '<>' | sort -k2,2nr -k1,1",
    "rename_spaces_he": 'for f in *" "*.txt; do n="${f// /_}"; [ -e "$n" ] || cp -- "$f" "$n"; done',
}
"""Programs that drop a rule and print the lines that are asked for, with more or fewer beside them."""


@needs_sealing
@pytest.mark.parametrize("name", WRONG_ROWS)
async def test_a_program_that_drops_a_rule_fails(name: str, opened: Runner) -> None:
    [task] = [one for one in TASKS if one.id == f"coder/{name}"]
    assert not (await graded(task, WRONG_ROWS[name], opened))["program_passes"].passed


CHEATS = (
    "import os\nif __name__ != '__main__':\n    os._exit(0)\n",
    "import sys\nif __name__ != '__main__':\n    sys.exit(0)\n",
    "import pytest\nif __name__ != '__main__':\n    pytest.skip('no', allow_module_level=True)\n",
    "import pytest\nif __name__ != '__main__':\n    pytest.exit('no', returncode=0)\n",
)


@needs_sealing
@pytest.mark.parametrize("cheat", CHEATS)
async def test_a_program_that_ends_its_tests_early_has_passed_none(cheat: str, opened: Runner) -> None:
    [task] = [one for one in TASKS if one.id == "coder/fizzbuzz_he"]
    assert not (await graded(task, cheat, opened))["program_passes"].passed


@needs_sealing
async def test_why_says_what_went_wrong(opened: Runner) -> None:
    [task] = [one for one in TASKS if one.id == "coder/fizzbuzz_he"]
    assert "SyntaxError" in (await graded(task, "def fizzbuzz(n:", opened))["program_passes"].why
    wrong = await graded(task, "def fizzbuzz(n):\n    return []", opened)
    assert wrong["program_passes"].why.startswith("its tests fail: ")
    ended = await graded(task, "import sys\nsys.exit(3)", opened)
    assert "exit code 3" in ended["program_passes"].why
