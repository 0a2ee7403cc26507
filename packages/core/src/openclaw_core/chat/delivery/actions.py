"""The next action of a display: a call to the messenger, a read, a wait, or the end. Pure."""

from dataclasses import dataclass
from math import inf

from openclaw_core.chat.delivery.display_state import Content, DisplayState, content_digest
from openclaw_core.chat.delivery.displays import Display, Indicator, Stage
from openclaw_core.chat.delivery.flood_limits import Rank
from openclaw_core.chat.delivery.notices import Buttons
from openclaw_core.chat.formatting import plain
from openclaw_core.chat.utf16 import PAGE_MAX_UNITS, utf16_units
from openclaw_core.ports import AnswerFile, Button, Page
from openclaw_core.tasks.outcome import Delivery
from openclaw_core.tasks.work import FIRST_WORDS_CHARS, FIRST_WORDS_S, GROUP_PREVIEW_EVERY_S, PREVIEW_EVERY_S
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Label, Sentence

TYPING_EVERY_S = 4.5
"""'typing' is shown for 5 s."""
FILE_BUTTONS_MAX = 4
LEFT_OVER = Page(text="…")
"""Replaces a page of the preview that the final text does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Send a placeholder for the page *slot*; the chat's limit must allow *room* calls."""

    rank: Rank
    slot: int
    room: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Edit the slot's message to *page*."""

    rank: Rank
    slot: int
    page: Page
    buttons: Buttons = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFile:
    """Send a file, once."""

    rank: Rank
    part: int
    file: AnswerFile


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPicture:
    """Send the picture *n* of the answer, once."""

    rank: Rank
    part: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Read the text; an edit may follow at once."""

    rank: Rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """Show 'typing'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Wait until *until*, unless something changes before."""

    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The display is complete, or never can be."""

    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAgain:
    """Send a file that a user asked for again."""

    rank: Rank
    indicator: Indicator


Call = Reserve | Edit | SendFile | SendPicture | Read
Action = Call | Typing | Later | Done
NextAction = tuple[DisplayState | None, Action | SendAgain]


def next_action_of(state: DisplayState, now: float) -> Action:
    """The next action of a display at the time *now*."""
    if state.pause_until > now:
        return Later(until=state.pause_until)
    if state.ends_as is not None:
        return Done(delivery=state.ends_as)
    if state.display.stage is Stage.STOPPED and not state.slots:
        return Done(delivery=Delivery.DELIVERED)
    if not state.slots and not state.display.delivered and not state.preview_off:
        return _first_reservation(state.display)
    match state.display.stage:
        case Stage.GROWING:
            return _growing(state, now)
        case Stage.ANSWERED:
            return _answered(state)
    return _failure_or_notice(state)


def is_urgent(display: Display) -> bool:
    """Whether it is an answer or a failure."""
    return display.stage in (Stage.ANSWERED, Stage.FAILED)


def _first_reservation(display: Display) -> Reserve:
    # In a group the second call may have to wait for 3 s: the chat would see a bare placeholder meanwhile.
    room = 2 if display.stage is Stage.NOTICE and display.is_group else 1
    return Reserve(rank=Rank.FINAL if is_urgent(display) else Rank.RESERVE, slot=0, room=room)


# ---- by stage


def _growing(state: DisplayState, now: float) -> Action:
    if state.preview_off:
        return Later(until=inf)
    action = _preview(state, now)
    if state.has_text or not isinstance(action, Later):
        return action
    return Typing() if wants_typing(state, now) else Later(until=min(action.until, state.typing_after))


def wants_typing(state: DisplayState, now: float) -> bool:
    """Whether to show 'typing' now, also while a call waits for its limit."""
    return may_type(state) and state.typing_after <= now


def may_type(state: DisplayState) -> bool:
    """Whether 'typing' is useful: an answer is being written, and none of it is visible."""
    return state.display.stage is Stage.GROWING and not state.has_text and not state.preview_off


def _preview(state: DisplayState, now: float) -> Action:
    rank = Rank.PREVIEW if state.has_text else Rank.FIRST_WORDS
    if 0 not in state.slots:  # it was deleted
        return Reserve(rank=Rank.RESERVE, slot=0)
    if state.preview_after > now:
        return Later(until=state.preview_after)
    if state.stale:
        return Read(rank=rank)
    pages = state.content.pages if state.content else ()
    for slot, page in enumerate(pages):
        buttons = stop_button(state.display) if slot == len(pages) - 1 and not state.minimal else ()
        if action := _reserve_or_edit(state, slot, page, buttons, rank):
            return action
    return Later(until=inf)


def hold_until(text: str, state: DisplayState) -> float:
    """Until when to hold the first words back; 0 for not at all."""
    return 0.0 if state.has_text or len(text) >= FIRST_WORDS_CHARS else state.first_text_at + FIRST_WORDS_S


def _answered(state: DisplayState) -> Action:
    if state.content is None:
        return Read(rank=Rank.FINAL)
    first_file = len(state.content.pages)
    numbered = list(enumerate(state.content.files, start=first_file))
    pictures = [(first_file + len(numbered) + n, n) for n in range(state.content.pictures)]
    unknown = [part for part, _ in (*numbered, *pictures) if state.parts.get(part) == "sending"]
    if action := _next_page(state, _with_resend_offer(state, state.content, unknown)):
        return action
    for part, file in numbered:
        if part not in state.parts:
            return SendFile(rank=Rank.FINAL, part=part, file=file)
    for part, n in pictures:
        if part not in state.parts:
            return SendPicture(rank=Rank.FINAL, part=part, n=n)
    return Done(delivery=Delivery.PARTIAL if unknown else Delivery.DELIVERED)


def _failure_or_notice(state: DisplayState) -> Action:
    """Failures, notices and stopped answers."""
    if state.content is None:
        return Read(rank=Rank.FINAL)
    return _next_page(state, state.content) or Done(delivery=Delivery.DELIVERED)


def _next_page(state: DisplayState, content: Content) -> Action | None:
    """The action for the first page that the chat does not show yet."""
    last = len(content.pages) - 1
    for slot, page in enumerate(content.pages):
        buttons = content.buttons if slot == last and not state.minimal else ()
        if action := _reserve_or_edit(state, slot, page, buttons, Rank.FINAL):
            return action
    for slot in sorted(state.slots):
        if slot > last and state.digest_of_slot(slot) != content_digest(LEFT_OVER, ()):
            return Edit(rank=Rank.FINAL, slot=slot, page=LEFT_OVER)
    return None


def _reserve_or_edit(state: DisplayState, slot: int, page: Page, buttons: Buttons, rank: Rank) -> Reserve | Edit | None:
    if state.minimal:
        page = plain(page)
    if slot not in state.slots:
        # A delivered message is not sent again: its user may have deleted it. A stopped answer gets no new message either.
        no_new_message = state.display.delivered or state.display.stage is Stage.STOPPED
        return None if no_new_message else Reserve(rank=rank, slot=slot)
    if state.digest_of_slot(slot) == content_digest(page, buttons):
        return None
    return Edit(rank=rank, slot=slot, page=page, buttons=buttons)


def _with_resend_offer(state: DisplayState, content: Content, unknown: list[int]) -> Content:
    """The answer with buttons that send files of unknown fate again, before those that it has."""
    if not unknown:
        return content
    display = state.display
    label = wording.label(Label.SEND_FILE_AGAIN, display.lang)
    row = tuple(Button(label=label, data=f"file:{display.task_id}:{part}") for part in unknown[:FILE_BUTTONS_MAX])
    note = f"\n\n{wording.sentence(Sentence.FILE_FATE_UNKNOWN, display.lang)}"
    *before, last = content.pages
    if utf16_units(last.text + note) <= PAGE_MAX_UNITS:
        last = Page(text=last.text + note, entities=last.entities)
    return Content(pages=(*before, last), files=content.files, buttons=(row, *content.buttons))


def preview_every_s(display: Display) -> float:
    """Seconds between two previews."""
    return GROUP_PREVIEW_EVERY_S if display.is_group else PREVIEW_EVERY_S


def stop_button(display: Display) -> Buttons:
    label = wording.label(Label.STOP, display.lang)
    return ((Button(label=label, data=f"stop:{display.task_id}"),),)


def placeholder(state: DisplayState) -> tuple[Page, Buttons]:
    """Text and buttons of a reserved message."""
    wanted = state.display.task_id and not state.minimal and state.display.stage is Stage.GROWING
    return Page(text=wording.PLACEHOLDER), stop_button(state.display) if wanted else ()
