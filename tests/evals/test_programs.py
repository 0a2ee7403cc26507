"""Programs of answers in the sealed runner: a reference solution of each coder task passes its tests, and a wrong one does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openclaw_cli.eval.answers.graders.programs import ProgramPasses
from openclaw_cli.eval.answers.grading import Grade, grade
from openclaw_cli.eval.answers.tasks import AnswerTask, load_tasks
from tests.evals.answers import answered
from tests.runner.runners import Runner, needs_sealing, runner

ROOT = Path(__file__).parents[2]
SOLUTIONS = Path(__file__).parent / "solutions"
MARKS = {"python": "python", "bash": "bash", "sqlite": "sql"}
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


async def graded(task: AnswerTask, code: str, opened: Runner) -> Grade:
    mark = MARKS[check_of(task).language]
    grades = await grade(task, answered(f"Here:\n\n```{mark}\n{code}\n```\n"), sandbox=opened.client, prompt="x")
    [found] = [one for one in grades if one.kind == "program_passes"]
    return found


def test_every_program_has_a_reference_solution_and_no_solution_is_left_over() -> None:
    assert {solution_of(task) for task in TASKS} == {path for path in SOLUTIONS.iterdir() if path.is_file()}


@needs_sealing
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
async def test_the_reference_solution_passes(task: AnswerTask, opened: Runner) -> None:
    found = await graded(task, solution_of(task).read_text(), opened)
    assert found.passed, found.why


@needs_sealing
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
async def test_a_program_that_does_nothing_fails(task: AnswerTask, opened: Runner) -> None:
    assert not (await graded(task, WRONG[check_of(task).language], opened)).passed


@needs_sealing
async def test_why_says_what_went_wrong(opened: Runner) -> None:
    [task] = [one for one in TASKS if one.id == "coder/fizzbuzz_he"]
    assert "SyntaxError" in (await graded(task, "def fizzbuzz(n:", opened)).why
    wrong = await graded(task, "def fizzbuzz(n):\n    return []", opened)
    assert wrong.why.startswith("its tests fail: ")
    endless = await graded(task, "import sys\nsys.exit(3)", opened)
    assert "exit code 3" in endless.why
