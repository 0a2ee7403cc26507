"""Fetch what an address holds, within limits. One request is one connection, which is closed behind it."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import httpcore

from openclaw_agent.tools.fetching import contents
from openclaw_agent.tools.fetching.addresses import PORTS, Address, parse_address, redirect_target
from openclaw_agent.tools.fetching.connecting import PublicOnly
from openclaw_agent.tools.fetching.contents import ContentKind
from openclaw_agent.tools.fetching.faults import FetchCause, NotFetched
from openclaw_agent.tools.fetching.unpacking import ASKED_FOR, Unpacked
from openclaw_core import tls

TOTAL_S = 10.0
"""From the first name to the last byte, redirects and all."""
MAX_BYTES = 5_000_000
DOCUMENT_MAX_BYTES = 20_000_000
"""As of a document that comes with a message."""
"""Unpacked; what comes over the wire may not be more either."""
REDIRECTS_MAX = 3
USER_AGENT = "OpenClaw/0.1 (a chat bot that opens a page because a person asked)"
_ACCEPT = (
    "text/html, text/plain, text/markdown, application/json, application/xml;q=0.9, application/pdf;q=0.9, */*;q=0.1"
)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSALS = {
    401: FetchCause.FORBIDDEN, 402: FetchCause.FORBIDDEN, 403: FetchCause.FORBIDDEN, 404: FetchCause.GONE,
    407: FetchCause.FORBIDDEN, 410: FetchCause.GONE, 429: FetchCause.BUSY,
    451: FetchCause.FORBIDDEN, 503: FetchCause.BUSY,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What an address held. *body* is a stranger's: nothing here has looked into it beyond its first bytes."""

    address: Address
    """After redirects."""
    kind: ContentKind
    charset: str
    """As the server names it; empty if it does not."""
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Fetches public addresses. The defaults are production's; only tests give others."""

    network: httpcore.AsyncNetworkBackend = field(default_factory=PublicOnly)
    ports: frozenset[int] = frozenset(PORTS.values())
    trust: Callable[[], ssl.SSLContext] = tls.context
    total_s: float = TOTAL_S
    max_bytes: int = MAX_BYTES
    document_max_bytes: int = DOCUMENT_MAX_BYTES

    async def fetch(self, url: str) -> Fetched:
        """What *url* holds. Raises NotFetched."""
        logging.getLogger("httpcore").setLevel(
            logging.WARNING
        )  # below that it writes addresses, which are a person's words
        address = parse_address(url, ports=self.ports)
        try:
            async with asyncio.timeout(self.total_s):
                for _ in range(REDIRECTS_MAX + 1):
                    got = await self._hop(address)
                    if isinstance(got, Fetched):
                        return got
                    address = redirect_target(address, got, ports=self.ports)
        except TimeoutError:
            raise NotFetched(FetchCause.TIME) from None
        raise NotFetched(FetchCause.REDIRECTS)

    async def _hop(self, address: Address) -> Fetched | str:
        """What *address* holds, or the address that it leads on to, as the server wrote it."""
        headers = [
            ("Host", address.authority),
            ("User-Agent", USER_AGENT),
            ("Accept", _ACCEPT),
            ("Accept-Encoding", ASKED_FOR),
            ("Connection", "close"),
        ]
        url = httpcore.URL(
            scheme=address.scheme, host=address.host.encode(), port=address.port, target=address.target.encode()
        )
        try:
            async with (
                httpcore.AsyncConnectionPool(
                    ssl_context=self.trust(),
                    network_backend=self.network,
                    max_connections=1,
                    max_keepalive_connections=0,
                ) as pool,
                pool.stream("GET", url, headers=headers) as reply,
            ):
                return await self._read(address, reply)
        except (httpcore.TimeoutException, TimeoutError):
            raise NotFetched(FetchCause.TIME) from None
        except httpcore.ConnectError as exc:
            raise NotFetched(FetchCause.CERTIFICATE if _is_about_tls(exc) else FetchCause.NO_CONNECTION) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            raise NotFetched(FetchCause.BROKEN) from None

    async def _read(self, address: Address, reply: httpcore.Response) -> Fetched | str:
        status = reply.status
        if status in _REDIRECTS:
            location = _header(reply, b"location")
            if not location:
                raise NotFetched(FetchCause.BROKEN)
            return location
        if status not in (200, 203):
            raise NotFetched(_REFUSALS.get(status, FetchCause.SERVER if status >= 500 else FetchCause.GONE))
        content_type = _header(reply, b"content-type")
        kind = contents.kind_of(content_type)
        max_bytes = self.document_max_bytes if kind in contents.DOCUMENTS else self.max_bytes
        length = _header(reply, b"content-length")
        if length.isdecimal() and int(length[:20]) > max_bytes:
            raise NotFetched(FetchCause.SIZE)
        unpacked = Unpacked(_header(reply, b"content-encoding"), max_bytes=max_bytes)
        async for piece in reply.aiter_stream():
            unpacked.feed(piece)
        body = unpacked.done()
        contents.check(kind, body)
        return Fetched(address=address, kind=kind, charset=contents.charset_of(content_type), body=body)


def _header(reply: httpcore.Response, name: bytes) -> str:
    """The first header of that name; empty if there is none."""
    found = next((value for key, value in reply.headers if key.lower() == name), b"")
    return found.decode("utf-8", "replace").strip()


def _is_about_tls(exc: BaseException | None) -> bool:
    while exc is not None:
        if isinstance(exc, ssl.SSLError):
            return True
        exc = exc.__cause__ or exc.__context__
    return False
