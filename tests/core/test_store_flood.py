"""Telegram's limits as buckets in the store."""

import asyncio

from openclaw_core.store import Flood, Script
from openclaw_core.store.flood import Priority


async def test_final_texts_pass_previews_in_the_bucket_of_a_chat(script: Script) -> None:
    flood = Flood(script)
    for _ in range(4):  # a group has five at once, then one in three seconds
        assert await flood.take(-1, "group", Priority.FIRST_TEXT) == 0
    assert await flood.take(-1, "group", Priority.PREVIEW) > 0
    assert await flood.take(-1, "group", Priority.FINAL) == 0
    assert 0 < await flood.take(-1, "group", Priority.FINAL) <= 3
    assert await flood.take(-2, "group", Priority.FINAL) == 0


async def test_a_refused_chat_rests_and_three_within_a_second_rest_all(script: Script) -> None:
    flood = Flood(script)
    await flood.refused(1, retry_after_s=60)
    assert await flood.take(1, "private", Priority.FINAL) > 30
    assert await flood.take(9, "private", Priority.FINAL) == 0
    await asyncio.gather(*(flood.refused(chat, retry_after_s=60) for chat in (2, 3, 4)))
    assert await flood.take(9, "private", Priority.FINAL) > 30
