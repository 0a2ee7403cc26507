"""`decide_agent`: which role answers a message. Always a role that exists, in bounded time, with the reason recorded."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from openclaw_brain.routing import asking, followups, lexicon, rules
from openclaw_brain.routing.classifier import Classifier
from openclaw_brain.routing.reading import Reading, read
from openclaw_core.ports import Chat, Lang, Usage
from openclaw_core.roles.values import Roles
from openclaw_core.tasks.outcome import Decision

STAY_WORDS = 6
"""A message of up to so many words may well go on with what was talked about …"""
STAY_BONUS = 0.4
"""… and the classifier's score of the role that answered last grows by this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The last exchange of the chat."""

    role: str
    user: str = field(repr=False)
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """Who answers, how that was decided, how long it took, and what it cost (None: no model answered)."""

    role: str
    decision: Decision
    took_ms: int
    usage: Usage | None


async def decide_agent(
    text: str,
    *,
    lang: Lang,
    explicit: str | None,
    previous: Previous | None,
    roles: Roles,
    chat: Chat | None,
    classifier: Classifier | None,
    clock: Callable[[], float] = time.monotonic,
) -> Routed:
    """Explicit, else follow-up, else sure rules, else the model within its budget, else the classifier, else the default.

    Takes any text. A role that does not exist is never the result, whoever names it. Raises for no fault of model or
    classifier. *lang* is not looked at yet: messages mix languages, so the rules read the text itself.
    """
    began = clock()
    usage: Usage | None = None

    def routed(role: str, decision: Decision) -> Routed:
        return Routed(role=role, decision=decision, took_ms=round((clock() - began) * 1000), usage=usage)

    if explicit is not None and explicit in roles.roles:
        return routed(explicit, Decision.EXPLICIT)
    reading = read(text)
    last = previous.role if previous is not None and previous.role in roles.roles else None
    if decided := by_reading(reading, last, roles):
        return routed(*decided)
    if chat is not None:
        role, usage = await asking.ask(
            text, previous_role=last, previous_user=previous.user if previous and last else "", roles=roles, chat=chat
        )
        if role is not None:
            return routed(role, Decision.MODEL)
    if classifier is not None:
        scores = await classifier.scores(text)
        role = best(scores, last, reading) if scores else None
        if role is not None and role in roles.roles:
            return routed(role, Decision.CLASSIFIER)
    return routed(roles.default, Decision.DEFAULT)


def by_reading(reading: Reading, last: str | None, roles: Roles) -> tuple[str, Decision] | None:
    """What follows from the message and the last role alone, if anything surely does."""
    sure = rules.sure_role(rules.scores(reading))
    # A sure other role leaves: 'shorter' is a wish about the answer, 'summarize that' a task of its own.
    if last is not None and followups.refines(reading) and (sure in {None, last} or followups.compares(reading)):
        return last, Decision.FOLLOW_UP
    if sure is None or sure not in roles.roles:
        return None
    if sure == roles.default and not roles.roles.keys() <= lexicon.KNOWN_ROLES:
        return None  # what the rules take for the catch-all may be what a role of a later pull request is for
    return sure, Decision.RULE


def best(scores: Mapping[str, float], last: str | None, reading: Reading) -> str:
    """The role that fits best; a short message leans towards the one that answered last."""
    bonus = STAY_BONUS if len(reading.ask_words) <= STAY_WORDS and not reading.material_words else 0.0
    return max(scores, key=lambda role: scores[role] + (bonus if role == last else 0.0))
