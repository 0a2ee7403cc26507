"""Pictures on the wire: what a server is sent, and what its refusals mean, by the scripted model, which is as strict as real servers."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from openclaw_core.errors import ChatRefused, OpenClawError, RequestTooLarge
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import GROQ, ModelServer
from openclaw_core.models.requests import request_of
from openclaw_core.ports import Message, ModelCall, Picture
from openclaw_core.tasks.task import PICTURES_MAX_BYTES
from openclaw_standin.model import ScriptedModel
from openclaw_standin.model.picture_rules import REQUEST_MAX_BYTES

SEEING, BLIND = "qwen/qwen3.8-27b", "openai/gpt-oss-120b"
JPEG = Picture(mime_type="image/jpeg", data=b"\xff\xd8\xff\xe0 a cat")
PNG = Picture(mime_type="image/png", data=b"\x89PNG\r\n\x1a\n a plan")


def call(*pictures: Picture, model: str = SEEING) -> ModelCall:
    return ModelCall(
        model=model,
        messages=(Message(role="system", content="Be brief."), Message(role="user", content="what is it?", pictures=pictures)),
        max_tokens=100,
    )  # fmt: skip


@asynccontextmanager
async def served() -> AsyncIterator[tuple[ScriptedModel, ModelClient]]:
    async with (
        ScriptedModel.open(first_token_s=0.0, tokens_per_s=4000, tokens=10) as model,
        ModelClient.at(ModelServer.of(GROQ, "key", model.url)) as client,
    ):
        yield model, client


async def said(client: ModelClient, asked: ModelCall) -> str:
    return "".join([piece.text async for piece in client.stream(asked)])


def test_a_picture_is_a_data_url_behind_the_words() -> None:
    system, asked = request_of(call(JPEG, PNG), GROQ)["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    words, first, second = asked["content"]
    assert words == {"type": "text", "text": "what is it?"}
    encoded = base64.b64encode(JPEG.data).decode()
    assert first == {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{encoded}"}}
    assert second["image_url"]["url"].startswith("data:image/png;base64,")


def test_without_pictures_the_content_is_text_as_it_was() -> None:
    assert request_of(call(), GROQ)["messages"][1] == {"role": "user", "content": "what is it?"}


async def test_a_model_that_sees_answers() -> None:
    async with served() as (model, client):
        assert await said(client, call(JPEG, PNG))
        assert [one.outcome for one in model.calls] == ["ok"]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (call(JPEG, model=BLIND), ChatRefused),
        (call(Picture(mime_type="image/png", data=JPEG.data)), ChatRefused),
        (call(*[JPEG] * 6), ChatRefused),
        (call(Picture(mime_type="image/jpeg", data=JPEG.data + bytes(REQUEST_MAX_BYTES * 3 // 4))), RequestTooLarge),
    ],
    ids=["sees nothing", "is of another type", "too many", "too large"],
)
async def test_a_refusal_is_an_error_that_leaves_the_turn_to_the_next_model(
    asked: ModelCall, error: type[OpenClawError]
) -> None:
    async with served() as (_, client):
        with pytest.raises(error):
            await said(client, asked)


async def test_what_one_task_may_have_fits_into_a_request_of_groq() -> None:
    """Beside pictures, 200 kB are left for words."""
    whole = Picture(mime_type="image/jpeg", data=JPEG.data + bytes(PICTURES_MAX_BYTES - len(JPEG.data)))
    asked = call(whole)
    words = Message(role="user", content="x" * 200_000, pictures=(whole,))
    async with served() as (_, client):
        assert await said(client, ModelCall(model=SEEING, messages=(asked.messages[0], words), max_tokens=100))
