"""Who may use the bot, and what anybody else is told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

from openclaw_brain.inbox.commands import is_ours
from openclaw_brain.inbox.context import UpdateContext
from openclaw_brain.telegram.incoming import Incoming
from openclaw_core.records import NoticeKind
from openclaw_core.roles.access import AccessFile
from openclaw_core.store.access import AccessEntry, Right
from openclaw_core.store.effects import Effect
from openclaw_core.texts.access import EVERYONE
from openclaw_core.texts.wording import Sentence

REFUSED_AGAIN_S = 24 * 3600
"""A stranger gets one refusal in this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may use the bot by Git and the environment. *users* None: every person, group and channel.

    In the list, a group or a channel has its own id: who writes as it. In *groups* everybody may use the bot, in any
    other group those who may elsewhere. A bot is answered only if it is listed, and only its commands.
    """

    users: frozenset[int] | None
    bots: frozenset[int] = frozenset()
    owners: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()
    pairing: bool = False

    @classmethod
    def of(cls, listed: AccessFile, *, users: frozenset[int] | None, bots: frozenset[int]) -> "Access":
        """By `access.yaml`, and the users and bots of the environment."""
        return cls(
            users=None if users is None else users | set(listed.users),
            bots=bots,
            owners=frozenset(listed.owners),
            groups=frozenset(listed.groups),
            pairing=listed.pairing,
        )

    def pairs(self, incoming: Incoming, decided: Mapping[int, AccessEntry]) -> bool:
        """Whether a person without access may ask the owners for it: in a private chat, unless an owner took access from them."""
        asks = (
            incoming.chat_kind == "private" and incoming.kind not in ("button", "edited") and not incoming.user_is_bot
        )
        return self.pairing and bool(self.owners) and asks and incoming.user_id not in decided

    def admits(self, incoming: Incoming, decided: Mapping[int, AccessEntry]) -> bool:
        """Whether the sender may use the bot.

        *decided* are the bot's entries about the sender and the chat, which count before Git's, but for owners.
        """
        user = incoming.user_id
        if incoming.user_is_bot:
            # Commands name this bot, replies do not. Two bots that list each other would answer each other for ever.
            return user in self.bots and incoming.kind == "command"
        if user in self.owners:
            return True
        if user in decided:
            return decided[user].right is not Right.NONE
        if self.users is not None and user in self.users:
            return True
        if incoming.chat_id in decided:
            return decided[incoming.chat_id].right is not Right.NONE
        return self.users is None or incoming.chat_id in self.groups

    def rights(self) -> dict[str, Right]:
        """All that Git and the environment say, by subject."""
        people = {EVERYONE} if self.users is None else {str(one) for one in self.users}
        rights = dict.fromkeys(people | {str(one) for one in self.groups}, Right.USER)
        return rights | {str(one): Right.OWNER for one in self.owners}

    def rows(self, bot: Mapping[str, AccessEntry], git: Mapping[str, AccessEntry]) -> list[list[str]]:
        """Who may use the bot and from whom access was taken: subject, right, by whom, since when (ms). Owners first, then by time."""
        valid = {
            subject: git.get(subject, AccessEntry(subject=subject, right=right, by="git", at_ms=0))
            for subject, right in self.rights().items()
        }
        valid |= {subject: entry for subject, entry in bot.items() if self.rights().get(subject) is not Right.OWNER}
        rows = sorted(valid.values(), key=attrgetter("at_ms"), reverse=True)
        rows.sort(key=lambda entry: entry.right is not Right.OWNER)
        return [[entry.subject, entry.right, entry.by, str(entry.at_ms)] for entry in rows]


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
