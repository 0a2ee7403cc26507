"""The words of a message stand in many places of the Bot API; one function finds them."""

from typing import Any

import pytest

from openclaw_brain.telegram.words import QUOTED_MAX_CHARS, WORDS_MAX_CHARS, quoted, said, written

RICH = {
    "blocks": [
        {"type": "heading", "size": 1, "text": "Plan"},
        {"type": "paragraph", "text": ["Ask ", {"type": "bold", "text": {"type": "italic", "text": "now"}}, ": ", {"type": "mention", "text": "@OpenClawBot", "username": "OpenClawBot"}]},
        {"type": "list", "items": [{"label": "1.", "blocks": [{"type": "paragraph", "text": "first"}]}, {"label": "•", "blocks": []}]},
        {"type": "table", "cells": [[{"text": "a"}, {"text": {"type": "code", "text": "b"}}], [{"text": "c"}]], "caption": "Table one"},
        {"type": "details", "summary": "More", "blocks": [{"type": "blockquote", "blocks": [{"type": "paragraph", "text": "inner"}], "credit": "Dana"}]},
        {"type": "mathematical_expression", "expression": "E = mc^2"},
        {"type": "pre", "language": "python", "text": "print(1)"},
        {"type": "photo", "photo": [], "caption": {"text": "A dog", "credit": "Noam"}},
        {"type": "divider"},
        {"type": "of_next_year", "text": ["still ", {"type": "wavy", "text": "read"}, {"type": "custom_emoji", "custom_emoji_id": "5", "alternative_text": "👍"}]},
    ]
}  # fmt: skip
RICH_TEXT = "Plan\nAsk now: @OpenClawBot\n1. first\n•\na | b\nc\nTable one\nMore\ninner\nDana\nE = mc^2\nprint(1)\nA dog\nNoam\nstill read👍"
CHECKLIST = {"title": "Shop", "tasks": [{"id": 1, "text": "milk"}, {"id": 2, "text": "eggs"}]}
POLL = {"question": "Which one?", "description": "For tonight", "options": [{"text": "Tea"}, {"text": "Coffee"}]}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"text": "hello"}, "hello"),
        ({"caption": "look", "photo": [{}]}, "look"),
        ({"rich_message": RICH}, RICH_TEXT),
        ({"checklist": CHECKLIST}, "Shop\n- milk\n- eggs"),
        ({"poll": POLL}, "Which one?\nFor tonight\n- Tea\n- Coffee"),
        ({"gift": {"gift": {}, "text": "for you"}}, "for you"),
        ({"gift_upgrade_sent": {"gift": {}, "text": "and better"}}, "and better"),
        ({"contact": {"first_name": "Dana"}}, ""),
        ({"text": " \u200b\u2060\u00ad\u3164"}, ""),
        ({"text": 5, "caption": None, "rich_message": [], "checklist": "x", "poll": {"options": {}}}, ""),
    ],
)
def test_what_somebody_wrote_is_found_wherever_it_stands(message: dict[str, Any], words: str) -> None:
    assert written(message).text == words


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"contact": {"first_name": "Dana", "last_name": "Levi", "phone_number": "+972"}}, "Dana Levi\n+972"),
        ({"location": {"latitude": 32.1, "longitude": 34}}, "32.10000, 34.00000"),
        ({"location": {}, "venue": {"title": "Cafe", "address": "Main St 1"}}, "Cafe\nMain St 1"),
        ({"game": {"title": "Chess", "description": "Mate"}}, "Chess\nMate"),
        ({"invoice": {"title": "Tea", "description": "200 g"}}, "Tea\n200 g"),
        ({"giveaway": {"prize_description": "A car"}}, "A car"),
        ({"poll": POLL}, "Which one?\nFor tonight\n- Tea\n- Coffee"),
        ({"sticker": {}}, ""),
        ({"location": {"latitude": float("nan"), "longitude": 10**400}}, ""),
    ],
)
def test_what_a_message_says_has_names_and_addresses_too(message: dict[str, Any], words: str) -> None:
    assert said(message) == words


def test_a_quote_goes_before_the_whole_message_and_another_chats_message_counts() -> None:
    reply = {"text": "one two three"}
    assert quoted({"quote": {"text": "two"}, "reply_to_message": reply}) == "two"
    assert quoted({"reply_to_message": reply, "external_reply": {"poll": POLL}}) == "one two three"
    assert quoted({"external_reply": {"checklist": CHECKLIST}}) == "Shop\n- milk\n- eggs"
    assert quoted({"reply_to_message": {"rich_message": RICH}}) == RICH_TEXT


def test_whoever_is_named_is_found_in_text_and_in_rich_blocks() -> None:
    words = written(
        {
            "text": "😀 @OpenClawBot /code@OtherBot hey",
            "entities": [
                {"type": "mention", "offset": 3, "length": 12},
                {"type": "bot_command", "offset": 16, "length": 14},
                {"type": "text_mention", "offset": 31, "length": 3, "user": {"id": 42}},
            ],
        }
    )
    assert sorted(words.names) == ["openclawbot", "otherbot"]
    assert list(words.user_ids) == [42]
    text = [
        {"type": "text_mention", "text": "x", "user": {"id": 7}},
        {"type": "bot_command", "text": "/a@b", "bot_command": "/a@B"},
    ]
    rich = written({"rich_message": {"blocks": [*RICH["blocks"], {"type": "footer", "text": text}]}})
    assert sorted(rich.names) == ["b", "openclawbot"]
    assert list(rich.user_ids) == [7]


@pytest.mark.parametrize("kind", ["pre", "code", "url", "email", "mention", "bot_command"])
def test_code_and_addresses_are_no_prose(kind: str) -> None:
    words = written({"text": "למה 😀 x = y", "entities": [{"type": kind, "offset": 7, "length": 5}]})
    assert words.prose.strip() == "למה 😀"
    assert words.text == "למה 😀 x = y"


def test_code_in_rich_blocks_is_no_prose() -> None:
    blocks = [
        {"type": "paragraph", "text": ["למה ", {"type": "code", "text": "abc"}]},
        {"type": "pre", "text": "for x in y"},
    ]
    assert written({"rich_message": {"blocks": blocks}}).prose.split() == ["למה"]


@pytest.mark.parametrize(
    "entity",
    [
        {"type": "mention", "offset": -5, "length": 12},
        {"type": "mention", "offset": 2**60, "length": 2**60},
        {"type": "mention", "offset": 1, "length": -9},
        {"type": "mention", "offset": "0", "length": None},
        {"type": ["mention"], "offset": 0, "length": 3},
        {"type": "text_mention", "user": {"id": 10**30}},
        "mention",
    ],
)
def test_places_out_of_the_text_name_nobody(entity: object) -> None:
    words = written({"text": "@OpenClawBot", "entities": [entity]})
    assert "openclawbot" not in words.names
    assert not words.user_ids


def test_what_is_too_long_or_too_deep_is_cut() -> None:
    assert len(written({"text": "x" * 10**6}).text) == WORDS_MAX_CHARS
    assert len(quoted({"reply_to_message": {"text": "x" * 10**6}})) == QUOTED_MAX_CHARS
    deep: Any = "end"
    for _ in range(5000):
        deep = {"type": "bold", "text": deep}
    blocks: Any = []
    for _ in range(5000):
        blocks = [{"type": "blockquote", "blocks": blocks}]
    assert (
        written({"rich_message": {"blocks": [{"type": "paragraph", "text": ["start", deep]}, *blocks]}}).text == "start"
    )
    wide = [{"type": "paragraph", "text": "w" * 100}] * 10_000
    assert len(written({"rich_message": {"blocks": wide}}).text) == WORDS_MAX_CHARS


@pytest.mark.parametrize(
    "blank", ["\u00ad\u200b\u200e\u2060\ufeff\u2800\u115f \n", "\ufffc", "\ufe0f", "\u034f", "\ue000", "\U000e0101"]
)
def test_what_a_reader_sees_nothing_of_are_no_words(blank: str) -> None:
    assert written({"text": blank, "caption": "seen"}).text == "seen"
    assert written({"rich_message": {"blocks": [{"type": "paragraph", "text": blank}]}}).text == ""
    assert written({"poll": {"question": blank}}).text == ""
    assert quoted({"quote": {"text": blank}, "reply_to_message": {"text": "seen"}}) == "seen"
    assert said({"contact": {"first_name": blank}}) == ""


def test_marks_around_the_words_are_trimmed_and_marks_within_stay() -> None:
    assert written({"text": "\u200f \u2067 ה\u200eA\u200f:\u200f \u2069\n"}).text == "ה\u200eA\u200f:"
    england = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
    assert written({"text": f"{england} "}).text == england
    named = written({"text": "\u200f@OpenClawBot", "entities": [{"type": "mention", "offset": 1, "length": 12}]})
    assert named.names == {"openclawbot"}
