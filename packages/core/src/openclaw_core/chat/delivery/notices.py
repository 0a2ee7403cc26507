"""Notices and failures as pages with buttons. Pure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from openclaw_core.chat.delivery.displays import Display
from openclaw_core.ports import Button, Lang, Page
from openclaw_core.records import NoticeKind
from openclaw_core.tasks.outcome import Cause
from openclaw_core.texts import access, spending, wording
from openclaw_core.texts.canaries import canary_reply
from openclaw_core.texts.language import LANG_NAMES
from openclaw_core.texts.why import why_reply
from openclaw_core.texts.wording import Label, Sentence

if TYPE_CHECKING:  # the module needs YAML
    from openclaw_core.roles.values import Roles

REMOVALS_MAX = 8
"""Buttons below /access; /remove takes any id."""
Buttons = tuple[tuple[Button, ...], ...]

_PLAIN: Mapping[str, Sentence] = {
    NoticeKind.NEW: Sentence.NEW_DONE,
    NoticeKind.RETRY_NOTHING: Sentence.NOTHING_TO_RETRY,
    NoticeKind.RETRY_TWICE: Sentence.ALREADY_RETRIED,
    NoticeKind.LANG_SET: Sentence.LANG_SET,
    NoticeKind.EDIT_TAKEN: Sentence.EDIT_UPDATED,
    NoticeKind.EDIT_LATE: Sentence.EDIT_TOO_LATE,
    NoticeKind.UNKNOWN_COMMAND: Sentence.UNKNOWN_COMMAND,
    NoticeKind.FILE_GONE: Sentence.FILE_GONE,
    NoticeKind.DEMO_HEBREW: Sentence.DEMO_NO_HEBREW,
    NoticeKind.OWNERS_ONLY: Sentence.OWNERS_ONLY,
    NoticeKind.ACCESS_PRIVATE: Sentence.ACCESS_PRIVATE,
    NoticeKind.ACCESS_HOW: Sentence.ACCESS_HOW,
    NoticeKind.OWNER_STAYS: Sentence.OWNER_STAYS,
    NoticeKind.PAIRED: Sentence.PAIRED,
}
_VOTES = {"up": "👍", "down": "👎"}
_UNSUPPORTED = {
    "voice": Sentence.VOICE,
    "photo": Sentence.PHOTO,
    "large_picture": Sentence.PICTURE_TOO_LARGE,
    "video": Sentence.VIDEO,
    "contact": Sentence.CONTACT,
    "game": Sentence.POLL,
    "file": Sentence.FILE_UNSUPPORTED,
    "sticker": Sentence.STICKER,
    "place": Sentence.LOCATION,
}


_SAME_AGAIN = frozenset({Cause.FILE_EMPTY, Cause.FILE_SCANNED, Cause.FILE_ENCRYPTED, Cause.FILE_UNSUPPORTED})
"""Causes that lie in what was sent."""


def feedback_buttons(task_id: str) -> Buttons:
    """The buttons under an answer by which its asker says whether it was good."""
    return (tuple(Button(label=label, data=f"{vote}:{task_id}") for vote, label in _VOTES.items()),)


def notice_page(notice: Display, roles: "Roles | None") -> tuple[Page, Buttons]:
    """The text and buttons of a notice. An unknown kind has a text of its own; so have kinds about roles without *roles*.

    Raises one of `records.UNREADABLE` for arguments that do not fit the kind.
    """
    text, buttons = _text_and_buttons(notice.kind, notice.args, notice.lang, roles)
    return Page(text=text), buttons


def failure_page(cause: Cause, task_id: str, lang: Lang, budget: str = "") -> tuple[Page, Buttons]:
    """Why there is no answer, with a Retry button where a second try may end otherwise. *budget* is that of `Display`."""
    if cause in _SAME_AGAIN:
        return Page(text=wording.failure(cause, lang, budget)), ()
    retry = Button(label=wording.label(Label.RETRY, lang), data=f"retry:{task_id}")
    return Page(text=wording.failure(cause, lang, budget)), ((retry,),)


def _text_and_buttons(kind: str, args: Any, lang: Lang, roles: "Roles | None") -> tuple[str, Buttons]:
    match kind:
        case NoticeKind.START if roles is not None:
            return wording.start_reply(roles, lang), _choices(roles, lang)
        case NoticeKind.HELP if roles is not None:
            return wording.help_reply(roles, lang), _choices(roles, lang)
        case NoticeKind.ROLE_CHOSEN if roles is not None and args["role"] in roles.roles:
            return wording.role_chosen(roles, args["role"], lang), ()
        case NoticeKind.POOL_WAIT:
            return wording.pool_wait(_cause(args["cause"]), lang), ()
        case NoticeKind.FULL:
            return wording.chat_full(int(args["cap"]), lang) if args.get("cap") else wording.sentence(
                Sentence.ALL_FULL, lang
            ), ()
        case NoticeKind.TOO_LARGE:
            return wording.file_too_large(int(args["mb"]), lang), ()
        case NoticeKind.STOPPED:
            return _stopped(args, lang), ()
        case NoticeKind.STATUS:
            running_s = args.get("running_s") if args.get("running") else None
            waiting = (float(args.get("waiting_s", 0)),) * int(args.get("waiting", 0))
            return wording.status_reply(running_s=running_s, waiting_s=waiting, lang=lang), ()
        case NoticeKind.USAGE:
            rows = [(str(a), str(b), str(c), int(spent), int(limit)) for a, b, c, spent, limit in args["rows"]]
            next_day, next_month = str(args["next_day"]), str(args["next_month"])
            return spending.usage_reply(rows, next_day=next_day, next_month=next_month, lang=lang), ()
        case NoticeKind.CANARY:
            return canary_reply(args["rows"], lang), ()
        case NoticeKind.BUDGET_NEARLY:
            return spending.limit_near(str(args["scope"]), str(args["period"]), int(args["percent"]), lang), ()
        case NoticeKind.WHY if not args:
            return wording.sentence(Sentence.WHY_NOTHING, lang), ()
        case NoticeKind.WHY if roles is not None:
            cost = args.get("micro_usd")  # not there for a model without a price: the store keeps no null
            return why_reply(
                roles, role=str(args["role"]), decision=str(args["decision"]), model=str(args["model"]),
                tools=[str(tool) for tool in args["tools"]],
                not_done=[str(tool) for tool in args.get("not_done", ())], steps=int(args.get("steps", 0)),
                took_s=float(args["took_s"]), tokens=int(args["tokens"]), micro_usd=None if cost is None else int(cost), lang=lang,
            ), ()  # fmt: skip
        case NoticeKind.REFUSED:
            return wording.no_access(int(args["user_id"]), lang), ()
        case NoticeKind.ACCESS_LIST:
            return access.access_list(args["rows"], int(args["more"]), lang), _removals(args["rows"], lang)
        case NoticeKind.ACCESS_GIVEN:
            return access.access_given(str(args["subject"]), lang), ()
        case NoticeKind.ACCESS_TAKEN:
            return access.access_taken(str(args["subject"]), lang), ()
        case NoticeKind.FORGET_ASK:
            what = Sentence.FORGET_ASK_GROUP if args["group"] else Sentence.FORGET_ASK
            about = f"{args['user']}:{int(args['at_s'])}"
            forget = Button(label=wording.label(Label.FORGET, lang), data=f"forget:yes:{about}")
            keep = Button(label=wording.label(Label.KEEP, lang), data=f"forget:no:{about}")
            return wording.sentence(what, lang), ((forget, keep),)
        case NoticeKind.FORGOTTEN:
            done = Sentence.FORGOTTEN_GROUP if args["group"] else Sentence.FORGOTTEN
            return wording.sentence(done, lang), ()
        case NoticeKind.PAIR_CODE:
            return access.pair_code(str(args["user"]), str(args["code"]), lang), ()
        case NoticeKind.PAIR_FULL:
            return access.pair_full(str(args["user"]), lang), ()
        case NoticeKind.PAIR_REQUEST:
            user, code = str(args["user"]), str(args["code"])
            give = Button(label=wording.label(Label.LET_IN, lang), data=f"pair:user:{user}:{code}")
            refuse = Button(label=wording.label(Label.REFUSE, lang), data=f"pair:none:{user}:{code}")
            return access.pair_request(user, code, lang), ((give, refuse),)
        case NoticeKind.UNSUPPORTED:
            return wording.sentence(_UNSUPPORTED.get(str(args["what"]), Sentence.UNKNOWN_KIND), lang), ()
        case NoticeKind.LANG_MENU:
            row = tuple(Button(label=name, data=f"lang:{code}") for code, name in LANG_NAMES.items())
            return wording.sentence(Sentence.LANG_MENU, lang), (row,)
    return wording.sentence(_PLAIN.get(kind, Sentence.UNKNOWN_KIND), lang), ()


def _choices(roles: "Roles", lang: Lang) -> Buttons:
    """A button for each role, two in a row."""
    buttons = [Button(label=wording.role_label(roles, name, lang), data=f"role:{name}") for name in roles.roles]
    return tuple(tuple(buttons[n : n + 2]) for n in range(0, len(buttons), 2))


def _removals(rows: Sequence[Sequence[str]], lang: Lang) -> Buttons:
    """A Remove button for each of those who got access last."""
    subjects = [subject for subject, right, *_ in rows if right == "user" and subject != access.EVERYONE]
    label = wording.label(Label.REMOVE_ACCESS, lang)
    return tuple((Button(label=f"{label} {one}", data=f"access:none:{one}"),) for one in subjects[:REMOVALS_MAX])


def _cause(name: str) -> Cause:
    """A cause that only a newer release knows reads as an internal one."""
    return Cause(name) if name in Cause._value2member_map_ else Cause.INTERNAL


def _stopped(args: Any, lang: Lang) -> str:
    running, waiting = int(args.get("stopped", 0)), int(args.get("waiting", 0))
    if running or waiting:
        return wording.stop_reply(running=running, waiting=waiting, lang=lang)
    return wording.sentence(Sentence.STOP_TOO_LATE if args.get("late") else Sentence.NOTHING_TO_STOP, lang)
