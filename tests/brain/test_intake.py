"""What each kind of message becomes, and that nothing of the user's gets into a text of ours."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openclaw_brain.inbox.context import ChatFacts
from openclaw_brain.telegram.incoming import read_update
from openclaw_core.roles.values import Roles
from openclaw_core.tasks.task import Task
from tests.brain.incoming_updates import PARTS
from tests.brain.intake_chat import BOT, GROUP, NOTHING, Chat, Row, chat, kinds, roles, rows, task_of

__all__ = ["chat", "roles"]


def test_a_text_becomes_a_task_of_its_update(chat: Chat) -> None:
    [effect] = chat.says("why is the sky blue?")
    assert (effect["op"], effect["id"], task_of(effect).text, task_of(effect).role) == (
        "task",
        "u3",
        "why is the sky blue?",
        None,
    )


@pytest.mark.parametrize(("command", "role"), [("research", "researcher"), ("code", "coder"), ("sum", "summarizer")])
def test_role_commands_ask_for_their_role(chat: Chat, command: str, role: str) -> None:
    [effect] = chat.says(f"/{command} do it")
    assert (task_of(effect).role, task_of(effect).text) == (role, "do it")


def test_a_role_command_without_words_takes_the_message_it_replies_to_or_asks_for_words(chat: Chat) -> None:
    [effect] = chat.says("/sum", reply_to_message={"text": "a long story"})
    assert task_of(effect).text == "a long story"
    assert kinds(chat.says("/code")) == ["choose", "role_chosen"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("/start", ["start"]), ("/help", ["help"]), ("/new", ["forget", "new"]), ("/stop", ["stopped"]), ("/status", ["status"]), ("/usage", ["usage"]), ("/lang", ["lang_menu"]),
     ("/lang he", ["lang", "lang_set"]), ("/retry", ["retry_nothing"]), ("/nonsense", ["unknown_command"])],
)  # fmt: skip
def test_commands(chat: Chat, text: str, expected: list[str]) -> None:
    assert kinds(chat.says(text)) == expected


def test_commands_and_buttons_are_about_the_topic_that_they_come_from(chat: Chat) -> None:
    topic: dict[str, Any] = {"message_thread_id": 3, "is_topic_message": True}
    for text in ("/new", "/stop", "/code"):
        assert [effect["thread"] for effect in chat.says(text, **topic)] == ["3"] * len(chat.says(text))


@pytest.mark.parametrize("kind", ["voice", "photo", "document", "sticker", "location", "contact", "poll", "dice"])
def test_what_cannot_be_read_gets_a_kind_answer(chat: Chat, kind: str) -> None:
    assert kinds(chat.says("", **dict[str, Any]({kind: {}}))) == ["unsupported"]


@pytest.mark.parametrize(("duration", "seconds"), [(7, 7), (-1, 0), ("x", 0), (None, 0)])
def test_how_long_a_recording_is_stands_in_its_task(chat: Chat, duration: Any, seconds: int) -> None:
    [effect] = chat.says("", voice={**SOUND, "duration": duration})
    assert task_of(effect).attachments[0].seconds == seconds


SOUND = {"file_id": "v", "mime_type": "audio/ogg", "file_size": 9}
NOTES = {"file_id": "f", "file_name": "notes.md", "file_size": 9}
PDF = {"file_id": "f", "file_name": "a.pdf", "mime_type": "application/pdf"}
OFFICE = "application/vnd.openxmlformats-officedocument."


@pytest.mark.parametrize(
    ("fields", "kind", "name"),
    [
        ({"voice": SOUND}, "voice", "recording.ogg"),
        ({"audio": {**SOUND, "mime_type": "audio/mpeg"}}, "voice", "recording.mp3"),
        ({"video_note": {"file_id": "v"}}, "voice", "recording.mp4"),
        ({"document": {**SOUND, "file_name": "talk.wav", "mime_type": "audio/wav"}}, "voice", "recording.wav"),
        ({"document": NOTES}, "file", "notes.md"),
        ({"document": {"file_id": "f", "file_name": "LOG", "mime_type": "text/plain"}}, "file", "LOG"),
        ({"document": PDF}, "document", "a.pdf"),
        ({"document": {**PDF, "file_name": "דוח", "file_size": 20_000_000}}, "document", "דוח"),
        ({"document": {"file_id": "f", "file_name": "B.DOCX"}}, "document", "B.DOCX"),
        ({"document": {"file_id": "f", "mime_type": f"{OFFICE}spreadsheetml.sheet"}}, "document", ""),
        ({"document": {"file_id": "f", "file_name": "book.epub"}}, "document", "book.epub"),
        ({"document": {**NOTES, "file_size": 1_000_001}}, "document", "notes.md"),
    ],
)
def test_recordings_files_and_documents_become_tasks_that_name_them(
    chat: Chat, fields: dict[str, Any], kind: str, name: str
) -> None:
    [effect] = chat.says("", caption="what is in it?", **fields)
    task = task_of(effect)
    [attachment] = task.attachments
    assert (attachment.kind, attachment.name, task.text) == (kind, name, "what is in it?")


def test_a_role_command_takes_the_file_that_it_replies_to(chat: Chat) -> None:
    [effect] = chat.says("/sum", reply_to_message={"message_id": 4, "document": NOTES})
    task = task_of(effect)
    assert (task.role, [one.name for one in task.attachments]) == ("summarizer", ["notes.md"])


def test_other_files_and_too_large_ones_are_not_taken(chat: Chat) -> None:
    for name in ("a.zip", "a.doc", "a.exe", "a.pdf.exe"):
        assert kinds(chat.says("", document={"file_id": "f", "file_name": name})) == ["unsupported"]
    for file in (NOTES, PDF):
        [effect] = chat.says("", document={**file, "file_size": 20_000_001})
        assert (effect["kind"], effect["args"]["mb"]) == ("too_large", 20)
    assert kinds(chat.says("", voice={**SOUND, "file_size": 20_000_001})) == ["too_large"]


def test_where_no_role_reads_documents_they_are_not_taken(roles: Roles) -> None:
    reads_none = replace(roles, roles={name: replace(role, functions=()) for name, role in roles.roles.items()})
    for one in (Chat(reads_none), Chat(roles, english_only=True)):
        assert kinds(one.says("", document=PDF)) == ["unsupported"]
        [effect] = one.says("", caption="who wrote it?", document=PDF)
        assert (task_of(effect).attachments, task_of(effect).unseen) == ((), "file")
        [effect] = one.says("", document={**NOTES, "file_size": 1_000_001})
        assert (effect["kind"], effect["args"]["mb"]) == ("too_large", 1)


def test_a_question_takes_the_file_or_recording_that_it_replies_to(chat: Chat) -> None:
    for reply in ({"document": NOTES}, {"voice": SOUND}):
        [effect] = chat.says("what does it say?", reply_to_message={"message_id": 4, **reply})
        task = task_of(effect)
        assert (task.text, len(task.attachments)) == ("what does it say?", 1)


@pytest.mark.parametrize(
    "fields", [{"photo": [{}]}, {"video": {}}, {"document": {"file_id": "f", "file_name": "a.zip"}}]
)
def test_words_beside_a_picture_are_answered_and_it_is_said_that_it_was_not_seen(
    chat: Chat, fields: dict[str, Any]
) -> None:
    [effect] = chat.says("", caption="who painted the Mona Lisa?", **fields)
    task = task_of(effect)
    assert (task.text, task.unseen) == ("who painted the Mona Lisa?", {"document": "file"}.get(*fields, *fields))


def test_a_poll_and_a_checklist_are_answered_by_their_words(chat: Chat) -> None:
    [poll] = chat.says("", poll={"question": "Tea or coffee?", "options": [{"text": "Tea"}]})
    [checklist] = chat.says("", checklist={"title": "Shop", "tasks": [{"text": "milk"}]})
    assert [(task_of(one).text, task_of(one).unseen) for one in (poll, checklist)] == [
        ("Tea or coffee?\n- Tea", ""),
        ("Shop\n- milk", ""),
    ]


def test_the_demo_model_takes_no_recordings(roles: Roles) -> None:
    demo = Chat(roles, english_only=True)
    assert kinds(demo.says("", voice=SOUND)) == ["unsupported"]
    assert kinds(demo.says("", document=NOTES)) == ["task"]
    [effect] = demo.says("shall I go?", reply_to_message={"message_id": 4, "voice": SOUND})
    assert (task_of(effect).attachments, task_of(effect).unseen) == ((), "voice")


def test_retry_asks_again_under_an_id_that_derives_from_the_old(chat: Chat) -> None:
    [effect] = chat.says("again please")
    old = task_of(effect)
    for again in (
        chat.says("/retry", known=ChatFacts(old_task=old)),
        chat.presses("retry:u3", ChatFacts(old_task=old)),
    ):
        assert (again[0]["op"], again[0]["id"], again[0]["task"]) == ("retry", "u3r", "u3")
        assert (task_of(again[0]).text, task_of(again[0]).retry_of) == ("again please", "u3")


def test_a_task_of_another_chat_is_not_retried(chat: Chat, roles: Roles) -> None:
    foreign = task_of(Chat(roles).says("secret", user=8)[0])
    assert kinds(chat.says("/retry", known=ChatFacts(old_task=foreign))) == ["retry_nothing"]


def test_buttons_end_their_spinner(chat: Chat) -> None:
    assert kinds(chat.presses("stop:u1")) == ["stopped"]  # the store knows which toast fits
    assert kinds(chat.presses("lang:he")) == ["lang", "lang_set", "button"]
    assert kinds(chat.presses("role:coder")) == ["choose", "role_chosen", "button"]
    assert kinds(chat.presses("file:u1:2")) == ["file_gone", "button"]  # told only if it is gone


@pytest.mark.parametrize("data", ["junk", "role:admin", "retry:", ""])
def test_a_button_that_does_nothing_any_more_says_so(chat: Chat, data: str) -> None:
    [effect] = chat.presses(data)
    assert (effect["op"], effect["text"]) == (
        "button",
        "This button is from an older conversation and does nothing any more.",
    )


@pytest.mark.parametrize(
    "text", ["/start", "/help", "/new", "/status", "/usage", "/lang", "/lang he", "/retry", "/nonsense", "/stop"]
)
def test_a_text_of_ours_stands_under_its_kind_and_place_whichever_update_it_answers(chat: Chat, text: str) -> None:
    def key(**fields: Any) -> Any:
        return chat.says(text, **fields)[-1]["key"]

    kind = kinds(chat.says(text))[-1]
    topic: dict[str, Any] = {"message_thread_id": 3, "is_topic_message": True}
    assert key() == key(message_id=6) == f"{kind}:7"
    assert key(user=8) == f"{kind}:8"
    assert key(**topic) == f"{kind}:7:3"


def test_a_stop_names_its_update_and_a_press_its_task(chat: Chat) -> None:
    [command] = chat.says("/stop")
    assert (command["op"], command["update"]) == ("stop", "3")
    assert command["task"] is None
    [press] = chat.presses("stop:u1")
    assert (press["op"], press["task"]) == ("stop", "u1")
    assert press["update"] is None


@pytest.mark.parametrize("vote", ["up", "down"])
def test_a_vote_names_its_answer_and_in_a_group_who_pressed(chat: Chat, vote: str) -> None:
    [press] = chat.presses(f"{vote}:u1")
    assert (press["op"], press["task"], press["vote"], press["by"], press["button"]) == ("vote", "u1", vote, None, "cb")
    assert set(press["toasts"]) == {"taken", "not_yours", "old"}
    query = {"id": "cb", "data": f"{vote}:u1", "from": {"id": 7}, "message": {"message_id": 9, "chat": GROUP}}
    [in_group] = rows(chat.intake, read_update({"update_id": 3, "callback_query": query}, BOT), NOTHING)
    assert in_group["by"] == "7"
    assert [row["op"] for row in chat.presses(f"{vote}:")] == ["button"]


@pytest.mark.parametrize("data", ["lang:he", "role:coder", "retry:u1", "file:u1:1", "nonsense"])
def test_the_end_of_a_buttons_spinner_names_its_chat(chat: Chat, data: str) -> None:
    """Delivery cannot read one that does not."""
    [*_, toast] = chat.presses(data)
    assert (toast["op"], toast["id"], toast["chat"]) == ("button", "cb", "7")


def test_our_name_alone_asks_about_the_message_replied_to_or_for_help(chat: Chat) -> None:
    def named(**fields: Any) -> list[Row]:
        return chat.says("@OpenClawBot", chat=GROUP, **fields)

    [effect] = named(reply_to_message={"message_id": 4, "text": "a long story"})
    assert (task_of(effect).text, task_of(effect).quoted) == ("a long story", "")
    [effect] = named(reply_to_message={"message_id": 4, "document": NOTES})
    assert task_of(effect).attachments
    assert kinds(named(reply_to_message={"message_id": 4, "photo": [{}]})) == ["unsupported"]
    assert kinds(named(reply_to_message={"message_id": 4, "pinned_message": {}})) == ["help"]
    assert kinds(named()) == ["help"]
    assert kinds(chat.says("\u2060\u200b")) == ["help"]


def press(chat: Chat, data: str, old: Task | None = None, user: int = 7) -> list[Row]:
    query = {"id": "cb", "data": data, "from": {"id": user}, "message": {"message_id": 9, "chat": GROUP}}
    return rows(
        chat.intake, read_update({"update_id": 3, "callback_query": query}, BOT), ChatFacts(old_task=old), admitted_ms=1
    )


def test_in_a_group_buttons_are_the_askers(chat: Chat) -> None:
    [asked] = chat.says("/code x", chat=GROUP)
    [anonymous] = chat.says("/code x", chat=GROUP, sender_chat={"id": GROUP["id"]})
    assert [one["op"] for one in press(chat, "retry:u3", task_of(asked))] == ["retry", "button"]
    assert [one["op"] for one in press(chat, "retry:u3", task_of(anonymous), user=8)] == ["retry", "button"]
    [toast] = press(chat, "retry:u3", task_of(asked), user=8)
    assert (toast["op"], toast["text"]) == ("button", "Only the person who asked can press this.")
    [stop] = press(chat, "stop:u3", user=8)
    assert (stop["by"], stop["task"], stop["button"]) == ("8", "u3", "cb")
    assert stop["toasts"]["not_yours"] == "Only the person who asked can press this."
    assert chat.presses("stop:u3")[0]["by"] is None


def test_the_demo_model_says_honestly_that_it_knows_no_hebrew(roles: Roles) -> None:
    demo = Chat(roles, english_only=True)
    assert kinds(demo.says("מה בירת צרפת?")) == ["demo_hebrew"]
    assert kinds(demo.says("capital of France?")) == ["task"]


PYTHON = "\n".join(f"result_{n} = compute(value, {n})" for n in range(12))


def test_the_chosen_language_is_that_of_notices_and_buttons_and_the_words_that_of_answers(chat: Chat) -> None:
    [effect] = chat.says("why is the sky blue?", known=ChatFacts(settings={"lang": "he"}))
    task = task_of(effect)
    assert (effect["lang"], task.lang, task.notices_in) == ("he", "en", "he")
    assert chat.says("hello", known=ChatFacts(settings={"lang": "he"}), sticker={})[0]["lang"] == "he"
    [effect] = chat.says("למה השמיים כחולים?")
    assert (effect["lang"], task_of(effect).lang, task_of(effect).notices_in) == ("he", "he", "he")


def test_letters_of_code_tell_no_language(chat: Chat) -> None:
    [pasted] = chat.says(f"למה זה לא עובד?\n{PYTHON}")
    [marked] = chat.says("למה? look here and there", entities=[{"type": "pre", "offset": 5, "length": 19}])
    assert [(effect["lang"], task_of(effect).lang) for effect in (pasted, marked)] == [("he", "he")] * 2


def test_the_chosen_language_is_kept_for_our_own_texts(chat: Chat) -> None:
    [effect] = chat.says("/help", known=ChatFacts(settings={"lang": "he"}))
    assert effect["lang"] == "he"


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["message", "edited_message", "callback_query"]),
    PARTS,
    st.sampled_from([GROUP, {"id": 7, "type": "private"}]),
)
def test_whatever_is_in_an_update_its_effects_are_plain_and_bounded(
    chat: Chat, kind: str, parts: dict[str, Any], where: Any
) -> None:
    part = {"message_id": 5, "date": 1, "chat": where, "from": {"id": 7}, "text": "@OpenClawBot x", **parts}
    if kind == "callback_query":
        part = {"id": "cb", "from": {"id": 7}, "data": parts.get("data"), "message": part}
    incoming = read_update({"update_id": 3, kind: part}, BOT)
    effects = rows(chat.intake, incoming, NOTHING, admitted_ms=1)
    assert len(json.dumps(effects, allow_nan=False)) < 250_000
