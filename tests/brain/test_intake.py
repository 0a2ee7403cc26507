"""Who may use the bot, what each kind of message becomes, and that nothing of the user's gets into a text of ours."""

from pathlib import Path
from typing import Any

import pytest

from openclaw_brain.incoming import Bot, read_update
from openclaw_brain.intake import Access, Effect, Intake, Known
from openclaw_core.roles import Roles, load
from openclaw_core.task import Task, from_json

NOTHING = Known()
BOT = Bot(id=42, username="OpenClawBot")


@pytest.fixture(scope="module")
def roles() -> Roles:
    return load(Path(__file__).parents[2] / "platform/openclaw/base")


class Chat:
    def __init__(self, roles: Roles, users: frozenset[int] | None = None, *, english_only: bool = False) -> None:
        self.intake = Intake(roles=roles, access=Access(users=users), english_only=english_only)

    def says(
        self, text: str = "", *, known: Known = NOTHING, user: int = 7, bot: bool = False, **fields: Any
    ) -> list[Effect]:
        message = {
            "message_id": 5, "date": 1, "chat": {"id": user, "type": "private"}, "from": {"id": user, "is_bot": bot, "language_code": "en"}, **fields,
        }  # fmt: skip
        if text:
            message["text"] = text
        return self.intake.effects(read_update({"update_id": 3, "message": message}, BOT), known, admitted_ms=1000)

    def presses(self, data: str, known: Known = NOTHING) -> list[Effect]:
        query = {
            "id": "cb",
            "data": data,
            "from": {"id": 7},
            "message": {"message_id": 9, "chat": {"id": 7, "type": "private"}},
        }
        return self.intake.effects(read_update({"update_id": 3, "callback_query": query}, BOT), known, admitted_ms=1000)


@pytest.fixture
def chat(roles: Roles) -> Chat:
    return Chat(roles)


def kinds(effects: list[Effect]) -> list[str]:
    return [str(effect.get("kind", effect["op"])) for effect in effects]


def task_of(effect: Effect) -> Task:
    return from_json(str(effect["record"]))


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
    [("/start", ["start"]), ("/help", ["help"]), ("/new", ["forget", "new"]), ("/stop", ["stopped"]), ("/status", ["status"]), ("/lang", ["lang_menu"]),
     ("/lang he", ["lang", "lang_set"]), ("/retry", ["retry_nothing"]), ("/nonsense", ["unknown_command"])],
)  # fmt: skip
def test_commands(chat: Chat, text: str, expected: list[str]) -> None:
    assert kinds(chat.says(text)) == expected


@pytest.mark.parametrize("kind", ["voice", "photo", "document", "sticker", "location", "contact", "poll", "dice"])
def test_what_cannot_be_read_gets_a_kind_answer(chat: Chat, kind: str) -> None:
    assert kinds(chat.says("", **dict[str, Any]({kind: {}}))) == ["unsupported"]


SOUND = {"file_id": "v", "mime_type": "audio/ogg", "file_size": 9}
NOTES = {"file_id": "f", "file_name": "notes.md", "file_size": 9}


@pytest.mark.parametrize(
    ("fields", "kind", "name"),
    [
        ({"voice": SOUND}, "voice", "recording.ogg"),
        ({"audio": {**SOUND, "mime_type": "audio/mpeg"}}, "voice", "recording.mp3"),
        ({"video_note": {"file_id": "v"}}, "voice", "recording.mp4"),
        ({"document": {**SOUND, "file_name": "talk.wav", "mime_type": "audio/wav"}}, "voice", "recording.wav"),
        ({"document": NOTES}, "file", "notes.md"),
        ({"document": {"file_id": "f", "file_name": "LOG", "mime_type": "text/plain"}}, "file", "LOG"),
    ],
)
def test_recordings_and_text_files_become_tasks_that_name_them(
    chat: Chat, fields: dict[str, Any], kind: str, name: str
) -> None:
    [effect] = chat.says("", caption="what is in it?", **fields)
    task = task_of(effect)
    assert task.material is not None
    assert (task.material.kind, task.material.name, task.text) == (kind, name, "what is in it?")


def test_a_role_command_takes_the_file_that_it_replies_to(chat: Chat) -> None:
    [effect] = chat.says("/sum", reply_to_message={"message_id": 4, "document": NOTES})
    task = task_of(effect)
    assert (task.role, task.material is not None and task.material.name) == ("summarizer", "notes.md")


def test_other_files_and_too_large_ones_are_not_taken(chat: Chat) -> None:
    pdf = {"file_id": "f", "file_name": "a.pdf", "mime_type": "application/pdf"}
    assert kinds(chat.says("", document=pdf)) == ["unsupported"]
    assert kinds(chat.says("", document={**NOTES, "file_size": 1_000_001})) == ["too_large"]
    assert kinds(chat.says("", voice={**SOUND, "file_size": 20_000_001})) == ["too_large"]


def test_the_demo_model_has_no_ears(roles: Roles) -> None:
    demo = Chat(roles, english_only=True)
    assert kinds(demo.says("", voice=SOUND)) == ["unsupported"]
    assert kinds(demo.says("", document=NOTES)) == ["task"]


def test_retry_asks_again_under_an_id_that_derives_from_the_old(chat: Chat) -> None:
    [effect] = chat.says("again please")
    old = task_of(effect)
    for again in (chat.says("/retry", known=Known(old_task=old)), chat.presses("retry:u3", Known(old_task=old))):
        assert (again[0]["op"], again[0]["id"], again[0]["task"]) == ("retry", "u3r", "u3")
        assert (task_of(again[0]).text, task_of(again[0]).retry_of) == ("again please", "u3")


def test_a_task_of_another_chat_is_not_retried(chat: Chat, roles: Roles) -> None:
    foreign = task_of(Chat(roles).says("secret", user=8)[0])
    assert kinds(chat.says("/retry", known=Known(old_task=foreign))) == ["retry_nothing"]


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


def test_a_button_of_somebody_without_access_only_says_so(roles: Roles) -> None:
    [effect] = Chat(roles, users=frozenset({8})).presses("stop:u1")
    assert effect["op"] == "button"
    assert "not open to you" in effect["text"]


def test_with_no_list_everyone_is_refused_and_told_their_id(roles: Roles) -> None:
    closed = Chat(roles, users=frozenset())
    [effect] = closed.says("let me in", user=12345)
    assert (effect["kind"], effect["args"]) == ("refused", {"user_id": "12345"})
    assert "let me in" not in str(effect)


def from_bot(roles: Roles, bot_id: int, text: str, **fields: Any) -> list[str]:
    """The kinds of effects that a message of the bot *bot_id* in a group has, when bots 9 and 42 are listed."""
    intake = Intake(roles=roles, access=Access(users=None, bots=frozenset({9, BOT.id})))
    sender = {"id": bot_id, "is_bot": True}
    message = {"message_id": 5, "chat": {"id": -100500, "type": "supergroup"}, "from": sender, "text": text, **fields}
    return kinds(intake.effects(read_update({"update_id": 1, "message": message}, BOT), NOTHING, admitted_ms=1))


def test_only_the_commands_of_a_listed_bot_are_answered(roles: Roles) -> None:
    assert from_bot(roles, 9, "/research@OpenClawBot nonce") == ["task"]
    assert from_bot(roles, 8, "/research@OpenClawBot nonce") == []
    assert from_bot(roles, 9, "/research@AnotherBot nonce") == []


def test_two_bots_that_listed_each_other_do_not_answer_their_answers(roles: Roles) -> None:
    ours = {"message_id": 4, "from": {"id": BOT.id, "is_bot": True}, "text": "an answer"}

    assert from_bot(roles, 9, "a reply to ours", reply_to_message=ours) == []


@pytest.mark.parametrize("text", ["an answer", "/research@OpenClawBot an answer"])
def test_an_answer_of_our_own_is_never_answered_even_if_our_id_is_listed(roles: Roles, text: str) -> None:
    ours = {"message_id": 4, "from": {"id": BOT.id, "is_bot": True}, "text": "an answer"}

    assert from_bot(roles, BOT.id, text, reply_to_message=ours) == []


def test_the_demo_model_says_honestly_that_it_knows_no_hebrew(roles: Roles) -> None:
    demo = Chat(roles, english_only=True)
    assert kinds(demo.says("מה בירת צרפת?")) == ["demo_hebrew"]
    assert kinds(demo.says("capital of France?")) == ["task"]


def test_the_chosen_language_is_kept_for_our_own_texts(chat: Chat) -> None:
    [effect] = chat.says("/help", known=Known(chat={"lang": "he"}))
    assert effect["lang"] == "he"
