"""Decides which role answers a message: always a role that exists, in bounded time, with the reason."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from openclaw_brain.routing import followups, lexicon, router_model, rules
from openclaw_brain.routing.classifier import Classifier
from openclaw_brain.routing.parsed_text import ParsedText, parse
from openclaw_core.ports import JsonModel, Usage
from openclaw_core.roles.values import Roles
from openclaw_core.tasks.outcome import Decision

STAY_WORDS = 6
"""A message of at most this many words may continue the last exchange …"""
STAY_BONUS = 0.4
"""… so this is added to the classifier's score of the role that answered last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The last exchange of the chat."""

    role: str
    user: str = field(repr=False)
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """The role, how it was decided, how long that took, and the tokens (None: no model answered)."""

    role: str
    decision: Decision
    took_ms: int
    usage: Usage | None


async def decide_agent(
    text: str,
    *,
    explicit: str | None,
    previous: Previous | None,
    roles: Roles,
    chat: JsonModel | None,
    classifier: Classifier | None,
    clock: Callable[[], float] = time.monotonic,
) -> Routed:
    """Return the role that was asked for, else follow-up, sure rules, model within its budget, classifier, default.

    Takes any text. The role always exists, even if a model names another one. A fault of model or classifier raises nothing.
    """
    began = clock()
    usage: Usage | None = None

    def routed(role: str, decision: Decision) -> Routed:
        return Routed(role=role, decision=decision, took_ms=round((clock() - began) * 1000), usage=usage)

    if explicit is not None and explicit in roles.roles:
        return routed(explicit, Decision.EXPLICIT)
    parsed = parse(text)
    last = previous.role if previous is not None and previous.role in roles.roles else None
    if decided := by_rules(parsed, last, roles):
        return routed(*decided)
    if chat is not None:
        role, usage = await router_model.ask_router(
            text, previous_role=last, previous_user=previous.user if previous and last else "", roles=roles, chat=chat
        )
        if role is not None:
            return routed(role, Decision.MODEL)
    if classifier is not None:
        scores = await classifier.scores(text)
        role = best(scores, last, parsed) if scores else None
        if role is not None and role in roles.roles:
            return routed(role, Decision.CLASSIFIER)
    return routed(roles.default, Decision.DEFAULT)


def by_rules(parsed: ParsedText, last: str | None, roles: Roles) -> tuple[str, Decision] | None:
    """Return the role that message and last role alone make sure, if any."""
    sure = rules.sure_role(rules.scores(parsed))
    # Another sure role wins: 'shorter' refines the answer, 'summarize that' is a task of its own.
    if last is not None and followups.refines(parsed) and (sure in {None, last} or followups.compares(parsed)):
        return last, Decision.FOLLOW_UP
    if sure is None or sure not in roles.roles:
        return None
    if sure == roles.default and not roles.roles.keys() <= lexicon.KNOWN_ROLES:
        return None  # the rules know only the roles of the lexicon; a role that was added since may fit better
    return sure, Decision.RULE


def best(scores: Mapping[str, float], last: str | None, parsed: ParsedText) -> str:
    """Return the role that fits best. A short message tends to stay with the role that answered last."""
    bonus = STAY_BONUS if len(parsed.request_words) <= STAY_WORDS and not parsed.pasted_words else 0.0
    return max(scores, key=lambda role: scores[role] + (bonus if role == last else 0.0))
