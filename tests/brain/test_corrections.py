"""Which messages say that the answer before them is wrong."""

from dataclasses import replace
from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.context import ChatFacts
from openclaw_brain.inbox.corrections import says_wrong
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.telegram.incoming import Incoming
from openclaw_core.store.effects import to_lua
from tests.shipped import ROLES

SAYS = Incoming(update_id=3, kind="text", chat_id=7, user_id=7, message_id=5, text="No, that's wrong.")


def effects(incoming: Incoming) -> list[dict[str, Any]]:
    intake = Intake(roles=ROLES, access=Access(users=None))
    return [to_lua(one) for one in intake.effects(incoming, ChatFacts(), admitted_ms=1)]


@pytest.mark.parametrize(
    "text",
    [
        "wrong", "Wrong!", "No, that's wrong.", "that is not correct", "That\u2019s not what I asked for",
        "it still doesn't work", "You are wrong, it is 5",
        "The answer is wrong: 7 is prime", "not correct, 2+2=4", "this is not right", "incorrect. try again", "you misunderstood me",
        "לא נכון", "לא, זה לא נכון", "טעות", "זה לא מה שביקשתי", "לא עובד", "הקוד לא עובד", "יש לך טעות בשורה 3",
        "לא הבנת אותי", "סליחה, אבל זה שגוי",
        "לא זה מה ששאלתי", "התשובה לא נכונה", "\u200fטעית.",
    ],
)  # fmt: skip
def test_messages_that_begin_by_saying_so_correct(text: str) -> None:
    assert says_wrong(text)


@pytest.mark.parametrize(
    "text",
    [
        "wrong number called me, what now?", "what is wrong with this code?", "it is wrong to steal, discuss",
        "not right now", "no", "thanks", "right",
        "explain this code", "that is not true if x is 3", "it doesn't work when I press it, how do I fix my printer?",
        "", "Is this correct?",
        "לא", "תודה", "מה לא נכון במשפט הזה?", "טעויות נפוצות בעברית", "לא עובד לי המדפסת", "אולי",
    ],
)  # fmt: skip
def test_questions_and_other_words_do_not(text: str) -> None:
    assert not says_wrong(text)


def test_a_correction_is_a_question_all_the_same_and_none_of_its_words_go_with_it() -> None:
    noted, asked = effects(SAYS)
    assert noted == {"op": "correction", "chat": "7", "thread": None, "user": "7", "within_ms": 300_000}
    assert asked["op"] == "task"


@pytest.mark.parametrize(
    "other", [{"kind": "edited", "edited_kind": "text"}, {"forwarded": True}, {"kind": "command", "command": "code"}]
)
def test_an_edit_a_forward_or_a_command_corrects_nothing(other: dict[str, Any]) -> None:
    assert [one["op"] for one in effects(replace(SAYS, **other)) if one["op"] == "correction"] == []


def test_who_may_not_use_the_bot_corrects_nothing() -> None:
    intake = Intake(roles=ROLES, access=Access(users=frozenset({8})))
    assert [to_lua(one)["op"] for one in intake.effects(SAYS, ChatFacts(), admitted_ms=1)] == ["notice"]
