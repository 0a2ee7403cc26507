"""A tool that does as a test says."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw_agent.tools.opened import OpenedPages
from openclaw_agent.tools.tool import ToolResult, failed
from openclaw_core.tasks.steps import Doing, Status


@dataclass
class Probe:
    """*does* takes the arguments. It runs until it returns."""

    does: Callable[[Mapping[str, Any]], Awaitable[ToolResult]]
    name: str = "look"
    description: str = "Look somewhere."
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    timeout_s: float = 20.0
    calls: list[Mapping[str, Any]] = field(default_factory=list)
    cancelled: int = 0

    def status(self, arguments: Mapping[str, Any]) -> Status:
        return Status(doing=Doing.SEARCHING, subject=str(arguments.get("at", "")))

    async def call(self, arguments: Mapping[str, Any], pages: OpenedPages) -> ToolResult:
        self.calls.append(arguments)
        try:
            return await self.does(arguments)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def says_where(arguments: Mapping[str, Any]) -> ToolResult:
    return ToolResult(text=f"Seen at {arguments.get('at')}.")


async def fails(arguments: Mapping[str, Any]) -> ToolResult:
    return failed("There is nothing to be seen.")


async def crashes(arguments: Mapping[str, Any]) -> ToolResult:
    raise RuntimeError("a bug")


async def hangs(arguments: Mapping[str, Any]) -> ToolResult:
    await asyncio.sleep(3600)
    return ToolResult(text="late")


async def heeds_nothing(arguments: Mapping[str, Any]) -> ToolResult:
    """It swallows its cancellation for some seconds."""
    for _ in range(40):
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            continue
    return ToolResult(text="late")


def hangs_once(hanging: asyncio.Event) -> Callable[[Mapping[str, Any]], Awaitable[ToolResult]]:
    """What says where, but never returns from its first look to the south, of which *hanging* tells."""

    async def does(arguments: Mapping[str, Any]) -> ToolResult:
        if arguments["at"] == "south" and not hanging.is_set():
            hanging.set()
            await asyncio.sleep(3600)
        return await says_where(arguments)

    return does
