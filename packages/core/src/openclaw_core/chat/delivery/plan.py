"""Pure: what a display needs next."""

from dataclasses import dataclass
from math import inf

from openclaw_core.chat.delivery.displays import Display, Sign, Stage
from openclaw_core.chat.delivery.limits import Rank
from openclaw_core.chat.delivery.notices import Buttons
from openclaw_core.chat.delivery.view import Texts, View, digest
from openclaw_core.chat.paging import PAGE_MAX_UNITS, plain, utf16_units
from openclaw_core.ports import Attachment, Button, Page
from openclaw_core.tasks.outcome import Delivery
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Label, Say

PREVIEW_EVERY_S, GROUP_PREVIEW_EVERY_S = 1.2, 3.0
"""Between two edits of a message that is still being written."""
TYPING_EVERY_S = 4.5
"""'typing' is shown for 5 s."""
FIRST_WORDS_CHARS = 80
FIRST_WORDS_S = 0.4
"""Fewer and younger first words wait: a model whose thoughts no mark began may say with the next ones that they were thoughts."""
FILE_BUTTONS_MAX = 4
LEFT_OVER = Page(text="…")
"""In place of a page that a preview had and the final text has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Send a placeholder for the page *slot*; there has to be room for *room* calls in the chat."""

    rank: Rank
    slot: int
    room: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Make the slot's message say *page*."""

    rank: Rank
    slot: int
    page: Page
    buttons: Buttons = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFile:
    """Send a file, once."""

    rank: Rank
    part: int
    file: Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Read the text first; an edit may follow at once."""

    rank: Rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """Show 'typing'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Nothing before *until*, as far as is known now."""

    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """All of it stands, or never can."""

    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAgain:
    """Send a file that a user asked for again."""

    rank: Rank
    sign: Sign


Call = Reserve | Edit | SendFile | Read
Step = Call | Typing | Later | Done
Turn = tuple[View | None, Step | SendAgain]


def next_step(view: View, now: float) -> Step:
    """The next call of a display at the time *now*."""
    if view.pause_until > now:
        return Later(until=view.pause_until)
    if view.ends_as is not None:
        return Done(delivery=view.ends_as)
    if view.display.stage is Stage.STOPPED and not view.slots:
        return Done(delivery=Delivery.DELIVERED)
    if not view.slots and not view.display.delivered and not view.muted:
        return _opening(view.display)
    match view.display.stage:
        case Stage.GROWING:
            return _growing(view, now)
        case Stage.ANSWERED:
            return _answered(view)
    return _own(view)


def urgent(display: Display) -> bool:
    """Whether its first message is needed for an answer or a failure."""
    return display.stage in (Stage.ANSWERED, Stage.FAILED) or display.kind == "failed"


def _opening(display: Display) -> Reserve:
    """The reservation of a display's first message."""
    # In a group the second call may have to wait for 3 s, and the placeholder would stand alone meanwhile.
    room = 2 if display.stage is Stage.NOTICE and display.is_group else 1
    return Reserve(rank=Rank.FINAL if urgent(display) else Rank.RESERVE, slot=0, room=room)


# ---- by stage


def _growing(view: View, now: float) -> Step:
    if view.muted:
        return Later(until=inf)
    step = _preview(view, now)
    if view.spoke or not isinstance(step, Later):
        return step
    return Typing() if wants_typing(view, now) else Later(until=min(step.until, view.typing_at))


def wants_typing(view: View, now: float) -> bool:
    """Whether 'typing' is to be shown now, also while a call waits for room."""
    return may_type(view) and view.typing_at <= now


def may_type(view: View) -> bool:
    """Whether 'typing' says something: an answer is on its way, and no word of it can be seen."""
    return view.display.stage is Stage.GROWING and not view.spoke and not view.muted


def _preview(view: View, now: float) -> Step:
    rank = Rank.PREVIEW if view.spoke else Rank.FIRST_WORDS
    if 0 not in view.slots:  # it was deleted
        return Reserve(rank=Rank.RESERVE, slot=0)
    if view.look_at > now:
        return Later(until=view.look_at)
    if view.grew:
        return Read(rank=rank)
    pages = view.texts.pages if view.texts else ()
    for slot, page in enumerate(pages):
        buttons = stop_button(view.display) if slot == len(pages) - 1 and not view.bare else ()
        if step := _put(view, slot, page, buttons, rank):
            return step
    return Later(until=inf)


def held_until(text: str, view: View) -> float:
    """Until when the first words are held back."""
    return 0.0 if view.spoke or len(text) >= FIRST_WORDS_CHARS else view.words_since + FIRST_WORDS_S


def _answered(view: View) -> Step:
    if view.texts is None:
        return Read(rank=Rank.FINAL)
    first_file = len(view.texts.pages)
    numbered = list(enumerate(view.texts.files, start=first_file))
    unknown = [part for part, _ in numbered if view.parts.get(part) == "sending"]
    if step := _pages(view, _offering(view, view.texts, unknown)):
        return step
    for part, file in numbered:
        if part not in view.parts:
            return SendFile(rank=Rank.FINAL, part=part, file=file)
    return Done(delivery=Delivery.PARTIAL if unknown else Delivery.DELIVERED)


def _own(view: View) -> Step:
    """Failures, notices, and what was shown of a stopped answer."""
    if view.texts is None:
        return Read(rank=Rank.FINAL)
    return _pages(view, view.texts) or Done(delivery=Delivery.DELIVERED)


def _pages(view: View, texts: Texts) -> Step | None:
    """The next page that does not stand yet."""
    last = len(texts.pages) - 1
    for slot, page in enumerate(texts.pages):
        buttons = texts.buttons if slot == last and not view.bare else ()
        if step := _put(view, slot, page, buttons, Rank.FINAL):
            return step
    for slot in sorted(view.slots):
        if slot > last and view.says(slot) != digest(LEFT_OVER, ()):
            return Edit(rank=Rank.FINAL, slot=slot, page=LEFT_OVER)
    return None


def _put(view: View, slot: int, page: Page, buttons: Buttons, rank: Rank) -> Reserve | Edit | None:
    if view.bare:
        page = plain(page)
    if slot not in view.slots:
        # What was recorded as done before is not sent again: its user may have deleted it. Stop sends nothing either.
        kept = view.display.delivered or view.display.stage is Stage.STOPPED
        return None if kept else Reserve(rank=rank, slot=slot)
    if view.says(slot) == digest(page, buttons):
        return None
    return Edit(rank=rank, slot=slot, page=page, buttons=buttons)


def _offering(view: View, texts: Texts, unknown: list[int]) -> Texts:
    """The pages of an answer, with an offer to send files of unknown fate again."""
    if not unknown:
        return texts
    display = view.display
    label = wording.label(Label.SEND_FILE_AGAIN, display.lang)
    row = tuple(Button(label=label, data=f"file:{display.task_id}:{part}") for part in unknown[:FILE_BUTTONS_MAX])
    note = f"\n\n{wording.say(Say.FILE_FATE_UNKNOWN, display.lang)}"
    *before, last = texts.pages
    if utf16_units(last.text + note) <= PAGE_MAX_UNITS:
        last = Page(text=last.text + note, entities=last.entities)
    return Texts(pages=(*before, last), files=texts.files, buttons=(row,))


def preview_every_s(display: Display) -> float:
    """Seconds between two previews."""
    return GROUP_PREVIEW_EVERY_S if display.is_group else PREVIEW_EVERY_S


def stop_button(display: Display) -> Buttons:
    label = wording.label(Label.STOP, display.lang)
    return ((Button(label=label, data=f"stop:{display.task_id}"),),)


def placeholder(view: View) -> tuple[Page, Buttons]:
    """What a message says until there are words for it."""
    wanted = view.display.task_id and not view.bare and view.display.stage is Stage.GROWING
    return Page(text=wording.PLACEHOLDER), stop_button(view.display) if wanted else ()
