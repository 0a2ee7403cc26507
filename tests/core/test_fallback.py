"""One fallback policy: what it means for answers is in test_answer_stream; here is what routing and recordings set otherwise."""

import pytest

from openclaw_core.errors import (
    ChatRefused,
    ChatUnauthorized,
    ChatUnavailable,
    EmptyAnswer,
    ModelGone,
    ModelSilent,
    OpenClawError,
    RateLimited,
    RequestTooLarge,
)
from openclaw_core.models.fallback import (
    ANSWER,
    RECORDING,
    ROUTING,
    Attempt,
    Attempts,
    FallbackAction,
    FallbackLimits,
    NoReply,
    decide_fallback,
    first_reply,
)
from openclaw_core.tasks.outcome import Cause


async def asked(
    limits: FallbackLimits, *script: OpenClawError | str, models: tuple[str, ...] = ("a", "b")
) -> tuple[list[str], list[float]]:
    """The models that were asked, and the waits between. The script ends with a reply, or with what every further call meets."""
    seen: list[str] = []
    waits: list[float] = []

    async def ask(attempt: Attempt) -> str:
        seen.append(attempt.model)
        step = script[min(len(seen), len(script)) - 1]
        if isinstance(step, OpenClawError):
            raise step
        return step

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    attempts = Attempts(models=models, limits=limits, provider_of=lambda model: model[0], jitter=lambda: 0.5)
    try:
        await first_reply(attempts, ask, sleep=sleep)
    except NoReply:
        seen.append("none")
    return seen, waits


@pytest.mark.parametrize(
    "error", [ChatUnavailable(), RateLimited(retry_after_s=1), EmptyAnswer(), RequestTooLarge(), ModelGone()]
)
async def test_routing_asks_each_model_once_and_waits_for_none(error: OpenClawError) -> None:
    assert await asked(ROUTING, error, "ok") == (["a", "b"], [])
    assert await asked(ROUTING, error) == (["a", "b", "none"], [])


async def test_a_recording_is_tried_again_and_then_asked_of_the_next_model() -> None:
    assert await asked(RECORDING, ChatUnavailable(), ChatUnavailable(), "ok") == (["a", "a", "b"], [0.5])
    assert await asked(RECORDING, RateLimited(retry_after_s=20), "ok") == (["a", "a"], [20])
    assert await asked(RECORDING, RateLimited(retry_after_s=21), "ok") == (["a", "b"], [])


@pytest.mark.parametrize("error", [RequestTooLarge(), ChatRefused()])
async def test_a_recording_that_one_model_refuses_is_not_sent_to_another(error: OpenClawError) -> None:
    assert await asked(RECORDING, error) == (["a", "none"], [])


async def test_a_server_that_refuses_the_key_is_not_asked_for_its_other_models() -> None:
    models = ("a1", "a2", "b1", "a3")
    assert await asked(ANSWER, ChatUnauthorized(), "ok", models=models) == (["a1", "b1"], [])
    assert await asked(ANSWER, ChatUnauthorized(), ModelGone(), models=models) == (["a1", "b1", "none"], [])
    assert (
        decide_fallback(ChatUnauthorized(), tries=1, shrink=0, left_s=9, jitter=0).action is FallbackAction.NEXT_SERVER
    )


async def test_the_cause_that_helps_most_is_told() -> None:
    attempts = Attempts(models=("a", "b", "c"), limits=ROUTING)
    for error in (ModelGone(), RateLimited(), ChatUnavailable()):
        assert attempts.next() is not None
        attempts.failed(error)
    assert attempts.next() is None
    assert (attempts.cause, attempts.calls) == (Cause.MODEL_BUSY, 3)


def test_what_was_learned_is_passed_on_to_the_next_attempt() -> None:
    attempts = Attempts(models=("a", "b"))
    first = attempts.next()
    attempts.failed(EmptyAnswer())
    second = attempts.next()
    attempts.failed(RequestTooLarge())
    third = attempts.next()
    assert first is not None
    assert second is not None
    assert third is not None
    assert [one.without_thought for one in (first, second, third)] == [False, True, True]
    assert [one.shrink for one in (first, second, third)] == [0, 0, 1]


@pytest.mark.parametrize(("silence_left_s", "action"), [(0.5, FallbackAction.FAIL), (30, FallbackAction.NEXT_MODEL)])
def test_no_other_model_is_asked_once_there_is_no_patience_left(silence_left_s: float, action: FallbackAction) -> None:
    decision = decide_fallback(
        ModelSilent(silent_s=30), tries=1, shrink=0, left_s=99, jitter=0, silence_left_s=silence_left_s
    )

    assert (decision.action, decision.cause) == (action, Cause.MODEL_DOWN)
