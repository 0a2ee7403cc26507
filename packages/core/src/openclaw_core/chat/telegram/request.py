"""One request to the Bot API, bounded in time and bytes. A fault says whether any of the request may have left.

python-telegram-bot's own request class does not tell that: a refused connection and a lost reply are one NetworkError. Of a refusal it
forgets the HTTP status and the case of the description, and it stumbles over a reply of another shape. So replies are judged here.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from typing import Any, TypeVar

import httpx
from telegram.error import ChatMigrated, NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

from openclaw_core import bounded, tls
from openclaw_core.records import parsed, whole

CONNECTIONS = 64
CONNECT_TIMEOUT_S = 3.0
REPLY_MAX_BYTES = 4_000_000
FILE_MAX_BYTES = 20_000_000
"""What the Bot API gives to a bot."""

_BEFORE_SENDING = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.InvalidURL,
)  # fmt: skip
"""Faults of httpx after which no byte of the request has left."""
_KEPT = ("message_id", "date", "chat")
_FAULTS = (httpx.HTTPError, httpx.InvalidURL, TimeoutError)

T = TypeVar("T")


class NotSent(NetworkError):
    """No byte of the request has left, or the server says that it did not look at it: it may be repeated."""


class Unknown(NetworkError):
    """The request may have left, and no usable reply came: it may have been carried out."""


class TooLong(Unknown):
    """More came than was asked for."""


class Refused(TelegramError):
    """The Bot API did not do it: the *status* and *description* of its reply as they came, and the *retry_after* of its parameters.

    The text of the exception is the status alone: a description may hold the user's words.
    """

    def __init__(self, status: int, description: str = "", retry_after: object = None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.description = description
        self.retry_after = retry_after


def refusal(status: int, payload: bytes) -> TelegramError:
    """What a reply with a status from 300 on says: ChatMigrated, NotSent, Unknown or Refused. Pure."""
    answer = _object(payload)
    parameters = answer.get("parameters")
    if not isinstance(parameters, dict):
        parameters = {}
    if moved_to := whole(parameters.get("migrate_to_chat_id")):
        return ChatMigrated(moved_to)
    if status == httpx.codes.MISDIRECTED_REQUEST:
        return NotSent(f"HTTP {status}")
    if status >= 500:
        return Unknown(f"HTTP {status}")
    return Refused(status, str(answer.get("description") or ""), parameters.get("retry_after"))


def _object(payload: bytes) -> dict[str, Any]:
    """The JSON object that the Bot API always answers with; empty for anything else, such as a proxy's error page."""
    try:
        answer = parsed(payload)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _shortened(result: Any) -> Any:
    """A message with the fields that `telegram.Message` requires; any other result as it is.

    We read the id alone. Objects for the rest (entities, buttons) would take a sixth of the call's CPU, and a field that the library
    cannot read would turn a message that was sent into one of unknown fate.
    """
    if not isinstance(result, dict) or "message_id" not in result:
        return result
    return {"date": 0, "chat": {"id": 0, "type": ""}, **{name: result[name] for name in _KEPT if name in result}}


def _fate(exc: Exception) -> NotSent | Unknown:
    """What a fault of a request means. It holds the name of *exc* alone: its text may be the URL with the token."""
    if isinstance(exc, _BEFORE_SENDING):
        return NotSent(type(exc).__name__)
    if isinstance(exc, bounded.TooLong):
        return TooLong("a reply without end")
    if isinstance(exc, TimeoutError):
        return Unknown("no answer in time")
    return Unknown(type(exc).__name__)


class TelegramRequest(BaseRequest):
    """What `telegram.Bot` sends its requests by. Connects at the first one, repeats none; *timeout_s* bounds each as a whole."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        connect_s = min(CONNECT_TIMEOUT_S, timeout_s / 2)
        self._client = httpx.AsyncClient(
            headers={"user-agent": "openclaw", **bounded.PLAIN},
            event_hooks={"response": [bounded.at_most(_limit)]},
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

        Time-outs that the caller gives are ignored: `timeout_s` bounds the whole call. Raises NotSent, Unknown, Refused, ChatMigrated.
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
            fault: TelegramError = _fate(exc)
        except UnicodeError:
            fault = Refused(400, "the text is no UTF-8")  # as the Bot API would say of half a surrogate pair
        else:
            if reply.status_code < 300:
                return reply.status_code, reply.content
            fault = refusal(reply.status_code, reply.content)
        # Raised here, not in the handler: the exception there may hold the URL with the token, or the user's words.
        raise fault

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The reply to an accepted request, messages shortened. Raises Unknown for anything but the Bot API's object.

        The library would log a reply that it cannot read, with all that is in it.
        """
        answer = _object(payload)
        if "result" not in answer:
            raise Unknown("an answer that is not the Bot API's")
        return {"result": _shortened(answer["result"])}

    async def stream(self, url: str, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """Yield the content of *url* piece by piece, at most *max_bytes* bytes in all.

        It waits `timeout_s` in all, without the time that the reader takes between pieces. It holds a connection until it is closed: a
        reader that may stop early uses `contextlib.aclosing`. Raises TooLong for a longer content, else as `do_request`.
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
                    raise refusal(response.status_code, await in_time(response.aread()))
                pieces = response.aiter_raw()
                while (piece := await in_time(anext(pieces, None))) is not None:
                    left_bytes -= len(piece)
                    if left_bytes < 0:
                        raise TooLong(f"more than {max_bytes} bytes")
                    yield piece
                return
            finally:
                await response.aclose()
        except _FAULTS as exc:
            fault = _fate(exc)
        raise fault  # as in `do_request`


def _limit(request: httpx.Request) -> int:
    return FILE_MAX_BYTES if request.method == "GET" else REPLY_MAX_BYTES
