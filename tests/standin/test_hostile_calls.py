"""Whatever a client sends, the stand-in answers as an API does: never with an exception of its own."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openclaw_standin.bot_api import BotApi
from openclaw_standin.bot_api.bot_methods import METHODS
from openclaw_standin.bot_api.flood import Flood
from openclaw_standin.bot_api.state import TelegramState
from openclaw_standin.bot_api.storage import Storage
from openclaw_standin.bot_api.users import Users
from openclaw_standin.bot_api.wire import ErrorReply, Params
from tests.standin.conftest import TOKEN

SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(
    [
        "chat_id",
        "text",
        "entities",
        "parse_mode",
        "reply_markup",
        "reply_parameters",
        "message_id",
        "reaction",
        "action",
        "commands",
        "scope",
        "document",
        "caption",
        "caption_entities",
        "file_id",
        "user_id",
        "language_code",
        "callback_query_id",
        "message_thread_id",
    ]
)
ENTITY = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["bold", "pre", "text_link", "url", "nonsense"]) | JSON,
        "offset": st.integers(-2, 9) | JSON,
        "length": st.integers(-2, 9) | JSON,
    }
)
BUTTON = st.fixed_dictionaries({"text": JSON, "callback_data": JSON})
GOOD = st.fixed_dictionaries(
    {"chat_id": st.just(7), "text": st.text(max_size=9), "message_id": st.sampled_from([1, 2, 3])},
    optional={
        "entities": st.lists(ENTITY, max_size=3),
        "reply_markup": st.fixed_dictionaries(
            {"inline_keyboard": st.lists(st.lists(BUTTON | JSON, max_size=2) | JSON)}
        ),
        "reaction": st.lists(JSON, max_size=2),
        "commands": st.lists(JSON, max_size=2),
    },
)


@pytest.fixture(scope="module")
def state() -> Iterator[TelegramState]:
    storage = Storage(None)
    yield TelegramState(storage, Flood(on=False), token=TOKEN)
    storage.close()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    method=st.sampled_from(sorted(set(METHODS) - {"getupdates"})),
    good=GOOD,
    bad=st.dictionaries(NAMES, JSON | JSON.map(json.dumps), max_size=3),
)
def test_any_parameters_end_in_a_result_or_a_proper_refusal(
    state: TelegramState, method: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    chat = Users(state).user(7)
    chat.last_message_id = 0  # the messages that `good` names are always there
    Users(state).write(7, "hello")
    state.new_message(chat, state.bot, {"text": "mine"})

    try:
        json.dumps(METHODS[method](state, Params(good | bad)))
    except ErrorReply as refused:
        status = refused.status
    else:
        status = 200

    assert status in (200, 400, 413)


async def test_an_exception_of_our_own_is_a_500_that_names_no_token(api: BotApi) -> None:
    api.state.find_chat = None  # type: ignore[assignment, method-assign]

    async with httpx.AsyncClient() as client:
        reply = await client.get(f"{api.url}/bot{TOKEN}/sendMessage?chat_id=7&text=x")

    assert (reply.status_code, reply.json()["description"]) == (500, "Internal Server Error")
    assert [entry.outcome for entry in api.journal] == ["500 Internal Server Error"]
