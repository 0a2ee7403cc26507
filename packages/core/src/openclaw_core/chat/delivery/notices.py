"""Notices and failures as pages with buttons. Pure."""

from typing import TYPE_CHECKING, Any

from openclaw_core.chat.delivery.displays import Display
from openclaw_core.ports import Button, Lang, Page
from openclaw_core.tasks.outcome import Cause
from openclaw_core.texts import wording
from openclaw_core.texts.language import LANG_NAMES
from openclaw_core.texts.wording import Label, Sentence

if TYPE_CHECKING:  # the module needs YAML
    from openclaw_core.roles.values import Roles

Buttons = tuple[tuple[Button, ...], ...]

_PLAIN = {
    "new": Sentence.NEW_DONE, "retry_nothing": Sentence.NOTHING_TO_RETRY, "retry_twice": Sentence.ALREADY_RETRIED, "lang_menu": Sentence.LANG_MENU, "lang_set": Sentence.LANG_SET,
    "edit_taken": Sentence.EDIT_UPDATED, "edit_late": Sentence.EDIT_TOO_LATE, "unknown_command": Sentence.UNKNOWN_COMMAND, "file_gone": Sentence.FILE_GONE, "stopped_mark": Sentence.STOPPED,
    "demo_hebrew": Sentence.DEMO_NO_HEBREW,
}  # fmt: skip
_UNSUPPORTED = {
    "voice": Sentence.VOICE,
    "photo": Sentence.PHOTO,
    "video": Sentence.VIDEO,
    "contact": Sentence.CONTACT,
    "game": Sentence.POLL,
    "file": Sentence.FILE_UNSUPPORTED,
    "sticker": Sentence.STICKER,
    "place": Sentence.LOCATION,
}


def notice_page(notice: Display, roles: "Roles | None") -> tuple[Page, Buttons]:
    """The text and buttons of a notice. An unknown kind has a text of its own; so have kinds about roles without *roles*.

    Raises one of `records.UNREADABLE` for arguments that do not fit the kind.
    """
    text, buttons = _text_and_buttons(notice.kind, notice.args, notice.lang, roles)
    return Page(text=text), buttons


def failure_page(cause: Cause, task_id: str, lang: Lang) -> tuple[Page, Buttons]:
    """Why there is no answer, with a Retry button."""
    retry = Button(label=wording.label(Label.RETRY, lang), data=f"retry:{task_id}")
    return Page(text=wording.failure(cause, lang)), ((retry,),)


def _text_and_buttons(kind: str, args: Any, lang: Lang, roles: "Roles | None") -> tuple[str, Buttons]:
    match kind:
        case "start" if roles is not None:
            return wording.start_reply(roles, lang), _choices(roles, lang)
        case "help" if roles is not None:
            return wording.help_reply(roles, lang), _choices(roles, lang)
        case "role_chosen" if roles is not None and args["role"] in roles.roles:
            return wording.role_chosen(roles, args["role"], lang), ()
        case "failed":
            page, buttons = failure_page(_cause(args["cause"]), args["task"], lang)
            return page.text, buttons
        case "pool_wait":
            return wording.pool_wait(_cause(args["cause"]), lang), ()
        case "full":
            return wording.chat_full(int(args["cap"]), lang) if args.get("cap") else wording.sentence(
                Sentence.ALL_FULL, lang
            ), ()
        case "too_large":
            return wording.file_too_large(int(args["mb"]), lang), ()
        case "stopped":
            return _stopped(args, lang), ()
        case "status":
            running_s = args.get("running_s") if args.get("running") else None
            waiting = (float(args.get("waiting_s", 0)),) * int(args.get("waiting", 0))
            return wording.status_reply(running_s=running_s, waiting_s=waiting, lang=lang), ()
        case "refused":
            return wording.no_access(int(args["user_id"]), lang), ()
        case "unsupported":
            return wording.sentence(_UNSUPPORTED.get(str(args["what"]), Sentence.UNKNOWN_KIND), lang), ()
        case "lang_menu":
            row = tuple(Button(label=name, data=f"lang:{code}") for code, name in LANG_NAMES.items())
            return wording.sentence(Sentence.LANG_MENU, lang), (row,)
    return wording.sentence(_PLAIN.get(kind, Sentence.UNKNOWN_KIND), lang), ()


def _choices(roles: "Roles", lang: Lang) -> Buttons:
    """A button for each role, two in a row."""
    buttons = [Button(label=wording.role_label(roles, name, lang), data=f"role:{name}") for name in roles.roles]
    return tuple(tuple(buttons[n : n + 2]) for n in range(0, len(buttons), 2))


def _cause(name: str) -> Cause:
    """A cause that only a newer release knows reads as an internal one."""
    return Cause(name) if name in Cause._value2member_map_ else Cause.INTERNAL


def _stopped(args: Any, lang: Lang) -> str:
    running, waiting = int(args.get("stopped", 0)), int(args.get("waiting", 0))
    if running or waiting:
        return wording.stop_reply(running=running, waiting=waiting, lang=lang)
    return wording.sentence(Sentence.STOP_TOO_LATE if args.get("late") else Sentence.NOTHING_TO_STOP, lang)
