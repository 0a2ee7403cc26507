"""The server of the scripted model: Groq's chat API with fixed timing, repeatable answers, and faults on request."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from openclaw_standin import guard
from openclaw_standin.model.faults import ERRORS, FINISHES, SAID_BEFORE, THINKS, THOUGHT, ModelFault, ModelFaults
from openclaw_standin.model.picture_rules import pictures_refused, tokens_of
from openclaw_standin.model.script import ScriptCall, answer_tokens, last_said, matching, short_digest
from openclaw_standin.model.tool_rules import functions_in, refusal_of
from openclaw_standin.model.tool_scripts import (
    Refusal,
    ScriptedTurn,
    ScriptFault,
    Scripts,
    call_entries,
    call_message,
    streamed_pieces,
)
from openclaw_standin.model.wire import (
    abort,
    allows,
    break_off,
    chunk,
    error,
    head,
    limits,
    refused,
    send_event,
    thinking,
    wanted_schema,
)

MODELS = (
    "openai/gpt-oss-120b",
    "openai/gpt-oss-20b",
    "qwen/qwen3.8-27b",
    "whisper-large-v3",
    "whisper-large-v3-turbo",
)
PREFIX = "/openai/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the model answers, and how much."""

    first_token_s: float = 0.3
    tokens_per_s: float = 100.0
    tokens: int = 120
    chunk_s: float = 0.04
    """Tokens of this time are sent in one chunk, so that a small machine can run many streams."""

    def due_s(self, token: int) -> float:
        """Seconds from the start of a call to its *token*-th token, from 0."""
        return self.first_token_s + token / self.tokens_per_s


class ScriptedModel:
    """A running model server: its address, the calls it has seen, its faults and its scripts. Made by `open`."""

    def __init__(self, *, pace: Pace, api_key: str | None) -> None:
        self.url = ""
        """For GROQ_BASE_URL; the client appends /openai/v1/…"""
        self.pace = pace
        self.faults = ModelFaults()
        self.scripts = Scripts()
        self.calls: list[ScriptCall] = []
        self.models = list(MODELS)
        self.limits = limits()
        """Headers of each answer: the key's limits, and what is left of them."""
        self._chance = random.Random(0)
        self._api_key = api_key

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        first_token_s: float = 0.3,
        tokens_per_s: float = 100.0,
        tokens: int = 120,
        chunk_s: float = 0.04,
        api_key: str | None = None,
        hosts: Collection[str] = (),
    ) -> AsyncIterator["ScriptedModel"]:
        """Serve until the block ends. *api_key* None accepts any key. *hosts* are names of this server besides the loopback's.

        Raises OSError if the port is taken.
        """
        pace = Pace(first_token_s=first_token_s, tokens_per_s=tokens_per_s, tokens=tokens, chunk_s=chunk_s)
        model = cls(pace=pace, api_key=api_key)
        app = web.Application(
            client_max_size=64 * 1024 * 1024,
            middlewares=[guard.known_hosts(hosts), guard.no_browsers, guard.whole_bodies],
        )
        app.router.add_post(f"{PREFIX}/chat/completions", model.complete)
        app.router.add_get(f"{PREFIX}/models", model.list_models)
        app.router.add_post(f"{PREFIX}/audio/transcriptions", model.transcribe)
        async with guard.serving(app, host, port) as model.url:
            yield model

    # ---- the API

    async def list_models(self, request: web.Request) -> web.Response:
        if not self._known_key(request):
            return error("unauthorized")
        return web.json_response({"object": "list", "data": [self._entry(name) for name in self.models]})

    @staticmethod
    def _entry(name: str) -> dict[str, Any]:
        return {
            "id": name, "object": "model", "created": 0, "owned_by": "scripted", "active": True, "context_window": 131072,
            "max_completion_tokens": 65536, "public_apps": None,
        }  # fmt: skip

    async def transcribe(self, request: web.Request) -> web.Response:
        if not self._known_key(request):
            return error("unauthorized")
        form = await request.post()
        if form.get("model") not in self.models:
            return error("model_gone")
        sound = form.get("file")
        size = len(sound.file.read()) if isinstance(sound, web.FileField) else 0
        return web.json_response({"text": f"a recording of {size} bytes"})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        start_s, wall_s = time.monotonic(), time.time()
        try:
            body = await request.read()
            params = json.loads(body)
            messages = [message for message in params["messages"] if isinstance(message, dict)]
            name = str(params["model"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return error("bad_request", message="the body must be JSON with model and messages")
        schema = wanted_schema(params)
        kind: Literal["answer", "json"] = "answer" if schema is None else "json"
        call = ScriptCall(
            n=len(self.calls) + 1,
            model=name,
            kind=kind,
            stream=bool(params.get("stream")),
            start_s=start_s,
            wall_s=wall_s,
            prompt_tokens=sum(map(tokens_of, messages)),
            user_digest=short_digest(last_said(messages, "user")),
            messages=messages,
        )
        self.calls.append(call)
        try:
            response = await self._answer(request, params, call, schema, len(body))
        except (asyncio.CancelledError, ConnectionError):
            call.outcome = "dropped" if call.outcome == "open" else call.outcome
            raise
        finally:
            call.end_s = time.monotonic()
        return response

    async def _answer(
        self,
        request: web.Request,
        params: dict[str, Any],
        call: ScriptCall,
        schema: dict[str, Any] | None,
        request_bytes: int,
    ) -> web.StreamResponse:
        if not self._known_key(request):
            call.outcome = "unauthorized"
            return error("unauthorized")
        if why := refusal_of(params):
            call.outcome, call.refusal = "refused", why
            return refused(400, why)
        status, why = pictures_refused(params, request_bytes)
        if why:
            call.outcome, call.refusal = "refused", why
            return refused(status, why)
        fault = self.faults.take(call.model, call.kind, last_said(call.messages, "system"))
        if fault is None and call.model not in self.models:
            fault = ModelFault(kind="model_gone")
        if fault is None and not allows(params, call.model):
            fault = ModelFault(kind="bad_parameter")
        turn: ScriptedTurn | None = None
        if fault is None and schema is None:
            try:
                step = self.scripts.step(call.model, call.messages, may_call=bool(functions_in(params)))
            except ScriptFault as exc:
                call.outcome, call.refusal = "script", str(exc)
                return refused(500, str(exc))
            if isinstance(step, Refusal):
                call.outcome = f"status {step.status}"
                return refused(step.status, step.message, code=step.code, retry_after_s=step.retry_after_s)
            fault = step if isinstance(step, ModelFault) else None
            turn = step if isinstance(step, ScriptedTurn) else None
        if turn is not None:
            await asyncio.sleep(turn.delay_s)
        if fault is not None:
            call.outcome = fault.kind
            if fault.kind in ERRORS:
                return error(fault.kind, retry_after_s=fault.retry_after_s)
            if fault.kind == "hang":
                await asyncio.sleep(fault.hold_s)
                return abort(request)
            if fault.kind == "garbage" and not call.stream:
                return web.Response(text="<<<", content_type="application/json")
        pieces = self._pieces(call, schema, fault) if turn is None else streamed_pieces(turn.text)
        limit = params.get("max_completion_tokens") or params.get("max_tokens")
        cut_short = isinstance(limit, int) and 0 < limit < len(pieces)
        pieces = pieces[:limit] if cut_short else pieces
        finish = FINISHES.get(fault.kind if fault else "", "length" if cut_short else "stop")
        if turn is not None:
            finish = turn.finish or ("tool_calls" if turn.calls else finish)
        if call.stream:
            return await self._stream(request, params, call, pieces, finish, fault, turn)
        await asyncio.sleep(max(0.0, call.start_s + self.pace.due_s(len(pieces)) - time.monotonic()))
        call.first_s, call.tokens = time.monotonic(), len(pieces)
        call.outcome = "ok" if fault is None else call.outcome
        calls = {"tool_calls": call_message(turn, call.n)} if turn is not None and turn.calls else {}
        body = head(call, "chat.completion") | {
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "".join(pieces)} | calls,
                    "logprobs": None,
                    "finish_reason": finish,
                }
            ],
            "usage": self._usage(call),
            "x_groq": {"id": f"req_{call.n}"},
        }
        return web.json_response(body, headers=self.limits)

    def _pieces(self, call: ScriptCall, schema: dict[str, Any] | None, fault: ModelFault | None) -> list[str]:
        kind = "" if fault is None else fault.kind
        if kind in ("empty", "thoughts_alone"):
            return []
        if kind in FINISHES:
            return list(SAID_BEFORE)
        if kind == "bad_json":
            return ['{"role": "', "nob", "ody", '"']
        if schema is not None:
            text = json.dumps(matching(schema, self._chance), ensure_ascii=False)
            return [text[at : at + 4] for at in range(0, len(text), 4)]
        answer = answer_tokens(
            last_said(call.messages, "user"),
            system_prompt=last_said(call.messages, "system"),
            tokens=self.pace.tokens,
        )
        before, behind = THINKS.get(kind, ("", ""))
        return [*(before[at : at + 5] for at in range(0, len(before), 5)), *answer, *([behind] if behind else [])]

    async def _stream(
        self,
        request: web.Request,
        params: dict[str, Any],
        call: ScriptCall,
        pieces: list[str],
        finish: str,
        fault: ModelFault | None,
        turn: ScriptedTurn | None,
    ) -> web.StreamResponse:
        kind = "" if fault is None else fault.kind
        stop_at = (
            fault.after_tokens if fault is not None and kind in ("hang_mid", "cut", "error_event", "garbage") else None
        )
        response = web.StreamResponse(headers=self.limits | {"Content-Type": "text/event-stream"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        await self._pause(call, 0)
        await send_event(
            response, chunk(call, {"role": "assistant", "content": ""}) | {"x_groq": {"id": f"req_{call.n}"}}
        )
        for event in thinking(call, THOUGHT.split(" ")) if kind == "thoughts_alone" else ():
            await send_event(response, event)
        sent = 0
        while sent < len(pieces) and (stop_at is None or sent < stop_at):
            await self._pause(call, sent)
            due = 1 + int(
                (time.monotonic() - call.start_s - self.pace.first_token_s + self.pace.chunk_s / 2)
                * self.pace.tokens_per_s
            )
            upto = min(len(pieces), max(sent + 1, due), stop_at or len(pieces))
            call.first_s = call.first_s or time.monotonic()
            await send_event(response, chunk(call, {"content": "".join(pieces[sent:upto])}))
            call.tokens = sent = upto
            await asyncio.sleep(self.pace.chunk_s if sent < len(pieces) else 0)
        if fault is not None and stop_at is not None:
            return await break_off(request, response, fault)
        if kind == "tool_call":
            called = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
            await send_event(response, chunk(call, {"tool_calls": [called]}))
        for entries in call_entries(turn, call.n) if turn is not None else ():
            await send_event(response, chunk(call, {"tool_calls": entries}))
            call.tokens += 1
        last = chunk(call, {}, finish=finish) | {"x_groq": {"id": f"req_{call.n}", "usage": self._usage(call)}}
        await send_event(response, last)
        if (params.get("stream_options") or {}).get("include_usage"):
            await send_event(response, chunk(call, {}) | {"choices": [], "usage": self._usage(call)})
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        call.outcome = "ok" if fault is None else call.outcome
        return response

    async def _pause(self, call: ScriptCall, token: int) -> None:
        await asyncio.sleep(max(0.0, call.start_s + self.pace.due_s(token) - time.monotonic()))

    def _usage(self, call: ScriptCall) -> dict[str, Any]:
        took_s = round(time.monotonic() - call.start_s, 4)
        return {
            "queue_time": 0.0,
            "prompt_tokens": call.prompt_tokens,
            "prompt_time": self.pace.first_token_s,
            "completion_tokens": call.tokens,
            "completion_time": took_s,
            "total_tokens": call.prompt_tokens + call.tokens,
            "total_time": took_s,
        }

    def _known_key(self, request: web.Request) -> bool:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        return bool(key) and (self._api_key is None or key == self._api_key)
