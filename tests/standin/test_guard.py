"""Who may speak with the stand-ins: programs that know their secret. Not a web page, not a name that was rebound, nobody half-way."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from openclaw_standin import guard
from openclaw_standin.bot_api import BotApi, server
from openclaw_standin.model import ScriptedModel
from tests.standin.conftest import TOKEN

OF_A_PAGE = (
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:9999"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Mode": "no-cors"},
    {"sec-fetch-dest": "image"},
)
REBOUND = ({"Host": "rebound.example"}, {"Host": "127.0.0.1.elsewhere.example:80"}, {"Host": "[::1"}, {"Host": ""})
KEY = {"Authorization": "Bearer key"}


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel.open(api_key="key", first_token_s=0, tokens=3) as opened:
        yield opened


@pytest.mark.parametrize("headers", [*OF_A_PAGE, *REBOUND])
@pytest.mark.parametrize("path", [f"/bot{TOKEN}/getMe", f"/file/bot{TOKEN}/documents/x"])
async def test_no_web_page_speaks_as_the_bot_even_if_it_knew_the_token(
    api: BotApi, path: str, headers: dict[str, str]
) -> None:
    async with httpx.AsyncClient(base_url=api.url) as other:
        read = await other.get(path, headers=headers)

    assert read.status_code in (400, 403)  # 400: no server of HTTP takes such a Host
    assert "Access-Control-Allow-Origin" not in read.headers


@pytest.mark.parametrize("headers", [*OF_A_PAGE, *REBOUND])
async def test_messages_stay_until_the_bot_itself_takes_them(api: BotApi, headers: dict[str, str]) -> None:
    api.users.write(7, "hello")
    async with httpx.AsyncClient(base_url=f"{api.url}/bot{TOKEN}") as other:
        for call in ("getUpdates?offset=-1", "deleteWebhook?drop_pending_updates=true"):
            assert (await other.post(call, headers=headers)).status_code in (400, 403)
        assert (await other.post("/sendMessage", data={"chat_id": "7", "text": "I"}, headers=headers)).is_error

    assert api.state.updates.pending == 1
    assert api.bot_texts(7) == []


@pytest.mark.parametrize("headers", [*OF_A_PAGE, *REBOUND])
async def test_no_web_page_speaks_with_the_model(model: ScriptedModel, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=model.url, headers=KEY) as other:
        assert (await other.get("/openai/v1/models", headers=headers)).status_code in (400, 403)
        assert (await other.get("/openai/v1/models")).status_code == 200


async def test_a_pod_calls_by_the_address_that_was_allowed_and_by_no_other() -> None:
    async with (
        BotApi.open(token=TOKEN, hosts=["10.244.0.1"]) as api,
        ScriptedModel.open(hosts=["10.244.0.1"]) as model,
        httpx.AsyncClient(headers=KEY) as pod,
    ):
        for url, port in ((f"{api.url}/bot{TOKEN}/getMe", 8481), (f"{model.url}/openai/v1/models", 8482)):
            assert (await pod.get(url, headers={"Host": f"10.244.0.1:{port}"})).status_code == 200
            assert (await pod.get(url, headers={"Host": f"10.244.0.2:{port}"})).status_code == 403
            assert (await pod.get(url)).status_code == 200
        page = await pod.get(api.page_url, headers={"Host": "10.244.0.1:8481"})
        assert page.status_code == 403  # the chat is for this machine alone


async def test_the_page_opens_at_its_whole_address_only(api: BotApi) -> None:
    async with httpx.AsyncClient(base_url=api.url, headers={"X-OpenClaw-Page": "1"}) as other:
        user = api.users.new_user(first_name="You", language_code="en").id
        guessed = [
            await other.request(method, path)
            for method, path in [
                ("GET", "/"), ("GET", "/page/state"), ("GET", "/page/events"), ("GET", f"/page/chats/{user}"), ("GET", "/app.js"),
                ("POST", "/page/chats"), ("POST", f"/page/chats/{user}/say"), ("GET", "/xxxxxxxxxxxxxxxxxxxxxxxx/page/state"),
                ("GET", "/../page/state"), ("GET", "//page/state"),
            ]
        ]  # fmt: skip
        assert {reply.status_code for reply in guessed} <= {403, 404}
        assert "make up" in guessed[0].text
        assert api.page_url.rsplit("/", 2)[1] not in "".join(reply.text + str(reply.headers) for reply in guessed)
        whole = await other.get(api.page_url)
        assert whole.status_code == 200
        assert "set-cookie" not in whole.headers  # a browser would send it to every port of this machine
        short = await other.get(api.page_url.rstrip("/"))
        assert (short.status_code, short.headers["Location"]) == (302, "/" + api.page_url.split("/", 3)[3])


async def test_each_start_has_another_secret_unless_one_is_given() -> None:
    seen = set()
    for _ in range(3):
        async with BotApi.open(token=TOKEN) as api:
            seen.add(api.page_url.rsplit("/", 2)[1])
    assert len(seen) == 3
    assert min(map(len, seen)) >= 20


# ---- half of a request, and too much of one

_HEADS = {
    "nothing": b"",
    "half a line": b"GET /bo",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "half a form": b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nX-OpenClaw-Page: 1\r\nAuthorization: Bearer key\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nchat_id=7&te",
    "half an upload": b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nX-OpenClaw-Page: 1\r\nAuthorization: Bearer key\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 999\r\n\r\n--b\r\n",
    "chunks without an end": b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nX-OpenClaw-Page: 1\r\nAuthorization: Bearer key\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
}


@pytest.mark.parametrize("sent", _HEADS.values(), ids=_HEADS)
async def test_half_a_request_does_not_keep_its_connection(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < guard.CONNECTION["keepalive_timeout"] <= 60
    assert 0 < guard.BODY_TIMEOUT_S <= 60
    monkeypatch.setattr(guard, "BODY_TIMEOUT_S", 0.3)
    monkeypatch.setitem(guard.CONNECTION, "keepalive_timeout", 0.3)
    monkeypatch.setitem(guard.CONNECTION, "lingering_time", 0.1)
    async with BotApi.open(token=TOKEN) as api, ScriptedModel.open(api_key="key") as model:
        chat = api.users.new_user(first_name="You", language_code="en").id
        page = api.page_url.removeprefix(api.url)
        paths = {
            api.url: [
                f"/bot{TOKEN}/sendMessage",
                f"{page}page/chats/{chat}/say",
                f"{page}page/chats/{chat}/upload",
            ],
            model.url: ["/openai/v1/chat/completions", "/openai/v1/audio/transcriptions"],
        }
        for url, targets in paths.items():
            for path in targets:
                reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
                writer.write(sent.replace(b"%b", path.encode()))
                try:
                    async with asyncio.timeout(9):
                        reply = await reader.read()
                finally:
                    writer.close()
                assert not reply or b" 408 " in reply.split(b"\r\n")[0], reply
        assert api.messages(chat) == []


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "application/json", "text/plain"])
async def test_a_body_without_an_end_is_refused_before_it_fills_the_memory(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_BODY_BYTES", 3_000_000)
    monkeypatch.setitem(guard.CONNECTION, "lingering_time", 0.1)

    async def endless() -> AsyncIterator[bytes]:
        if kind.startswith("multipart"):
            yield b'--b\r\nContent-Disposition: form-data; name="document"; filename="a"\r\n\r\n'
        while True:
            yield b"x" * 1_000_000

    async with BotApi.open(token=TOKEN) as api, httpx.AsyncClient(timeout=30) as client, asyncio.timeout(10):
        try:
            reply = await client.post(
                f"{api.url}/bot{TOKEN}/sendDocument", content=endless(), headers={"Content-Type": kind}
            )
        except httpx.TransportError:
            pass  # it was cut off while it still sent
        else:
            assert reply.status_code == 413
    assert [entry.outcome[:3] for entry in api.journal] == ["413"]


@pytest.mark.parametrize("path", ["/bot4242:wrong/sendDocument", "/page/chats/1/upload", "/nowhere"])
async def test_whoever_knows_no_secret_is_not_read_to_the_end(
    api: BotApi, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_reading(request: web.BaseRequest) -> bytes:
        raise AssertionError("the body was read")

    monkeypatch.setattr(web.BaseRequest, "read", no_reading)
    monkeypatch.setattr(web.BaseRequest, "post", no_reading)
    async with httpx.AsyncClient(base_url=api.url) as client:
        reply = await client.post(path, files={"file": b"x"}, headers={"X-OpenClaw-Page": "1"})

    assert reply.status_code in (401, 403, 404, 405)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
async def test_deep_json_is_a_bad_request(api: BotApi, opening: str) -> None:
    chat = api.users.new_user(first_name="You", language_code="en").id
    deep = opening * 100_000
    headers = {"Content-Type": "application/json", "X-OpenClaw-Page": "1"}
    async with httpx.AsyncClient(headers=headers) as client:
        replies = [
            await client.post(f"{api.url}/bot{TOKEN}/sendMessage", content=deep),
            await client.post(f"{api.url}/bot{TOKEN}/sendMessage", json={"chat_id": 7, "text": "x", "entities": deep}),
            await client.post(f"{api.page_url}page/chats/{chat}/say", content=deep),
        ]

    assert [reply.status_code for reply in replies] == [400] * 3
