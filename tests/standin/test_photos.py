"""sendPhoto of the stand-in: as strict as the Bot API, and shown by the page."""

import struct
from typing import Any

import httpx
import pytest

from openclaw_standin.bot_api import BotApi
from tests.standin.conftest import TOKEN


def png(width: int, height: int, size: int = 0) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(size)


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 48, 64) + bytes(4)


async def send(api: BotApi, content: bytes, **fields: Any) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        reply = await client.post(
            f"{api.url}/bot{TOKEN}/sendPhoto",
            data={"chat_id": "1", **fields},
            files={"photo": ("figure.png", content, "image/png")},
        )
        return dict(reply.json())


@pytest.mark.parametrize(("content", "size"), [(png(640, 480), (640, 480)), (JPEG, (64, 48))])
async def test_a_photo_stands_in_the_chat_and_is_shown_as_what_it_is(
    api: BotApi, content: bytes, size: tuple[int, int]
) -> None:
    api.users.write(1, "draw")
    sent = await send(api, content, caption="a figure")
    [photo] = sent["result"]["photo"]
    async with httpx.AsyncClient() as client:
        shown = await client.get(f"{api.page_url}page/photos/{photo['file_id']}")

    assert (photo["width"], photo["height"]) == size
    assert sent["result"]["caption"] == "a figure"
    assert shown.content == content
    assert shown.headers["content-type"] in ("image/png", "image/jpeg")
    assert shown.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("content", "description"),
    [
        (b"", "Bad Request: file must be non-empty"),
        (b"<svg onload=alert(1)>", "Bad Request: IMAGE_PROCESS_FAILED"),
        (b"\x89PNG\r\n\x1a\n", "Bad Request: IMAGE_PROCESS_FAILED"),
        (b"\xff\xd8\xff\xe0\x00\x00" * 9, "Bad Request: IMAGE_PROCESS_FAILED"),
        (png(9000, 2000), "Bad Request: PHOTO_INVALID_DIMENSIONS"),
        (png(21, 1), "Bad Request: PHOTO_INVALID_DIMENSIONS"),
        (png(9, 9, 10 * 1024 * 1024), "Request Entity Too Large"),
    ],
)
async def test_what_telegram_refuses_is_refused(api: BotApi, content: bytes, description: str) -> None:
    api.users.write(1, "draw")

    assert (await send(api, content))["description"] == description


async def test_a_long_caption_and_a_missing_photo_are_refused(api: BotApi) -> None:
    api.users.write(1, "draw")
    async with httpx.AsyncClient() as client:
        without = (await client.post(f"{api.url}/bot{TOKEN}/sendPhoto", data={"chat_id": "1"})).json()

    assert (await send(api, png(9, 9), caption="x" * 1025))["description"] == "Bad Request: message caption is too long"
    assert without["description"] == "Bad Request: there is no photo in the request"


async def test_a_file_that_is_no_picture_is_not_shown(api: BotApi) -> None:
    api.users.upload(1, "x.html", b"<script>", kind="document")
    [message] = [one for one in api.state.messages(1) if "document" in one]
    async with httpx.AsyncClient() as client:
        shown = await client.get(f"{api.page_url}page/photos/{message['document']['file_id']}")

    assert shown.status_code == 404
