"""The wire format of Groq's chat API: chunks, errors, rate limit headers, parameters, and streams that break off."""

import asyncio
import json
from typing import Any

from aiohttp import web

from openclaw_standin.model.faults import ERRORS, ModelFault
from openclaw_standin.model.script import ScriptCall


def wanted_schema(params: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON schema for the answer; None for an answer in text."""
    form = params.get("response_format") or {}
    if form.get("type") == "json_schema":
        schema = (form.get("json_schema") or {}).get("schema")
        return schema if isinstance(schema, dict) else {"type": "object"}
    return {"type": "object"} if form.get("type") == "json_object" else None


def head(call: ScriptCall, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{call.n}", "object": kind, "created": int(call.wall_s), "model": call.model}


def chunk(call: ScriptCall, delta: dict[str, Any], *, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return head(call, "chat.completion.chunk") | {"choices": [choice]}


EFFORTS = {"openai/gpt-oss": ("low", "medium", "high"), "qwen/": ("none", "default", "low", "medium", "high")}
"""The values of `reasoning_effort`, by the beginning of the model's id."""


def allows(params: dict[str, Any], model: str) -> bool:
    """Whether Groq accepts these parameters for this model. It refuses those of other models, and a chat with a speech model."""
    efforts = next((allowed for begin, allowed in EFFORTS.items() if model.startswith(begin)), ())
    gpt_oss = model.startswith("openai/gpt-oss")
    return not (
        model.startswith("whisper")
        or ("reasoning_effort" in params and params["reasoning_effort"] not in (None, *efforts))
        or ("reasoning_format" in params and (gpt_oss or "include_reasoning" in params))
        or (any(tool.get("type") != "function" for tool in params.get("tools") or ()) and not gpt_oss)
    )


def thinking(call: ScriptCall, pieces: list[str]) -> list[dict[str, Any]]:
    """Chunks with a thought in a field of its own."""
    return [chunk(call, {"reasoning": piece}) for piece in pieces]


async def send_event(response: web.StreamResponse, body: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode())


async def break_off(request: web.Request, response: web.StreamResponse, fault: ModelFault) -> web.StreamResponse:
    """End a stream in the middle of the answer, as *fault* says."""
    if fault.kind == "hang_mid":
        await asyncio.sleep(fault.hold_s)
    elif fault.kind == "error_event":
        body = {"error": {"message": "the model failed", "type": "internal_server_error", "code": "server_error"}}
        await response.write(f"event: error\ndata: {json.dumps(body)}\n\n".encode())
        await response.write_eof()
        return response
    elif fault.kind == "garbage":
        await response.write(b"data: <<<\n\n")
        await response.write_eof()
        return response
    abort(request)
    return response


def abort(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def error(kind: str, *, retry_after_s: float | None = None, message: str | None = None) -> web.Response:
    status, words, type_, code = ERRORS[kind]
    return _error(status, {"message": message or words, "type": type_, "code": code}, retry_after_s)


def refused(status: int, message: str, *, code: str | None = None, retry_after_s: float | None = None) -> web.Response:
    """A refusal in OpenAI's shape."""
    kind = "invalid_request_error" if status < 500 else "internal_server_error"
    return _error(status, {"message": message, "type": kind, "param": None, "code": code}, retry_after_s)


def _error(status: int, body: dict[str, Any], retry_after_s: float | None) -> web.Response:
    headers = limits() | ({} if retry_after_s is None else {"retry-after": f"{retry_after_s:g}"})
    return web.json_response({"error": body}, status=status, headers=headers)


def limits() -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": "500000",
        "x-ratelimit-limit-tokens": "250000",
        "x-ratelimit-remaining-requests": "499999",
        "x-ratelimit-remaining-tokens": "249000",
        "x-ratelimit-reset-requests": "172ms",
        "x-ratelimit-reset-tokens": "240ms",
    }
