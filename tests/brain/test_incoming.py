"""Every kind of update, and ten thousand broken ones: never an exception, never a good one lost among them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telegram.constants import MessageType

from openclaw_brain.telegram.content import SERVICE
from openclaw_brain.telegram.incoming import Bot, Incoming, read_update, stream_of
from openclaw_brain.telegram.message_text import MESSAGE_MAX_CHARS, QUOTED_MAX_CHARS

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
        ({"photo": [{}], "live_photo": {}}, "photo"),
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
        ({"gift": {}}, "other"),
        ({"live_photo": {}}, "photo"),
        ({"users_shared": {}}, "other"),
        ({"chat_shared": {}}, "other"),
        ({"paid_media": {}}, "other"),
        ({"web_app_data": {}}, "other"),
        ({"of_next_year": {}}, "other"),
        ({"checklist": {"title": "Shop"}}, "text"),
        ({"rich_message": {"blocks": [{"text": "hello"}]}}, "text"),
        ({"rich_message": {"blocks": [{"type": "photo", "photo": []}]}}, "other"),
        ({"poll": {"question": "Tea?", "options": [{"text": "yes"}]}}, "text"),
        ({"dice": {}}, "game"),
        ({"video": {}, "caption": "what is said"}, "video"),
    ],
)
def test_kinds_of_messages(fields: dict[str, Any], kind: str) -> None:
    assert read(message(**fields)).kind == kind


@pytest.mark.parametrize("name", sorted(SERVICE - {"migrate_to_chat_id"}))
def test_what_a_chat_reports_of_itself_gets_no_answer(name: str) -> None:
    assert read(message(**{name: {}})).kind == "ignored"
    assert read(message(**dict[str, Any]({name: {}, "text": "somebody's words"}))).kind == "text"


def test_the_library_knows_no_kind_that_we_have_not_sorted() -> None:
    """A new kind of python-telegram-bot's is to be looked at: is it a person's message, or a chat's report?"""
    envelope = {
        "text",
        "effect_id",
        "business_connection_id",
        "sender_boost_count",
        "reply_to_story",
        "sender_business_bot",
        "suggested_post_info",
    }
    persons = {
        "animation", "audio", "checklist", "contact", "dice", "document", "game", "gift", "gift_upgrade_sent", "giveaway", "giveaway_winners", "invoice",
        "live_photo", "location", "new_chat_members", "paid_media", "passport_data", "photo", "poll", "sticker", "story", "successful_payment",
        "unique_gift", "users_shared", "chat_shared", "venue", "video", "video_note", "voice", "web_app_data",
    }  # fmt: skip
    assert {kind.value for kind in MessageType} - SERVICE - envelope == persons


@pytest.mark.parametrize("name", ["channel_post", "edited_channel_post", "my_chat_member", "poll", "something_new"])
def test_nobody_waits_for_an_answer_to_these(name: str) -> None:
    assert read({"update_id": 1, name: {"chat": {"id": 1, "type": "channel"}, "text": "hi"}}).kind == "ignored"


def edited(chat: dict[str, Any] = PRIVATE, **fields: Any) -> dict[str, Any]:
    return {"update_id": 1, "edited_message": message(chat, **fields)["message"]}


@pytest.mark.parametrize(
    ("fields", "becomes"),
    [
        ({"text": "new words"}, "text"),
        ({"text": "/code new words"}, "command"),
        ({"photo": [{}], "caption": "new words"}, "photo"),
        ({"document": {"file_id": "f", "file_name": "a.md"}}, "file"),
        ({"checklist": {"title": "new words"}}, "text"),
    ],
)
def test_an_edit_is_told_by_its_kind_of_update(fields: dict[str, Any], becomes: str) -> None:
    incoming = read(edited(**fields))
    assert (incoming.kind, incoming.edited_kind, incoming.content_kind) == ("edited", becomes, becomes)


@pytest.mark.parametrize(
    "fields",
    [
        {"location": {"live_period": 60}},
        {"photo": [{}]},
        {"sticker": {}},
        {"text": "old", "date": 1, "edit_date": 2 + 48 * 3600},
    ],
)
def test_an_edit_that_can_hold_no_new_words_is_not_looked_at(fields: dict[str, Any]) -> None:
    assert read(edited(**fields)).kind == "ignored"


def test_in_a_group_an_edit_counts_if_it_is_meant_for_us_now() -> None:
    assert read(edited(GROUP, text="what is this")).kind == "ignored"
    assert read(edited(GROUP, text="@OpenClawBot what is this")).kind == "edited"
    assert read(edited(GROUP, text="/code x")).edited_kind == "command"


def test_a_digest_changes_with_the_words_and_the_file_alone() -> None:
    def digest(**fields: Any) -> str:
        return read(message(**fields)).content_digest

    note = {"file_id": "1", "file_unique_id": "u", "file_name": "a.md"}
    assert digest(text="a", entities=[{"type": "bold"}], reply_markup={}, link_preview_options={}) == digest(text=" a ")
    assert digest(document=note, caption="a") == digest(document={**note, "file_id": "2"}, caption="a")
    assert (
        len(
            {
                digest(text="a"),
                digest(text="b"),
                digest(document=note),
                digest(document={**note, "file_unique_id": "v"}),
            }
        )
        == 4
    )
    done = {"title": "t", "tasks": [{"text": "milk", "completion_date": 5}]}
    assert digest(checklist=done) == digest(checklist={"title": "t", "tasks": [{"text": "milk"}]})
    assert digest(sticker={}) == ""


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


NOTE = {"file_id": "f", "file_name": "notes.md"}
VOICE = {"file_id": "v"}
PDF = {"file_id": "f", "file_name": "a.pdf", "mime_type": "application/pdf"}
ZIP = {"file_id": "f", "file_name": "a.zip", "mime_type": "application/zip"}


@pytest.mark.parametrize(
    ("fields", "material"),
    [
        ({"reply_to_message": {"document": NOTE}}, "notes.md"),
        ({"reply_to_message": {"voice": VOICE}}, "recording.ogg"),
        ({"external_reply": {"document": NOTE}}, "notes.md"),
        ({"reply_to_message": {"document": ZIP}}, None),
        ({"voice": VOICE, "reply_to_message": {"document": NOTE}}, "recording.ogg"),
    ],
)
def test_material_of_the_message_replied_to_belongs_to_any_question(
    fields: dict[str, Any], material: str | None
) -> None:
    for text in ("what does it say?", "/research what does it say?"):
        found = read(message(text=text, **fields)).attachment
        assert (found.name if found else None) == material


def test_a_sticker_or_a_picture_without_words_asks_nothing_about_the_file_that_it_replies_to() -> None:
    for fields in (dict[str, Any](sticker={}), dict[str, Any](photo=[{}])):
        assert read(message(**fields, reply_to_message={"document": NOTE})).attachment is None


@pytest.mark.parametrize(
    ("fields", "unseen"),
    [
        ({"photo": [{}], "caption": "what is this?"}, "photo"),
        ({"video": {}, "caption": "x"}, "video"),
        ({"document": ZIP, "caption": "x"}, "file"),
        ({"document": PDF, "caption": "x"}, ""),
        ({"paid_media": {}, "caption": "x"}, "other"),
        ({"document": NOTE, "caption": "x"}, ""),
        ({"text": "x"}, ""),
        ({"rich_message": {"blocks": [{"text": "x"}]}}, ""),
        ({"text": "x", "reply_to_message": {"text": "y"}}, ""),
        ({"text": "x", "reply_to_message": {"photo": [{}]}}, "photo"),
        ({"text": "x", "reply_to_message": {"photo": [{}], "caption": "y"}}, "photo"),
        ({"text": "x", "reply_to_message": {"sticker": {}}}, "other"),
        ({"text": "x", "reply_to_message": {"contact": {"first_name": "Dana"}}}, ""),
        ({"text": "x", "reply_to_message": {"pinned_message": {}}}, ""),
        ({"document": NOTE, "caption": "x", "reply_to_message": {"photo": [{}]}}, ""),
        ({"text": "x", "external_reply": {"video": {}}}, "video"),
        ({"text": "x", "quote": {"text": "y"}, "external_reply": {}}, ""),
    ],
)
def test_what_nobody_looks_at_is_named(fields: dict[str, Any], unseen: str) -> None:
    assert read(message(**fields)).unseen == unseen


@pytest.mark.parametrize(
    ("from_id", "sender_chat", "fields"),
    [
        (1087968824, -100500, {}),  # an anonymous administrator: the group itself
        (136817688, -100777, {}),  # a channel
        (777000, -100777, {"is_automatic_forward": True, "forward_origin": {}}),  # what the linked channel posts
    ],
)
def test_who_writes_as_a_chat_is_known_by_that_chat(from_id: int, sender_chat: int, fields: dict[str, Any]) -> None:
    body = message(GROUP, text="/code x", sender_chat={"id": sender_chat}, **fields)
    body["message"]["from"] = {"id": from_id, "is_bot": from_id != 777000}
    incoming = read(body)
    assert (incoming.kind, incoming.user_id, incoming.user_is_bot) == ("command", sender_chat, False)


@pytest.mark.parametrize(
    ("update", "stream"),
    [
        (message(text="/stop"), "control"),
        (message(text="/STATUS@OpenClawBot now"), "control"),
        (message(text="/stopwatch"), "inbox"),
        (message(text="@OpenClawBot /stop"), "control"),
        (message(photo=[{}], caption="/stop"), "control"),
        (message(rich_message={"blocks": [{"text": {"type": "bot_command", "text": "/stop"}}]}), "control"),
        ({"update_id": 1, "edited_message": {"text": "/stop"}}, "control"),
        (message(text="please /stop"), "inbox"),
        (message(text="\u200f/stop\u200f"), "control"),
        ({"update_id": 1, "callback_query": None}, "control"),
        ({"update_id": 1, "message": None}, "inbox"),
    ],
)
def test_stop_status_help_and_buttons_pass_the_queue(update: dict[str, Any], stream: str) -> None:
    assert stream_of(update) == stream


NAMES = [
    "message", "chat", "from", "id", "type", "text", "caption", "entities", "caption_entities", "offset", "length", "user", "reply_to_message",
    "external_reply", "message_id", "quote", "new_chat_members", "voice", "document", "file_id", "file_name", "mime_type", "file_size", "photo",
    "message_thread_id", "is_topic_message", "language_code", "data", "rich_message", "blocks", "items", "cells", "summary", "label", "credit", "username",
    "checklist", "tasks", "title", "poll", "question", "options", "contact", "first_name", "venue", "location", "latitude", "longitude", "game", "gift",
    "sender_chat", "forward_origin", "media_group_id", "migrate_to_chat_id", "pinned_message", "date", "edit_date", "file_unique_id",
]  # fmt: skip
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**40), 10**40) | st.floats() | st.text()
    | st.sampled_from(["private", "supergroup", "mention", "bot_command", "/stop", "@OpenClawBot", "\ud800", "application/json", "retry:", "file:u1:x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=10,
)  # fmt: skip
PARTS = st.dictionaries(st.sampled_from(NAMES), junk, max_size=4)


def bounded(incoming: Incoming) -> None:
    assert incoming.kind in ("ignored", "migrated") or (incoming.chat_id and incoming.user_id)
    assert len(incoming.text) <= MESSAGE_MAX_CHARS
    assert len(incoming.quoted) <= QUOTED_MAX_CHARS
    assert (
        max(map(len, (incoming.button_data, incoming.button_id, incoming.language_code, incoming.media_group_id))) <= 64
    )
    assert (
        max(
            map(
                abs, (incoming.chat_id, incoming.user_id, incoming.message_id, incoming.update_id, incoming.migrated_to)
            )
        )
        < 2**53
    )
    f"{incoming.text}{incoming.quoted}{incoming.prose}{incoming.button_data}{incoming.attachment}".encode()


@pytest.mark.timeout(900)  # 20 s alone, minutes beside much other work
@settings(max_examples=3_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["message", "edited_message", "callback_query", "channel_post", "new_kind"]),
    junk | PARTS,
    PARTS,
    st.dictionaries(st.text(max_size=8), junk, max_size=2),
)
def test_no_update_raises_and_a_good_one_beside_it_is_still_read(
    kind: str, value: Any, parts: dict[str, Any], extra: dict[str, Any]
) -> None:
    for update in (
        {**extra, "update_id": 3, kind: value},
        {"update_id": 10**30, kind: {**message()["message"], **parts}},
    ):
        assert stream_of(update) in ("control", "inbox")
        bounded(read_update(update, BOT))
    good = message(text="good")
    good["message"] = {
        **(value if isinstance(value, dict) else {}),
        **parts,
        **good["message"],
        "migrate_to_chat_id": None,
    }
    assert read_update({**extra, **good}, BOT).kind != "ignored"
