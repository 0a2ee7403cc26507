"""What owners read about access: every row of /access in both languages, and the buttons below it."""

from typing import Any

import pytest

from openclaw_brain.inbox.owner_commands import ROWS_MAX
from openclaw_core.chat.delivery.displays import Display, Stage
from openclaw_core.chat.delivery.notices import REMOVALS_MAX, notice_page
from openclaw_core.chat.utf16 import PAGE_MAX_UNITS, utf16_units
from openclaw_core.ports import Lang
from openclaw_core.records import NoticeKind

ROWS = [
    ["7", "owner", "git", "1700000000000"], ["12", "user", "7", "1700000000000"], ["-1005", "user", "git", "0"],
    ["*", "user", "git", "1700000000000"], ["9", "none", "7", "1700000000000"], ["8", "none", "", "0"],
]  # fmt: skip


def page(kind: NoticeKind, lang: Lang, **args: Any) -> tuple[str, list[str]]:
    """The text, and the data of its buttons."""
    display = Display(id="n:x", version=1, order=1, stage=Stage.NOTICE, chat_id=7, kind=kind, args=args, lang=lang)
    shown, buttons = notice_page(display, None)
    return shown.text, [button.data for row in buttons for button in row]


def test_each_row_says_who_what_by_whom_and_since_when() -> None:
    text, buttons = page(NoticeKind.ACCESS_LIST, "en", rows=ROWS, more=3)

    assert text.replace("\u2068", "").replace("\u2069", "").splitlines()[1:] == [
        "• User 7: owner, by Git, since 2023-11-14 22:13 UTC",
        "• User 12: by the bot (owner 7), since 2023-11-14 22:13 UTC",
        "• Group -1005: by Git",
        "• Everyone: by Git, since 2023-11-14 22:13 UTC",
        "• User 9: access taken away, by the bot (owner 7), since 2023-11-14 22:13 UTC",
        "• User 8: access taken away, by an entry that this release cannot read",
        "… and 3 more",
    ]
    assert buttons == ["access:none:12", "access:none:-1005"]


@pytest.mark.parametrize("lang", ["en", "he"])
def test_as_many_rows_as_the_brain_sends_fit_a_message_and_its_buttons_a_callback(lang: Lang) -> None:
    rows = [[f"-{2**52 - n}", "none" if n % 2 else "user", str(2**52), "1700000000000"] for n in range(ROWS_MAX)]
    text, buttons = page(NoticeKind.ACCESS_LIST, lang, rows=rows, more=9)

    assert utf16_units(text) <= PAGE_MAX_UNITS
    assert len(buttons) == REMOVALS_MAX
    assert max(len(data) for data in buttons) <= 64


@pytest.mark.parametrize("kind", [NoticeKind.ACCESS_GIVEN, NoticeKind.ACCESS_TAKEN])
def test_a_group_keeps_its_minus_in_front_in_hebrew(kind: NoticeKind) -> None:
    text, _ = page(kind, "he", subject="-1005")
    assert "\u2068-1005\u2069" in text
