"""What other web pages in the user's browser can do to a local run: nothing, even if they knew its token, its secret and its ports."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser

from openclaw_cli.up.local_redis import local_redis
from openclaw_core.store import RedisSettings, open_script
from openclaw_standin.bot_api import BotApi
from openclaw_standin.model import ScriptedModel
from tests.standin.chat_browser import IN_A_BROWSER, browser
from tests.standin.conftest import TOKEN

pytestmark = IN_A_BROWSER

ELSEWHERE, REBOUND = "elsewhere.example", "rebound.example"
"""Names that lead to this machine, as an attacker's own do."""
TRY = """async ({urls, bodies, sockets}) => {
  const read = [];
  const note = (how, url, said) => read.push(`${how} ${url}: ${String(said).slice(0, 200)}`);
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  for (const url of urls) {
    for (const mode of ["cors", "no-cors"]) {
      for (const body of [undefined, ...bodies]) {
        const call = { mode, method: body === undefined ? "GET" : "POST", credentials: "include", body };
        try {
          const reply = await fetch(url, { ...call, signal: AbortSignal.timeout(2000) });
          const text = await reply.text();
          if (reply.ok && text) note("fetch", url, text);
        } catch {}
      }
    }
    try {
      const reply = await fetch(url, { method: "POST", headers: { "X-OpenClaw-Page": "1", "Content-Type": "application/json" },
                                       body: '{"text": "planted", "chat_id": 7}', signal: AbortSignal.timeout(2000) });
      if (reply.ok) note("preflight", url, await reply.text());
    } catch {}
    for (const tag of ["img", "script", "iframe", "link", "object"]) {
      const node = document.createElement(tag);
      node.rel = "stylesheet";
      node.onload = () => tag !== "iframe" && tag !== "object" && note(tag, url, "loaded");
      node[tag === "link" ? "href" : tag === "object" ? "data" : "src"] = url;
      document.body.append(node);
    }
    for (const [enctype, name, value] of [["text/plain", '{"chat_id": 7, "text": "planted', '"}'], ["application/x-www-form-urlencoded", "text", "planted"],
                                          ["multipart/form-data", "text", "planted"]]) {
      const frame = document.createElement("iframe");
      frame.name = `f${Math.random()}`;
      const form = document.createElement("form");
      Object.assign(form, { method: "POST", action: url, enctype, target: frame.name });
      const field = document.createElement("input");
      Object.assign(field, { name, value });
      form.append(field);
      document.body.append(frame, form);
      form.submit();
    }
    navigator.sendBeacon(url, new Blob(['{"text": "planted", "chat_id": 7}'], { type: "text/plain" }));
    const source = new EventSource(url);
    source.onmessage = (event) => note("events", url, event.data);
  }
  for (const url of sockets) {
    const socket = new WebSocket(url);
    socket.onopen = () => { note("socket", url, "open"); socket.send("SET planted 1\\r\\n"); };
    socket.onmessage = (event) => note("socket", url, event.data);
  }
  await pause(1500);
  return read;
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacker() -> AsyncIterator[Browser]:
    async with browser(f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1,MAP {REBOUND} 127.0.0.1") as opened:
        yield opened


@asynccontextmanager
async def site() -> AsyncIterator[int]:
    """The port of a web server of somebody else's on this machine."""

    async def empty(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><body></body>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", empty)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def attempt(attacker: Browser, origin: str, **targets: Any) -> list[str]:
    """What a page of *origin* got to read of *targets*."""
    context = await attacker.new_context()
    try:
        page = await context.new_page()
        await page.goto(origin)
        read: list[str] = await page.evaluate(TRY, targets)
        return read
    finally:
        await context.close()


def everything(api: BotApi, chat: int, host: str) -> list[str]:
    """All that would help an attacker, at *host*'s name, with the token and the secret in it."""
    bot = f"{api.url}/bot{TOKEN}"
    urls = [
        f"{bot}/getUpdates?offset=-1&timeout=0",
        f"{bot}/deleteWebhook?drop_pending_updates=true",
        f"{bot}/sendMessage?chat_id={chat}&text=planted",
        f"{api.page_url}page/state",
        f"{api.page_url}page/events",
        f"{api.page_url}page/chats/{chat}",
        f"{api.page_url}page/chats/{chat}/say",
        f"{api.page_url}app.js",
    ]
    return [url.replace("//127.0.0.1:", f"//{host}:") for url in urls]


BODIES = ["chat_id=7&text=planted", '{"chat_id": 7, "text": "planted"}']


async def test_pages_of_other_sites_and_ports_neither_read_nor_write_the_chat(attacker: Browser) -> None:
    async with BotApi.open(token=TOKEN, flood=False) as api, site() as port:
        chat = api.users.new_user(first_name="You", language_code="en").id
        api.users.write(chat, "private words")
        for origin in (f"http://127.0.0.1:{port}", f"http://localhost:{port}", f"http://{ELSEWHERE}:{port}"):
            for host in ("127.0.0.1", "localhost"):
                urls = everything(api, chat, host)
                sockets = [url.replace("http:", "ws:") for url in urls]
                assert await attempt(attacker, origin, urls=urls, bodies=BODIES, sockets=sockets) == []

        assert [m.get("text") for m in api.messages(chat)] == ["private words"]
        assert set(api.state.chats) == {chat}
        assert api.state.updates.pending == 1
        assert [entry.outcome for entry in api.journal] == []


async def test_a_name_that_was_rebound_to_this_machine_reads_and_writes_nothing(attacker: Browser) -> None:
    async with BotApi.open(token=TOKEN, flood=False) as api:
        chat = api.users.new_user(first_name="You", language_code="en").id
        api.users.write(chat, "private words")
        urls = everything(api, chat, REBOUND)  # to the browser, all of them are of the page's own origin
        origin = f"http://{REBOUND}:{api.url.rpartition(':')[2]}/"

        assert await attempt(attacker, origin, urls=urls, bodies=BODIES, sockets=[]) == []

        assert [m.get("text") for m in api.messages(chat)] == ["private words"]
        assert api.state.updates.pending == 1


async def test_the_model_and_the_store_answer_no_page(attacker: Browser, tmp_path: Path) -> None:
    smuggled = ["SET planted 1\r\nGET private\r\nQUIT\r\n", "*3\r\n$3\r\nSET\r\n$7\r\nplanted\r\n$1\r\n1\r\n"]
    asked = json.dumps({"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "x"}]})
    async with (
        ScriptedModel.open(api_key="key") as model,
        local_redis(tmp_path / "redis") as url,
        open_script(RedisSettings(url=url), bot_id=1) as script,
        site() as port,
    ):
        await script.read("SET", "private", "words")
        store = f"http://127.0.0.1:{url.rpartition(':')[2]}/"
        urls = [f"{model.url}/openai/v1/chat/completions", f"{model.url}/openai/v1/models", store]
        for host in ("127.0.0.1", ELSEWHERE):
            read = await attempt(
                attacker,
                f"http://{host}:{port}",
                urls=urls,
                bodies=[asked, *smuggled],
                sockets=[store.replace("http", "ws")],
            )
            assert read == []

        assert model.calls == []
        assert await script.read("KEYS", "*") == ["private"]
