"""What a reader sees of code below an answer: what ran and how it ended, from the record of the steps and never from
the model's words. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from openclaw_agent.tools.code.run_code import NAME, RUNS_MAX
from openclaw_core.characters import cleaned
from openclaw_core.models.function_calls import arguments_of
from openclaw_core.ports import Lang
from openclaw_core.tasks.steps import CallResult, CodeRun, Ended, NotRun, Step
from openclaw_core.texts import code_words
from openclaw_core.texts.notes import with_note

OUTPUT_LINES, OUTPUT_CHARS = 12, 800
"""Of the last run. Of an earlier one that failed there is one line."""
ERROR_LINES = 6
LINE_CHARS = 160
_FENCE = re.compile(r"^ {0,3}(?:`{3,}|~{3,})[ \t]*([\w+#.-]*)", re.MULTILINE)
_CAN_RUN = frozenset({"python", "py", "python3", "bash", "sh", "shell", "sql", "sqlite"})
_NO_LANGUAGE = frozenset({"", "text", "txt", "console", "output"})
"""Of marks of a block: the one that ends it has no language either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    code: str
    run: CodeRun


def finish(text: str, steps: Sequence[Step], *, lang: Lang, no_tools: bool = False) -> str:
    """The answer *text* with the block about code below it, or as it is if there was nothing to run.

    *no_tools*: the model that answered can call nothing.
    """
    calls = _calls(steps)
    if any(call.run.began for call in calls):
        return with_note(text, _ran(cleaned(text), calls, lang))
    if calls:
        return with_note(text, f"_{code_words.why_not_run(calls[-1].run.program.cause, lang)}_")
    if _FENCE.search(text) is None:
        return text
    return with_note(text, f"_{_never_tried(text, lang, no_tools=no_tools)}_")


def runs_left(steps: Sequence[Step]) -> int:
    """How often code may still be run for this answer."""
    return max(0, RUNS_MAX - sum(call.run.began for call in _calls(steps)))


def _calls(steps: Sequence[Step]) -> list[_Call]:
    return [
        _Call(code=cleaned(str(arguments_of(call).get("code", ""))), run=result.ran or _without_record(result))
        for step in steps
        for call, result in zip(step.calls, step.results, strict=True)
        if call.name == NAME
    ]


def _without_record(result: CallResult) -> CodeRun:
    """Of a call that did not come back: nothing is known of its code."""
    cause = NotRun.NO_END if result.fault == "timed_out" else NotRun.BAD_CALL
    return CodeRun(language="", program=Ended(cause=cause))


def _never_tried(text: str, lang: Lang, *, no_tools: bool) -> str:
    if no_tools:
        return code_words.NO_TOOLS[lang]
    languages = {mark.lower() for mark in _FENCE.findall(text)} - _NO_LANGUAGE
    others = languages and not languages & _CAN_RUN
    return code_words.why_not_run(NotRun.OTHER_LANGUAGE, lang) if others else code_words.NOT_ASKED[lang]


# ---- what ran


def _ran(answer: str, calls: Sequence[_Call], lang: Lang) -> str:
    began = [call for call in calls if call.run.began]
    last = began[-1]
    lines = [f"**{code_words.HEADING[lang]}**"]
    for n, call in enumerate(began, 1):
        why = "" if call is last else _one_line_of(call.run)
        lines.append(f"- {code_words.run_line(call.run, n, lang)}" + (f": {_inline(why)}" if why else ""))
    parts = ["\n".join(lines)]
    if output := _output(last.run, lang):
        parts.append(_block(output, "text"))
    if last.run.files:
        parts.append(code_words.files_line(last.run.files, lang))
    pictures = next((call.run.pictures for call in reversed(began) if call.run.pictures), 0)
    if pictures:
        parts.append(code_words.pictures_line(pictures, lang))
    if not _holds(answer, last.code):
        parts.append(f"{code_words.CODE[lang]}:\n{_block(last.code.strip(), last.run.language)}")
    if not calls[-1].run.began:
        parts.append(f"_{code_words.why_not_run(calls[-1].run.program.cause, lang)}_")
    return "\n\n".join(parts)


def _holds(answer: str, code: str) -> bool:
    """Whether *answer* has *code* word for word; spaces at the ends of lines do not count."""

    def bare(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip().split("\n"))

    return bare(code) in bare(answer)


def _failed(ended: Ended | None) -> bool:
    return ended is not None and ended.exit_code != 0


def _one_line_of(run: CodeRun) -> str:
    """The line that says best why a run failed; empty if it did not."""
    if _failed(run.program):
        lines = [line for line in run.program.errors.split("\n") if line.strip()]
        return lines[-1].strip() if lines else ""
    if run.test is not None and _failed(run.test):
        return next((line[1:].strip() for line in run.test.output.split("\n") if line.startswith("E  ")), "")
    return ""


def _output(run: CodeRun, lang: Lang) -> str:
    """The first lines that the last run wrote; of one that failed, the last of its errors too."""
    parts = [_first_lines(run.program.output, lang)]
    if _failed(run.program):
        parts.append("\n".join(run.program.errors.split("\n")[-ERROR_LINES:]))
    elif run.test is not None and _failed(run.test):
        parts.append("\n".join(line for line in run.test.output.split("\n") if line.startswith("E  "))[:OUTPUT_CHARS])
    return "\n".join(part for part in parts if part.strip())


def _first_lines(text: str, lang: Lang) -> str:
    lines = [line if len(line) <= LINE_CHARS else line[:LINE_CHARS] + "…" for line in text.split("\n")]
    shown = "\n".join(lines[:OUTPUT_LINES])[:OUTPUT_CHARS]
    return shown if len(shown) >= len("\n".join(lines)) else f"{shown}\n{code_words.OUTPUT_CUT[lang]}"


def _inline(text: str) -> str:
    text = cleaned(text)[:LINE_CHARS].replace("`", "'")
    return f"`{text}`"


def _block(text: str, language: str) -> str:
    """A block of code that *text* cannot end."""
    text = cleaned(text)
    fence = "`" * (1 + max(2, *map(len, re.findall("`+", text)), 2))
    return f"{fence}{language}\n{text}\n{fence}"
