"""Who may speak with a stand-in: programs that know its name, each within bounded time and size; a web page only where it is our own.

A stand-in listens on a machine where other people and other web pages are. A page cannot leave out `Origin` and `Sec-Fetch-*`, and
a name that was rebound to this machine stands in `Host`. Other users of the machine are stopped by what each route asks for: the bot's
token, the model's key, the secret in the chat page's address.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
BODY_TIMEOUT_S = 60.0
"""How long the body of a request may take. It comes over the loopback, or from a pod beside us."""
IDLE_TIMEOUT_S = 30.0
"""How long a connection may wait for the whole head of its next request. Clients here let go of an idle one after 5 to 15 s."""
LINGER_S = 2.0
"""How long the rest of a refused request is read and thrown away, so that its sender gets to see why."""
CONNECTION: dict[str, Any] = {
    "access_log": None,
    "keepalive_timeout": IDLE_TIMEOUT_S,
    "lingering_time": LINGER_S,
}
"""Arguments of every `web.AppRunner` of a stand-in."""
ALLOW_HOST_HELP = (
    "a name or address, beside the loopback's, by which clients may call (may be repeated); others are refused"
)


class BadBody(Exception):
    """The body of a request is too long, too slow, or not what its headers say."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def known_hosts(hosts: Collection[str] = ()) -> Any:
    """Middleware that refuses every request whose `Host` is neither the loopback nor in *hosts*."""
    names = LOOPBACK | {name.lower() for name in hosts}

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        if host_of(request) not in names:
            return refusal("this server is not known by that name")
        return await handler(request)

    return checked


async def read_body(request: web.Request) -> None:
    """Read the body into *request*, which keeps it for `read` and `post`. Raises BadBody.

    aiohttp bounds its size (`client_max_size`) and not its time: half a request would keep its connection for ever.
    """
    if not request.can_read_body:
        return
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            if request.content_type == "multipart/form-data" and request.method in request.POST_METHODS:
                await request.post()
            else:
                await request.read()
    except TimeoutError:
        raise BadBody(408, "the request's body did not come") from None
    except web.HTTPRequestEntityTooLarge:
        raise BadBody(413, "Request Entity Too Large") from None
    except ValueError:  # a form that is none
        raise BadBody(400, "Bad Request: the body is not what its headers say") from None


@web.middleware
async def whole_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware that has the body read before the handler begins."""
    try:
        await read_body(request)
    except BadBody as bad:
        return last(refusal(bad.why, status=bad.status))
    return await handler(request)


@web.middleware
async def no_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware that refuses web pages: none, not even our own, has any business with a server for programs."""
    return refusal("not for browsers") if from_browser(request) else await handler(request)


def for_programs(handler: Handler) -> Handler:
    """The same for one route, beside others that are for people."""

    async def checked(request: web.Request) -> web.StreamResponse:
        return refusal("not for browsers") if from_browser(request) else await handler(request)

    return checked


def from_browser(request: web.Request) -> bool:
    return "Origin" in request.headers or any(name.lower().startswith("sec-fetch-") for name in request.headers)


def host_of(request: web.Request) -> str | None:
    """The name or address under which the client looks for us, in small letters; None if it is none."""
    try:
        return urlsplit(f"//{request.host}").hostname
    except ValueError:
        return None


def refusal(why: str, *, status: int = 403) -> web.Response:
    """An error in the Bot API's form; the model's clients go by the status alone."""
    return web.json_response({"ok": False, "error_code": status, "description": why, "error": why}, status=status)


def last(response: web.Response) -> web.Response:
    """After *response* the connection ends: what may still come of the request is not waited for."""
    response.force_close()
    return response
