"""What an answer costs, by the prices of `roles.yaml`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from openclaw_cli.eval.answers.source_text import given_by
from openclaw_cli.eval.answers.task import AnswerTask
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


def most_micro_usd(task: AnswerTask, snapshot: RoleSnapshot, prices: Mapping[str, ModelSpec]) -> int | None:
    """What one answer to *task* may cost: every step by the dearest model, with full results and a whole answer, nothing cached.

    None if the price of one of the models is not known.
    """
    prompt = estimate_tokens(snapshot.prompt) + estimate_tokens(given_by(task)) + snapshot.results_tokens
    usage = Usage(prompt_tokens=prompt, answer_tokens=snapshot.max_answer_tokens)
    costs = [cost_of_usage(usage, prices.get(model)) for model in snapshot.models]
    steps = snapshot.max_steps if snapshot.functions else 1
    return None if any(one is None for one in costs) else round(steps * max(one for one in costs if one is not None))


def dearer(before: Mapping[str, ModelSpec], after: Mapping[str, ModelSpec]) -> dict[str, ModelSpec]:
    """The models of both versions, each at the higher of its prices: a change of a price can neither pass a limit nor look like a cheaper prompt."""
    return {name: _dearer(spec, before.get(name, spec)) for name, spec in {**before, **after}.items()}


def _dearer(one: ModelSpec, other: ModelSpec) -> ModelSpec:
    return replace(
        one,
        input_usd_per_mtok=_higher(one.input_usd_per_mtok, other.input_usd_per_mtok),
        cached_usd_per_mtok=_higher(one.cached_usd_per_mtok, other.cached_usd_per_mtok),
        output_usd_per_mtok=_higher(one.output_usd_per_mtok, other.output_usd_per_mtok),
    )


def _higher(one: float | None, other: float | None) -> float | None:
    return max((price for price in (one, other) if price is not None), default=None)


def cost_of_usage(usage: Usage, price: ModelSpec | None) -> float | None:
    """The cost of *usage* in millionths of a dollar; None if the price is not known.

    A dollar for a million tokens is a millionth of one for one.
    """
    if price is None or price.input_usd_per_mtok is None or price.output_usd_per_mtok is None:
        return None
    cached_price = price.input_usd_per_mtok if price.cached_usd_per_mtok is None else price.cached_usd_per_mtok
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    return (
        (usage.prompt_tokens - cached) * price.input_usd_per_mtok
        + cached * cached_price
        + usage.answer_tokens * price.output_usd_per_mtok
    )
