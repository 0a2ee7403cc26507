"""What the commands and the buttons of the bot do."""

from collections.abc import Mapping
from dataclasses import replace

from openclaw_brain.inbox.canary_command import tell_canaries
from openclaw_brain.inbox.context import UpdateContext
from openclaw_brain.inbox.forget_command import ask_forget, press_forget
from openclaw_brain.inbox.new_task import ask, task_fields, unreadable
from openclaw_brain.inbox.owner_commands import OWNER_COMMANDS, press_access, run_owner_command
from openclaw_brain.inbox.pairing import press_pairing
from openclaw_core.ports import Lang
from openclaw_core.records import NoticeKind
from openclaw_core.store.effects import (
    ChooseRole,
    Effect,
    Forget,
    RetryTask,
    SendFileAgain,
    SetLanguage,
    StopTasks,
    VoteOnAnswer,
)
from openclaw_core.tasks.task import retry_id
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence

COMMANDS = frozenset({"start", "help", "new", "stop", "status", "usage", "why", "retry", "lang", "forget"})
LANG_ARGUMENTS: Mapping[str, Lang] = {
    "he": "he", "hebrew": "he", "עברית": "he", "en": "en", "english": "en", "אנגלית": "en",
}  # fmt: skip
_STOP_TOASTS = {
    "stopped": Sentence.STOP_HEARD,
    "late": Sentence.STOP_TOO_LATE,
    "not_yours": Sentence.NOT_YOURS,
    "old": Sentence.BUTTON_OLD,
}
_VOTE_TOASTS = {"taken": Sentence.VOTE_TAKEN, "not_yours": Sentence.NOT_YOURS, "old": Sentence.BUTTON_OLD}


def is_ours(context: UpdateContext) -> bool:
    """Whether a command is for this bot. In a group, a command that names no bot is ours only if we know it and everybody may give it."""
    incoming = context.incoming
    known = COMMANDS | {role.command for role in context.roles.roles.values()}
    return incoming.chat_kind == "private" or incoming.names_us or incoming.command in known


def run_command(context: UpdateContext) -> list[Effect]:
    """Return what a command changes: nothing if it is another bot's."""
    incoming = context.incoming
    if not is_ours(context):
        return []
    for role in context.roles.roles.values():
        if incoming.command == role.command:
            if incoming.text or incoming.quoted or incoming.attachment:
                return ask(context, role=role.name)
            if incoming.unseen:
                return [unreadable(context, NoticeKind.UNSUPPORTED, role=role.name, what=incoming.unseen)]
            return _choose_role(context, role.name)
    match incoming.command:
        case "start" | "help":
            return [context.notice(NoticeKind(incoming.command))]
        case "new":
            return [Forget(**context.place), context.notice(NoticeKind.NEW)]
        case "stop":
            return [StopTasks(**context.notice_fields("stopped"), update=str(incoming.update_id))]
        case "status":
            return [context.notice(NoticeKind.STATUS, **context.state.status)]
        case "usage":
            return [context.notice(NoticeKind.USAGE, **context.state.usage)]
        case "why":
            return [context.notice(NoticeKind.WHY, **context.state.why)]
        case "retry":
            return _retry(context)
        case "lang":
            return _set_lang(context, incoming.text.strip().lower())
        case "forget":
            return [*ask_forget(context)]
        case "canary":
            return tell_canaries(context)
        case command if command in OWNER_COMMANDS:
            return run_owner_command(context)
    return [context.notice(NoticeKind.UNKNOWN_COMMAND)]


def press_button(context: UpdateContext) -> list[Effect]:
    """Return what a button changes. Buttons of an older release may name what no longer exists."""
    incoming, done = context.incoming, context.toast()
    action, _, argument = incoming.button_data.partition(":")
    match action:
        case "stop" if argument:
            # The store alone knows which of these toasts fits.
            toasts = {name: wording.sentence(what, context.lang) for name, what in _STOP_TOASTS.items()}
            by = str(incoming.user_id) if incoming.chat_kind == "group" else None
            fields = context.notice_fields("stopped")
            return [StopTasks(**fields, task=argument, button=incoming.button_id, toasts=toasts, by=by)]
        case "retry" if argument:
            return [*_retry(context), done] if _may_retry(context) else [context.toast(Sentence.NOT_YOURS)]
        case ("up" | "down") as vote if argument:
            # The store alone knows which of these toasts fits. Buttons are in chats after the setting was turned off, and count there.
            toasts = {name: wording.sentence(what, context.lang) for name, what in _VOTE_TOASTS.items()}
            by = str(incoming.user_id) if incoming.chat_kind == "group" else None
            return [
                VoteOnAnswer(**context.place, task=argument, vote=vote, button=incoming.button_id, toasts=toasts, by=by)
            ]
        case "lang":
            return [*_set_lang(context, argument), done]
        case "file" if argument:
            task, _, part = argument.rpartition(":")
            return [SendFileAgain(**context.notice_fields("file_gone"), task=task, part=part), done]
        case "forget":
            return press_forget(context, argument)
        case "pair":
            return press_pairing(context, argument)
        case "access":
            return press_access(context, argument)
        case "role" if argument in context.roles.roles:
            return [*_choose_role(context, argument), done]
    return [context.toast(Sentence.BUTTON_OLD)]


def _choose_role(context: UpdateContext, role: str) -> list[Effect]:
    return [ChooseRole(**context.place, role=role), context.notice(NoticeKind.ROLE_CHOSEN, role=role)]


def _set_lang(context: UpdateContext, name: str) -> list[Effect]:
    if name not in LANG_ARGUMENTS:
        return [context.notice(NoticeKind.LANG_MENU)]
    lang = LANG_ARGUMENTS[name]
    notice = replace(context, lang=lang).notice(NoticeKind.LANG_SET)
    return [SetLanguage(chat=str(context.incoming.chat_id), lang=lang), notice]


def _may_retry(context: UpdateContext) -> bool:
    """Whether the task of the button is this person's. One that was asked as a group or a channel is anybody's."""
    task, incoming = context.state.old_task, context.incoming
    return incoming.chat_kind == "private" or task is None or task.user_id < 0 or task.user_id == incoming.user_id


def _retry(context: UpdateContext) -> list[Effect]:
    incoming, old = context.incoming, context.state.old_task
    if old is None or old.chat_id != incoming.chat_id:
        return [context.notice(NoticeKind.RETRY_NOTHING)]
    again = replace(
        old, id=retry_id(old.id), retry_of=old.id, admitted_ms=context.admitted_ms, snapshot=None, update_id=incoming.update_id
    )  # fmt: skip
    return [RetryTask(**task_fields(context, again), task=old.id, key=context.notice_fields("retry")["key"])]
