"""Asks the router, a small model, for the name of a role, within a time budget and whatever the message says."""

import asyncio
from typing import Any

from openclaw_brain.routing.parsed_text import clean
from openclaw_core.errors import ChatUnavailable
from openclaw_core.models.fallback import ROUTING, Attempt, Attempts, NoReply, first_reply
from openclaw_core.ports import JsonModel, Message, ModelCall, Usage
from openclaw_core.roles.values import Roles
from openclaw_core.tasks.conversation import estimate_tokens

CALL_TOKENS = 330
"""Limit of prompt, message and previous question together, by `estimate_tokens`, which errs upwards."""
MESSAGE_TOKENS = range(60, 200)
"""Limits of the newest message, whatever the prompt leaves."""
PREVIOUS_TOKENS = 20
"""Limit of the previous question. Of the previous answer only the role is shown."""
MARKER_TOKENS = 30
"""Of the markers and the words around them."""
OPEN, CLOSE = "<<<", ">>>"


async def ask_router(
    text: str, *, previous_role: str | None, previous_user: str, roles: Roles, chat: JsonModel
) -> tuple[str | None, Usage | None]:
    """Return the role that the model names, or None after a fault or a time-out, and the tokens.

    Nobody reports the tokens of a call that timed out: its usage is None.
    """
    usage: Usage | None = None
    left = CALL_TOKENS - PREVIOUS_TOKENS - MARKER_TOKENS - estimate_tokens(roles.router.prompt)
    text_tokens = min(max(left, MESSAGE_TOKENS.start), MESSAGE_TOKENS.stop)
    schema = {
        "type": "object",
        "properties": {"role": {"type": "string", "enum": sorted(roles.roles)}},
        "required": ["role"],
        "additionalProperties": False,
    }
    messages = (
        Message(role="system", content=roles.router.prompt),
        Message(role="user", content=user_prompt(text, previous_role, previous_user, text_tokens)),
    )

    async def role_from(attempt: Attempt) -> str:
        nonlocal usage
        call = _call(attempt.model, messages, roles)
        answer, spent = await chat.complete_json(call, schema=schema, timeout_s=roles.router.budget_s)
        usage = _sum(usage, spent)
        role = role_in(answer)
        if role is None or role not in roles.roles:
            raise ChatUnavailable("the answer names no role that exists")
        return role

    attempts = Attempts(models=roles.router.models, limits=ROUTING, provider_of=lambda model: roles.at(model).provider)
    try:
        async with asyncio.timeout(roles.router.budget_s):
            return await first_reply(attempts, role_from), usage
    except (TimeoutError, NoReply):
        return None, usage


def _call(model: str, messages: tuple[Message, ...], roles: Roles) -> ModelCall:
    at = roles.at(model)
    return ModelCall(
        model=at.id,
        provider=at.provider,
        messages=messages,
        max_tokens=roles.router.max_tokens,
        temperature=0.0,
        reasoning_effort=roles.router.reasoning_effort,
    )


def role_in(answer: Any) -> str | None:
    """Return the role in a parsed answer of any shape."""
    role = answer.get("role") if isinstance(answer, dict) else None
    return role if isinstance(role, str) else None


def user_prompt(text: str, previous_role: str | None, previous_user: str, max_tokens: int) -> str:
    """Return the user message: the text between markers, which the text cannot close."""
    lines = []
    if previous_role is not None:
        lines.append(f"Before it, {previous_role} answered: {OPEN}{_shown(previous_user, PREVIOUS_TOKENS)}{CLOSE}")
    lines.append(f"Newest message: {OPEN}{_shown(text, max_tokens)}{CLOSE}")
    return "\n".join(lines)


def _shown(text: str, max_tokens: int) -> str:
    """Return *text* cleaned and without our markers. Of a longer text: the start and the end, where requests are."""
    shown = clean(text).replace(OPEN, "").replace(CLOSE, "")
    if estimate_tokens(shown) <= max_tokens:
        return shown
    return f"{_fitting(shown, max_tokens * 2 // 3)} … {_fitting(shown[::-1], max_tokens // 3 - 2)[::-1]}"


def _fitting(text: str, max_tokens: int) -> str:
    """Return the longest start of *text* that fits."""
    low, high = 0, min(len(text), max_tokens * 4)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimate_tokens(text[:middle]) <= max_tokens else (low, middle - 1)
    return text[:low]


def _sum(one: Usage | None, other: Usage) -> Usage:
    if one is None:
        return other
    return Usage(
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        answer_tokens=one.answer_tokens + other.answer_tokens,
        counted=one.counted and other.counted,
    )
