"""Reads from the headers of a reply how much is left of the limits of a key. Groq, OpenAI and others send them by the same names."""

from collections.abc import Mapping

from openclaw_core.ports import LimitsLeft


def limits_left(headers: Mapping[str, str]) -> LimitsLeft:
    """What is left, None for a limit that the server does not tell of."""
    return LimitsLeft(requests=_left(headers, "requests"), tokens=_left(headers, "tokens"))


def _left(headers: Mapping[str, str], of: str) -> int | None:
    """Percent that are left of a limit."""
    remaining, limit = (headers.get(f"x-ratelimit-{name}-{of}", "") for name in ("remaining", "limit"))
    if not (remaining.isdecimal() and limit.isdecimal()) or len(remaining + limit) > 40 or not int(limit):
        return None
    return min(100, 100 * int(remaining) // int(limit))
