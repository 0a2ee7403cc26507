"""The answer to /canary: what became of the prompts that roles try, for owners and for the bot that a workflow asks with."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from openclaw_brain.inbox.context import UpdateContext
from openclaw_core.records import NoticeKind
from openclaw_core.roles.values import Role, Roles
from openclaw_core.store.canaries import TriedPrompt
from openclaw_core.store.effects import Effect
from openclaw_core.tasks.receipt import digest


def tell_canaries(context: UpdateContext) -> list[Effect]:
    """Return what /canary changes. A bot is admitted only if it is listed (`SMOKE_BOT_IDS`)."""
    if not (context.by_owner or context.incoming.user_is_bot):
        return [context.notice(NoticeKind.OWNERS_ONLY)]
    return [context.notice(NoticeKind.CANARY, rows=context.state.canaries)]


def canary_rows(roles: Roles, kept: Mapping[str, TriedPrompt]) -> list[dict[str, Any]]:
    """The arguments `rows` of a notice `canary`: one for each role that tries a prompt now. *kept*: what the store has, by role."""
    return [_row(role, kept.get(name)) for name, role in sorted(roles.roles.items()) if role.canary is not None]


def _row(role: Role, entry: TriedPrompt | None) -> dict[str, Any]:
    tried, own = digest(role.canary.prompt if role.canary else ""), digest(role.prompt)
    row = {"role": role.name, "state": "tried", "tried": tried, "own": own}
    if entry is None or entry.prompt != tried:
        return row
    judged = row | {"own": entry.own, "of_tried": asdict(entry.of_tried), "of_own": asdict(entry.of_own)}
    if entry.ended:
        # One that the release before has ended was kept without the prompt that it was compared with.
        return judged | {"state": "ended", "own": entry.own or own}
    return judged | {"state": "good"} if entry.good and entry.own == own else row
