"""Read what a bot says of the prompts that its roles try: its answer to /canary, which `openclaw_core.texts.canaries` writes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

from openclaw_gitops.errors import FAILED, CommandError

VERDICTS_BEGIN = "canaries: "
"""In the bot's answer, before the number of canaries that follow."""

_HEAD = re.compile(rf"^{VERDICTS_BEGIN}(\d{{1,3}})$", re.MULTILINE)
_CANARY = re.compile(r"([a-z][a-z0-9_-]{0,63}) (tried|ended|good) tried=([0-9a-f]{16}) own=([0-9a-f]{16})")


class State(StrEnum):
    TRIED = "tried"
    """Nothing is known yet."""
    ENDED = "ended"
    """It did harm."""
    GOOD = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Sums over the runs with one prompt, as in `openclaw_core.roles.judged_runs`."""

    runs: int = 0
    harmed: int = 0
    answered: int = 0
    took_ms: int = 0
    priced: int = 0
    micro_usd: int = 0


_FIGURES = " ".join(rf"{one.name}=(?P<{one.name}>\d{{1,15}})" for one in fields(Runs))
_RUNS = {which: re.compile(f"{which}: {_FIGURES}") for which in ("tried", "own")}


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryVerdict:
    """What became of the prompt that a role tries. Prompts are named by their digests."""

    role: str
    state: State
    tried: str
    own: str
    """The role's own prompt, which it was compared with."""
    of_tried: Runs = Runs()
    of_own: Runs = Runs()
    """Both are empty while the state is TRIED."""


def read_verdicts(text: str) -> list[CanaryVerdict]:
    """The verdicts of a bot's answer. Raises CommandError unless it is whole: a part of it must not pass for all."""
    begin = _HEAD.search(text)
    if begin is None:
        raise CommandError(
            FAILED, "the bot did not say what its roles try: does it know /canary, and may this bot ask it?"
        )
    lines = iter(line.strip() for line in text[begin.end() :].splitlines() if line.strip())
    found = list(_verdicts(lines))
    if len(found) != int(begin[1]):
        raise CommandError(FAILED, f"the bot named {begin[1]} canaries, and its answer has {len(found)}")
    return found


def _verdicts(lines: Iterator[str]) -> Iterator[CanaryVerdict]:
    for line in lines:
        match = _CANARY.fullmatch(line)
        if match is None:
            raise CommandError(FAILED, "the bot's answer has a line that is none of a canary")
        role, state, tried, own = match[1], State(match[2]), match[3], match[4]
        if state is State.TRIED:
            yield CanaryVerdict(role=role, state=state, tried=tried, own=own)
            continue
        runs = {which: _runs(next(lines, ""), which) for which in _RUNS}
        yield CanaryVerdict(role=role, state=state, tried=tried, own=own, of_tried=runs["tried"], of_own=runs["own"])


def _runs(line: str, which: str) -> Runs:
    match = _RUNS[which].fullmatch(line)
    if match is None:
        raise CommandError(FAILED, f"the bot's answer has no figures of the prompt: {which}")
    return Runs(**{name: int(value) for name, value in match.groupdict().items()})
