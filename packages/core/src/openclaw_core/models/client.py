"""What an agent asks of a model server, over Groq's API: a streamed answer and what a recording says, with our own time-outs and errors.

Without Groq's SDK: its types and pydantic took a third of an agent's CPU, to read a few fields of each chunk (docs/benchmarks.md). The
brain, which starts once, asks its own questions by the SDK: `groq_chat`.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from openclaw_core.bounded import TooLong
from openclaw_core.characters import is_blank
from openclaw_core.errors import (
    AnswerFiltered,
    ChatRefused,
    ChatUnauthorized,
    ChatUnavailable,
    EmptyAnswer,
    ModelGone,
    ModelSilent,
    OpenClawError,
    RateLimited,
    RequestTooLarge,
    StreamCut,
    ToolCalled,
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
from openclaw_core.ports import ModelCall, Piece
from openclaw_core.records import UNREADABLE, parsed

TAIL_TIMEOUT_S = 2.0
"""After the model has ended, only the token counts are missing: they are worth waiting for, not for long."""


class ModelServer:
    """`Speaker` and `Ears`. One call is one request: nothing is repeated here."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._think_first: set[str] = set()
        """Models that begin with a thought, and whose server leaves out the mark that begins it."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, api_key: str, base_url: str | None = None, connect_timeout_s: float = 5.0
    ) -> AsyncIterator["ModelServer"]:
        """Connect lazily, close at the end. *base_url* is scheme, host and port: `/openai/v1/…` is appended.

        Raises SettingsError for a key that cannot be sent.
        """
        async with connections(api_key, base_url, connect_timeout_s) as http:
            yield cls(http)

    async def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        """Yield the answer piece by piece, without the model's thoughts; the usage last. A model that thinks aloud is not silent.

        Raises RateLimited, ChatUnavailable, ModelSilent, StreamCut, EmptyAnswer, ToolCalled, AnswerFiltered, ModelGone,
        ChatUnauthorized, RequestTooLarge, ChatRefused.
        """
        clock = asyncio.get_running_loop().time
        heard_at, patience_s = clock(), call.first_token_timeout_s
        answer = AnswerText(hold=call.model in self._think_first, cited="browser_search" in call.tools)
        called, ended, usage = False, "", None
        request = self._http.build_request(
            "POST", "/chat/completions", json=streamed_request_of(call), extensions={"streams": True}
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
                        delta = delta_of(chunk)
                        usage = usage_of(chunk) or usage
                except OpenClawError:
                    if ended:
                        break  # the whole answer is here; only its counts are not
                    raise
                ended, called = ended or delta.ended, called or delta.calls
                seen = answer.feed(delta.text)
                if seen.text or seen.anew:
                    yield Piece(text=seen.text, anew=seen.anew)
                if answer.full:
                    ended = CUT
                    break
                if delta.text or delta.thinks or delta.ended:
                    heard_at, patience_s = clock(), TAIL_TIMEOUT_S if ended else call.idle_timeout_s
        if not ended:
            raise StreamCut("no end mark") if answer.text else ChatUnavailable("the stream ended before it began")
        if answer.thought_ended_alone:
            self._think_first.add(call.model)
        seen = answer.rest()
        _check_end(ended, answer.text, called=called)
        counted = usage or estimated(call, answer.text)
        yield Piece(text=seen.text, anew=seen.anew, usage=counted, truncated=ended in CUT_SHORT)

    async def transcribe(self, recording: bytes, *, name: str, model: str, timeout_s: float) -> str:
        """What is said in a recording, empty if nothing is; *name* tells its format by its ending. Raises as `stream`."""
        request = self._http.build_request(
            "POST",
            "/audio/transcriptions",
            data={"model": model, "response_format": "json", "temperature": "0"},
            files={"file": (name, recording)},
        )
        with translated():
            async with asyncio.timeout(timeout_s):
                reply = await self._answered(request)
            with readable():
                return str(json.loads(reply.content, object_hook=Loose).text.strip())

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
        raise by_status(reply.status_code, reply.headers, fault)


# ---- what is sent


def request_of(call: ModelCall) -> dict[str, Any]:
    """The call's parameters. What only one maker's models understand goes to those alone: other servers refuse it."""
    request: dict[str, Any] = {
        "model": call.model,
        "messages": [{"role": message.role, "content": message.content} for message in call.messages],
        # Groq counts it against the limit before it runs, with a default that nobody wrote down: always send it.
        "max_completion_tokens": call.max_tokens,
    }
    if call.temperature is not None:
        request["temperature"] = call.temperature
    if call.model.startswith("openai/gpt-oss"):
        request["include_reasoning"] = False
        if call.reasoning_effort is not None:  # this family cannot do without
            request["reasoning_effort"] = "low" if call.reasoning_effort == "none" else call.reasoning_effort
        if call.tools:
            request["tools"] = [{"type": tool} for tool in call.tools]
    elif call.model.startswith("qwen/"):
        request["reasoning_format"] = "hidden"  # or the answer begins with the model's thoughts
        if call.reasoning_effort == "none":  # the one effort that every Qwen of Groq's has known
            request["reasoning_effort"] = "none"
    return request


def streamed_request_of(call: ModelCall) -> dict[str, Any]:
    """The same for a stream. Groq counts without being asked; llama.cpp only when it is."""
    request = request_of(call) | {"stream": True}
    if not call.model.startswith(("openai/gpt-oss", "qwen/")):
        request["stream_options"] = {"include_usage": True}
    return request


# ---- errors


def _check_end(ended: str, text: str, *, called: bool) -> None:
    """Raise the error of an end mark that is not the end of an answer, or of an answer without a word."""
    if ended in BROKEN_OFF:
        raise StreamCut("broken off") if text else ChatUnavailable("broken off")
    if called or ended in CALLED:
        raise ToolCalled(shown(ended))
    if ended in FILTERED:
        raise AnswerFiltered(shown(ended))
    if is_blank(text):
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


_TOO_LONG = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_MODEL_GONE = frozenset({"model_not_found", "model_decommissioned", "model_not_active"})
_MODEL_FAILED = frozenset({"json_validate_failed", "tool_use_failed", "output_parse_failed"})


def by_status(status_code: int, headers: Mapping[str, str], body: object) -> OpenClawError:
    """What a refusal means for us."""
    codes = _codes(body)
    match status_code:
        case 429:
            return RateLimited(retry_after_s=retry_after_s(headers, now=time.time()))
        case 413:
            return RequestTooLarge("413")
        case 400 if codes & _TOO_LONG:
            return RequestTooLarge("context length")
        case 400 if codes & _MODEL_FAILED:
            return ChatUnavailable("the model's own output was refused")  # another try gives other output
        case 403 if any(code.startswith("model_permission_blocked") for code in codes):
            return ModelGone("blocked for this key")
        case 404:
            return ModelGone("404")
        case 401 | 403:
            return ChatUnauthorized(str(status_code))
        case status if status >= 498 or status in (408, 409, 425) or status < 400:
            return ChatUnavailable(str(status))
        case _ if codes & _MODEL_GONE:
            return ModelGone("not served any more")
        case status:
            return ChatRefused(str(status))


def _codes(body: object) -> set[str]:
    """`code` and `type` of an error body, whatever its shape."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return set()
    return {value for name in ("code", "type") if isinstance(value := error.get(name), str)}


def retry_after_s(headers: Mapping[str, str], *, now: float) -> float | None:
    """The server's wish in seconds, from `retry-after` in either of its forms; None if it sent none that makes sense."""
    raw = headers.get("retry-after", "").strip()
    try:
        seconds = float(raw)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(raw).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
        seconds = max(seconds, 0.0)
    return seconds if 0 <= seconds < float("inf") else None
