"""The client of a model server: streamed answers, JSON values by a schema, transcripts, and the list of models.

It speaks OpenAI's API over httpx, with the differences that `Provider` lists, and with our own time-outs and errors. An SDK took a third
of an agent's CPU to read a few fields of each chunk (docs/benchmarks.md).
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any, Self

import httpx

from openclaw_core import logs
from openclaw_core.characters import is_blank
from openclaw_core.errors import (
    AnswerFiltered,
    ChatUnavailable,
    EmptyAnswer,
    ModelGone,
    ModelSilent,
    OpenClawError,
    StreamCut,
    ToolCalled,
    ToolsRefused,
)
from openclaw_core.models.answer_text import AnswerText
from openclaw_core.models.chunks import (
    BROKEN_OFF,
    FILTERED,
    LENGTH,
    TOOL_CALLED,
    TRUNCATED,
    JsonObject,
    chunks,
    delta_of,
    estimated_usage,
    loggable,
    usage_of,
)
from openclaw_core.models.connections import connections
from openclaw_core.models.function_calls import CallReader, LeakedCalls
from openclaw_core.models.json_schema import matches
from openclaw_core.models.limits import limits_left
from openclaw_core.models.providers import ModelServer
from openclaw_core.models.refusals import error_of_refusal
from openclaw_core.models.requests import json_request_of, sent_builtin_tools, streamed_request_of
from openclaw_core.models.thought_filter import VisibleText, without_thoughts
from openclaw_core.ports import ModelCall, Piece, Usage
from openclaw_core.records import UNREADABLE, parsed
from openclaw_core.reply_limit import ReplyTooLong

log = logs.get(__name__)

TAIL_TIMEOUT_S = 2.0
"""After the end mark only the token counts are missing: they are worth a short wait."""
LIST_TIMEOUT_S = 10.0


class ModelClient:
    """`ChatModel` and `Transcriber` of one server. One call is one request: nothing is retried here."""

    def __init__(self, http: httpx.AsyncClient, server: ModelServer) -> None:
        self._http = http
        self._provider = server.provider
        self._think_first: set[str] = set()
        """Models that begin with a thought, whose server drops the mark before it."""
        self._told_of: set[str] = set()
        """Models for which it is logged that functions came before their built-in tools."""

    @classmethod
    @asynccontextmanager
    async def at(cls, server: ModelServer, connect_timeout_s: float = 5.0) -> AsyncIterator[Self]:
        """Connect lazily, close at the end. Raises SettingsError for a key that cannot be sent."""
        async with connections(server, connect_timeout_s) as http:
            yield cls(http, server)

    async def stream(self, call: ModelCall) -> AsyncGenerator[Piece, None]:
        """As the port says. A model that sends thoughts or calls is not silent."""
        self._check_tools(call)
        clock = asyncio.get_running_loop().time
        last_at, patience_s = clock(), call.first_token_timeout_s
        answer = AnswerText(hold_back=call.model in self._think_first, cited="browser_search" in call.tools)
        called, ended, usage = False, "", None
        calls, leaked = CallReader(call), LeakedCalls()
        may_call = bool(call.functions) and call.function_choice != "none"
        request = self._http.build_request(
            "POST", "/chat/completions", json=streamed_request_of(call, self._provider), extensions={"streams": True}
        )
        with http_errors_translated():
            async with _silence_limit(last_at, patience_s):
                reply = await self._answered(request, stream=True)
        left = limits_left(reply.headers)
        async with aclosing(reply), aclosing(chunks(reply)) as events:
            while True:
                try:
                    with http_errors_translated(text=answer.text), parse_errors_translated(text=answer.text):
                        async with _silence_limit(last_at, patience_s):
                            chunk = await anext(events, None)
                        if chunk is None:
                            break
                        delta = delta_of(chunk, self._provider.reasoning_fields)
                        usage = usage_of(chunk, self._provider.usage_fields) or usage
                except OpenClawError:
                    if ended:
                        break  # only the token counts are missing
                    raise
                ended, called = ended or delta.ended, called or bool(delta.calls)
                if may_call:
                    calls.feed(delta.calls)
                    leaked.feed(delta.text)
                seen = answer.feed(delta.text)
                if seen.text or seen.restarted:
                    yield Piece(text=seen.text, restarted=seen.restarted)
                if answer.full or calls.full:
                    ended = LENGTH
                    break
                if delta.text or delta.thinks or delta.calls or delta.ended:
                    last_at, patience_s = clock(), TAIL_TIMEOUT_S if ended else call.idle_timeout_s
        if not ended:
            raise StreamCut("no end mark") if answer.text else ChatUnavailable("the stream ended before it began")
        if answer.thought_ended_without_begin:
            self._think_first.add(call.model)
        seen = answer.finish()
        if may_call and not calls.any:
            calls.feed(found := leaked.entries(answer.text))
            if found and answer.text:
                answer.text, seen = "", VisibleText(restarted=True)  # what was given out is the call
        _check_end(ended, answer.text, called=called, calls=calls.any, may_call=may_call)
        counted = usage or estimated_usage(call, answer.text)
        cut = ended in TRUNCATED
        yield Piece(
            text=seen.text,
            restarted=seen.restarted,
            usage=counted,
            truncated=cut,
            calls=calls.calls(cut=cut),
            left=left,
        )

    def _check_tools(self, call: ModelCall) -> None:
        """Raise ToolsRefused for a model that is known to take no functions; log it once where functions come before built-in tools."""
        family = self._provider.family_of(call.model)
        if call.functions and not family.functions:
            raise ToolsRefused("known to take none")
        if (
            family.tools
            and call.tools
            and not sent_builtin_tools(call, self._provider)
            and call.model not in self._told_of
        ):
            self._told_of.add(call.model)
            log.info("model.builtin_tools_left_out", model=call.model, tools=list(call.tools))

    async def complete_json(self, call: ModelCall, *, schema: dict[str, Any], timeout_s: float) -> tuple[Any, Usage]:
        with http_errors_translated():
            async with asyncio.timeout(timeout_s):
                reply = await self._completed(json_request_of(call, self._provider, schema))
        with parse_errors_translated():
            content = without_thoughts(reply.choices[0].message.content or "").strip()
            if not content:
                raise EmptyAnswer("no JSON")
            value = json.loads(content)
            if not matches(value, schema):
                raise ChatUnavailable("the reply does not match the schema")
            return value, usage_of(reply, self._provider.usage_fields) or estimated_usage(call, content)

    async def models(self, provider: str = "") -> frozenset[str]:
        """Ids that the server lists now. *provider* is ignored: there is one server. Raises as `stream`."""
        ids = await self.listed()
        # Ollama lists `name:latest` and serves it as `name` too.
        return frozenset(ids) | {id_.removesuffix(":latest") for id_ in ids}

    async def listed(self) -> tuple[str, ...]:
        """The same in the server's order, without inactive ones."""
        with http_errors_translated():
            async with asyncio.timeout(LIST_TIMEOUT_S):
                listed = await self._listed()
        with parse_errors_translated():
            ids = [model.id for model in listed.data if getattr(model, "active", True) is not False]
            if not all(isinstance(id_, str) for id_ in ids):
                raise ValueError("not a list of models")
            return tuple(ids)

    async def transcribe(self, recording: bytes, *, name: str, model: str, timeout_s: float) -> str:
        if not self._provider.transcription_path:
            raise ModelGone("the server takes no recordings")
        request = self._http.build_request(
            "POST",
            self._provider.transcription_path,
            data={"model": model, "response_format": "json", "temperature": "0"},
            files={"file": (name, recording)},
        )
        with http_errors_translated():
            async with asyncio.timeout(timeout_s):
                reply = await self._answered(request)
            with parse_errors_translated():
                return str(json.loads(reply.content, object_hook=JsonObject).text.strip())

    async def _completed(self, request: dict[str, Any]) -> Any:
        """The whole reply to *request*, with attributes."""
        reply = await self._answered(self._http.build_request("POST", "/chat/completions", json=request))
        return json.loads(reply.content, object_hook=JsonObject)

    async def _listed(self) -> Any:
        reply = await self._answered(self._http.build_request("GET", "/models"))
        return json.loads(reply.content, object_hook=JsonObject)

    async def _answered(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """The reply to *request*. Raises the error of a refusal."""
        reply = await self._http.send(request, stream=stream)
        if reply.status_code == 200:
            return reply
        async with aclosing(reply):
            try:
                fault = parsed(await reply.aread())
            except (ValueError, ReplyTooLong):
                fault = None
        raise error_of_refusal(reply.status_code, reply.headers, fault, self._provider.retry_headers)


# ---- errors


def _check_end(ended: str, text: str, *, called: bool, calls: bool, may_call: bool) -> None:
    """Raise the error of an end mark that does not end an answer, or of an empty answer.

    *called*: something came that calls a tool. *calls*: it can be read. *may_call*: it was asked for.
    """
    if ended in BROKEN_OFF:
        raise StreamCut("broken off") if text else ChatUnavailable("broken off")
    if may_call and (called or ended in TOOL_CALLED) and not calls:
        raise _broken(text, "a call that cannot be read, or none")
    if not may_call and (called or ended in TOOL_CALLED):
        raise ToolCalled(loggable(ended))
    if ended in FILTERED:
        raise AnswerFiltered(loggable(ended))
    if is_blank(text) and not calls:
        raise EmptyAnswer(f"ended by {loggable(ended)}")


@asynccontextmanager
async def _silence_limit(last_at: float, patience_s: float) -> AsyncIterator[None]:
    """Limit a wait to *patience_s* after the last event, by the loop's clock. Raises ModelSilent."""
    try:
        async with asyncio.timeout_at(last_at + patience_s):
            yield
    except TimeoutError:
        raise ModelSilent(silent_s=patience_s) from None


@contextmanager
def http_errors_translated(*, text: str = "") -> Iterator[None]:
    """Translate what a call raises into our errors; *text* is the answer so far.

    The cause is dropped: its message can hold the server's reply, which can repeat the user's words.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, OSError, TimeoutError, ValueError, RecursionError) as exc:
        raise _broken(text, type(exc).__name__) from None  # the last two: no JSON, or too deep


@contextmanager
def parse_errors_translated(*, text: str = "") -> Iterator[None]:
    """Translate errors of reading a reply: its shape is not checked before."""
    try:
        yield
    except UNREADABLE as exc:
        raise _broken(text, f"unreadable reply, {type(exc).__name__}") from None


def _broken(text: str, what: str) -> OpenClawError:
    return StreamCut(what) if text else ChatUnavailable(what)
