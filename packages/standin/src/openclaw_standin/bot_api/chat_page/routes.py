"""The chat page and its API, for a browser on this machine and for our own page only."""

import asyncio
import json
import math
import sqlite3
from importlib.resources import files
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from aiohttp import web

from openclaw_standin.bot_api.bot_methods import shown_commands
from openclaw_standin.bot_api.photos import image_type, photo_size
from openclaw_standin.bot_api.state import ApiObject, Chat, TelegramState
from openclaw_standin.bot_api.storage import is_full
from openclaw_standin.bot_api.users import Users
from openclaw_standin.guard import LOOPBACK, BadBody, Handler, host_of, last, read_body

_STATIC = files("openclaw_standin.bot_api.chat_page") / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
MAX_UPLOAD_BYTES = 20 * 1024 * 1024
MAX_TEXT = 4096
MAX_LISTED = 200
READ_TIMEOUT_S = 30.0
"""For a page to read one event."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_WHOLE_ADDRESS = """\
<!doctype html><html lang="en"><meta charset="utf-8"><title>OpenClaw</title>
<p>This chat opens at the whole address that <code>make up</code> prints, with the letters after the slash.</p>
<p lang="he" dir="rtl">הצ'אט נפתח בכתובת המלאה ש־<code dir="ltr">make up</code> מדפיס, עם האותיות שאחרי הלוכסן.</p>
"""


class PageRoutes:
    """`/<secret>/` serves the files, `/<secret>/page/…` the calls, `/<secret>/page/events` the changes.

    The secret is in the path, not in a cookie: a browser sends the cookies of a host to all its ports, and another user of this machine
    may listen on one.
    """

    def __init__(self, state: TelegramState, users: Users, *, notice: str, secret: str) -> None:
        self._state = state
        self._users = users
        self._notice = notice
        self._root = f"/{secret}"

    def add_to(self, app: web.Application) -> None:
        for name in ("", *(file.name for file in _STATIC.iterdir())):
            app.router.add_get(f"{self._root}/{name}", guarded(self.static))
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "state", self.state),
            ("GET", "events", self.events),
            ("POST", "chats", self.new_chat),
            ("GET", r"chats/{chat_id:-?\d+}", self.chat),
            ("POST", r"chats/{chat_id:-?\d+}/say", self.say),
            ("POST", r"chats/{chat_id:-?\d+}/press", self.press),
            ("POST", r"chats/{chat_id:-?\d+}/upload", self.upload),
            ("GET", "files/{file_id}", self.download),
            ("GET", "photos/{file_id}", self.photo),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, f"{self._root}/page/{path}", guarded(handler, data=True))
        app.router.add_get(self._root, guarded(self.add_slash))
        for path in ("/", "/page/{rest:.*}"):
            app.router.add_route("*", path, self.no_secret)

    # ---- the page itself

    async def static(self, request: web.Request) -> web.Response:
        name = request.path.removeprefix(f"{self._root}/") or "index.html"
        mime_type = _TYPES[PurePath(name).suffix]
        return web.Response(
            body=(_STATIC / name).read_bytes(), content_type=mime_type, charset="utf-8", headers=_HEADERS
        )

    async def add_slash(self, _request: web.Request) -> web.Response:
        """Redirect to the folder: the page names its files and calls relative to it."""
        raise web.HTTPFound(f"{self._root}/", headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

    async def no_secret(self, _request: web.Request) -> web.Response:
        return web.Response(status=403, text=_WHOLE_ADDRESS, content_type="text/html", headers=_HEADERS)

    # ---- reading

    async def state(self, request: web.Request) -> web.Response:
        language = request.query.get("language", "en")[:2]
        return _json(
            {
                "bot": self._state.bot,
                "notice": self._notice,
                "commands": shown_commands(self._state, language),
                "chats": [self._summary(chat) for chat in self._newest()],
            }
        )

    def _newest(self) -> list[Chat]:
        """The chats with the newest messages: after a load test there may be very many."""

        def active_at(chat: Chat) -> float:
            messages = self._state.messages(chat.id)
            return _shown_at(messages[-1]) if messages else math.inf

        return sorted(self._state.chats.values(), key=active_at, reverse=True)[:MAX_LISTED]

    def _summary(self, chat: Chat) -> ApiObject:
        messages = self._state.messages(chat.id)
        first = next((said for m in messages if (said := _title_from(m))), "")
        last = messages[-1] if messages else None
        return {
            "id": chat.id,
            "type": chat.type,
            "title": chat.title if chat.is_group else first[:80],
            "last": (last.get("text") or last.get("caption") or _kind_of(last))[:120] if last else "",
            "date": max((_shown_at(m) for m in messages[-5:]), default=0),
        }

    async def chat(self, request: web.Request) -> web.Response:
        chat = self._chat(request)
        reactions = {str(m): e for (c, m), e in self._state.reactions.items() if c == chat.id}
        return _json({"chat": self._summary(chat), "messages": self._state.messages(chat.id), "reactions": reactions})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events. After the first one, `hello`, no change is missed: what the page fetches then is complete."""
        response = web.StreamResponse(headers=_HEADERS | {"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with self._state.page_events.subscribe() as changes:
            await response.write(b'data: {"kind": "hello"}\n\n')
            async for change in changes:
                if change["kind"] in ("chat", "message"):
                    chat = self._state.chats.get(change["chat_id"])
                    change = change | {"chat": self._summary(chat) if chat else None}
                try:
                    async with asyncio.timeout(READ_TIMEOUT_S):
                        await response.write(f"data: {json.dumps(change)}\n\n".encode())
                except TimeoutError:
                    if request.transport is not None:
                        request.transport.abort()
                    break
        return response

    async def download(self, request: web.Request) -> web.Response:
        found = self._state.storage.stored_file(request.match_info["file_id"])
        if found is None:
            raise web.HTTPNotFound
        _, name, _, content = found
        # Saved, never shown: a file must not run in the origin of the page.
        headers = _HEADERS | {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
        return web.Response(body=content, content_type="application/octet-stream", headers=headers)

    async def photo(self, request: web.Request) -> web.Response:
        """A picture to be shown. Its type is what its bytes say, and no browser makes anything else of it."""
        found = self._state.storage.stored_file(request.match_info["file_id"])
        kind = image_type(found[3]) if found is not None else ""
        if found is None or not kind:
            raise web.HTTPNotFound
        return web.Response(body=found[3], content_type=kind, headers=_HEADERS)

    # ---- writing

    async def new_chat(self, request: web.Request) -> web.Response:
        body = await _body(request)
        language = str(body.get("language", "en"))[:2]
        chat = self._users.new_user(first_name="You", language_code=language if language.isalpha() else "en")
        return _json(self._summary(chat))

    async def say(self, request: web.Request) -> web.Response:
        chat, body = self._chat(request), await _body(request)
        text = str(body.get("text", "")).strip()
        if not text:
            raise web.HTTPBadRequest(text="nothing to send")
        reply_to = body.get("reply_to")
        # Telegram's apps split a longer text in the same way.
        size = MAX_TEXT // 2 if any(ord(char) > 0xFFFF for char in text) else MAX_TEXT
        for start in range(0, len(text), size):
            self._users.write(
                chat.id,
                text[start : start + size],
                user_id=self._sender(chat),
                reply_to=reply_to if isinstance(reply_to, int) and not start else None,
            )
        return _json({})

    async def press(self, request: web.Request) -> web.Response:
        chat, body = self._chat(request), await _body(request)
        try:
            self._users.press(chat.id, int(body["message_id"]), str(body["data"]), user_id=self._sender(chat))
        except (ValueError, KeyError):
            raise web.HTTPConflict(text="this button is gone") from None
        return _json({})

    async def upload(self, request: web.Request) -> web.Response:
        chat, form = self._chat(request), await request.post()
        caption = form.get("caption", "")
        for part in form.getall("file", []):
            if not isinstance(part, web.FileField):
                continue
            content = part.file.read()
            if len(content) > MAX_UPLOAD_BYTES:
                raise web.HTTPRequestEntityTooLarge(MAX_UPLOAD_BYTES, len(content))
            size = photo_size(content)  # a picture is sent as a photo, as Telegram's apps do
            self._users.upload(
                chat.id,
                part.filename or "file",
                content,
                kind="document" if size is None else "photo",
                size=size,
                mime_type=part.content_type,
                caption=caption[:1024] if isinstance(caption, str) else "",
                user_id=self._sender(chat),
            )
        return _json({})

    # ---- parts

    def _chat(self, request: web.Request) -> Chat:
        chat = self._state.chats.get(int(request.match_info["chat_id"]))
        if chat is None:
            raise web.HTTPNotFound
        return chat

    def _sender(self, chat: Chat) -> int:
        """The user who writes from the page: the chat's own, or in a group the first one."""
        if not chat.is_group:
            return chat.id
        return (
            next((c.id for c in self._state.chats.values() if not c.is_group), 0)
            or self._users.new_user(first_name="You", language_code="en").id
        )


def guarded(handler: Handler, *, data: bool = False) -> Handler:
    """Wrap *handler* to serve only our page in a browser on this machine: no other site, and no name that was rebound to this machine.

    A link on another site may open the page itself, but not its *data*.
    """

    async def checked(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if request.remote not in ("127.0.0.1", "::1") or host_of(request) not in LOOPBACK:
            raise web.HTTPForbidden(text="the chat page answers on this machine only: open it as http://127.0.0.1")
        if origin is not None and origin != f"http://{request.host}":
            raise web.HTTPForbidden(text="this page may be used from its own address only")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            is_visit = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
            if not is_visit or data:
                raise web.HTTPForbidden(text="this page may be used from its own address only")
        if request.method == "POST" and "X-OpenClaw-Page" not in request.headers:
            raise web.HTTPForbidden(text="this page may be used from its own address only")
        try:
            await read_body(request)
        except BadBody as bad:
            return last(web.Response(status=bad.status, text=bad.why))
        try:
            return await handler(request)
        except sqlite3.OperationalError as exc:
            if not is_full(exc):
                raise
            raise web.HTTPInsufficientStorage(text="the disk is full: nothing was sent") from None

    return checked


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="a JSON object is expected")
    return body


def _json(body: Any) -> web.Response:
    return web.json_response(body, headers=_HEADERS)


def _shown_at(message: ApiObject) -> int:
    return int(message.get("edit_date") or message.get("date") or 0)


def _title_from(message: ApiObject) -> str:
    """A title for a chat: the words of a user, or the name of a file that they sent."""
    if message.get("from", {}).get("is_bot"):
        return ""
    text = str(message.get("text") or message.get("caption") or "")
    if text and not text.startswith("/"):
        return text
    file = message.get("document")
    return str(file.get("file_name", "")) if isinstance(file, dict) else ""


def _kind_of(message: ApiObject) -> str:
    kinds = ("document", "voice", "audio", "photo", "video", "sticker")
    return next((f"[{kind}]" for kind in kinds if kind in message), "")
