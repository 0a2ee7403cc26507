"""`run_code`: code and its test are run by the sealed runner.

It has no network, no user's files and nothing of ours, so a run may be repeated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from openclaw_agent.tools.code.record import recorded, run_report
from openclaw_agent.tools.opened import OpenedPages
from openclaw_agent.tools.tool import Doing, Status, ToolResult
from openclaw_core.characters import is_blank
from openclaw_core.sealed import Outcome, ProgramLanguage, RunLimits, RunnerCause, RunRequest, RunResult
from openclaw_core.tasks.steps import CodeRun, Ended, NotRun

NAME = "run_code"
RUNS_MAX = 3
"""In one answer."""
SECONDS = 10.0
"""For a program, and as many for its test."""
LANGUAGE_MAX_CHARS = 24
_LANGUAGES = frozenset(one.value for one in ProgramLanguage)
_PARAMETERS = {
    "type": "object",
    "properties": {
        "language": {"type": "string", "enum": [one.value for one in ProgramLanguage], "description": "Nothing else can be run."},
        "code": {"type": "string", "description": "The whole program. It has to print what you want to see."},
        "test": {
            "type": "string",
            "description": "Python only: tests for pytest, run after the program if that ended well. The program is the module `main`.",
        },
    },
    "required": ["language", "code"],
    "additionalProperties": False,
}  # fmt: skip
_NO_CODE = (
    "Not run: run_code needs the arguments language (python, bash or sqlite) and code, and test is text for pytest."
)
_OTHER = (
    "Not run: only python, bash and sqlite can be run here. Answer without a run, and say that this code was not run."
)
_LONG = "Not run: the code is too long. Run the part that matters, or answer without a run and say so."
_LIMIT = (
    f"Not run: {RUNS_MAX} runs are the most for one answer. Answer with what you have, and say what does not work yet."
)
_NO_RUNNER = (
    "Not run: no code can be run here{why}. Answer without a run, say that the code was not run, and do not claim any output of it."
)  # fmt: skip


class Runner(Protocol):
    """`openclaw_core.sealed.RunnerClient`."""

    async def run(self, request: RunRequest) -> RunResult: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCode:
    """The tool. Without a *runner* it is offered all the same, and says that nothing was run."""

    runner: Runner | None
    name: str = NAME
    description: str = (
        "Run a program in a sealed sandbox and see its exit code and output. Use it to prove code before you show it, "
        "with a test of your own. There is no network, no pip and no user's file; python has numpy, pandas, "
        "matplotlib, sympy, openpyxl and pytest. plt.show() makes a picture that the user gets. Each run begins from "
        f"nothing, ends after {SECONDS:g} s, and an answer has {RUNS_MAX} runs at most. The user sees the record of "
        "your runs below your answer, so do not repeat their output."
    )
    parameters: Mapping[str, Any] = field(default_factory=lambda: _PARAMETERS)
    timeout_s: float = 75.0

    def status(self, arguments: Mapping[str, Any]) -> Status:
        return Status(doing=Doing.RUNNING)

    async def call(self, arguments: Mapping[str, Any], pages: OpenedPages) -> ToolResult:
        language, code, test = (arguments.get(name) for name in ("language", "code", "test"))
        if not isinstance(language, str) or not isinstance(code, str) or is_blank(code):
            return not_run(_NO_CODE, NotRun.BAD_CALL, "")
        if not isinstance(test, str | None):
            return not_run(_NO_CODE, NotRun.BAD_CALL, language)
        if language not in _LANGUAGES:
            return not_run(_OTHER, NotRun.OTHER_LANGUAGE, language)
        wanted = ProgramLanguage(language)
        try:
            request = RunRequest(
                language=wanted,
                code=code,
                # Models write an empty test where none is asked for; of another language than Python there is none.
                test=test if test and wanted is ProgramLanguage.PYTHON else None,
                limits=RunLimits(seconds=SECONDS),
            )
        except ValueError:
            return not_run(_LONG, NotRun.TOO_LONG, language)
        if self.runner is None:
            return not_run(_NO_RUNNER.format(why=""), NotRun.NOT_AVAILABLE, language)
        result = await self.runner.run(request)
        if result.program.cause is RunnerCause.NOT_AVAILABLE:
            why = f" ({result.program.why})" if result.program.why else ""
            return not_run(_NO_RUNNER.format(why=why), NotRun.NOT_AVAILABLE, language)
        if result.program.cause is RunnerCause.BAD_REQUEST:
            return not_run(_NO_CODE, NotRun.BAD_CALL, language)
        run, pictures = recorded(wanted, result)
        return ToolResult(text=run_report(wanted, result), failed=not _went_well(result), ran=run, pictures=pictures)


def refused() -> ToolResult:
    """For a call beyond `RUNS_MAX`."""
    return not_run(_LIMIT, NotRun.LIMIT, "")


def not_run(text: str, why: NotRun, language: str) -> ToolResult:
    word = "".join(char for char in language if char.isalnum() or char in "+#-_. ")[:LANGUAGE_MAX_CHARS].strip()
    return ToolResult(text=text, failed=True, ran=CodeRun(language=word, program=Ended(cause=why)))


def _went_well(result: RunResult) -> bool:
    outcomes: tuple[Outcome | None, ...] = (result.program, result.test)
    return all(one is None or one.succeeded for one in outcomes)
