"""Answers for tests of the graders, a grade without a task's file, and a machine that runs nothing."""

from collections.abc import Sequence
from typing import Any

from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.graders.grader import ToGrade
from openclaw_cli.eval.answers.task_file import KINDS
from openclaw_core.ports import FunctionCall, Lang, Usage
from openclaw_core.sealed import Outcome, RunnerCause, RunRequest, RunResult
from openclaw_core.tasks.steps import CallResult, CodeRun, OpenedPage, Step


class NoRunner:
    """A machine without a sealed runner."""

    async def run(self, request: RunRequest) -> RunResult:
        return RunResult(program=Outcome(cause=RunnerCause.NOT_AVAILABLE, why="no runner is there"))


def answered(
    markdown: str, *, pages: Sequence[str] = (), read: str = "", ran: CodeRun | None = None, arguments: str = "{}"
) -> Answer:
    """An answer behind one step that opened *pages*, whose text was *read*, or ran code."""
    opened = tuple(OpenedPage(number=n, url=url, domain=url.split("/")[2]) for n, url in enumerate(pages, 1))
    step = Step(
        text="",
        calls=(FunctionCall(id="c1", name="open_page", arguments=arguments),),
        results=(CallResult(text=read, pages=opened, ran=ran),),
        model="m",
        usage=Usage(),
    )
    return Answer(markdown=markdown, steps=(step,))


def fault(
    kind: str,
    markdown: str | Answer,
    *,
    lang: Lang = "en",
    source: str = "",
    prompt: str = "",
    urls: dict[str, str] | None = None,
    **arguments: Any,
) -> str:
    """What the grader says of the answer; empty if it holds."""
    answer = markdown if isinstance(markdown, Answer) else answered(markdown)
    grader = KINDS[kind].model_validate(arguments)
    return grader.fault(
        ToGrade(answer=answer, lang=lang, source=source, message=source, prompt=prompt, urls=urls or {})
    )
