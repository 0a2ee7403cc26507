"""Who may use the bot, and what anybody else is told."""

from dataclasses import dataclass, replace

from openclaw_brain.inbox.commands import is_ours
from openclaw_brain.inbox.context import UpdateContext
from openclaw_brain.telegram.incoming import Incoming
from openclaw_core.records import NoticeKind
from openclaw_core.store.effects import Effect
from openclaw_core.texts.wording import Sentence

REFUSED_AGAIN_S = 24 * 3600
"""A stranger gets one refusal in this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may use the bot. *users* None: every person, group and channel.

    In the list, a group or a channel stands by its own id. A bot is answered only if it is listed, and only its commands.
    """

    users: frozenset[int] | None
    bots: frozenset[int] = frozenset()

    def admits(self, incoming: Incoming) -> bool:
        if incoming.user_is_bot:
            # Commands name this bot, replies do not. Two bots that list each other would answer each other for ever.
            return incoming.user_id in self.bots and incoming.kind == "command"
        return self.users is None or incoming.user_id in self.users


def refuse(context: UpdateContext) -> list[Effect]:
    """Tell a person who has no access, once a day, with the id that the operator has to list."""
    incoming = context.incoming
    if incoming.user_is_bot or incoming.kind == "edited":  # two bots that refuse each other would never stop
        return []
    if (incoming.kind == "joined" and incoming.chat_kind == "group") or (
        incoming.kind == "command" and not is_ours(context)
    ):
        return []
    if incoming.kind == "button":
        return [context.toast(Sentence.NO_MORE_ACCESS)]
    notice = context.notice(NoticeKind.REFUSED, user_id=str(incoming.user_id))
    return [replace(notice, once=f"refused:{incoming.user_id}", once_s=REFUSED_AGAIN_S)]
