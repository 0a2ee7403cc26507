"""What an answer costs, by the prices of `roles.yaml`. Pure."""

from collections.abc import Mapping, Sequence

from openclaw_core.ports import Usage
from openclaw_core.roles.values import ModelSpec
from openclaw_core.tasks.conversation import estimate_tokens
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.steps import Step
from openclaw_core.tasks.task import RoleSnapshot

TOKENS = ("prompt_tokens", "cached_tokens", "answer_tokens")


def micro_usd(usage: RunUsage | None, steps: Sequence[Step], prices: Mapping[str, ModelSpec]) -> int | None:
    """What an answer cost, in millionths of a dollar; None if a price is not known.

    *usage* is that of the whole answer, its steps among it; None if it failed behind its steps.
    """
    parts = [(step.model, step.usage) for step in steps]
    if usage is not None:
        of_steps = {name: sum(getattr(step.usage, name) for step in steps) for name in TOKENS}
        last = Usage(**{name: max(0, getattr(usage, name) - of_steps[name]) for name in TOKENS})
        parts.append((usage.model, last))
    costs = [cost_of_usage(used, prices.get(model)) for model, used in parts]
    return None if any(one is None for one in costs) else round(sum(one for one in costs if one is not None))


def most_micro_usd(message: str, snapshot: RoleSnapshot, prices: Mapping[str, ModelSpec]) -> int | None:
    """What one request for *message* may cost: the whole answer, nothing cached. An answer in steps has several."""
    prompt = estimate_tokens(snapshot.prompt) + estimate_tokens(message)
    return _whole(
        cost_of_usage(
            Usage(prompt_tokens=prompt, answer_tokens=snapshot.max_answer_tokens), prices.get(snapshot.models[0])
        )
    )


def _whole(cost: float | None) -> int | None:
    return None if cost is None else round(cost)


def cost_of_usage(usage: Usage, price: ModelSpec | None) -> float | None:
    """The cost of *usage* in millionths of a dollar; None if the price is not known. A dollar for a million tokens is a millionth of one for one."""
    if price is None or price.input_usd_per_mtok is None or price.output_usd_per_mtok is None:
        return None
    cached_price = price.input_usd_per_mtok if price.cached_usd_per_mtok is None else price.cached_usd_per_mtok
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    return (
        (usage.prompt_tokens - cached) * price.input_usd_per_mtok
        + cached * cached_price
        + usage.answer_tokens * price.output_usd_per_mtok
    )
