"""`/forget`: what is kept of a person goes, after they said so twice: by the command, and by a button."""

from dataclasses import replace

from openclaw_brain.inbox.context import UpdateContext
from openclaw_core.records import NoticeKind
from openclaw_core.store.effects import AddNotice, Effect, ForgetUser
from openclaw_core.texts.wording import Sentence

ASKED_S = 3600
"""The button works for this long."""


def ask_forget(context: UpdateContext) -> list[AddNotice]:
    """Ask whether it is meant. In a group it is about what this person said there, in a private chat about everything."""
    incoming = context.incoming
    group = incoming.chat_kind == "group"
    about = {"user": str(incoming.user_id), "at_s": context.admitted_ms // 1000, "group": 1 if group else 0}
    return [context.notice(NoticeKind.FORGET_ASK, **about)]


def press_forget(context: UpdateContext, argument: str) -> list[Effect]:
    """Return what a button below the question changes: `<yes or no>:<person>:<second of the question>`. It is that person's alone."""
    incoming = context.incoming
    answer, _, rest = argument.partition(":")
    user, _, at_s = rest.partition(":")
    if user != str(incoming.user_id):
        return [context.toast(Sentence.NOT_YOURS)]
    if answer == "no":
        return [context.toast(Sentence.FORGET_KEPT)]
    old = (
        not (at_s.isascii() and at_s.isdigit() and len(at_s) <= 12) or context.admitted_ms // 1000 - int(at_s) > ASKED_S
    )
    if answer != "yes" or old:
        return [context.toast(Sentence.BUTTON_OLD)]
    everywhere = incoming.chat_kind == "private"
    forget = ForgetUser(
        **context.place, user=user, update=str(incoming.update_id), lang=context.lang, everywhere=everywhere
    )
    return [forget, context.toast(Sentence.FORGET_BEGUN)]


def forget_without_access(context: UpdateContext) -> list[Effect]:
    """Return what `/forget` and its button change for a person who has no access any more: what is kept of them is theirs to delete.

    In their private chat only, and once an hour: strangers are told little. Empty for anything else.
    """
    incoming = context.incoming
    if incoming.chat_kind != "private" or incoming.user_is_bot:
        return []
    if incoming.kind == "button" and incoming.button_data.startswith("forget:"):
        return press_forget(context, incoming.button_data.removeprefix("forget:"))
    if incoming.kind == "command" and incoming.command == "forget":
        [question] = ask_forget(context)
        return [replace(question, once=f"forget:{incoming.user_id}", once_s=ASKED_S)]
    return []
