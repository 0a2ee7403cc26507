"""docs/evals.md, "Add a task in five minutes", walked: its files are added to a copy, checked, and the solution passes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from openclaw_cli.eval.answers.grading import grade
from openclaw_cli.eval.answers.tasks import load_tasks
from tests.evals.answers import answered
from tests.runner.runners import needs_sealing, runner

ROOT = Path(__file__).parents[2]


def followed(folder: Path) -> tuple[str, str]:
    """The steps of the page, in a copy; the task's id and the solution."""
    shutil.copytree(ROOT / "evals", folder / "evals")
    page = (ROOT / "docs/evals.md").read_text(encoding="utf-8")
    chapter = page[page.index("## Add a task") : page.index("## The fields")]
    task, solution = (
        re.sub("^   ", "", block, flags=re.MULTILINE)
        for block in re.findall(r"^ {3}```\w+\n(.*?)^ {3}```$", chapter, re.MULTILINE | re.DOTALL)
    )
    name, _, text = task.partition("\n")
    (folder / name.removeprefix("# ")).write_text(text, encoding="utf-8")
    assert solution.startswith("# tests/evals/solutions/")
    return name.removeprefix("# evals/").removesuffix(".yaml"), solution


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "openclaw_cli", "eval", "tasks"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_example_is_taken_and_counted(tmp_path: Path) -> None:
    before = check(ROOT)
    assert before.returncode == 0, before.stdout
    followed(tmp_path)
    after = check(tmp_path)
    assert after.returncode == 0, after.stdout
    assert before.stdout != after.stdout


def test_a_fault_is_told_with_its_line(tmp_path: Path) -> None:
    name, _ = followed(tmp_path)
    path = tmp_path / f"evals/{name}.yaml"
    path.write_text(path.read_text().replace("  - language:", "  - langage:"))
    found = check(tmp_path)
    assert found.returncode == 1
    assert f"{name}.yaml:13: no grader `langage`; known here: has, " in found.stdout


@needs_sealing
async def test_its_solution_passes(tmp_path: Path) -> None:
    name, solution = followed(tmp_path)
    [task] = [one for one in load_tasks(tmp_path / "evals") if one.id == name]
    with runner() as opened:
        grades = await grade(task, answered(f"הנה הפונקציה:\n\n```python\n{solution}```\n"), sandbox=opened.client)
    assert {one.kind: one.why for one in grades} == {"program_passes": "", "language": "", "length": ""}
