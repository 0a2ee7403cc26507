"""Access to a stand-in: checks the host name, refuses web pages of others, and limits time and size of each request.

A stand-in runs on a machine with other users and other web pages. A web page cannot leave out `Origin` and `Sec-Fetch-*`, and a name that
was rebound to this machine is in `Host`. Other users are stopped by the routes: they ask for the bot's token, the model's key, or the
secret in the address of the chat page.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
BODY_TIMEOUT_S = 60.0
"""For the body of a request, which comes from this machine or from a pod on it."""
IDLE_TIMEOUT_S = 30.0
"""For the head of the next request on a connection. Our clients close an idle connection after 5 to 15 s."""
LINGER_S = 2.0
"""For reading the rest of a refused request: its sender reads the reply only after that."""
CONNECTION: dict[str, Any] = {
    "access_log": None,
    "keepalive_timeout": IDLE_TIMEOUT_S,
    "lingering_time": LINGER_S,
}
"""Arguments of the `web.AppRunner` of a stand-in."""
SHUTDOWN_S = 0.2
"""For open calls at the end. Long polls and page streams never end by themselves."""


class BadBody(Exception):
    """The body of a request is too long, too slow, or does not match its headers."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve *app* until the block ends, and give its address. Raises OSError if *port* is taken; 0 takes a free one."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S, **CONNECTION)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


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

    aiohttp limits the size (`client_max_size`) but not the time: half a request would keep its connection open for ever.
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
    except ValueError:  # a malformed form
        raise BadBody(400, "Bad Request: the body is not what its headers say") from None


@web.middleware
async def whole_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware that reads the body before the handler runs."""
    try:
        await read_body(request)
    except BadBody as bad:
        return last(refusal(bad.why, status=bad.status))
    return await handler(request)


@web.middleware
async def no_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware that refuses all web pages, for a server that has routes for programs only."""
    return refusal("not for browsers") if from_browser(request) else await handler(request)


def for_programs(handler: Handler) -> Handler:
    """*handler*, which refuses all web pages: for one route of a server that has a page too."""

    async def checked(request: web.Request) -> web.StreamResponse:
        return refusal("not for browsers") if from_browser(request) else await handler(request)

    return checked


def from_browser(request: web.Request) -> bool:
    return "Origin" in request.headers or any(name.lower().startswith("sec-fetch-") for name in request.headers)


def host_of(request: web.Request) -> str | None:
    """The host name or address in the request, in lower case; None if it is malformed."""
    try:
        return urlsplit(f"//{request.host}").hostname
    except ValueError:
        return None


def refusal(why: str, *, status: int = 403) -> web.Response:
    """An error reply in the format of the Bot API. Clients of the model read the status only."""
    return web.json_response({"ok": False, "error_code": status, "description": why, "error": why}, status=status)


def last(response: web.Response) -> web.Response:
    """Close the connection after *response*, without waiting for the rest of the request."""
    response.force_close()
    return response
