"""The state of one open display in this process: its content, the text of each message, and when the next call may be made."""

from dataclasses import dataclass, field
from math import inf

from openclaw_core.chat.delivery.displays import Display, Stage
from openclaw_core.chat.delivery.notices import Buttons
from openclaw_core.errors import MarkupRefused
from openclaw_core.ports import AnswerFile, Page
from openclaw_core.tasks.outcome import Delivery

PAUSE_MIN_S, PAUSE_MAX_S = 0.5, 15.0
"""Between two tries of a call that did not land."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Pages in order, files, and the buttons under the last page."""

    pages: tuple[Page, ...]
    files: tuple[AnswerFile, ...] = ()
    pictures: int = 0
    buttons: Buttons = ()
    is_status: bool = False
    """Whether it says what is done before there are words of the answer."""


@dataclass(slots=True, kw_only=True)
class LastEdit:
    """The digest of a message's text and buttons, and when its edit began (Unix time)."""

    digest: int
    at_ms: int


@dataclass(slots=True, kw_only=True)
class DisplayState:
    """Only this process changes the messages, so this state is newer than the stored record."""

    display: Display
    slots: dict[int, int] = field(default_factory=dict)
    parts: dict[int, str] = field(default_factory=dict)
    replaced: int = 0
    gone: dict[int, int] = field(default_factory=dict)
    """Deleted messages to be replaced, by slot."""
    last_edits: dict[int, LastEdit] = field(default_factory=dict)

    content: Content | None = None
    """None until it is read. Of a growing text: as it was read last."""
    stale: bool = False
    """There may be newer text in the store."""
    has_text: bool = False
    """The chat shows words of it."""
    first_text_at: float = inf
    """When its first text was read."""

    preview_after: float = 0.0
    """No preview before this time."""
    typing_after: float = 0.0
    pause_until: float = 0.0
    pause_s: float = PAUSE_MIN_S

    lost: int = 0
    """Placeholders of unknown fate."""
    refusals: list[MarkupRefused] = field(default_factory=list)
    minimal: bool = False
    """The chat refused a call: now without formatting, buttons and reply."""
    faults: int = 0
    preview_off: bool = False
    """Its previews cannot be shown: wait for the next stage."""
    ends_as: Delivery | None = None
    """Set once no further call can help."""

    doubt_ms: int = 0
    """Until this Unix time, Telegram may apply an edit of unknown fate."""
    doubt_recorded: bool = False
    rewrite_before_ms: int = 0
    """Texts written before this Unix time are written again."""

    @classmethod
    def of(cls, display: Display) -> "DisplayState":
        return cls(display=display, slots=dict(display.slots), parts=dict(display.parts), replaced=display.replaced)

    def update(self, display: Display) -> None:
        """The display has changed."""
        if display.stage is not self.display.stage:
            self.minimal = self.preview_off = False
            self.pause_until, self.pause_s = 0.0, PAUSE_MIN_S
            self.faults = 0
        self.display = display
        self.stale = True
        if display.stage is not Stage.GROWING:
            self.content = None

    def digest_of_slot(self, slot: int) -> int | None:
        """The digest of the slot's message now; None if it is not known."""
        edit = self.last_edits.get(slot)
        return None if edit is None or edit.at_ms < self.rewrite_before_ms else edit.digest

    def in_doubt(self) -> bool:
        """Whether an edit of unknown fate may still overwrite a later one."""
        return any(edit.at_ms < self.doubt_ms for edit in self.last_edits.values())

    def pause(self, now: float) -> None:
        """Back off: each pause is longer than the one before."""
        self.pause_until = now + self.pause_s
        self.pause_s = min(PAUSE_MAX_S, self.pause_s * 2)

    def give_up(self) -> None:
        """Try nothing more in this stage."""
        if self.display.stage is Stage.GROWING:
            self.preview_off = True
        else:
            self.ends_as = Delivery.UNDELIVERABLE

    def reset_pause(self) -> None:
        self.pause_until, self.pause_s = 0.0, PAUSE_MIN_S


def content_digest(page: Page, buttons: Buttons) -> int:
    """Equal for what looks the same."""
    return hash((page, buttons))
