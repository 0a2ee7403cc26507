"""Effects: what handling an update changes in Redis. Each class is the arguments of one Lua function `effects.<kind>`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

from openclaw_core.records import EffectKind, NoticeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ActLink:
    """How a message goes together with others of the same act: what one person sends in one place, one soon after the other."""

    act: str
    """`<place>:<user>`."""
    sent_s: int
    open_s: int
    """For how many seconds later messages go on with this one; -1 for none."""
    group: str | None = None
    """Album."""
    near_s: int | None = None
    """It goes on with a message that is at most so old."""
    hold_ms: int | None = None
    hold_at_most_ms: int | None = None
    wait_ms: int | None = None
    """How long a notice is put off."""
    only_joins: bool | None = None
    """It counts only as part of another message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    kind_of_effect: ClassVar[EffectKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlace(Effect):
    """An effect on one chat, or on one topic of it. Ids are strings, since Lua keeps 14 digits of a number only."""

    chat: str
    thread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies(InPlace):
    """An effect that a notice may follow. *heard* is a digest of the words of message *heard_of*, by which an edit is known."""

    key: str
    """The same key replaces the notice while it waits."""
    lang: str
    reply_to: str | None = None
    heard: str | None = None
    heard_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTask(InPlace):
    kind_of_effect: ClassVar[EffectKind] = EffectKind.TASK
    id: str
    record: str = field(repr=False)
    chat_kind: str
    lang: str
    message_id: str
    user: str
    admitted_ms: str
    reply_to: str | None = None
    heard: str | None = None
    heard_of: str | None = None
    link: ActLink | None = None


def queued_records(effects: Iterable[Effect]) -> dict[str, str]:
    """Records of the tasks that *effects* queue, by the task's id."""
    return {effect.id: effect.record for effect in effects if isinstance(effect, QueueTask)}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTask(QueueTask):
    """The finished *task* is asked again, as the new task *id*."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.RETRY
    task: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteCorrection(InPlace):
    """A message of *user* says that the answer before it is wrong. It counts if that answer was shown at most *within_ms* ago."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.CORRECTION
    user: str
    within_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteOnAnswer(InPlace):
    """👍 or 👎 under the answer of *task* was pressed. The store alone knows which of *toasts* fits: `taken`, `not_yours`, `old`."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.VOTE
    task: str
    vote: Literal["up", "down"]
    button: str
    toasts: Mapping[str, str]
    by: str | None = None
    """In groups: who pressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNotice(Replies):
    """A text of the bot's own.

    With *record* and *link* it stands for a message that cannot be read, and may become part of a task instead.
    """

    kind_of_effect: ClassVar[EffectKind] = EffectKind.NOTICE
    kind: NoticeKind
    args: Mapping[str, Any] = field(default_factory=dict)
    once: str | None = None
    once_s: int | None = None
    record: str | None = field(default=None, repr=False)
    message_id: str | None = None
    link: ActLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndAct(Effect):
    kind_of_effect: ClassVar[EffectKind] = EffectKind.END_ACT
    act: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTasks(Replies):
    """All tasks of the place that were asked before *update*; or one *task*, by a *button*, which shows one of *toasts*."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.STOP
    kind: NoticeKind = NoticeKind.STOPPED
    update: str | None = None
    task: str | None = None
    button: str | None = None
    toasts: Mapping[str, str] | None = None
    by: str | None = None
    """In groups: who pressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLanguage(InPlace):
    kind_of_effect: ClassVar[EffectKind] = EffectKind.LANG
    lang: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseRole(InPlace):
    """The role of the next message."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.CHOOSE
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(InPlace):
    """The conversation begins anew."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.FORGET


@dataclass(frozen=True, slots=True, kw_only=True)
class EditMessage(Replies):
    """*fresh* are the effects of the new words, if nothing was asked for before."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.EDITED
    message_id: str
    fresh: Sequence[Effect]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerButton(InPlace):
    """The end of a button's spinner, with a toast if there is a *text*."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.BUTTON
    id: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFileAgain(Replies):
    """A file of an answer, whose fate was unknown, is asked for again."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.FILE
    kind: NoticeKind = NoticeKind.FILE_GONE
    task: str
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveChat(Effect):
    """A group became a supergroup, with another id."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.MOVE
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAccess(Effect):
    """Access of a person or a group is given or taken away by an owner."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.ACCESS
    subject: str
    right: Literal["user", "none"]
    by: str
    """The owner's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPairing(Replies):
    """A newcomer asks for access: they get the *code*, and each of the *owners* a button with it."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.PAIR
    user: str
    code: str = field(repr=False)
    digest: str = field(repr=False)
    """Of the code, as it is kept."""
    owners: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidePairing(InPlace):
    """An owner's press lets a newcomer in, or refuses.

    The store alone knows which of *toasts* fits: `given`, `declined`, `already`, `expired`.
    """

    kind_of_effect: ClassVar[EffectKind] = EffectKind.PAIR_DECIDE
    user: str
    digest: str = field(repr=False)
    """Of the request that the owner was shown; empty: the code on the button is not that of the request."""
    right: Literal["user", "none"]
    by: str
    button: str
    toasts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetUser(InPlace):
    """What is kept of a person goes: *everywhere*, or what they said in this chat."""

    kind_of_effect: ClassVar[EffectKind] = EffectKind.FORGET_USER
    user: str
    update: str
    """Of the request: what was asked after it stays."""
    lang: str
    everywhere: bool


_RENAMED = {"old": "from", "new": "to"}


def to_lua(effect: Effect) -> dict[str, Any]:
    """The fields that Lua reads: `op` is the kind, a link's fields are beside the others."""
    row: dict[str, Any] = {"op": effect.kind_of_effect}
    for one in fields(effect):
        value = getattr(effect, one.name)
        if isinstance(value, ActLink):
            row |= {part.name: getattr(value, part.name) for part in fields(value)}
        elif one.name == "fresh":
            row["fresh"] = [to_lua(fresh) for fresh in value]
        elif one.name != "link":
            row[_RENAMED.get(one.name, one.name)] = value
    return row
