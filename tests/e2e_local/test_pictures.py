"""Pictures by the whole bot as processes: from the chat through brain and agent to the model that sees, and back as an answer."""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence
from openclaw_standin.model import ScriptedModel
from tests.e2e_local.world import World, world
from tests.standin.test_photos import JPEG, png

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SEEING = "qwen/qwen3.8-27b"
FROM_PICTURE = wording.sentence(Sentence.FROM_PICTURE, "en")
AWAY = wording.sentence(Sentence.SEEING_MODEL_AWAY, "en")


@asynccontextmanager
async def bot_that_sees(folder: Path) -> AsyncIterator[tuple[World, ScriptedModel]]:
    """The bot with its shipped roles. The scripted model refuses pictures for models that see none."""
    async with (
        ScriptedModel.open(first_token_s=0.01, tokens_per_s=2000, chunk_s=0.01) as model,
        world(folder, GROQ_BASE_URL=model.url, DEMO_MODEL="no") as bot,
    ):
        yield bot, model


def pictures(call: Any) -> list[bytes]:
    """What the model was given to see."""
    content = call.messages[-1]["content"]
    parts = content if isinstance(content, list) else []
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [base64.b64decode(url.partition(",")[2]) for url in urls]


async def test_a_photo_from_the_page_is_seen_by_the_model_that_sees(tmp_path: Path) -> None:
    photo = png(640, 480) + os.urandom(100_000)
    async with bot_that_sees(tmp_path) as (bot, model):
        model.scripts.add({"when": "what is on it", "turns": [{"text": "A lighthouse on a rock."}]})
        chat = bot.api.users.new_user(first_name="You", language_code="en").id
        async with httpx.AsyncClient(base_url=bot.api.page_url, headers={"X-OpenClaw-Page": "1"}) as page:
            sent = await page.post(
                f"page/chats/{chat}/upload",
                data={"caption": "/research what is on it?"},
                files={"file": ("IMG_1.png", photo, "image/png")},
            )
        assert sent.status_code == 200
        await bot.until(lambda: bot.texts(chat) == [f"A lighthouse on a rock.\n\n{FROM_PICTURE}"])
        [call] = [one for one in model.calls if one.kind == "answer"]
        assert (call.model, call.outcome, pictures(call)) == (SEEING, "ok", [photo])
        await bot.all_ended(1)
        assert "base64" not in bot.log.read_text(errors="replace")
        keys = [key async for key in bot.script.redis.scan_iter("*")]
        sizes = [int(await bot.script.read("MEMORY", "USAGE", key)) for key in keys]
        assert max(sizes) < 50_000  # the picture's 100 kB are nowhere in Redis


async def test_an_album_is_one_question_with_all_its_photos(tmp_path: Path) -> None:
    photos = [png(64, 48) + bytes([n]) for n in range(3)]
    async with bot_that_sees(tmp_path) as (bot, model):
        model.scripts.add({"when": "compare them", "turns": [{"text": "The second one is brighter."}]})
        for n, photo in enumerate(photos):
            caption = "/code compare them" if n == 0 else ""
            bot.api.users.upload(1, "p.png", photo, kind="photo", caption=caption, extra={"media_group_id": "g"})
        await bot.until(lambda: any("The second one is brighter." in text for text in bot.texts(1)))
        [call] = [one for one in model.calls if one.kind == "answer"]
        assert (call.model, pictures(call)) == (SEEING, photos)
        await bot.all_ended(1)
        assert len(bot.texts(1)) == 1


async def test_where_the_model_that_sees_fails_the_words_are_answered_and_the_chat_is_told(tmp_path: Path) -> None:
    async with bot_that_sees(tmp_path) as (bot, model):
        model.scripts.add(
            {"when": "who painted", "model": SEEING, "turns": [{"status": 503, "times": 9}, {"text": "?"}]}
        )
        model.scripts.add({"when": "who painted", "turns": [{"text": "Leonardo did."}]})
        caption = "/code who painted the Mona Lisa?"
        bot.api.users.upload(1, "p.jpg", JPEG, kind="photo", caption=caption)
        await bot.until(lambda: any("Leonardo did." in text and AWAY in text for text in bot.texts(1)))
        *failed, answered = [one for one in model.calls if one.kind == "answer"]
        assert {(one.model, one.outcome) for one in failed} == {(SEEING, "status 503")}
        assert (answered.model, answered.outcome, pictures(answered)) == ("openai/gpt-oss-120b", "ok", [])
