"""Grades an answer to a task by each of its checks."""

from dataclasses import dataclass

from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.graders.grader import ToGrade
from openclaw_cli.eval.answers.graders.programs import ProgramPasses, Sandbox
from openclaw_cli.eval.answers.source_text import given_by, source_of
from openclaw_cli.eval.answers.task import AnswerTask, Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """Whether a check holds of an answer."""

    kind: str
    passed: bool
    why: str = ""
    """Why it does not; empty if it does. It may quote the answer."""


async def grade(task: AnswerTask, answer: Answer, *, sandbox: Sandbox, prompt: str = "") -> tuple[Grade, ...]:
    """Grade *answer* by each check of *task*, in their order.

    *prompt*: the role's prompt that was answered by, for `no_leak`. Of an answer with a fault every check fails. Raises CannotGrade if
    a check could not be made: there is no sealed runner, or no prompt.
    """
    seen = ToGrade(
        answer=answer,
        lang=task.lang,
        message=task.message,
        source=source_of(task),
        given=given_by(task),
        urls={page.name: page.url for page in task.web},
        prompt=prompt,
    )
    return tuple([await _graded(check, seen, sandbox) for check in task.checks])


async def _graded(check: Check, seen: ToGrade, sandbox: Sandbox) -> Grade:
    if seen.answer.fault:
        return Grade(kind=check.kind, passed=False, why=f"there is no answer: {seen.answer.fault}")
    if isinstance(check.arguments, ProgramPasses):
        why = await check.arguments.fault_in(sandbox, seen)
    else:
        why = check.arguments.fault(seen)
    return Grade(kind=check.kind, passed=not why, why=why)
