"""Sends one request to the Bot API, limited in time and bytes. Its errors tell whether the request may have been sent.

python-telegram-bot's own request class raises the same NetworkError for a refused connection and for a lost reply. It drops the HTTP
status of a refusal and the case of its description, and it fails on replies of another shape.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from typing import Any, TypeVar

import httpx
from telegram.error import ChatMigrated, NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

from openclaw_core import reply_limit, tls
from openclaw_core.records import parsed, whole

CONNECTIONS = 64
CONNECT_TIMEOUT_S = 3.0
REPLY_MAX_BYTES = 4_000_000
FILE_MAX_BYTES = 20_000_000
"""The Bot API's limit of downloads."""

_BEFORE_SENDING = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.InvalidURL,
)  # fmt: skip
"""Errors of httpx that prove that no byte was sent."""
_KEPT = ("message_id", "date", "chat")
_FAULTS = (httpx.HTTPError, httpx.InvalidURL, TimeoutError)

T = TypeVar("T")


class NotSent(NetworkError):
    """No byte was sent, or the server did not read the request: it may be repeated."""


class MaybeSent(NetworkError):
    """The request may have been sent and carried out; no usable reply came."""


class OversizedReply(MaybeSent):
    """The reply is longer than its limit."""


class Refused(TelegramError):
    """The Bot API refused the call: *status* and *description* of its reply, and the *retry_after* of its parameters.

    The text of the exception is only the status: a description may hold the user's words.
    """

    def __init__(self, status: int, description: str = "", retry_after: object = None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.description = description
        self.retry_after = retry_after


def reply_error(status: int, payload: bytes) -> TelegramError:
    """What a reply with a status from 300 on says: ChatMigrated, NotSent, MaybeSent or Refused. Pure."""
    answer = _object(payload)
    parameters = answer.get("parameters")
    if not isinstance(parameters, dict):
        parameters = {}
    if moved_to := whole(parameters.get("migrate_to_chat_id")):
        return ChatMigrated(moved_to)
    if status == httpx.codes.MISDIRECTED_REQUEST:
        return NotSent(f"HTTP {status}")
    if status >= 500:
        return MaybeSent(f"HTTP {status}")
    return Refused(status, str(answer.get("description") or ""), parameters.get("retry_after"))


def _object(payload: bytes) -> dict[str, Any]:
    """The JSON object of a reply; empty for anything else, such as a proxy's error page."""
    try:
        answer = parsed(payload)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _shortened(result: Any) -> Any:
    """A message with the fields that `telegram.Message` requires; any other result as it is.

    We read only the id. Objects for entities and buttons would take a sixth of the call's CPU, and a field that the library cannot
    read would turn a sent message into one of unknown fate.
    """
    if not isinstance(result, dict) or "message_id" not in result:
        return result
    return {"date": 0, "chat": {"id": 0, "type": ""}, **{name: result[name] for name in _KEPT if name in result}}


def _request_error(exc: Exception) -> NotSent | MaybeSent:
    """Our error for one of httpx. It holds only the name of *exc*: its text may be the URL with the token."""
    if isinstance(exc, _BEFORE_SENDING):
        return NotSent(type(exc).__name__)
    if isinstance(exc, reply_limit.ReplyTooLong):
        return OversizedReply("a reply without end")
    if isinstance(exc, TimeoutError):
        return MaybeSent("no answer in time")
    return MaybeSent(type(exc).__name__)


class TelegramRequest(BaseRequest):
    """The request class of `telegram.Bot`. It connects at the first request and retries none; *timeout_s* limits each one."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        connect_s = min(CONNECT_TIMEOUT_S, timeout_s / 2)
        self._client = httpx.AsyncClient(
            headers={"user-agent": "openclaw", **reply_limit.UNCOMPRESSED},
            event_hooks={"response": [reply_limit.at_most(_limit)]},
            timeout=httpx.Timeout(timeout_s, connect=connect_s, pool=connect_s),
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            verify=tls.context(),
        )

    @property
    def read_timeout(self) -> float:
        return self._timeout_s

    async def initialize(self) -> None:
        """Nothing to do: the client connects by itself."""

    async def shutdown(self) -> None:
        await self._client.aclose()

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        """Send one request and return status and body of the reply, if the request was accepted.

        Time-outs that the caller gives are ignored: `timeout_s` bounds the whole call. Raises NotSent, MaybeSent, Refused, ChatMigrated.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._client.request(
                    method,
                    url,
                    data=request_data.json_parameters if request_data else None,
                    files=(request_data.multipart_data or None) if request_data else None,
                )
        except _FAULTS as exc:
            fault: TelegramError = _request_error(exc)
        except UnicodeError:
            fault = Refused(400, "the text is no UTF-8")  # as the Bot API would say to half a surrogate pair
        else:
            if reply.status_code < 300:
                return reply.status_code, reply.content
            fault = reply_error(reply.status_code, reply.content)
        # Raised here, not in the handler: the exception there may hold the URL with the token, or the user's words.
        raise fault

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The reply to an accepted request, messages shortened. Raises MaybeSent for anything but the Bot API's object.

        The library would log a reply that it cannot read, with all that is in it.
        """
        answer = _object(payload)
        if "result" not in answer:
            raise MaybeSent("an answer that is not the Bot API's")
        return {"result": _shortened(answer["result"])}

    async def stream(self, url: str, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """Yield the content of *url* piece by piece, at most *max_bytes* bytes in all.

        It waits `timeout_s` in all, without the time that the reader takes between pieces. It holds a connection until it is closed: a
        reader that may stop early uses `contextlib.aclosing`. Raises OversizedReply for a longer content, else as `do_request`.
        """
        clock = asyncio.get_running_loop().time
        left_s, left_bytes = self._timeout_s, max_bytes

        async def in_time(call: Awaitable[T]) -> T:
            nonlocal left_s
            began = clock()
            async with asyncio.timeout(left_s):
                result = await call
            left_s -= clock() - began
            return result

        try:
            response = await in_time(self._client.send(self._client.build_request("GET", url), stream=True))
            try:
                if response.status_code >= 300:
                    raise reply_error(response.status_code, await in_time(response.aread()))
                pieces = response.aiter_raw()
                while (piece := await in_time(anext(pieces, None))) is not None:
                    left_bytes -= len(piece)
                    if left_bytes < 0:
                        raise OversizedReply(f"more than {max_bytes} bytes")
                    yield piece
                return
            finally:
                await response.aclose()
        except _FAULTS as exc:
            fault = _request_error(exc)
        raise fault  # as in `do_request`


def _limit(request: httpx.Request) -> int:
    return FILE_MAX_BYTES if request.method == "GET" else REPLY_MAX_BYTES
