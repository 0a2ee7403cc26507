"""Translates the refusal of a model server: its status, error codes and Retry-After become one of our errors. Pure."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from openclaw_core.errors import (
    ChatRefused,
    ChatUnauthorized,
    ChatUnavailable,
    ModelGone,
    OpenClawError,
    RateLimited,
    RequestTooLarge,
    ToolsRefused,
)
from openclaw_core.models.providers import RetryHeader

_TOO_LONG = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_TOO_LONG_WORDS = "maximum context length"
"""vLLM and some proxies send no code for it, only OpenAI's words."""
_MODEL_GONE = frozenset({"model_not_found", "model_decommissioned", "model_not_active"})
_MODEL_FAILED = frozenset({"json_validate_failed", "tool_use_failed", "output_parse_failed"})
_TOOLS_REFUSED = re.compile(
    r"(?:not|n't) support (?:the use of )?(?:[\w-]+ )?(?:tools?\b|function)"  # Ollama, xAI, DeepSeek
    r"|(?:tools?|tool[ _](?:calling|use)|function[ _]calling)[`'\"]? (?:is|are) not (?:supported|enabled)"  # Groq, OpenAI, Mistral
    r"|no endpoints found that support (?:tool use|the provided [`'\"]tool_choice)"  # OpenRouter
    r"|requires? --(?:enable-auto-tool-choice|tool-call-parser)"  # vLLM that was started without a parser for calls
    r"|tools param requires --jinja"  # llama.cpp without templates
    r"|(?:unsupported param(?:eter)?|argument supplied): [`'\"]?tools?\b",  # older servers
    re.IGNORECASE,
)
"""How servers say that a model, or they themselves, take no tools. None has a code for it; Groq's `tool_use_failed` is a bad call."""
_MAY_REFUSE_TOOLS = frozenset({400, 404, 422, 500, 501})
"""OpenRouter says it by 404, llama.cpp by 500."""
_RETRY_AFTER = (RetryHeader(name="retry-after"),)


def error_of_refusal(
    status_code: int, headers: Mapping[str, str], body: object, retry_headers: tuple[RetryHeader, ...] = _RETRY_AFTER
) -> OpenClawError:
    """Our error for a refusal."""
    codes = _codes(body)
    match status_code:
        case 429:
            return RateLimited(retry_after_s=retry_after_s(headers, now=time.time(), of=retry_headers))
        case 413:
            return RequestTooLarge("413")
        case 400 if codes & _TOO_LONG or _TOO_LONG_WORDS in _message(body):
            return RequestTooLarge("context length")
        case status if (
            status in _MAY_REFUSE_TOOLS and not codes & _MODEL_FAILED and _TOOLS_REFUSED.search(_message(body))
        ):
            return ToolsRefused(str(status))
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
    error = _error(body)
    return {value for name in ("code", "type") if isinstance(value := error.get(name), str)}


def _message(body: object) -> str:
    """The message of an error body. It can repeat the user's words: compare it, never show it."""
    message = _error(body).get("message")
    return message if isinstance(message, str) else ""


def _error(body: object) -> dict[str, object]:
    """The error of a body, in an object of its own or not."""
    error = body.get("error", body) if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def retry_after_s(
    headers: Mapping[str, str], *, now: float, of: tuple[RetryHeader, ...] = _RETRY_AFTER
) -> float | None:
    """How long the server asks to wait, in seconds, by the first valid header of *of*; None if there is none."""
    asked = (_seconds(headers.get(header.name, "").strip(), header, now) for header in of)
    return next((seconds for seconds in asked if seconds is not None), None)


def _seconds(raw: str, header: RetryHeader, now: float) -> float | None:
    try:
        value = float(raw)
    except ValueError:
        return _until_date(raw, now) if header.unit == "s" else None
    value = value / 1000 if header.unit == "ms" else value
    return value if 0 <= value < float("inf") else None


def _until_date(raw: str, now: float) -> float | None:
    try:
        return max(parsedate_to_datetime(raw).timestamp() - now, 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
