"""How a task is done as a role: the snapshot that goes with it to an agent."""

import hashlib

from openclaw_core.roles.values import Role
from openclaw_core.tasks.task import Order

DEMO_ANSWER_TOKENS = 300
"""The small built-in model rambles on until it is stopped, at 20 to 60 tokens a second."""


def order_of(role: Role, *, model_override: str | None = None, demo: bool = False) -> Order:
    """The order to do a task as *role*. With *model_override*, a local server's one model does it."""
    # A small local model reads a whole prompt for 20 s before its first word; its gist takes one.
    prompt = role.gist if model_override else role.prompt
    return Order(
        role=role.name,
        prompt=prompt,
        prompt_sha256=hashlib.sha256(prompt.encode()).hexdigest(),
        models=(model_override,) if model_override else role.models,
        tools=() if model_override else role.tools,
        max_answer_tokens=min(role.max_answer_tokens, DEMO_ANSWER_TOKENS) if demo else role.max_answer_tokens,
        history_tokens=role.history_tokens,
        temperature=role.temperature,
        reasoning_effort=None if model_override else role.reasoning_effort,
        elsewhere=() if model_override else tuple(at for at in role.elsewhere if at.name in role.models),
    )
