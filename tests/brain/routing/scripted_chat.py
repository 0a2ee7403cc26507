"""A `ChatModel` whose answers are written down beforehand; it checks each call as the real server would."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import jsonschema

from openclaw_core.errors import ChatUnavailable, OpenClawError
from openclaw_core.ports import ModelCall, Piece, Usage

SILENCE = object()
"""An answer that never comes."""
USAGE = Usage(prompt_tokens=210, answer_tokens=12)


@dataclass
class ScriptedChat:
    """Gives its answers in turn, the last one again and again: a value, an error to raise, or `SILENCE`.

    *strict* as the port promises: a value outside the schema raises ChatUnavailable. Without it the value comes through,
    for the day on which a server does not keep its promise.
    """

    answers: list[Any]
    strict: bool = True
    calls: list[ModelCall] = field(default_factory=list)
    schemas: list[dict[str, Any]] = field(default_factory=list)

    async def complete_json(self, call: ModelCall, *, schema: dict[str, Any], timeout_s: float) -> tuple[Any, Usage]:
        jsonschema.Draft202012Validator.check_schema(schema)
        answer = self.answers[min(len(self.calls), len(self.answers) - 1)]
        self.calls.append(call)
        self.schemas.append(schema)
        if answer is SILENCE:
            await asyncio.sleep(timeout_s)
            raise ChatUnavailable
        if isinstance(answer, OpenClawError):
            raise answer
        if self.strict and not jsonschema.Draft202012Validator(schema).is_valid(answer):
            raise ChatUnavailable
        return answer, USAGE

    def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        raise AssertionError("routing streams nothing")

    async def models(self, provider: str = "") -> frozenset[str]:
        raise AssertionError("routing lists no models")
