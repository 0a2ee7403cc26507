"""Answers that still grow: what is shown stays as it is, what is open is closed, and it costs no more than it must."""

import time

import pytest

from openclaw_core.chat.paging import pages, preview
from openclaw_core.ports import Page
from openclaw_core.texts.notes import with_note
from tests.core.page_checks import assert_valid, long_code, marked, only

STREAMED = (
    "# כותרת\n\nPython היא **שפה נוחה** עם `pip` ו*עוד*.\n\n- ראשון\n- שני [קישור](https://a.b)\n\n"
    "```python\n" + long_code(70) + "\n```\n\n| שם | גיל |\n|---|---|\n| דן | 5 |\n\nסוף 🙂 " + "ועוד **משהו** מעניין מאוד. " * 20
) * 15  # fmt: skip


def test_full_pages_of_a_growing_text_stay_as_they_are() -> None:
    shown: tuple[Page, ...] = ()
    for length in range(0, len(STREAMED), 173):
        now = preview(STREAMED[:length], lang="he")
        for page in now:
            assert_valid(page)
        assert len(now) >= len(shown)
        assert now[: len(shown) - 1] == shown[: len(shown) - 1]
        shown = now

    assert len(shown) > 3
    assert pages(STREAMED, lang="he")[0] == preview(STREAMED, lang="he")


@pytest.mark.parametrize(
    ("so_far", "text", "kinds"),
    [
        ("**bold and `co", "bold and co", {"bold", "code"}),
        ("some **bold", "some bold", {"bold"}),
        ("some **", "some", set()),
        ("a list\n\n- of **th", "a list\n\n• of th", {"bold"}),
        ("x\n\n```py\nde", "x\n\nde", {"pre"}),
        ("x\n\n``", "x", set()),
        ("```py\nx = '**'", "x = '**'", {"pre"}),
    ],
)
def test_what_is_open_is_closed_in_a_preview(so_far: str, text: str, kinds: set[str]) -> None:
    (page,) = preview(so_far, lang="en")

    assert page.text == text
    assert {entity.type for entity in page.entities} == kinds


@pytest.mark.parametrize(
    ("cut", "code"),
    [
        ("```py\nx = 1\ny =", ["x = 1\ny ="]),
        ("~~~~\na\n```", ["a\n```"]),
        ("text **bo", []),
        ("use `x", []),
        ("done.", []),
        ("```py\na\n\nb\n```", ["a\n\nb"]),
    ],
)
def test_a_note_stands_outside_of_what_was_cut(cut: str, code: list[str]) -> None:
    page = only(with_note(cut, "_cut here_"))

    assert marked(page, "pre") == code
    assert marked(page, "italic") == ["cut here"]
    assert page.text.endswith("\n\ncut here")
    assert "**" not in page.text


def test_a_text_that_turns_to_hebrew_late_does_not_change_its_first_pages() -> None:
    english = "An English sentence about שלום and more.\n\n" * 150
    shown = preview(english, lang="he")

    assert preview(english + "ועכשיו בעברית בלבד.\n\n" * 2000, lang="he")[: len(shown) - 1] == shown[:-1]


def test_pages_grow_linearly_in_cost() -> None:
    def took_s(times: int) -> float:
        started = time.process_time()
        pages(STREAMED * times, lang="he")
        return time.process_time() - started

    took_s(1)
    small, large = (min(took_s(times) for _ in range(3)) for times in (1, 8))

    assert large / small < 8 * 5
