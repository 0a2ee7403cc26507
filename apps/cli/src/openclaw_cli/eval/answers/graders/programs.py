"""Programs of an answer: run in the sealed runner with the task's tests, and what the model ran itself."""

import re
from typing import Literal, Protocol

from pydantic import Field, model_validator

from openclaw_cli.eval.answers.graders.grader import CannotGrade, Grader, ToGrade
from openclaw_cli.eval.answers.graders.reading import code_blocks
from openclaw_core.sealed import File, ProgramLanguage, RunLimits, RunnerCause, RunRequest, RunResult

_MARKS = {
    "python": frozenset({"python", "py", "python3"}),
    "bash": frozenset({"bash", "sh", "shell"}),
    "sqlite": frozenset({"sql", "sqlite", "sqlite3"}),
}
_NOT_RUN = (RunnerCause.NOT_AVAILABLE, RunnerCause.BAD_REQUEST)


class Sandbox(Protocol):
    """Where programs of strangers run: `openclaw_core.sealed.RunnerClient`."""

    async def run(self, request: RunRequest) -> RunResult:
        """Run a program. A fault is a result with a cause."""


class ProgramPasses(Grader):
    language: Literal["python", "bash", "sqlite"] = "python"
    """What the answer's block of code must be in."""
    tests: str | None = None
    """Python for pytest, which imports the answer's program as `main`. Only for python."""
    setup: str = ""
    """Runs before the program in its own language: tables for SQL, files for bash."""
    after: str = ""
    """Runs behind the program in its own language, such as a query of what it changed."""
    prints: list[str] = Field(default=[])
    """Lines that the run must print, in this order; spaces at their ends do not count. Columns of SQL have `|` between them; 2 is 2.0 there."""
    nothing_else: bool = False
    """true: it prints no other lines, of SQL one query. Without it, a query that returns every row has the right ones too."""
    files: dict[str, str] = Field(default={})
    """Text files that lie in the program's folder, by name."""
    seconds: float = Field(default=20.0, gt=0, le=60)
    """How long the program and its tests may take each."""

    @model_validator(mode="after")
    def _checks_something(self) -> "ProgramPasses":
        if self.tests is None and not self.prints:
            raise ValueError("give tests for pytest, or lines that it prints")
        if self.tests is not None and self.language != "python":
            raise ValueError("only python has tests; give lines that it prints")
        if self.nothing_else and not self.prints:
            raise ValueError("`nothing_else` needs the lines that it prints")
        return self

    def program(self, markdown: str) -> str | None:
        """The answer's program: the block of the language that has most of the names that the tests import, else the first one.

        An answer may show its own tests beside the program, and the commands that run it behind it. None if there is no block.
        """
        marks = _MARKS[self.language]
        found = [block.code for block in code_blocks(markdown) if block.language in marks]
        wanted = _imported(self.tests or "")
        return max(found, key=lambda code: len(wanted & _defined(code)), default=None)

    async def fault_in(self, sandbox: Sandbox, seen: ToGrade) -> str:
        """Why the program does not pass; empty if it does. Raises CannotGrade if nothing could be run."""
        code = self.program(seen.answer.markdown)
        if code is None:
            return f"has no block of {self.language}"
        whole = "\n".join(part for part in (self.setup, code, self.after) if part)
        try:
            request = RunRequest(
                language=ProgramLanguage(self.language),
                code=whole,
                test=self.tests,
                files=tuple(File(name=name, data=text.encode()) for name, text in self.files.items()),
                limits=RunLimits(seconds=self.seconds),
            )
        except ValueError as exc:
            return f"cannot be run: {exc}"
        result = await sandbox.run(request)
        if result.program.cause in _NOT_RUN:
            raise CannotGrade(
                f"the sealed runner did not run the program: {result.program.why or result.program.cause}"
            )
        return self._fault_of(result)

    def _fault_of(self, result: RunResult) -> str:
        program, test = result.program, result.test
        if not program.succeeded:
            return f"the program ends with {program.cause or f'exit code {program.exit_code}'}: {_last(program.stderr)}"
        if self.tests is not None and (test is None or not test.succeeded):
            return f"its tests fail: {_first_error(test.stdout) if test else 'they were not run'}"
        printed = [_columns(line.replace("\t", "|")) for line in program.stdout.splitlines() if line.strip()]
        rest = iter(printed)
        lacks = next((line for line in self.prints if _columns(line) not in rest), None)
        if lacks is not None:
            return f"does not print {lacks!r}"
        head = 1 if self.language == "sqlite" else 0  # the names of the query's columns
        more = len(printed) - len(self.prints) - head
        return f"prints {more} lines more than it should" if self.nothing_else and more else ""


class CodeRan(Grader):
    test: bool = False
    """Whether the last run must have had a test that passed."""

    def fault(self, seen: ToGrade) -> str:
        runs = [run for run in seen.answer.runs if run.began]
        if not runs:
            return "ran no code"
        last = runs[-1]
        if last.program.exit_code != 0:
            return "its last run failed"
        if self.test and (last.test is None or last.test.exit_code != 0):
            return "its last run has no test that passed"
        return ""


def _columns(line: str) -> tuple[str | float, ...]:
    """The columns of a printed line; those of a row of SQL that are numbers, by their value: a sum of nothing is 0 or 0.0."""
    columns = line.strip().split("|")
    return tuple(_number(column) if len(columns) > 1 else column for column in columns)


def _number(column: str) -> str | float:
    return float(column) if re.fullmatch(r"-?\d+(?:\.\d+)?", column) else column


def _imported(tests: str) -> set[str]:
    lines = re.findall(r"^from main import ([\w, ]+)$", tests, re.MULTILINE)
    return {name for line in lines for name in re.findall(r"\w+", line)}


def _defined(code: str) -> set[str]:
    return set(re.findall(r"^(?:(?:async )?def |class )?(\w+)\s*[(:=]", code, re.MULTILINE))


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no message"


def _first_error(text: str) -> str:
    return next((line[1:].strip()[:200] for line in text.splitlines() if line.startswith("E ")), "no message")
