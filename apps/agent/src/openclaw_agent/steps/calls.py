"""Runs the calls of one step side by side, each within its time. A fault is a result, which the model reads."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from openclaw_agent.tools.opened import OpenedPages
from openclaw_agent.tools.tool import Tool, ToolResult, bounded, timed_out
from openclaw_core import logs
from openclaw_core.models.function_calls import arguments_of, told
from openclaw_core.ports import FunctionCall
from openclaw_core.sealed import File
from openclaw_core.tasks.steps import CallResult, OpenedPage
from openclaw_core.tasks.timings import Part, Stopwatch

log = logs.get(__name__)
CANCEL_S = 1.0
"""For a cancelled call to close what it has open. One that does not is left behind: Stop and the deadline do not wait for it."""
CRASHED = "{name} failed by a fault of its own. Go on without it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What came of one call, and the pictures that it made, which are no part of the record."""

    result: CallResult
    pictures: tuple[File, ...] = field(default=(), repr=False)


async def run_calls(
    calls: Sequence[FunctionCall],
    tools: Mapping[str, Tool],
    pages: OpenedPages,
    *,
    limit_s: Callable[[Tool], float],
    refused: Mapping[str, ToolResult] = MappingProxyType({}),
    watch: Stopwatch,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Called, ...]:
    """The results of *calls*, in their order.

    *watch* notes each by *clock*. *limit_s* says how long a call of a tool may take; a call whose id is in *refused* is
    not made.

    Raises nothing but CancelledError.
    """
    running: list[asyncio.Task[Called]] = []
    try:
        for one in calls:
            call = _run_call(one, tools, pages, limit_s, refused, clock, watch)
            running.append(asyncio.create_task(call, name=f"call {one.name}"))
        await asyncio.wait(running)
        return tuple(one.result() for one in running)
    finally:
        await _cancelled(running)


async def _run_call(
    call: FunctionCall,
    tools: Mapping[str, Tool],
    pages: OpenedPages,
    limit_s: Callable[[Tool], float],
    refused: Mapping[str, ToolResult],
    clock: Callable[[], float],
    watch: Stopwatch,
) -> Called:
    tool = tools.get(call.name)
    if call.fault is not None:
        return Called(result=CallResult(text=told(call, tools), fault=call.fault.value))
    if tool is None:  # of a release whose snapshot names more tools
        return Called(result=CallResult(text=f"Not run: there is no function {call.name}.", fault="unknown_name"))
    if (no := refused.get(call.id)) is not None:
        return Called(result=CallResult(text=no.text, fault=_fault_of(no), ran=no.ran))
    began = clock()
    working = asyncio.ensure_future(tool.call(arguments_of(call), pages))
    try:
        await asyncio.wait([working], timeout=limit_s(tool))
        result, fault = _outcome(tool, working)
    finally:
        await _cancelled([working])
    ms = round((clock() - began) * 1000)
    watch.took(Part.TOOL, began, of=tool.name, fault=fault)
    log.info("tool.called", tool=tool.name, took_ms=ms, fault=fault)
    opened = tuple(
        OpenedPage(number=one.number, url=one.url, domain=one.domain, title=one.title, date=one.date)
        for one in result.sources
    )
    return Called(
        result=CallResult(
            text=bounded(result.text), ms=ms, fault=fault, pages=opened, read=result.read, ran=result.ran
        ),
        pictures=result.pictures,
    )


def _outcome(tool: Tool, working: "asyncio.Future[ToolResult]") -> tuple[ToolResult, str]:
    """The result of a call, and its fault for the figures."""
    if not working.done():
        return timed_out(tool), "timed_out"
    exc = None if working.cancelled() else working.exception()
    if exc is not None:
        log.fault("tool.crashed", exc, tool=tool.name)
    if exc is not None or working.cancelled():
        return ToolResult(text=CRASHED.format(name=tool.name), failed=True), "crashed"
    result = working.result()
    return result, _fault_of(result)


def _fault_of(result: ToolResult) -> str:
    """For the figures. Code that was not begun is told from code that failed: only the latter has run."""
    if result.ran is not None and not result.ran.began:
        return "not_run"
    return "failed" if result.failed else ""


async def _cancelled(running: "Iterable[asyncio.Future[Any]]") -> None:
    """Cancel those that still run, and wait a moment for them."""
    left = [one for one in running if not one.done()]
    for one in left:
        one.cancel()
    if left:
        _, left_behind = await asyncio.wait(left, timeout=CANCEL_S)
        for one in left_behind:
            log.warning("tool.not_ended", hint="it does not heed its cancellation")
            one.add_done_callback(_forget)


def _forget(one: "asyncio.Future[Any]") -> None:
    if not one.cancelled():
        one.exception()  # seen
