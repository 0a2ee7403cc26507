"""Commands of owners: who may use the bot, who is let in, and from whom access is taken."""

from typing import Literal

from openclaw_brain.inbox.context import UpdateContext
from openclaw_core.records import NoticeKind
from openclaw_core.store.effects import Effect, SetAccess
from openclaw_core.texts.wording import Sentence

OWNER_COMMANDS = frozenset({"access", "allow", "remove"})
ROWS_MAX = 35
"""Lines of /access: more do not fit a message."""


def run_owner_command(context: UpdateContext) -> list[Effect]:
    """Return what /access, /allow or /remove changes. They are carried out for owners alone."""
    incoming = context.incoming
    if not context.by_owner:
        return [context.notice(NoticeKind.OWNERS_ONLY)]
    if incoming.command == "access":
        if incoming.chat_kind == "group":  # the list is nobody else's business
            return [context.notice(NoticeKind.ACCESS_PRIVATE)]
        rows = context.state.access_rows
        return [context.notice(NoticeKind.ACCESS_LIST, rows=rows[:ROWS_MAX], more=max(0, len(rows) - ROWS_MAX))]
    subject = _subject(context)
    if subject is None:
        return [context.notice(NoticeKind.ACCESS_HOW)]
    if subject in context.owners:
        return [context.notice(NoticeKind.OWNER_STAYS)]
    right: Literal["user", "none"] = "user" if incoming.command == "allow" else "none"
    kind = NoticeKind.ACCESS_GIVEN if right == "user" else NoticeKind.ACCESS_TAKEN
    decided = SetAccess(subject=str(subject), right=right, by=str(incoming.user_id))
    return [decided, context.notice(kind, subject=str(subject))]


def press_access(context: UpdateContext, argument: str) -> list[Effect]:
    """Return what a Remove button below /access changes: `none:<subject>`."""
    right, _, subject = argument.partition(":")
    if not context.by_owner:
        return [context.toast(Sentence.OWNERS_ONLY)]
    if right != "none" or _id(subject) is None or _id(subject) in context.owners:
        return [context.toast(Sentence.BUTTON_OLD)]
    decided = SetAccess(subject=subject, right="none", by=str(context.incoming.user_id))
    return [decided, context.notice(NoticeKind.ACCESS_TAKEN, subject=subject), context.toast()]


def _subject(context: UpdateContext) -> int | None:
    """The id that the command names; in a group, without one, that of the group. None: neither."""
    incoming = context.incoming
    if not incoming.text and incoming.chat_kind == "group":
        return incoming.chat_id
    return _id(incoming.text.strip())


def _id(text: str) -> int | None:
    """An id of Telegram, which has 52 bits at most and is never 0."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 16):
        return None
    number = int(text)
    return number if number and abs(number) < 2**52 else None
