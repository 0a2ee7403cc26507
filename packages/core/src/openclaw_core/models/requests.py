"""The JSON parameters of a request to a model, as its server expects them. Pure."""

from typing import Any

from openclaw_core.models.providers import Provider
from openclaw_core.ports import ModelCall


def request_of(call: ModelCall, provider: Provider) -> dict[str, Any]:
    """The parameters of *call*. Parameters of some models go only to those: other servers refuse them."""
    family = provider.family_of(call.model)
    request: dict[str, Any] = {
        "model": call.model,
        "messages": [{"role": message.role, "content": message.content} for message in call.messages],
        # Groq counts it against the rate limit before the call, with an undocumented default: always send it.
        provider.limit_field: call.max_tokens,
    }
    if call.temperature is not None and family.temperature:
        request["temperature"] = call.temperature
    request |= family.always
    if call.reasoning_effort is not None:
        request |= family.efforts.get(call.reasoning_effort, {})
    if call.tools and family.tools:
        request["tools"] = [{"type": tool} for tool in call.tools]
    return request


def streamed_request_of(call: ModelCall, provider: Provider) -> dict[str, Any]:
    """The same for a stream. Most servers send token counts only if they are asked to."""
    request = request_of(call, provider) | {"stream": True}
    if not provider.family_of(call.model).counts_unasked:
        request["stream_options"] = {"include_usage": True}
    return request


def json_request_of(call: ModelCall, provider: Provider, schema: dict[str, Any]) -> dict[str, Any]:
    """The same for one JSON value by *schema*."""
    wanted: dict[str, Any] = {"name": "reply", "schema": schema}
    if provider.json_schema == "strict":
        wanted["strict"] = True
    return request_of(call, provider) | {"response_format": {"type": "json_schema", "json_schema": wanted}}
