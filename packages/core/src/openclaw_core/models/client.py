"""The client of a model server: a streamed answer, a JSON value by a schema, what a recording says, and which models there are.

It speaks OpenAI's API over httpx, in the words of the server's `Provider`, with our own time-outs and errors. An SDK's types and pydantic
took a third of an agent's CPU, to read a few fields of each chunk (docs/benchmarks.md).
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

import httpx

from openclaw_core import logs
from openclaw_core.bounded import TooLong
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
    CALLED,
    CUT,
    CUT_SHORT,
    FILTERED,
    Loose,
    chunks,
    delta_of,
    estimated,
    shown,
    usage_of,
)
from openclaw_core.models.connections import connections
from openclaw_core.models.function_calls import CallReader, LeakedCalls
from openclaw_core.models.json_values import matches
from openclaw_core.models.providers import Server
from openclaw_core.models.refusals import by_status
from openclaw_core.models.requests import json_request_of, sent_builtin_tools, streamed_request_of
from openclaw_core.models.thoughts import Seen, without_thoughts
from openclaw_core.ports import ModelCall, Piece, Usage
from openclaw_core.records import UNREADABLE, parsed

log = logs.get(__name__)

TAIL_TIMEOUT_S = 2.0
"""After the model has ended, only the token counts are missing: they are worth waiting for, not for long."""
LIST_TIMEOUT_S = 10.0


class ModelClient:
    """`Chat` and `Ears` of one server. One call is one request: nothing is repeated here."""

    def __init__(self, http: httpx.AsyncClient, server: Server) -> None:
        self._http = http
        self._provider = server.provider
        self._think_first: set[str] = set()
        """Models that begin with a thought, and whose server leaves out the mark that begins it."""
        self._told_of: set[str] = set()
        """Models of which it is logged that functions came before their built-in tools."""

    @classmethod
    @asynccontextmanager
    async def at(cls, server: Server, connect_timeout_s: float = 5.0) -> AsyncIterator["ModelClient"]:
        """Connect lazily, close at the end. Raises SettingsError for a key that cannot be sent."""
        async with connections(server, connect_timeout_s) as http:
            yield cls(http, server)

    async def stream(self, call: ModelCall) -> AsyncGenerator[Piece, None]:
        """Yield the answer piece by piece, without the model's thoughts; the usage and the calls of functions last. A model that thinks
        aloud is not silent, nor is one that calls.

        Raises RateLimited, ChatUnavailable, ModelSilent, StreamCut, EmptyAnswer, ToolCalled, AnswerFiltered, ModelGone,
        ChatUnauthorized, RequestTooLarge, ToolsRefused, ChatRefused.
        """
        self._check_tools(call)
        clock = asyncio.get_running_loop().time
        heard_at, patience_s = clock(), call.first_token_timeout_s
        answer = AnswerText(hold=call.model in self._think_first, cited="browser_search" in call.tools)
        called, ended, usage = False, "", None
        calls, leaked = CallReader(call), LeakedCalls()
        may_call = bool(call.functions) and call.function_choice != "none"
        request = self._http.build_request(
            "POST", "/chat/completions", json=streamed_request_of(call, self._provider), extensions={"streams": True}
        )
        with translated():
            async with _heard(heard_at, patience_s):
                reply = await self._answered(request, stream=True)
        async with aclosing(reply), aclosing(chunks(reply)) as events:
            while True:
                try:
                    with translated(text=answer.text), readable(text=answer.text):
                        async with _heard(heard_at, patience_s):
                            chunk = await anext(events, None)
                        if chunk is None:
                            break
                        delta = delta_of(chunk, self._provider.reasoning_fields)
                        usage = usage_of(chunk, self._provider.usage_fields) or usage
                except OpenClawError:
                    if ended:
                        break  # the whole answer is here; only its counts are not
                    raise
                ended, called = ended or delta.ended, called or bool(delta.calls)
                if may_call:
                    calls.feed(delta.calls)
                    leaked.feed(delta.text)
                seen = answer.feed(delta.text)
                if seen.text or seen.anew:
                    yield Piece(text=seen.text, anew=seen.anew)
                if answer.full or calls.full:
                    ended = CUT
                    break
                if delta.text or delta.thinks or delta.calls or delta.ended:
                    heard_at, patience_s = clock(), TAIL_TIMEOUT_S if ended else call.idle_timeout_s
        if not ended:
            raise StreamCut("no end mark") if answer.text else ChatUnavailable("the stream ended before it began")
        if answer.thought_ended_alone:
            self._think_first.add(call.model)
        seen = answer.rest()
        if may_call and not calls.any:
            calls.feed(found := leaked.entries(answer.text))
            if found and answer.text:
                answer.text, seen = "", Seen(anew=True)  # what was given out is the call
        _check_end(ended, answer.text, called=called, calls=calls.any, may_call=may_call)
        counted = usage or estimated(call, answer.text)
        cut = ended in CUT_SHORT
        yield Piece(text=seen.text, anew=seen.anew, usage=counted, truncated=cut, calls=calls.calls(cut=cut))

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
        """One JSON value by *schema*. Raises as `stream`; ChatUnavailable also for a reply that does not match."""
        with translated():
            async with asyncio.timeout(timeout_s):
                reply = await self._completed(json_request_of(call, self._provider, schema))
        with readable():
            content = without_thoughts(reply.choices[0].message.content or "").strip()
            if not content:
                raise EmptyAnswer("no JSON")
            value = json.loads(content)
            if not matches(value, schema):
                raise ChatUnavailable("the reply does not match the schema")
            return value, usage_of(reply, self._provider.usage_fields) or estimated(call, content)

    async def models(self, provider: str = "") -> frozenset[str]:
        """Ids that the server lists now, whoever's it is. Raises as `stream`."""
        ids = await self.listed()
        # Ollama lists `name:latest` and serves it as `name` too.
        return frozenset(ids) | {id_.removesuffix(":latest") for id_ in ids}

    async def listed(self) -> tuple[str, ...]:
        """The same in the server's order, without those that it calls inactive."""
        with translated():
            async with asyncio.timeout(LIST_TIMEOUT_S):
                listed = await self._listed()
        with readable():
            ids = [model.id for model in listed.data if getattr(model, "active", True) is not False]
            if not all(isinstance(id_, str) for id_ in ids):
                raise ValueError("not a list of models")
            return tuple(ids)

    async def transcribe(self, recording: bytes, *, name: str, model: str, timeout_s: float) -> str:
        """What is said in a recording, empty if nothing is; *name* tells its format by its ending. Raises as `stream`."""
        if not self._provider.transcription_path:
            raise ModelGone("the server takes no recordings")
        request = self._http.build_request(
            "POST",
            self._provider.transcription_path,
            data={"model": model, "response_format": "json", "temperature": "0"},
            files={"file": (name, recording)},
        )
        with translated():
            async with asyncio.timeout(timeout_s):
                reply = await self._answered(request)
            with readable():
                return str(json.loads(reply.content, object_hook=Loose).text.strip())

    async def _completed(self, request: dict[str, Any]) -> Any:
        """The reply to *request*, whole, by attributes."""
        reply = await self._answered(self._http.build_request("POST", "/chat/completions", json=request))
        return json.loads(reply.content, object_hook=Loose)

    async def _listed(self) -> Any:
        reply = await self._answered(self._http.build_request("GET", "/models"))
        return json.loads(reply.content, object_hook=Loose)

    async def _answered(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """The reply to *request*, if it is a good one. Raises the error of a bad one."""
        reply = await self._http.send(request, stream=stream)
        if reply.status_code == 200:
            return reply
        async with aclosing(reply):
            try:
                fault = parsed(await reply.aread())
            except (ValueError, TooLong):
                fault = None
        raise by_status(reply.status_code, reply.headers, fault, self._provider.retry_headers)


# ---- errors


def _check_end(ended: str, text: str, *, called: bool, calls: bool, may_call: bool) -> None:
    """Raise the error of an end mark that is not the end of an answer, or of an answer without a word.

    *called*: something came that calls a tool. *calls*: it can be read. *may_call*: it was asked for.
    """
    if ended in BROKEN_OFF:
        raise StreamCut("broken off") if text else ChatUnavailable("broken off")
    if may_call and (called or ended in CALLED) and not calls:
        raise _broken(text, "a call that cannot be read, or none")
    if not may_call and (called or ended in CALLED):
        raise ToolCalled(shown(ended))
    if ended in FILTERED:
        raise AnswerFiltered(shown(ended))
    if is_blank(text) and not calls:
        raise EmptyAnswer(f"ended by {shown(ended)}")


@asynccontextmanager
async def _heard(heard_at: float, patience_s: float) -> AsyncIterator[None]:
    """Wait for something to come, *patience_s* from when something last came, by the loop's clock. Raises ModelSilent."""
    try:
        async with asyncio.timeout_at(heard_at + patience_s):
            yield
    except TimeoutError:
        raise ModelSilent(silent_s=patience_s) from None


@contextmanager
def translated(*, text: str = "") -> Iterator[None]:
    """Turn whatever a call raises into one of ours; *text* is what had come of the answer.

    The cause is dropped: its message can hold the server's reply, which can repeat the user's words.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, OSError, TimeoutError, ValueError, RecursionError) as exc:
        raise _broken(text, type(exc).__name__) from None  # the last two: no JSON, or nested too deep


@contextmanager
def readable(*, text: str = "") -> Iterator[None]:
    """Around what reads a reply, ours or the SDK's, both unchecked: what the API does not promise fails anywhere in it."""
    try:
        yield
    except UNREADABLE as exc:
        raise _broken(text, f"unreadable reply, {type(exc).__name__}") from None


def _broken(text: str, what: str) -> OpenClawError:
    return StreamCut(what) if text else ChatUnavailable(what)
