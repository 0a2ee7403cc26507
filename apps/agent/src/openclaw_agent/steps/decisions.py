"""What the loop decides, as pure functions: when the model may call, how long a tool may take, what the status line
says, what it all took.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from openclaw_agent.tools.code import run_code
from openclaw_agent.tools.code.shown import runs_left
from openclaw_agent.tools.opened import OpenedPages, Source
from openclaw_agent.tools.tool import Tool, ToolResult
from openclaw_core.models.answer_stream import AnswerComplete
from openclaw_core.models.function_calls import arguments_of
from openclaw_core.ports import FunctionCall
from openclaw_core.roles.values import READ_DOCUMENT
from openclaw_core.tasks.receipt import digest
from openclaw_core.tasks.run_usage import CallUsage, ModelTokens, RunUsage, StepUsage
from openclaw_core.tasks.steps import STATUS_MAX_CHARS, CallResult, Doing, Status, Step
from openclaw_core.tasks.task import RoleSnapshot
from openclaw_core.texts.wording import Sentence

READING = frozenset({"open_page", READ_DOCUMENT})
"""Tools of a role that is not asked about the world."""
ANSWER_S = 30.0
"""Of the deadline, kept for the last answer."""
RECORDED_CALLS_MAX = 40
"""Calls of all steps that a run record lists."""
UNKNOWN = "unknown"
"""In figures: the name of a tool that there is not. The name that the model said stays out of them."""


def answer_s(deadline_s: float) -> float:
    """Seconds of a task's deadline that no tool may use."""
    return min(ANSWER_S, deadline_s / 4)


def function_choice(n: int, max_steps: int, *, left_s: float, deadline_s: float) -> Literal["auto", "none"]:
    """Whether step *n*, from 1, may call functions. The last one may not, nor one that begins late: it answers with what there is."""
    return "auto" if n < max_steps and left_s > answer_s(deadline_s) else "none"


def call_limit_s(tool: Tool, *, left_s: float, deadline_s: float) -> float:
    """Seconds that one call of *tool* may take now."""
    return max(0.0, min(tool.timeout_s, left_s - answer_s(deadline_s)))


def unopened(
    answer: AnswerComplete, snapshot: RoleSnapshot, steps: Sequence[Step], *, saw_pictures: bool = False
) -> Sentence | None:
    """What an answer says for which no page was opened, if anything.

    A role that only reads answers from what it was sent, and an answer from a document is not from memory.
    """
    if set(snapshot.functions) - {run_code.NAME} <= READING:
        return None
    if answer.without_functions:
        return Sentence.NO_TOOLS
    has_read = any(result.read for step in steps for result in step.results)
    if has_read:
        return None
    return Sentence.FROM_PICTURE if saw_pictures else Sentence.FROM_MEMORY


def may_cite(snapshot: RoleSnapshot) -> bool:
    """Whether the role's answers are about what it can read: then they have sources, or say that they have none."""
    return any(name != run_code.NAME for name in snapshot.functions)


def may_run_code(snapshot: RoleSnapshot) -> bool:
    return run_code.NAME in snapshot.functions


def refused(calls: Sequence[FunctionCall], steps: Sequence[Step]) -> dict[str, ToolResult]:
    """By id, the calls that are not made: those beyond the runs of code that one answer may have."""
    asked = [call.id for call in calls if call.name == run_code.NAME and call.fault is None]
    return dict.fromkeys(asked[runs_left(steps) :], run_code.refused())


def with_pictures(result: CallResult, names: Sequence[str]) -> CallResult:
    """*result* of a run of code whose pictures *names* the chat gets."""
    if result.ran is None:
        return result
    files = tuple(name for name in result.ran.files if name not in names)
    return replace(result, ran=replace(result.ran, files=files, pictures=len(names)))


def models_in_order(models: Sequence[str], steps: Sequence[Step]) -> tuple[str, ...]:
    """The models of a role, the one first that the last step came from: those before it have failed a moment ago."""
    last = steps[-1].model if steps else ""
    return tuple(models) if last not in models else (last, *(model for model in models if model != last))


def status_of(calls: Sequence[FunctionCall], tools: Mapping[str, Tool], steps: Sequence[Step]) -> Status | None:
    """The status line of a step: what its first call does, with the subjects of all calls that do the same. None if no call can be run."""
    found = [tools[one.name].status(arguments_of(one)) for one in calls if one.fault is None and one.name in tools]
    if not found:
        return None
    first = found[0]
    subjects = dict.fromkeys(one.subject for one in found if one.doing is first.doing and one.subject)
    subject = ""
    for one in subjects:
        longer = f"{subject}, {one}" if subject else one
        if len(longer) > STATUS_MAX_CHARS:
            break
        subject = longer
    if first.doing is not Doing.RUNNING:
        return replace(first, subject=subject)
    name = next(one.name for one in calls if one.fault is None and one.name in tools)
    return replace(first, subject=subject, n=1 + sum(any(call.name == name for call in step.calls) for step in steps))


def pages_of(steps: Sequence[Step]) -> OpenedPages:
    """The pages that completed steps have opened. Of their texts there is what the model was given."""
    found: dict[int, Source] = {}
    for result in (result for step in steps for result in step.results):
        for page in result.pages:
            before = found[page.number].text + "\n\n" if page.number in found else ""
            found[page.number] = Source(
                number=page.number,
                url=page.url,
                domain=page.domain,
                title=page.title,
                text=before + result.text,
                date=page.date,
                whole=False,
            )
    return OpenedPages(found.values())


def usage_of(
    steps: Sequence[Step], answer: AnswerComplete, *, tools: Mapping[str, Tool], model_s: float, first_s: float | None
) -> RunUsage:
    """What all steps took together. *model_s* is how long the answer alone took."""
    used = [step.usage for step in steps] + [answer.usage]
    return RunUsage(
        model=answer.model, calls=sum(step.asked for step in steps) + answer.calls,
        prompt_tokens=sum(one.prompt_tokens for one in used), cached_tokens=sum(one.cached_tokens for one in used),
        answer_tokens=sum(one.answer_tokens for one in used), counted=all(one.counted for one in used),
        model_ms=sum(step.model_ms for step in steps) + round(model_s * 1000),
        first_token_ms=None if first_s is None else round(first_s * 1000), steps=_recorded(steps, tools),
        others=_others(steps, answer.model),
    )  # fmt: skip


def _others(steps: Sequence[Step], model: str) -> tuple[ModelTokens, ...]:
    """What steps of other models than *model* took, by model."""
    return tuple(
        ModelTokens(
            model=name,
            prompt_tokens=sum(step.usage.prompt_tokens for step in steps if step.model == name),
            cached_tokens=sum(step.usage.cached_tokens for step in steps if step.model == name),
            answer_tokens=sum(step.usage.answer_tokens for step in steps if step.model == name),
        )
        for name in dict.fromkeys(step.model for step in steps)
        if name != model
    )


def _recorded(steps: Sequence[Step], tools: Mapping[str, Tool]) -> tuple[StepUsage, ...]:
    """Each step with calls, RECORDED_CALLS_MAX of them in all."""
    left, rows = RECORDED_CALLS_MAX, []
    for step in steps:
        calls = tuple(
            CallUsage(
                tool=call.name if call.name in tools else UNKNOWN,
                ms=result.ms,
                fault=result.fault,
                arguments=digest(call.arguments),
                result=digest(result.text),
            )
            for call, result in list(zip(step.calls, step.results, strict=True))[:left]
        )
        left -= len(calls)
        if calls:
            rows.append(StepUsage(model_ms=step.model_ms, calls=calls))
    return tuple(rows)
