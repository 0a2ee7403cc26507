"""What a request can cost at most, and what is known of its cost before a model answers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

from openclaw_core.budgets.values import Room, Spend, ToolPrices
from openclaw_core.ports import Usage
from openclaw_core.roles.values import ModelSpec, Role, Roles, Router
from openclaw_core.tasks.conversation import estimate_tokens
from openclaw_core.tasks.task import PICTURE_TOKENS, Attachment, Task

RECORDING_BYTES_PER_S = range(2_000, 40_000)
"""Of a recording. Telegram says how long it is, as its sender does: it cannot be shorter than the most allow, and where it does not say, the least count."""
RECORDING_LEAST_S = 10
"""Servers bill shorter recordings as this long."""
SEARCHES_A_STEP = 4
"""Searches that one step is expected to make at most."""
ROUTER_PROMPT_TOKENS = 330
"""Of one routing call, the message included."""


def task_estimate(roles: Roles, *, role: str | None, task: Task, prices: ToolPrices) -> Spend:
    """The most that an answer to *task* can take: by *role*, or by the dearest role if it is not known yet, and then routing too."""
    pictures = PICTURE_TOKENS * sum(one.kind == "picture" for one in task.attachments)
    if role in roles.roles:
        answers = [role_estimate(roles.roles[str(role)], roles.models, prices, pictures=pictures)]
        routing = Spend()
    else:
        answers = [role_estimate(one, roles.models, prices, pictures=pictures) for one in roles.roles.values()]
        routing = _router_estimate(roles.router, roles.models)
    most = Spend(tokens=max(one.tokens for one in answers), micro_usd=max(one.micro_usd for one in answers))
    return most + routing + recordings_spend(task, prices)


def role_estimate(role: Role, models: Mapping[str, ModelSpec], prices: ToolPrices, *, pictures: int = 0) -> Spend:
    """The most that one answer of *role* can take within its token limits: each step by its dearest model, nothing of it cached.

    *pictures* are the tokens of those that come with the question.
    """
    steps = role.max_steps if role.functions else 1
    own = max(estimate_tokens(one) for one in (role.prompt, role.canary.prompt if role.canary else ""))
    prompt = own + role.history_tokens + role.results_tokens + pictures
    dearest = _dearest(role.models, models, prompt, 0, role.max_answer_tokens)
    searches = SEARCHES_A_STEP * prices.search_micro_usd if "web_search" in role.functions else 0.0
    return Spend(tokens=steps * (prompt + role.max_answer_tokens), micro_usd=ceil(steps * (dearest + searches)))


def steps_within(
    room: Room,
    role: Role,
    models: Mapping[str, ModelSpec],
    prices: ToolPrices,
    *,
    known: Spend,
    pictures: int = 0,
    least: int = 1,
) -> int:
    """How many steps of *role*, each at its most, fit into *room* beside what is *known* to be spent: from *least* to all of its steps.

    So an answer that begins below a limit passes it by less than *least* steps. Of a role without tools it is 1, its one call.
    """
    whole = role.max_steps if role.functions else 1
    one = role_estimate(replace(role, max_steps=1), models, prices, pictures=pictures)
    fits = [
        (left - spent) // each
        for left, spent, each in (
            (room.tokens, known.tokens, one.tokens),
            (room.micro_usd, known.micro_usd, one.micro_usd),
        )
        if left is not None and each
    ]
    return max(min(least, whole), min([whole, *fits]))


def _router_estimate(router: Router, models: Mapping[str, ModelSpec]) -> Spend:
    tokens = ROUTER_PROMPT_TOKENS + router.max_tokens
    dearest = _dearest(router.models, models, ROUTER_PROMPT_TOKENS, 0, router.max_tokens)
    return Spend(tokens=tokens, micro_usd=ceil(dearest))


def routing_spend(usage: Usage | None, roles: Roles) -> Spend:
    """What routing has taken, by the dearest of its models: which of them answered is not recorded."""
    if usage is None:
        return Spend()
    fresh = max(0, usage.prompt_tokens - usage.cached_tokens)
    dearest = _dearest(roles.router.models, roles.models, fresh, usage.cached_tokens, usage.answer_tokens)
    return Spend(tokens=usage.prompt_tokens + usage.answer_tokens, micro_usd=round(dearest))


def recordings_spend(task: Task, prices: ToolPrices) -> Spend:
    """What the recordings of *task* take, by their length: no model server says how long they were."""
    seconds = sum(_seconds(one) for one in task.attachments if one.kind == "voice")
    return Spend(micro_usd=ceil(seconds * prices.recording_micro_usd_per_s))


def _seconds(recording: Attachment) -> float:
    least, most = RECORDING_BYTES_PER_S.start, RECORDING_BYTES_PER_S.stop
    by_size = recording.size_bytes / (most if recording.seconds else least)
    return max(RECORDING_LEAST_S, recording.seconds, by_size)


def _dearest(names: Sequence[str], models: Mapping[str, ModelSpec], fresh: int, cached: int, answer: int) -> float:
    """The most that one of these models asks for so many tokens; 0 of none, as where the server lists no model of the router any more."""
    return max((_micro_usd(models.get(name), fresh, cached, answer) for name in names), default=0.0)


def _micro_usd(model: ModelSpec | None, fresh: int, cached: int, answer: int) -> float:
    """Millionths of a dollar, 0 for a model without a price. A price for a million tokens is that of one in millionths."""
    if model is None or model.input_usd_per_mtok is None or model.output_usd_per_mtok is None:
        return 0.0
    per_cached = model.input_usd_per_mtok if model.cached_usd_per_mtok is None else model.cached_usd_per_mtok
    return fresh * model.input_usd_per_mtok + cached * per_cached + answer * model.output_usd_per_mtok
