"""Pure: the bot's own texts and failures become the page that a chat sees, with its buttons."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from openclaw_core.ports import Button, Lang, Page
from openclaw_core.tasks.outcome import Cause
from openclaw_core.texts import wording
from openclaw_core.texts.language import LANG_NAMES
from openclaw_core.texts.wording import Label, Say

if TYPE_CHECKING:  # loading roles needs YAML, telling something does not
    from openclaw_core.roles.values import Roles

Buttons = tuple[tuple[Button, ...], ...]

_PLAIN = {
    "new": Say.NEW_DONE, "retry_nothing": Say.NOTHING_TO_RETRY, "retry_twice": Say.ALREADY_RETRIED, "lang_menu": Say.LANG_MENU, "lang_set": Say.LANG_SET,
    "edit_taken": Say.EDIT_UPDATED, "edit_late": Say.EDIT_TOO_LATE, "unknown_command": Say.UNKNOWN_COMMAND, "file_gone": Say.FILE_GONE, "stopped_mark": Say.STOPPED,
    "demo_hebrew": Say.DEMO_NO_HEBREW,
}  # fmt: skip
_UNSUPPORTED = {
    "voice": Say.VOICE,
    "photo": Say.PHOTO,
    "video": Say.VIDEO,
    "contact": Say.CONTACT,
    "game": Say.POLL,
    "file": Say.FILE_UNSUPPORTED,
    "sticker": Say.STICKER,
    "place": Say.LOCATION,
}


class Told(Protocol):
    """What a notice is made of: a display, or a row of the store."""

    @property
    def kind(self) -> str: ...
    @property
    def args(self) -> Mapping[str, Any]: ...
    @property
    def lang(self) -> Lang: ...


def told(notice: Told, roles: "Roles | None") -> tuple[Page, Buttons]:
    """The text and buttons of a notice. A kind that a newer brain wrote reads as 'unknown', as do those about roles without *roles*.

    Raises one of `records.UNREADABLE` for arguments that do not fit the kind.
    """
    text, buttons = _told(notice.kind, notice.args, notice.lang, roles)
    return Page(text=text), buttons


def failed(cause: Cause, task_id: str, lang: Lang) -> tuple[Page, Buttons]:
    """Why there is no answer, with the button that asks again."""
    retry = Button(label=wording.label(Label.RETRY, lang), data=f"retry:{task_id}")
    return Page(text=wording.failed(cause, lang)), ((retry,),)


def _told(kind: str, args: Any, lang: Lang, roles: "Roles | None") -> tuple[str, Buttons]:
    match kind:
        case "start" if roles is not None:
            return wording.start(roles, lang), _choices(roles, lang)
        case "help" if roles is not None:
            return wording.help_text(roles, lang), _choices(roles, lang)
        case "role_chosen" if roles is not None and args["role"] in roles.roles:
            return wording.role_chosen(roles, args["role"], lang), ()
        case "failed":
            page, buttons = failed(_cause(args["cause"]), args["task"], lang)
            return page.text, buttons
        case "pool_wait":
            return wording.waiting(_cause(args["cause"]), lang), ()
        case "full":
            return wording.chat_full(int(args["cap"]), lang) if args.get("cap") else wording.say(Say.ALL_FULL, lang), ()
        case "too_large":
            return wording.file_too_large(int(args["mb"]), lang), ()
        case "stopped":
            return _stopped(args, lang), ()
        case "status":
            running_s = args.get("running_s") if args.get("running") else None
            waiting = (float(args.get("waiting_s", 0)),) * int(args.get("waiting", 0))
            return wording.status(running_s=running_s, waiting_s=waiting, lang=lang), ()
        case "refused":
            return wording.no_access(int(args["user_id"]), lang), ()
        case "unsupported":
            return wording.say(_UNSUPPORTED.get(str(args["what"]), Say.UNKNOWN_KIND), lang), ()
        case "lang_menu":
            row = tuple(Button(label=name, data=f"lang:{code}") for code, name in LANG_NAMES.items())
            return wording.say(Say.LANG_MENU, lang), (row,)
    return wording.say(_PLAIN.get(kind, Say.UNKNOWN_KIND), lang), ()


def _choices(roles: "Roles", lang: Lang) -> Buttons:
    """A button for each role, two in a row."""
    buttons = [Button(label=wording.role_label(roles, name, lang), data=f"role:{name}") for name in roles.roles]
    return tuple(tuple(buttons[n : n + 2]) for n in range(0, len(buttons), 2))


def _cause(name: str) -> Cause:
    """A cause that an agent of a newer release found is one of ours to this one: told without its reason, but told."""
    return Cause(name) if name in Cause._value2member_map_ else Cause.INTERNAL


def _stopped(args: Any, lang: Lang) -> str:
    running, waiting = int(args.get("stopped", 0)), int(args.get("waiting", 0))
    if running or waiting:
        return wording.stopped(running=running, waiting=waiting, lang=lang)
    return wording.say(Say.STOP_TOO_LATE if args.get("late") else Say.NOTHING_TO_STOP, lang)
