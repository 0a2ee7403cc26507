"""The wire format of the Bot API: reads parameters (query, form, multipart, JSON), writes `{"ok": …}`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from openclaw_standin.guard import BadBody, last, read_body


class ErrorReply(Exception):
    """The call gets an error reply. *description* is Telegram's own text, without words of a user."""

    def __init__(self, status: int, description: str, *, parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters:
            body["parameters"] = dict(self.parameters)
        return body


def bad_request(what: str) -> ErrorReply:
    return ErrorReply(400, f"Bad Request: {what}")


def too_many(retry_after_s: int) -> ErrorReply:
    return ErrorReply(429, f"Too Many Requests: retry after {retry_after_s}", parameters={"retry_after": retry_after_s})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with a call."""

    name: str
    mime_type: str
    content: bytes = field(repr=False)


class Params:
    """The parameters of one call. A form sends strings, JSON sends typed values; both are read in the same way."""

    def __init__(self, values: Mapping[str, Any], files: Mapping[str, Upload] | None = None) -> None:
        self._values = values
        self.files = dict(files or {})

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        value = self._values.get(name, default)
        if isinstance(value, bool | dict | list):
            return json.dumps(value)
        text = default if value is None else str(value)
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:  # half of a surrogate pair
            raise ErrorReply(400, "Bad Request: strings must be encoded in UTF-8") from None
        return text

    def integer(self, name: str, default: int = 0) -> int:
        raw = self.text(name)
        try:
            return int(raw) if raw else default
        except ValueError:
            return default

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("true", "1", "yes", "t", "y")

    def parsed(self, name: str, what: str) -> Any:
        """The parameter as JSON; None if it was not sent. Raises ErrorReply, which names *what*, for anything else."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise bad_request(f"can't parse {what} JSON object") from None

    def upload(self, name: str) -> Upload | None:
        """The file sent as *name*, directly or by `attach://`."""
        if name in self.files:
            return self.files[name]
        return self.files.get(self.text(name).removeprefix("attach://")) if self.has(name) else None


async def read_params(request: web.Request) -> Params:
    """The parameters of *request*, in any of the four formats. Raises ErrorReply for a body that does not match its headers."""
    values: dict[str, Any] = dict(request.query)
    try:
        await read_body(request)
    except BadBody as bad:
        raise ErrorReply(bad.status, bad.why) from None
    files: dict[str, Upload] = {}
    kind = request.content_type
    if request.method == "POST" and request.body_exists:
        if kind == "application/json":
            try:
                body = json.loads(await request.read())
            except (ValueError, RecursionError):
                raise bad_request("can't parse request: invalid JSON") from None
            if not isinstance(body, dict):
                raise bad_request("can't parse request: object expected")
            values |= body
        elif kind == "multipart/form-data":
            for name, part in (await request.post()).items():
                if isinstance(part, web.FileField):
                    content = part.file.read()
                    files[name] = Upload(name=part.filename, mime_type=part.content_type, content=content)
                else:
                    values[name] = part if isinstance(part, str) else bytes(part).decode("utf-8", "replace")
        elif kind == "application/x-www-form-urlencoded":
            values |= dict(await request.post())
    return Params(values, files)


def reply_of(refused: ErrorReply) -> web.Response:
    """The reply to a refused call."""
    wait = (refused.parameters or {}).get("retry_after")
    headers = {} if wait is None else {"Retry-After": str(wait)}
    reply = web.json_response(refused.body(), status=refused.status, headers=headers)
    return last(reply) if refused.status in (408, 413) else reply
