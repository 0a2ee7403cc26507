"""What this process knows of one open display: its texts, what each message says now, and when it may be touched again."""

from dataclasses import dataclass, field
from math import inf

from openclaw_core.chat.delivery.displays import Display, Stage
from openclaw_core.chat.delivery.notices import Buttons
from openclaw_core.errors import MarkupRefused
from openclaw_core.ports import Attachment, Page
from openclaw_core.tasks.outcome import Delivery

PAUSE_MIN_S, PAUSE_MAX_S = 0.5, 15.0
"""Between two tries of a call that did not land."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What a display says: pages in order, files, and the buttons under the last page."""

    pages: tuple[Page, ...]
    files: tuple[Attachment, ...] = ()
    buttons: Buttons = ()


@dataclass(slots=True, kw_only=True)
class Put:
    """What a message says: a digest of it, and when the edit began (Unix time)."""

    digest: int
    at_ms: int


@dataclass(slots=True, kw_only=True)
class View:
    """One display as this process sees it. Only its own calls change messages, so what is noted here wins over what is read."""

    display: Display
    slots: dict[int, int] = field(default_factory=dict)
    parts: dict[int, str] = field(default_factory=dict)
    replaced: int = 0
    gone: dict[int, int] = field(default_factory=dict)
    """Messages that were deleted and are to be replaced, by slot."""
    puts: dict[int, Put] = field(default_factory=dict)

    texts: Texts | None = None
    """None: to be read. Of a growing text: what was read last."""
    grew: bool = False
    """There may be more text than was read."""
    spoke: bool = False
    """Words of this display can be seen."""
    words_since: float = inf
    """When its first words were read."""

    look_at: float = 0.0
    """No preview before this time."""
    typing_at: float = 0.0
    pause_until: float = 0.0
    pause_s: float = PAUSE_MIN_S

    strays: int = 0
    """Placeholders of unknown fate."""
    refusals: list[MarkupRefused] = field(default_factory=list)
    bare: bool = False
    """Something was refused: now without formatting, buttons, and the message that is answered."""
    faults: int = 0
    muted: bool = False
    """A growing text that cannot be shown: the next stage is tried."""
    ends_as: Delivery | None = None
    """Nothing more can be done for it."""

    doubt_ms: int = 0
    """Until this Unix time, Telegram may apply an edit of unknown fate."""
    doubt_recorded: bool = False
    again_ms: int = 0
    """What was put before this Unix time is to be put again."""

    @classmethod
    def of(cls, display: Display) -> "View":
        return cls(
            display=display, slots=dict(display.slots), parts=dict(display.parts), replaced=display.replaced
        )  # fmt: skip

    def update(self, display: Display) -> None:
        """The display has changed."""
        if display.stage is not self.display.stage:
            self.bare = self.muted = False
            self.pause_until, self.pause_s = 0.0, PAUSE_MIN_S
            self.faults = 0
        self.display = display
        self.grew = True
        if display.stage is not Stage.GROWING:
            self.texts = None

    def says(self, slot: int) -> int | None:
        """The digest of what the slot's message says now; None if that is not known."""
        put = self.puts.get(slot)
        return None if put is None or put.at_ms < self.again_ms else put.digest

    def in_doubt(self) -> bool:
        """An edit of unknown fate may still overwrite what was put since."""
        return any(put.at_ms < self.doubt_ms for put in self.puts.values())

    def pause(self, now: float) -> None:
        """Rest this display for a while that grows with each try."""
        self.pause_until = now + self.pause_s
        self.pause_s = min(PAUSE_MAX_S, self.pause_s * 2)

    def went_well(self) -> None:
        self.pause_until, self.pause_s = 0.0, PAUSE_MIN_S


def digest(page: Page, buttons: Buttons) -> int:
    """Equal for what looks the same."""
    return hash((page, buttons))
