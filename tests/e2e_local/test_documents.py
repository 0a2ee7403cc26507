"""Documents by the whole bot as processes: from the chat through brain and agent into the sealed runner, and back as an answer."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openclaw_core.tasks.outcome import Cause
from openclaw_core.texts import wording
from openclaw_standin.model import ScriptedModel
from tests.e2e_local.world import World, world
from tests.runner import documents as made
from tests.runner.runners import needs_sealing, runner
from tests.timing import is_done_within

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), needs_sealing]
REPORT = made.pdf([f"Chapter {n}. " + f"The keeper of light {n} trims the wick. " * 45 for n in range(1, 61)])


@asynccontextmanager
async def bot_with_a_runner(folder: Path) -> AsyncIterator[tuple[World, ScriptedModel]]:
    with runner(libraries=["openclaw_runner.readers.pdf", "openclaw_runner.readers.office"]) as sealed:
        async with (
            ScriptedModel.open(first_token_s=0.01, tokens_per_s=2000, chunk_s=0.01) as model,
            world(folder, GROQ_BASE_URL=model.url, DEMO_MODEL="no", RUNNER_SOCKET=str(sealed.socket)) as bot,
        ):
            yield bot, model


def reading(first_page: int) -> dict[str, object]:
    return {"calls": [{"name": "read_document", "arguments": {"first_page": first_page}}]}


async def test_a_pdf_of_60_pages_is_read_in_parts_by_the_role_that_reads(tmp_path: Path) -> None:
    async with bot_with_a_runner(tmp_path) as (bot, model):
        turns = [reading(1), reading(11), {"text": "The keepers trim the wicks."}]
        model.scripts.add({"when": "keeps the light", "turns": turns})
        bot.api.users.upload(1, "report.pdf", REPORT, mime_type="application/pdf", caption="/code who keeps the light?")
        answer = re.compile("The keepers trim the wicks\\.\n\n📄 report\\.pdf: pages 1–[89], 11–1[89] of 60")
        await bot.until(lambda: any(answer.fullmatch(text) for text in bot.texts(1)))
        assert len(bot.texts(1)) == 1
        await bot.all_ended(1)


async def test_one_sentence_says_what_is_wrong_with_a_document(tmp_path: Path) -> None:
    async with bot_with_a_runner(tmp_path) as (bot, model):
        faults = {
            "locked.pdf": (made.encrypted_pdf(user="secret"), Cause.FILE_ENCRYPTED),
            "scan.pdf": (made.pdf(["", ""], picture=True), Cause.FILE_SCANNED),
            "bomb.docx": (made.zip_bomb(), Cause.FILE_HOSTILE),
        }
        for chat, (name, (content, cause)) in enumerate(faults.items(), 1):
            bot.api.users.upload(chat, name, content)
            sentence = wording.failure(cause, "en")
            await bot.until(lambda chat=chat, sentence=sentence: sentence in bot.texts(chat))  # type: ignore[misc]
        assert [call for call in model.calls if call.kind == "answer"] == []


async def test_stop_ends_a_document_that_takes_long(tmp_path: Path) -> None:
    async with bot_with_a_runner(tmp_path) as (bot, _):
        chat = 0

        async def stop() -> float:
            nonlocal chat
            chat += 1
            bot.api.users.upload(chat, "long.pdf", made.pdf_that_takes_long())
            await bot.until(lambda: any("long.pdf" in text for text in bot.texts(chat)))
            began = time.monotonic()
            bot.api.users.write(chat, "/stop")
            await bot.until(lambda: any("Stopped" in text for text in bot.texts(chat)))
            return time.monotonic() - began

        await is_done_within(2, stop)
