"""Who may use the page's calls: our own page in a browser on this machine, and nobody else."""

import httpx
import pytest

from openclaw_standin.bot_api import BotApi
from tests.standin.test_photos import png

OWN = {"X-OpenClaw-Page": "1"}


@pytest.fixture
def chat_id(api: BotApi) -> int:
    return api.users.new_user(first_name="You", language_code="en").id


async def test_the_page_may_write_and_read(api: BotApi, chat_id: int) -> None:
    async with httpx.AsyncClient(base_url=api.page_url, headers=OWN | {"Origin": api.url}) as page:
        said = await page.post(f"page/chats/{chat_id}/say", json={"text": "hello"})
        shown = (await page.get(f"page/chats/{chat_id}")).json()

    assert said.status_code == 200
    assert [m["text"] for m in shown["messages"]] == ["hello"]
    assert shown["chat"]["title"] == "hello"


@pytest.mark.parametrize(
    "headers",
    [
        OWN | {"Origin": "https://elsewhere.example"},
        OWN | {"Origin": "null"},
        OWN | {"Sec-Fetch-Site": "cross-site"},
        OWN | {"Sec-Fetch-Site": "same-site"},
        OWN | {"Host": "rebound.example"},
        {"Content-Type": "text/plain"},
    ],
)
async def test_no_other_site_may_write(api: BotApi, chat_id: int, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=api.page_url) as other:
        said = await other.post(f"page/chats/{chat_id}/say", content=b'{"text": "hello"}', headers=headers)

    assert said.status_code == 403
    assert api.messages(chat_id) == []


@pytest.mark.parametrize("path", ["page/state", "page/events", "page/files/x", "page/chats/1"])
async def test_no_other_site_may_read(api: BotApi, path: str) -> None:
    async with httpx.AsyncClient(base_url=api.page_url) as other:
        read = await other.get(path, headers={"Origin": "https://elsewhere.example"})

    assert read.status_code == 403


async def test_a_link_from_elsewhere_may_open_the_page_but_not_its_data(api: BotApi) -> None:
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with httpx.AsyncClient(base_url=api.page_url, headers=visit) as browser:
        assert (await browser.get("")).status_code == 200
        assert (await browser.get("page/state")).status_code == 403


async def test_the_page_runs_no_script_but_its_own_and_asks_nobody_else(api: BotApi) -> None:
    async with httpx.AsyncClient(base_url=api.page_url) as browser:
        page = await browser.get("")
        policy = page.headers["Content-Security-Policy"]
        parts = [await browser.get(name) for name in ("style.css", "app.js", "composer.js", "icon.svg")]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert [part.status_code for part in parts] == [200] * 4
    assert not any(
        "http://" in part.text or "https://" in part.text for part in [page, *parts[:3]] if "w3.org" not in part.text
    )


async def test_a_sent_file_is_saved_never_shown(api: BotApi, chat_id: int) -> None:
    api.users.upload(chat_id, "évil.html", b"<script>", mime_type="text/html")
    file_id = api.messages(chat_id)[0]["document"]["file_id"]

    async with httpx.AsyncClient(base_url=api.page_url) as browser:
        file = await browser.get(f"page/files/{file_id}")

    assert file.headers["Content-Type"] == "application/octet-stream"
    assert file.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%A9vil.html"
    assert file.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_long_text_becomes_several_messages_as_in_telegram(api: BotApi, chat_id: int) -> None:
    async with httpx.AsyncClient(base_url=api.page_url, headers=OWN) as page:
        await page.post(f"page/chats/{chat_id}/say", json={"text": "x" * 9000})

    assert [len(m["text"]) for m in api.messages(chat_id)] == [4096, 4096, 808]


async def test_a_button_that_is_gone_is_said_to_be(api: BotApi, chat_id: int) -> None:
    api.users.write(chat_id, "hello")
    async with httpx.AsyncClient(base_url=api.page_url, headers=OWN) as page:
        pressed = await page.post(f"page/chats/{chat_id}/press", json={"message_id": 1, "data": "stop:1"})

    assert pressed.status_code == 409


async def test_a_picture_is_sent_as_a_photo_and_anything_else_as_a_document(api: BotApi, chat_id: int) -> None:
    async with httpx.AsyncClient(base_url=api.page_url, headers=OWN) as page:
        for name, content in (("a.png", png(640, 360)), ("long.png", png(9000, 9000)), ("page.png", b"<script>")):
            await page.post(f"page/chats/{chat_id}/upload", files={"file": (name, content, "image/png")})

    photo, *others = api.messages(chat_id)
    assert (photo["photo"][0]["width"], photo["photo"][0]["height"]) == (640, 360)
    assert [one["document"]["file_name"] for one in others] == ["long.png", "page.png"]
