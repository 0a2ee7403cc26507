"""What a model reads of the steps before: its calls, and their results within the tokens that a request may have. Pure."""

from collections.abc import Sequence

from openclaw_agent.tools.tool import bounded
from openclaw_core.characters import cleaned
from openclaw_core.ports import Message
from openclaw_core.tasks.conversation import estimate_tokens
from openclaw_core.tasks.steps import Step

LEAST_TOKENS = 200
"""A result that would be cut to less is left out."""
LEFT_OUT = "[left out: the request had no room for this result any more. Call again if you need it.]"


def step_messages(steps: Sequence[Step], *, max_tokens: int) -> tuple[Message, ...]:
    """The messages of *steps*, which follow the user's. Each call has its result, as servers demand.

    The newest results are kept whole; older ones are cut, then left out, where all of them have more than *max_tokens*.
    """
    left = max_tokens - sum(_tokens_of_calls(step) for step in steps)
    texts: list[list[str]] = []
    for step in reversed(steps):
        kept = []
        for result in reversed(step.results):
            tokens = estimate_tokens(result.text)
            if tokens <= left:
                text = result.text
            elif left >= LEAST_TOKENS:
                text = bounded(result.text, left)
            else:
                text = LEFT_OUT
            left -= estimate_tokens(text)
            kept.append(text)
        texts.append(kept[::-1])
    return tuple(
        message for step, results in zip(steps, reversed(texts), strict=True) for message in _messages(step, results)
    )


def _messages(step: Step, results: Sequence[str]) -> list[Message]:
    # A model or a page may have half a character in its words, which no request can carry.
    said = Message(role="assistant", content=cleaned(step.text), calls=step.calls)
    return [
        said,
        *(
            Message(role="tool", content=cleaned(text), call_id=call.id)
            for call, text in zip(step.calls, results, strict=True)
        ),
    ]


def _tokens_of_calls(step: Step) -> int:
    return estimate_tokens(step.text) + sum(estimate_tokens(call.name + call.arguments) for call in step.calls)
