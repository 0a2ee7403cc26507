"""What is a command, whose it is, and what in a group is meant for the bot."""

from typing import Any

import pytest

from openclaw_brain.telegram.incoming import stream_of
from tests.brain.incoming_updates import GROUP, edited, message, read


@pytest.mark.parametrize(
    ("fields", "for_us"),
    [
        ({"text": "hello all"}, False),
        ({"text": "mail me at x@OpenClawBot.com"}, False),
        ({"text": "@OpenClawBot hi", "entities": [{"type": "mention", "offset": 0, "length": 12}]}, True),
        ({"text": "\U0001f600 @openclawbot hi", "entities": [{"type": "mention", "offset": 3, "length": 12}]}, True),
        ({"text": "@OtherBot hi", "entities": [{"type": "mention", "offset": 0, "length": 9}]}, False),
        ({"text": "yes", "reply_to_message": {"from": {"id": 42}, "text": "answer"}}, True),
        ({"text": "yes", "reply_to_message": {"from": {"id": 43}, "text": "answer"}}, False),
        ({"text": "/code@OpenClawBot x"}, True),
        ({"text": "/code@OtherBot x"}, False),
        ({"text": "hey", "entities": [{"type": "text_mention", "offset": 0, "length": 3, "user": {"id": 42}}]}, True),
        ({"new_chat_members": [{"id": 42}]}, True),
        ({"new_chat_members": [{"id": 43}]}, False),
        ({"text": "@OpenClawBot"}, True),
        ({"text": "@OpenClawBotty hi", "entities": [{"type": "mention", "offset": 0, "length": 14}]}, False),
        ({"text": "ask /code@OpenClawBot", "entities": [{"type": "bot_command", "offset": 4, "length": 17}]}, True),
        (
            {
                "photo": [{}],
                "caption": "@openclawbot?",
                "caption_entities": [{"type": "mention", "offset": 0, "length": 12}],
            },
            True,
        ),
        ({"text": "@X hi @OpenClawBot", "caption_entities": [{"type": "mention", "offset": 6, "length": 12}]}, False),
        ({"rich_message": {"blocks": [{"text": {"type": "mention", "text": "me", "username": "openclawbot"}}]}}, True),
        ({"text": "/code x"}, True),
        ({"text": "/etc/hosts is broken"}, False),
        ({"text": "/etc/hosts is broken", "reply_to_message": {"from": {"id": 42}, "text": "answer"}}, True),
        ({"text": "/code@OtherBot x", "reply_to_message": {"from": {"id": 42}, "text": "answer"}}, False),
        ({"text": "hi", "reply_to_message": {"from": {"id": 42}, "forum_topic_created": {}}}, False),
        ({"sticker": {}, "reply_to_message": {"from": {"id": 42}, "text": "answer"}}, False),
        ({"animation": {}, "document": {}, "reply_to_message": {"from": {"id": 42}, "text": "answer"}}, False),
        ({"dice": {}, "reply_to_message": {"from": {"id": 42}, "text": "answer"}}, False),
        ({"voice": {}, "reply_to_message": {"from": {"id": 42}, "text": "answer"}}, True),
    ],
)
def test_in_groups_only_what_is_meant_for_us_counts(fields: dict[str, Any], for_us: bool) -> None:
    assert (read(message(GROUP, **fields)).kind != "ignored") is for_us


def test_a_command_is_split_from_its_words_and_its_bot() -> None:
    incoming = read(message(text="/Code@OpenClawBot  sort a list"))
    assert (incoming.command, incoming.text) == ("code", "sort a list")
    assert read(message(text="/sum\nline one\nline two")).text == "line one\nline two"
    assert read(message(text="/sum\tone")).command == "sum"
    assert [read(message(text=text)).command for text in ("/ sum", "/", "/sum.", "/a/b", "/סכם")] == [""] * 5


@pytest.mark.parametrize(
    "text", ["/tmp is full", "/usr is full", "/Users is gone", "@OpenClawBot /var keeps growing", "/home"]
)
def test_a_path_in_front_is_no_command(text: str) -> None:
    incoming = read(message(text=text))
    assert (incoming.kind, incoming.text) == ("text", text.removeprefix("@OpenClawBot "))
    assert read(message(text="/tmp@OpenClawBot x")).command == "tmp"


@pytest.mark.parametrize("text", ["/new", "/stop", "/help", "/lang he", "/code x", "@OpenClawBot /retry"])
@pytest.mark.parametrize("by_others", [{"forward_origin": {"type": "user"}}, {"via_bot": {"id": 9, "is_bot": True}}])
def test_what_others_wrote_commands_nothing(text: str, by_others: dict[str, Any]) -> None:
    incoming = read(message(text=text, **by_others))
    assert (incoming.kind, incoming.command, incoming.text) == ("text", "", text.removeprefix("@OpenClawBot "))
    assert read(edited(text=text, **by_others)).edited_kind == "text"
    assert stream_of(message(text=text, **by_others)) == "inbox"
    posted = read(message(GROUP, text="/code x", forward_origin={}, is_automatic_forward=True))
    assert (posted.command, posted.forwarded) == ("code", False), "a channel's own post"


@pytest.mark.parametrize(
    ("text", "command", "rest"),
    [
        ("@OpenClawBot /stop", "stop", ""),
        ("@openclawbot, /code: x", "", "/code: x"),
        ("@OpenClawBot: why?", "", "why?"),
        ("@OpenClawBot", "", ""),
        ("@OpenClawBot2 why?", "", "@OpenClawBot2 why?"),
        ("/code@OpenClawBot x", "code", "x"),
        ("\u200f@OpenClawBot\u200f", "", ""),
        ("@OpenClawBot @openclawbot", "", ""),
        ("@OpenClawBot \u200f@OpenClawBot: \u2067why?\u2069", "", "why?"),
        ("@OpenClawBot \u2800", "", ""),
        ("\u200f/help", "help", ""),
        ("\u2067@OpenClawBot\u2069 \u200f/code\u200f \u200fx\u200f", "code", "x"),
        ("/code@OpenClawBot\u200e x", "code", "x"),
    ],
)
def test_our_name_in_front_is_no_part_of_the_words(text: str, command: str, rest: str) -> None:
    incoming = read(message(text=text))
    assert (incoming.command, incoming.text) == (command, rest)


def test_only_a_command_that_names_us_is_surely_ours() -> None:
    texts = ["/ban x", "/ban@OpenClawBot x", "@OpenClawBot /ban x"]
    assert [read(message(GROUP, text=text)).names_us for text in texts] == [False, True, True]
