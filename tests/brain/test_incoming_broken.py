"""Ten thousand broken updates: never an exception, never a good one lost among them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openclaw_brain.telegram.incoming import Incoming, read_update, stream_of
from openclaw_brain.telegram.message_text import MESSAGE_MAX_CHARS, QUOTED_MAX_CHARS
from tests.brain.incoming_updates import BOT, PARTS, junk, message


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
