"""The steps of a run and its status line as they are stored: one line of JSON for each step, with a schema version."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from openclaw_core import logs
from openclaw_core.ports import CallFault, FunctionCall, Usage
from openclaw_core.records import UNREADABLE, parsed, read, whole
from openclaw_core.tasks.steps import (
    STATUS_MAX_CHARS,
    CallResult,
    CodeRun,
    Doing,
    Ended,
    OpenedPage,
    ReadPages,
    Status,
    Step,
)

log = logs.get(__name__)
VERSION = 1


def step_json(step: Step) -> str:
    """A step as stored: one line."""
    fields: dict[str, Any] = {"v": VERSION, **asdict(step)}
    for one in (*fields["calls"], *fields["results"]):
        for name in ("fault", "pages", "read", "ran"):
            if name in one and not one[name]:  # as all readers assume where it is missing
                del one[name]
    # ASCII alone: half a character, which a model may say, is no UTF-8.
    return json.dumps(fields, separators=(",", ":"))


def steps_from(stored: str) -> tuple[Step, ...]:
    """The steps of a run up to the first that cannot be read, such as one of a newer release: the answer goes on from there."""
    steps: list[Step] = []
    for line in stored.splitlines():
        try:
            steps.append(_step(parsed(line)))
        except UNREADABLE as exc:
            log.fault("row.unreadable", exc, of="steps")
            break
    return tuple(steps)


def _step(row: Any) -> Step:
    if row["v"] != VERSION:
        raise ValueError("a step of another schema version")
    calls = tuple(_call(one) for one in row["calls"])
    results = tuple(_result(one) for one in row["results"])
    step = read(Step, row, calls=calls, results=results, usage=read(Usage, row["usage"]))
    if len(calls) != len(results) or not calls or not all(isinstance(text, str) for text in (step.text, step.model)):
        raise ValueError("not a step")
    return step


def _call(row: Mapping[str, Any]) -> FunctionCall:
    fault = row.get("fault")
    call = read(FunctionCall, row, fault=CallFault(fault) if fault else None)
    if not all(isinstance(text, str) for text in (call.id, call.name, call.arguments)):
        raise TypeError("not a call")
    return call


def _result(row: Mapping[str, Any]) -> CallResult:
    pages = tuple(_page(one) for one in row.get("pages", ()))
    ran = row.get("ran")
    result = read(
        CallResult, row, pages=pages, read=tuple(_read_pages(one) for one in row.get("read", ())), ran=_ran(ran) if ran else None,
    )  # fmt: skip
    if not all(isinstance(text, str) for text in (result.text, result.fault)):
        raise TypeError("not a result")
    return result


def _page(row: Mapping[str, Any]) -> OpenedPage:
    page = read(OpenedPage, row)
    if type(page.number) is not int or not all(isinstance(text, str) for text in (page.url, page.domain, page.title)):
        raise TypeError("not a page")
    return page


def _read_pages(row: Mapping[str, Any]) -> ReadPages:
    pages = read(ReadPages, row)
    if not all(type(number) is int for number in (pages.document, pages.first, pages.last, pages.piece, pages.pieces)):
        raise TypeError("not read pages")
    return pages


def _ran(row: Mapping[str, Any]) -> CodeRun:
    test = row.get("test")
    files = tuple(row.get("files", ()))
    ran = read(CodeRun, row, program=_ended(row["program"]), test=_ended(test) if test else None, files=files)
    if type(ran.pictures) is not int or not all(isinstance(text, str) for text in (ran.language, *ran.files)):
        raise TypeError("not a run of code")
    return ran


def _ended(row: Mapping[str, Any]) -> Ended:
    ended = read(Ended, row)
    if not (ended.exit_code is None or type(ended.exit_code) is int) or type(ended.seconds) not in (int, float):
        raise TypeError("not the end of a program")
    if not all(isinstance(text, str) for text in (ended.cause, ended.output, ended.errors)):
        raise TypeError("not the end of a program")
    return ended


def status_json(status: Status) -> str:
    return json.dumps({"doing": status.doing.value, "subject": status.subject, "n": status.n}, separators=(",", ":"))


def status_from(stored: str | None) -> Status | None:
    """The status line of a run. None if there is none, or a newer release does something that this one has no words for."""
    try:
        row = parsed(stored) if stored else None
        if row is None:
            return None
        subject = " ".join(str(row.get("subject", "")).split())[:STATUS_MAX_CHARS]
        return Status(doing=Doing(row["doing"]), subject=subject, n=whole(row.get("n"), 1))
    except UNREADABLE:
        return None
