"""A third party's Bot API server (`lo-bot-api-emulator`) with what it lacks: it checks our calls by somebody else's reading of the API.

It refuses parameters that the real API knows, has no username and no reactions, and keeps no text; those gaps are filled here.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import lo_bot_api_emulator
from aiohttp import web

Refusal: Callable[..., Exception] = lo_bot_api_emulator.ApiRefusal

KNOWN_TO_THE_REAL_API = ("link_preview_options", "message_thread_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it arrived: JSON fields decoded, files by their names."""

    method: str
    fields: dict[str, Any]
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)


class BotApiEmulator(lo_bot_api_emulator.LoBotApiEmulator):
    """The emulator with its gaps filled; *calls* holds everything that was asked, in order."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self.refuse_next: list[Exception] = []
        self.texts: dict[tuple[int, int], str] = {}

    def application(self) -> web.Application:
        served: web.Application = self.app()  # type: ignore[no-untyped-call]
        return served

    def made(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def add_file(self, file_id: str, content: bytes) -> None:
        self.assets[file_id] = {"data": content, "size": len(content)}

    def validate(self, method: str, fields: dict[str, Any], uploads: dict[str, Any]) -> Any:
        self.calls.append(
            Call(
                method=method,
                fields={name: _decoded(value) for name, value in fields.items()},
                files={name: (upload["filename"], upload["data"]) for name, upload in uploads.items()},
            )
        )
        if self.refuse_next:
            raise self.refuse_next.pop(0)
        for name in KNOWN_TO_THE_REAL_API:
            fields.pop(name, None)
        if method == "setMessageReaction":
            return self._react(fields)
        self._check_entities(fields)
        if method == "editMessageText":
            self._check_edit(fields)
        result = super().validate(method, fields, uploads)  # type: ignore[no-untyped-call]
        if method == "getMe":
            result["username"] = "fixture_bot"
        if method in ("sendMessage", "editMessageText"):
            self.texts[result["chat"]["id"], result["message_id"]] = result["text"]
        return result

    def _check_edit(self, fields: dict[str, Any]) -> None:
        shown = self.texts.get((int(fields["chat_id"]), int(fields["message_id"])))
        if shown is None:
            raise Refusal("Bad Request: message to edit not found")
        if shown == fields.get("text"):
            raise Refusal(
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message"
            )

    @staticmethod
    def _check_entities(fields: dict[str, Any]) -> None:
        size = len(str(fields.get("text", "")).encode("utf-16-le")) // 2
        for entity in json.loads(fields.get("entities", "[]")):
            if entity["length"] < 1 or entity["offset"] < 0 or entity["offset"] + entity["length"] > size:
                raise Refusal("Bad Request: can't parse entities: entity is out of bounds")

    @staticmethod
    def _react(fields: dict[str, Any]) -> bool:
        reactions = json.loads(fields.get("reaction", "[]"))
        if len(reactions) > 1 or any(reaction["type"] != "emoji" for reaction in reactions):
            raise Refusal("Bad Request: REACTION_INVALID")
        int(fields["chat_id"])
        int(fields["message_id"])
        return True


def _decoded(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in "[{":
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve *app* on a free port of this machine; gives the address without a path."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert runner.addresses
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
