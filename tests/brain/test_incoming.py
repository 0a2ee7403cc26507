"""What each kind of update is read as."""

from typing import Any

import pytest
from telegram.constants import MessageType

from openclaw_brain.telegram.content import SERVICE
from openclaw_brain.telegram.incoming import stream_of
from tests.brain.incoming_updates import GROUP, PRIVATE, USER, edited, message, read


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
        "animation", "audio", "checklist", "contact", "dice", "document", "game", "gift", "gift_upgrade_sent",
        "giveaway", "giveaway_winners", "invoice",
        "live_photo", "location", "new_chat_members", "paid_media", "passport_data", "photo", "poll", "sticker",
        "story", "successful_payment",
        "unique_gift", "users_shared", "chat_shared", "venue", "video", "video_note", "voice", "web_app_data",
    }  # fmt: skip
    assert {kind.value for kind in MessageType} - SERVICE - envelope == persons


@pytest.mark.parametrize("name", ["channel_post", "edited_channel_post", "my_chat_member", "poll", "something_new"])
def test_nobody_waits_for_an_answer_to_these(name: str) -> None:
    assert read({"update_id": 1, name: {"chat": {"id": 1, "type": "channel"}, "text": "hi"}}).kind == "ignored"


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
