"""What a reply says of the limits of a key."""

import pytest
from aiohttp import web

from openclaw_core.models.limits import limits_left
from openclaw_core.ports import LimitsLeft
from tests.core.groq_server import END, collected, delta, serving


def said(**headers: str) -> LimitsLeft:
    return limits_left({f"x-ratelimit-{name.replace('_', '-')}": value for name, value in headers.items()})


def test_what_is_left_is_a_percentage_of_each_limit() -> None:
    left = said(limit_requests="14400", remaining_requests="14370", limit_tokens="8000", remaining_tokens="799")
    assert left == LimitsLeft(requests=99, tokens=9)
    assert said(limit_requests="10", remaining_requests="0") == LimitsLeft(requests=0)
    assert said(limit_requests="10", remaining_requests="11") == LimitsLeft(requests=100)


@pytest.mark.parametrize(
    ("remaining", "limit"),
    [("", "10"), ("5", ""), ("5", "0"), ("-1", "10"), ("5", "ten"), ("5.5", "10"), ("\u0665", "0"), ("9" * 5000, "1")],
)
def test_a_header_that_is_no_number_says_nothing(remaining: str, limit: str) -> None:
    assert said(limit_requests=limit, remaining_requests=remaining) == LimitsLeft()


def test_a_server_that_sends_no_limits_says_nothing() -> None:
    assert limits_left({}) == LimitsLeft()


async def test_the_last_piece_of_an_answer_says_what_is_left() -> None:
    async def answers(request: web.Request) -> web.StreamResponse:
        limits = {"x-ratelimit-limit-requests": "1000", "x-ratelimit-remaining-requests": "70"}
        response = web.StreamResponse(headers={"content-type": "text/event-stream", **limits})
        await response.prepare(request)
        await response.write(f"{delta('hi')}{END}".encode())
        return response

    async with serving(answers) as (_, chat):
        pieces = await collected(chat)
    assert [piece.left for piece in pieces] == [LimitsLeft(), LimitsLeft(requests=7)]
