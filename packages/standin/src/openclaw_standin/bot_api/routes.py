"""Routes of the Bot API: checks the token, applies a fault, runs the method, and records the call in the journal."""

import asyncio
import hmac
import inspect
import logging
import time
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from aiohttp import web

from openclaw_standin.bot_api.bot_methods import METHODS, result_message_id
from openclaw_standin.bot_api.faults import Fault, Faults
from openclaw_standin.bot_api.journal import Entry, Journal
from openclaw_standin.bot_api.state import TelegramState
from openclaw_standin.bot_api.wire import ErrorReply, Params, read_params, reply_of
from openclaw_standin.guard import Handler, for_programs

log = logging.getLogger(__name__)

FILE_LINK_S = 3600.0
"""How long a path that `getFile` gave out can be downloaded."""
METHODS_WITH_TEXT = frozenset({"sendmessage", "editmessagetext"})
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


class BotRoutes:
    """`/bot<token>/<method>` and `/file/bot<token>/<path>`, for programs that know the token. Web pages are refused."""

    def __init__(self, state: TelegramState, faults: Faults, journal: Journal) -> None:
        self._state = state
        self._faults = faults
        self._journal = journal
        self.other_bots: dict[str, Handler] = {}
        """Other bots in the same chats, by token, if a test wants some: each answers its own calls."""
        self._late: set[asyncio.Task[Any]] = set()
        """Calls that run later, whether or not their callers wait."""

    def add_to(self, app: web.Application) -> None:
        app.router.add_route("*", "/bot{token:[^/]+}/{method}", for_programs(self.call))
        app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", for_programs(self.download))
        app.on_cleanup.append(self._cancel_late)

    async def call(self, request: web.Request) -> web.StreamResponse:
        if other := self.other_bots.get(request.match_info["token"]):
            return await other(request)
        at_s, wall_s = time.monotonic(), time.time()
        method = request.match_info["method"]
        params = Params({})
        number = self._journal.next_number()
        recorded, text = False, None

        def record(outcome: str, message_id: int | None = None) -> None:
            nonlocal recorded
            recorded = True
            self._journal.add(
                Entry(
                    n=number,
                    method=method,
                    chat_id=params.integer("chat_id") or None,
                    message_id=message_id or params.integer("message_id") or None,
                    at_s=at_s,
                    wall_s=wall_s,
                    took_s=time.monotonic() - at_s,
                    outcome=outcome,
                    text=text,
                )
            )

        try:
            self._check_token(request.match_info["token"])
            params = await read_params(request)
            text = params.text("text") if method.lower() in METHODS_WITH_TEXT else None
            fault = self._faults.take(method, params.integer("chat_id") or None)
            result = await self._run_with_fault(method, params, fault)
            if fault is not None and fault.kind in ("close_after", "withhold"):
                withheld = fault.kind == "withhold"
                # Recorded before the wait: a test acts on the stored message while its sender still waits for the reply.
                record("withheld" if withheld else "closed", result_message_id(result))
                return await self._abort(request, fault.hold_s if withheld else 0)
            record("ok", result_message_id(result))
            return web.json_response({"ok": True, "result": result})
        except ErrorReply as refused:
            record(f"{refused.status} {refused.description}")
            return reply_of(refused)
        except _NoReply as fault_reply:
            record(fault_reply.outcome)
            if fault_reply.html:
                return web.Response(status=502, text=BAD_GATEWAY, content_type="text/html")
            return await self._abort(request, fault_reply.hold_s)
        except (asyncio.CancelledError, ConnectionError):
            if not recorded:
                record("cut")
            raise
        except Exception as exc:  # noqa: BLE001 - a bug of ours must not look like a fault of the network
            log.error("fault in %s: %s", method if method.lower() in METHODS else "a call", _place(exc))
            record("500 Internal Server Error")
            return reply_of(ErrorReply(500, "Internal Server Error"))

    def _check_token(self, token: str) -> None:
        head, colon, tail = token.partition(":")
        if not (head.isdigit() and colon and tail):
            raise ErrorReply(404, "Not Found")
        if not hmac.compare_digest(token.encode(errors="replace"), self._state.token.encode()):
            raise ErrorReply(401, "Unauthorized")

    async def _run_with_fault(self, method: str, params: Params, fault: Fault | None) -> Any:
        if fault is not None:
            if (refusal := fault.refusal()) is not None:
                raise refusal
            if fault.kind == "slow":
                await asyncio.sleep(fault.hold_s)
            elif fault.kind == "bad_gateway":
                raise _NoReply("502 Bad Gateway", html=True)
            elif fault.kind in ("close", "hang"):
                hung = fault.kind == "hang"
                raise _NoReply("hung" if hung else "closed", hold_s=fault.hold_s if hung else 0)
            elif fault.kind == "late":
                return await asyncio.shield(self._later(self._run(method, params), fault.hold_s))
        result = await self._run(method, params)
        if fault is not None and fault.kind == "delete" and result_message_id(result) is not None:
            self._state.delete_message(result["chat"]["id"], result["message_id"])
        return result

    async def _run(self, method: str, params: Params) -> Any:
        run = METHODS.get(method.lower())
        if run is None:
            raise ErrorReply(404, "Not Found: method not found")
        result = run(self._state, params)
        return await result if inspect.isawaitable(result) else result

    def _later(self, call: Coroutine[Any, Any, Any], after_s: float) -> "asyncio.Task[Any]":
        async def late() -> Any:
            try:
                await asyncio.sleep(after_s)
            except asyncio.CancelledError:
                call.close()
                raise
            return await call

        task = asyncio.create_task(late(), name="late call")
        self._late.add(task)
        task.add_done_callback(self._forget_late)
        return task

    def _forget_late(self, task: "asyncio.Task[Any]") -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as retrieved: the caller may be gone

    async def _cancel_late(self, _app: web.Application) -> None:
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _abort(self, request: web.Request, after_s: float) -> web.Response:
        await asyncio.sleep(after_s)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def download(self, request: web.Request) -> web.Response:
        try:
            self._check_token(request.match_info["token"])
        except ErrorReply as refused:
            return reply_of(refused)
        path = request.match_info["path"]
        given_s = self._state.file_links.get(path)
        is_good = given_s is not None and self._state.clock() - given_s < FILE_LINK_S
        content = self._state.storage.content_at(path) if is_good else None
        if content is None:
            return reply_of(ErrorReply(404, "Not Found"))
        return web.Response(body=content, content_type="application/octet-stream")


def _place(exc: BaseException) -> str:
    """Type and place of an error. Its message stays out: it may hold a user's words."""
    frames = traceback.extract_tb(exc.__traceback__)
    return f"{type(exc).__name__} at {Path(frames[-1].filename).name}:{frames[-1].lineno}"


class _NoReply(Exception):
    """A fault ends the call without a proper reply."""

    def __init__(self, outcome: str, *, hold_s: float = 0, html: bool = False) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.hold_s = hold_s
        self.html = html
