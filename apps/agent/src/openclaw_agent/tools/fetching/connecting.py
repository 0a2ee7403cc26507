"""Connections to strangers: the host is resolved once, each address is looked at, and exactly one of those is connected to.

httpcore opens its TCP connections by a backend that can be given to it. So the check and the connection are one step,
in one place: no second resolution comes between them (DNS rebinding), and TLS still proves the name of the host.
aiohttp's resolver only feeds a connector that decides by itself what it resolves (an IP address as the host goes past
it), and httpx takes no backend; besides, an agent has no aiohttp.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore

from openclaw_agent.tools.fetching.faults import FetchCause, NotFetched
from openclaw_agent.tools.fetching.networks import is_public

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A host and a port become IP addresses. Raises OSError."""
TRIES = 3
"""Addresses of one host that are tried."""
_CONNECT_S = 4.0
"""For one of them, within the time of the whole."""


async def system_addresses(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says, in its order.

    In a thread of our own: a slow name server would hold one of the event loop's few, which Redis and the model's server need, and the
    process could not end before it answered.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[str]] = loop.create_future()

    def finish(addresses: Sequence[str] | None) -> None:
        if found.done():
            return
        if addresses is None:
            found.set_exception(OSError("not resolved"))
        else:
            found.set_result(addresses)

    def resolve() -> None:
        try:
            # The dot: the name as it is, not with the search domains of a cluster behind it.
            rows = socket.getaddrinfo(f"{host}.", port, type=socket.SOCK_STREAM)
            addresses: Sequence[str] | None = [str(row[4][0]) for row in rows]
        except (OSError, UnicodeError):
            addresses = None
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(finish, addresses)

    threading.Thread(target=resolve, name="resolve", daemon=True).start()
    return await found


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only. *allow* is another judge only in tests."""

    def __init__(self, *, resolve: Resolve = system_addresses, allow: Callable[[str], bool] = is_public) -> None:
        self._resolve = resolve
        self._allow = allow
        self._tcp = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises NotFetched, and what httpcore raises if no address answers."""
        last: Exception | None = None
        for address in (await self._addresses(host, port))[:TRIES]:
            try:
                return await self._tcp.connect_tcp(address, port, timeout=_CONNECT_S, socket_options=socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                last = exc
        raise last or NotFetched(FetchCause.NO_SUCH_HOST)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise NotFetched(FetchCause.NOT_PUBLIC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Those of *host*, all of them public. Raises NotFetched.

        One that is not public speaks against them all: an honest host has no such mixture.
        """
        if ":" in host or host.replace(".", "").isdigit():
            addresses: Sequence[str] = [host]
        else:
            try:
                addresses = list(dict.fromkeys(await self._resolve(host, port)))
            except OSError:
                raise NotFetched(FetchCause.NO_SUCH_HOST) from None
        if not addresses:
            raise NotFetched(FetchCause.NO_SUCH_HOST)
        if not all(map(self._allow, addresses)):
            raise NotFetched(FetchCause.NOT_PUBLIC)
        return addresses
