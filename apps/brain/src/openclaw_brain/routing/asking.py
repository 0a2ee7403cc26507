"""One call of a small model that must answer with the name of a role, within a budget, whatever the message says."""

import asyncio
from typing import Any

from openclaw_brain.routing.reading import clean
from openclaw_core.errors import ChatUnavailable
from openclaw_core.models.fallback import ROUTING, Attempt, Attempts, NoReply, first_reply
from openclaw_core.ports import Chat, Message, ModelAt, ModelCall, Usage
from openclaw_core.roles.values import Roles
from openclaw_core.tasks.conversation import estimate_tokens

CALL_TOKENS = 330
"""Prompt, message and the previous question together, by `estimate_tokens`, which errs upwards."""
MESSAGE_TOKENS = range(60, 200)
"""The least and the most of the newest message, whatever the prompt leaves."""
PREVIOUS_TOKENS = 20
"""Of the question before it; of the answer nobody needs more than who gave it."""
OPEN, CLOSE = "<<<", ">>>"


async def ask(
    text: str, *, previous_role: str | None, previous_user: str, roles: Roles, chat: Chat
) -> tuple[str | None, Usage | None]:
    """The role that the model names and what the call cost; (None, …) for any fault, or if the time is up.

    A time-out costs tokens that nobody reports: its usage is None.
    """
    usage: Usage | None = None
    room = CALL_TOKENS - PREVIOUS_TOKENS - 30 - estimate_tokens(roles.router.prompt)  # 30: marks and words around them
    room = min(max(room, MESSAGE_TOKENS.start), MESSAGE_TOKENS.stop)
    schema = {
        "type": "object",
        "properties": {"role": {"type": "string", "enum": sorted(roles.roles)}},
        "required": ["role"],
        "additionalProperties": False,
    }
    messages = (
        Message(role="system", content=roles.router.prompt),
        Message(role="user", content=request(text, previous_role, previous_user, room)),
    )

    async def role_by(attempt: Attempt) -> str:
        nonlocal usage
        call = _call(attempt.model, messages, roles)
        answer, spent = await chat.complete_json(call, schema=schema, timeout_s=roles.router.budget_s)
        usage = _sum(usage, spent)
        role = named(answer)
        if role is None or role not in roles.roles:
            raise ChatUnavailable("no role that there is")
        return role

    attempts = Attempts(
        models=roles.router.models, limits=ROUTING, provider_of=lambda model: _at(model, roles).provider
    )
    try:
        async with asyncio.timeout(roles.router.budget_s):
            return await first_reply(attempts, role_by), usage
    except (TimeoutError, NoReply):
        return None, usage


def _call(model: str, messages: tuple[Message, ...], roles: Roles) -> ModelCall:
    at = _at(model, roles)
    return ModelCall(
        model=at.id,
        provider=at.provider,
        messages=messages,
        max_tokens=roles.router.max_tokens,
        temperature=0.0,
        reasoning_effort=roles.router.reasoning_effort,
    )


def _at(model: str, roles: Roles) -> ModelAt:
    """Where a model of the router is served."""
    known = roles.models.get(model)
    return ModelAt(name=model, id=model) if known is None else known.at


def named(answer: Any) -> str | None:
    """The role in a parsed answer, whatever shape it has."""
    role = answer.get("role") if isinstance(answer, dict) else None
    return role if isinstance(role, str) else None


def request(text: str, previous_role: str | None, previous_user: str, max_tokens: int) -> str:
    """The user message: the text between marks that it cannot close by itself."""
    lines = []
    if previous_role is not None:
        lines.append(f"Before it, {previous_role} answered: {OPEN}{_shown(previous_user, PREVIOUS_TOKENS)}{CLOSE}")
    lines.append(f"Newest message: {OPEN}{_shown(text, max_tokens)}{CLOSE}")
    return "\n".join(lines)


def _shown(text: str, max_tokens: int) -> str:
    """Cleaned, without our marks; of a longer text the start and the end, where requests stand."""
    shown = clean(text).replace(OPEN, "").replace(CLOSE, "")
    if estimate_tokens(shown) <= max_tokens:
        return shown
    return f"{_fitting(shown, max_tokens * 2 // 3)} … {_fitting(shown[::-1], max_tokens // 3 - 2)[::-1]}"


def _fitting(text: str, max_tokens: int) -> str:
    """The longest start of *text* that fits."""
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
