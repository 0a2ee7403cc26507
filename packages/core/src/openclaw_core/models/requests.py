"""The JSON parameters of a request to a model, as its server expects them. Pure."""

import base64
from typing import Any

from openclaw_core.models.providers import Provider
from openclaw_core.ports import CallFault, FunctionCall, FunctionTool, Message, ModelCall, Picture


def request_of(call: ModelCall, provider: Provider) -> dict[str, Any]:
    """The parameters of *call*. Parameters of some models go only to those: other servers refuse them."""
    family = provider.family_of(call.model)
    request: dict[str, Any] = {
        "model": call.model,
        "messages": [_message(message) for message in call.messages],
        # Groq counts it against the rate limit before the call, with an undocumented default: always send it.
        provider.limit_field: call.max_tokens,
    }
    if call.temperature is not None and family.temperature:
        request["temperature"] = call.temperature
    request |= family.always
    if call.reasoning_effort is not None:
        request |= family.efforts.get(call.reasoning_effort, {})
    return request | _tools(call, provider)


def _message(message: Message) -> dict[str, Any]:
    # The content of an assistant that only calls stays a string: Ollama and LM Studio have refused the API's own null.
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.pictures:
        wire["content"] = [{"type": "text", "text": message.content}, *map(_picture, message.pictures)]
    if message.calls:
        wire["tool_calls"] = [_call(one) for one in message.calls]
    if message.role == "tool":
        wire["tool_call_id"] = message.call_id
    return wire


def _picture(picture: Picture) -> dict[str, Any]:
    data = base64.b64encode(picture.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{picture.mime_type};base64,{data}"}}


def _call(call: FunctionCall) -> dict[str, Any]:
    # Servers read the arguments of former calls too, and refuse the conversation if they are no JSON object.
    arguments = call.arguments if call.fault in (None, CallFault.UNKNOWN_NAME) else "{}"
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _tools(call: ModelCall, provider: Provider) -> dict[str, Any]:
    builtin = [{"type": tool} for tool in sent_builtin_tools(call, provider)]
    functions = [
        {"type": "function", "function": {"name": one.name, "description": one.description, "parameters": dict(one.parameters)}}
        for one in sent_functions(call, provider)
    ]  # fmt: skip
    if not builtin and not functions:
        return {}
    choice = {"tool_choice": call.function_choice} if functions and call.function_choice != "auto" else {}
    return {"tools": functions + builtin} | choice


def sent_functions(call: ModelCall, provider: Provider) -> tuple[FunctionTool, ...]:
    """The functions that the model is told of: none where they are not to be called and the server knows no such choice."""
    return () if call.function_choice == "none" and not provider.tool_choice else call.functions


def sent_builtin_tools(call: ModelCall, provider: Provider) -> tuple[str, ...]:
    """The built-in tools that the request has: those of a model that takes them, beside functions only where both are allowed."""
    if not provider.family_of(call.model).tools or (sent_functions(call, provider) and not provider.mixes_tools):
        return ()
    return call.tools


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
