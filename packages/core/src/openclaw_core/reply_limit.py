"""Limits the size of replies from foreign servers, by a hook of httpx that runs before the body is read."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

UNCOMPRESSED = {"accept-encoding": "identity"}
"""Headers of limited requests: a compressed body of a few bytes could grow beyond any limit."""


class ReplyTooLong(httpx.ReadError):
    """The reply is longer than its limit."""


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, left: int) -> None:
        self._stream, self._left = stream, left

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise ReplyTooLong("the reply is too long")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


_Limit = Callable[[httpx.Request], int]


def at_most(limit_of: _Limit, *, refusal: _Limit | None = None) -> Callable[[httpx.Response], Awaitable[None]]:
    """A hook for `event_hooks={"response": [...]}`. Reading more than `limit_of(request)` bytes raises ReplyTooLong.

    A compressed reply raises it at once. *refusal* is the limit of error replies, if it is another one.
    """

    async def bound(response: httpx.Response) -> None:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise ReplyTooLong("the reply is compressed, which was not asked for")
        limit = limit_of if refusal is None or response.is_success else refusal
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Bounded(response.stream, limit(response.request))

    return bound
