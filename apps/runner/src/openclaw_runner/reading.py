"""Reading a document: in the child it becomes lines of JSON, in the handler those are checked and become a result."""

import json
import sys
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from openclaw_core.sealed.values import (
    PAGE_MAX_CHARS,
    TEXT_MAX_BYTES,
    WHY_MAX_CHARS,
    DocumentPage,
    ReadRequest,
    ReadResult,
    RunnerCause,
)
from openclaw_runner import processes
from openclaw_runner.kernel import filters
from openclaw_runner.printable import printable
from openclaw_runner.processes import EndedChild
from openclaw_runner.readers import formats
from openclaw_runner.readers.document import Unreadable
from openclaw_runner.seals import EVERY, ChildSeal, SealPart

TEXT_MAX_CHARS = TEXT_MAX_BYTES // 4
OUTPUT_BYTES = 2 * (2 * TEXT_MAX_BYTES)
"""Twice what the child writes, since an output's first half is kept whole; and JSON escapes some signs."""
FEW_CHARS = 12
"""Characters for each page, below which a PDF counts as one without text: a scanner's own line is as long."""

_CHILD_CAUSES = frozenset(
    {
        RunnerCause.UNSUPPORTED,
        RunnerCause.EMPTY,
        RunnerCause.SCANNED,
        RunnerCause.ENCRYPTED,
        RunnerCause.DAMAGED,
        RunnerCause.HOSTILE,
        RunnerCause.OUT_OF_MEMORY,
    }
)


def read(request: ReadRequest, *, folder: Path, caller: int, parts: frozenset[SealPart] = EVERY) -> ReadResult:
    """Read *request*'s document in a sealed child that can start no program. Raises Hung."""
    seal = ChildSeal(folder=folder, limits=request.limits, rules=filters.READER, parts=parts)
    # The document is in the memory that the child shares; no file of it is made.
    ended = processes.run(partial(_child, request), seal, caller=caller, output_bytes=OUTPUT_BYTES)
    return result(ended)


def result(ended: EndedChild) -> ReadResult:
    """What the child has written, of which nothing is believed but its text: a document may have taken it over."""
    pages: list[DocumentPage] = []
    end: dict[str, Any] = {}
    room = TEXT_MAX_CHARS
    cut = False
    for line in ended.stdout.text().split("\n"):
        try:
            said = json.loads(line)
            if "end" in said:
                end = said
                break
            text, name = str(said["text"]), str(said["name"])[:200]
            page = DocumentPage(
                number=said["number"], text=printable(text)[: min(room, PAGE_MAX_CHARS)], name=printable(name)
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if pages and page.number <= pages[-1].number:
            continue
        cut |= len(page.text) < len(text) and len(text) > min(room, PAGE_MAX_CHARS)
        room -= len(page.text)
        pages.append(page)
    cause, why = _cause(ended, end)
    total = end.get("total")
    return ReadResult(
        cause=cause,
        why=why,
        pages=tuple(pages),
        pages_total=total if type(total) is int and 0 <= total <= 10_000_000 else None,
        cut=cut or end.get("cut") is True,
        seconds=ended.seconds,
    )


def _cause(ended: EndedChild, end: dict[str, Any]) -> tuple[RunnerCause | None, str]:
    if ended.cause is not None:
        return ended.cause, ended.why[:WHY_MAX_CHARS]
    if not end:
        return RunnerCause.DAMAGED, "its reader ended without a word"
    try:
        cause = None if end["end"] is None else RunnerCause(end["end"])
    except ValueError:
        cause = RunnerCause.DAMAGED
    if cause is not None and cause not in _CHILD_CAUSES:
        cause = RunnerCause.DAMAGED
    return cause, printable(str(end.get("why", "")))[:WHY_MAX_CHARS]


def _child(request: ReadRequest) -> int:
    """Runs sealed. What libraries print goes to the errors: the output is the handler's."""
    out, sys.stdout = sys.stdout, sys.stderr

    def say(**line: object) -> None:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")

    try:
        _say_pages(request, say)
    except Unreadable as exc:
        say(end=exc.cause, why=exc.why)
    except MemoryError:
        say(end=RunnerCause.OUT_OF_MEMORY, why="it needs more memory than a document may")
    except RecursionError:
        say(end=RunnerCause.HOSTILE, why="it is nested without end")
    except Exception as exc:  # noqa: BLE001 - a library's own fault over a broken file; its message may quote the file
        say(end=RunnerCause.DAMAGED, why=f"its reader failed ({type(exc).__name__})")
    out.flush()
    return 0


def _say_pages(request: ReadRequest, say: Callable[..., None]) -> None:
    document = formats.open_document(request.name, request.data)
    room, cut, chars, seen = TEXT_MAX_CHARS, False, 0, 0
    first = request.first_page - 1
    for number, page in enumerate(islice(document.pages, first, first + request.pages), request.first_page):
        text = page.text[: min(room, PAGE_MAX_CHARS)]
        cut |= len(text) < len(page.text)
        room -= len(text)
        chars += len(text.strip())
        seen += 1
        if text.strip():
            say(number=number, text=text, name=page.name)
        if room <= 0:
            cut = True
            break
    if chars < FEW_CHARS * seen and document.pictures():
        raise Unreadable(RunnerCause.SCANNED, "its pages are pictures, without text")
    if not chars and first == 0:
        raise Unreadable(RunnerCause.EMPTY, "there is no text in it")
    say(end=None, total=document.total, cut=cut)
