"""Who may use the bot, also as a bot or a channel, and what a group may say that is not meant for it."""

from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.telegram.incoming import read_update
from openclaw_core.roles.values import Roles
from tests.brain.intake_chat import BOT, GROUP, NOTHING, Chat, chat, kinds, roles, rows

__all__ = ["chat", "roles"]


def test_a_button_of_somebody_without_access_only_says_so(roles: Roles) -> None:
    [effect] = Chat(roles, users=frozenset({8})).presses("stop:u1")
    assert effect["op"] == "button"
    assert "not open to you" in effect["text"]


def test_with_no_list_everyone_is_refused_and_told_their_id(roles: Roles) -> None:
    closed = Chat(roles, users=frozenset())
    [effect] = closed.says("let me in", user=12345)
    assert (effect["kind"], effect["args"]) == ("refused", {"user_id": "12345"})
    assert "let me in" not in str(effect)


def test_a_stranger_is_refused_under_one_key_and_once_a_day(roles: Roles) -> None:
    closed = Chat(roles, users=frozenset())
    [first], [second] = closed.says("let me in", user=12345), closed.says("please", user=12345)
    assert (first["key"], first["once"], first["once_s"]) == ("refused:12345", "refused:12345", 24 * 3600)
    assert {name: first[name] for name in ("key", "once")} == {name: second[name] for name in ("key", "once")}
    [in_a_group] = closed.says("@OpenClawBot please", user=12345, chat=GROUP)
    assert (in_a_group["key"], in_a_group["once"]) == ("refused:-100500", "refused:12345"), "the person, wherever"


def from_bot(roles: Roles, bot_id: int, text: str, **fields: Any) -> list[str]:
    """The kinds of effects that a message of the bot *bot_id* in a group has, when bots 9 and 42 are listed."""
    intake = Intake(roles=roles, access=Access(users=None, bots=frozenset({9, BOT.id})))
    sender = {"id": bot_id, "is_bot": True}
    message = {"message_id": 5, "chat": {"id": -100500, "type": "supergroup"}, "from": sender, "text": text, **fields}
    return kinds(rows(intake, read_update({"update_id": 1, "message": message}, BOT), NOTHING, admitted_ms=1))


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


OURS = {"message_id": 4, "from": {"id": BOT.id, "is_bot": True}, "text": "an answer"}


@pytest.mark.parametrize(
    ("users", "answer"),
    [
        (None, "task"),
        (frozenset({-100777}), "task"),
        (frozenset({136817688}), "refused"),
        (frozenset({7}), "refused"),
        (frozenset[int](), "refused"),
    ],
)
def test_who_writes_as_a_channel_is_admitted_by_the_channels_id(
    roles: Roles, users: frozenset[int] | None, answer: str
) -> None:
    channel: dict[str, Any] = {"chat": GROUP, "from": {"id": 136817688, "is_bot": True}, "sender_chat": {"id": -100777}}
    [effect] = Chat(roles, users).says("/research x", **channel)
    assert kinds([effect]) == [answer]
    if answer == "refused":
        assert effect["args"] == {"user_id": "-100777"}  # what the list has to hold


@pytest.mark.parametrize(
    ("text", "expected"),
    [("/ban x", []), ("/etc/hosts is broken", []), ("/etc is broken", []), ("/ban@OpenClawBot x", ["unknown_command"]), ("/help", ["help"]),
     ("/code x", ["task"]), ("/ban@OtherBot x", []), ("@OpenClawBot /etc/hosts is broken", ["task"])],
)  # fmt: skip
def test_in_a_group_a_command_that_names_nobody_is_ours_only_if_we_know_it(
    chat: Chat, text: str, expected: list[str]
) -> None:
    assert kinds(chat.says(text, chat=GROUP)) == expected


def test_a_foreign_command_that_replies_to_us_is_not_refused_aloud(roles: Roles) -> None:
    assert kinds(Chat(roles, frozenset()).says("/warn", chat=GROUP, reply_to_message=OURS)) == []
