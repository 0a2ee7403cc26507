"""Records that brain and agent, also of two releases, read of each other: their kinds, and what becomes of one that cannot be read."""

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from openclaw_core import logs

log = logs.get(__name__)
T = TypeVar("T")
R = TypeVar("R")
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading data of unknown shape raises. A bug in such code looks the same, and must not end a loop that serves everybody either."""


class EffectKind(StrEnum):
    """What handling an update changes: the functions `effects.<kind>` of the leader's script."""

    TASK = "task"
    RETRY = "retry"
    NOTICE = "notice"
    END_ACT = "end_act"
    STOP = "stop"
    LANG = "lang"
    CHOOSE = "choose"
    FORGET = "forget"
    EDITED = "edited"
    BUTTON = "button"
    CORRECTION = "correction"
    VOTE = "vote"
    FILE = "file"
    MOVE = "move"
    ACCESS = "access"
    PAIR = "pair"
    PAIR_DECIDE = "pair_decide"
    FORGET_USER = "forget_user"


class NoticeKind(StrEnum):
    """A text of the bot's own. A kind that is missing here is a newer release's, and is told as unknown."""

    START = "start"
    HELP = "help"
    NEW = "new"
    STATUS = "status"
    WHY = "why"
    UNKNOWN_COMMAND = "unknown_command"
    LANG_MENU = "lang_menu"
    LANG_SET = "lang_set"
    ROLE_CHOSEN = "role_chosen"
    DEMO_HEBREW = "demo_hebrew"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    REFUSED = "refused"
    OWNERS_ONLY = "owners_only"
    ACCESS_LIST = "access_list"
    ACCESS_PRIVATE = "access_private"
    ACCESS_HOW = "access_how"
    ACCESS_GIVEN = "access_given"
    ACCESS_TAKEN = "access_taken"
    OWNER_STAYS = "owner_stays"
    PAIR_CODE = "pair_code"
    PAIR_REQUEST = "pair_request"
    PAIR_FULL = "pair_full"
    PAIRED = "paired"
    USAGE = "usage"
    CANARY = "canary"
    FORGET_ASK = "forget_ask"
    FORGOTTEN = "forgotten"
    # of the script itself
    STOPPED = "stopped"
    FULL = "full"
    POOL_WAIT = "pool_wait"
    RETRY_NOTHING = "retry_nothing"
    RETRY_TWICE = "retry_twice"
    EDIT_TAKEN = "edit_taken"
    EDIT_LATE = "edit_late"
    FILE_GONE = "file_gone"
    BUDGET_NEARLY = "budget_nearly"


class JobStage(StrEnum):
    """What a Job of a pool does. A stage that is missing here is a newer release's."""

    CREATED = "created"
    WAITING = "waiting"
    CLAIMED = "claimed"
    RETIRED = "retired"


class ResultKind(StrEnum):
    """How an agent ended a run."""

    ANSWERED = "answered"
    GAVE_UP = "gave_up"
    HANDED_BACK = "handed_back"
    PUT_BACK = "put_back"


def read(kind: type[T], row: Mapping[str, Any], **parts: Any) -> T:
    """Dataclass *kind* of the fields of *row* that it has, and of *parts* in place of its own: what a newer release adds is dropped
    (docs/decisions/0003). Raises TypeError where a field without a default is missing."""
    known = {name: value for name, value in row.items() if name in kind.__dataclass_fields__}  # type: ignore[attr-defined]
    return kind(**known | parts)


def parsed(raw: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for anything else, also for one that is nested too deep to be read."""
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("nested too deep") from None


def readable(rows: Iterable[R], reading: Callable[[R], T], *, of: str) -> list[T]:
    """What *reading* makes of each row. One that it cannot read is left out and logged as a row *of* something, without its words."""
    found: list[T] = []
    for row in rows:
        try:
            found.append(reading(row))
        except UNREADABLE as exc:
            log.fault("row.unreadable", exc, of=of)
    return found


def whole(value: object, otherwise: int = 0) -> int:
    """A number of a record as an integer, *otherwise* if it is none."""
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return otherwise
