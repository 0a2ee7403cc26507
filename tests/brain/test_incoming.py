"""Every kind of update, and ten thousand broken ones: never an exception, never a good one lost among them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openclaw_brain.incoming import Bot, Incoming, read_update, stream_of

BOT = Bot(id=42, username="OpenClawBot")
USER = {"id": 7, "is_bot": False, "first_name": "A", "language_code": "he"}
PRIVATE = {"id": 7, "type": "private"}
GROUP = {"id": -100500, "type": "supergroup", "title": "G"}


def message(chat: dict[str, Any] = PRIVATE, **fields: Any) -> dict[str, Any]:
    return {"update_id": 1, "message": {"message_id": 5, "date": 1, "chat": chat, "from": USER, **fields}}


def read(update: dict[str, Any]) -> Incoming:
    return read_update(update, BOT)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"text": "hello"}, "text"),
        ({"text": "/code print"}, "command"),
        ({"text": "/etc/hosts has two lines"}, "text"),
        ({"photo": [{}], "caption": "what is this"}, "photo"),
        ({"voice": {}}, "voice"),
        ({"document": {}}, "file"),
        ({"sticker": {}}, "sticker"),
        ({"location": {}}, "place"),
        ({"contact": {}}, "contact"),
        ({"video": {}}, "video"),
        ({"poll": {}}, "game"),
        ({"new_chat_members": [{"id": 42}]}, "joined"),
        ({"left_chat_member": {"id": 42}}, "ignored"),
        ({"pinned_message": {}}, "ignored"),
        ({"story": {}}, "other"),
    ],
)
def test_kinds_of_messages(fields: dict[str, Any], kind: str) -> None:
    assert read(message(**fields)).kind == kind


@pytest.mark.parametrize("name", ["channel_post", "edited_channel_post", "my_chat_member", "poll", "something_new"])
def test_nobody_waits_for_an_answer_to_these(name: str) -> None:
    assert read({"update_id": 1, name: {"chat": {"id": 1, "type": "channel"}, "text": "hi"}}).kind == "ignored"


def test_an_edited_message_is_told_apart() -> None:
    update = {"update_id": 1, "edited_message": message(text="new words")["message"]}
    assert (read(update).kind, read(update).text) == ("edited", "new words")


def test_albums_forwards_and_a_new_chat_id_are_told_apart() -> None:
    photo = read(message(photo=[{}], media_group_id="1234"))
    forward = read(message(text="news", forward_origin={"type": "hidden_user", "sender_user_name": "A", "date": 1}))
    moved = read(
        {"update_id": 1, "message": {"message_id": 6, "chat": {**GROUP, "type": "group"}, "migrate_to_chat_id": -1001}}
    )
    assert (photo.media_group_id, photo.forwarded) == ("1234", False)
    assert (forward.media_group_id, forward.forwarded) == ("", True)
    assert (moved.kind, moved.chat_id, moved.migrated_to) == ("migrated", -100500, -1001)


def test_a_button_names_its_chat_and_data() -> None:
    update = {
        "update_id": 1,
        "callback_query": {"id": "cb", "from": USER, "data": "stop:u1", "message": {"message_id": 9, "chat": PRIVATE}},
    }
    button = read(update)
    assert (button.kind, button.chat_id, button.button_id, button.button_data) == ("button", 7, "cb", "stop:u1")


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
    ],
)
def test_in_groups_only_what_is_meant_for_us_counts(fields: dict[str, Any], for_us: bool) -> None:
    assert (read(message(GROUP, **fields)).kind != "ignored") is for_us


def test_a_command_is_split_from_its_words_and_its_bot() -> None:
    incoming = read(message(text="/Code@OpenClawBot  sort a list"))
    assert (incoming.command, incoming.text) == ("code", "sort a list")
    assert read(message(text="/sum\nline one\nline two")).text == "line one\nline two"


def test_the_mention_and_the_quoted_text_are_told_apart_from_the_question() -> None:
    reply = {"from": {"id": 42}, "text": "an answer"}
    incoming = read(
        message(
            GROUP,
            text="@OpenClawBot why?",
            entities=[{"type": "mention", "offset": 0, "length": 12}],
            reply_to_message=reply,
        )
    )
    assert (incoming.text, incoming.quoted) == ("why?", "an answer")


@pytest.mark.parametrize(
    ("update", "stream"),
    [
        (message(text="/stop"), "control"),
        (message(text="/STATUS@OpenClawBot now"), "control"),
        (message(text="/stopwatch"), "inbox"),
        (message(text="please /stop"), "inbox"),
        ({"update_id": 1, "callback_query": None}, "control"),
        ({"update_id": 1, "message": None}, "inbox"),
    ],
)
def test_stop_status_help_and_buttons_pass_the_queue(update: dict[str, Any], stream: str) -> None:
    assert stream_of(update) == stream


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["private", "supergroup", "mention", "/stop", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted({
        "message", "chat", "from", "id", "type", "text", "caption", "entities", "offset", "length", "user", "reply_to_message", "message_id", "quote",
        "new_chat_members", "voice", "message_thread_id", "is_topic_message", "language_code", "data",
    })), inner, max_size=6),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.timeout(900)  # 10 s alone, more than a minute beside much other work
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["message", "edited_message", "callback_query", "channel_post", "new_kind"]),
    junk,
    st.dictionaries(st.text(max_size=8), junk, max_size=2),
)
def test_no_update_raises_and_a_good_one_beside_it_is_still_read(kind: str, value: Any, extra: dict[str, Any]) -> None:
    update = {**extra, "update_id": 3, kind: value}
    assert stream_of(update) in ("control", "inbox")
    incoming = read_update(update, BOT)
    assert incoming.kind in ("ignored", "migrated") or (incoming.chat_id and incoming.user_id)
    incoming.text.encode()
    good = message(text="good")
    good["message"] = {**(value if isinstance(value, dict) else {}), **good["message"]}
    assert read_update({**extra, **good}, BOT).kind != "ignored"
