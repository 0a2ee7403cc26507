"""The snapshot of a role that an agent gets with its task."""

import hashlib

from openclaw_core.roles.values import Role
from openclaw_core.tasks.task import RoleSnapshot

DEMO_ANSWER_TOKENS = 300
"""The small built-in model writes until it is stopped, at 20 to 60 tokens a second."""


def snapshot_of(role: Role, *, model_override: str | None = None, demo: bool = False) -> RoleSnapshot:
    """The snapshot of *role*. With *model_override*, the one model of a local server answers."""
    # A small local model reads a whole prompt for 20 s before its first word, a short one for 1 s.
    prompt = role.short_prompt if model_override else role.prompt
    return RoleSnapshot(
        role=role.name,
        prompt=prompt,
        prompt_sha256=hashlib.sha256(prompt.encode()).hexdigest(),
        models=(model_override,) if model_override else role.models,
        tools=() if model_override else role.tools,
        max_answer_tokens=min(role.max_answer_tokens, DEMO_ANSWER_TOKENS) if demo else role.max_answer_tokens,
        history_tokens=role.history_tokens,
        temperature=role.temperature,
        reasoning_effort=None if model_override else role.reasoning_effort,
        # The built-in model takes none, and its answers say so.
        functions=role.functions,
        max_steps=role.max_steps,
        results_tokens=role.results_tokens,
        seeing=() if model_override or demo else role.seeing,
        elsewhere=() if model_override else tuple(at for at in role.elsewhere if at.name in role.models),
    )
