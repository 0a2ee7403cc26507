"""One Bot API call from the socket to the reply: token, fault, method, journal."""

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

from openclaw_standin.bot_api.bot_methods import METHODS, result_ids
from openclaw_standin.bot_api.faults import Fault, Faults
from openclaw_standin.bot_api.journal import Entry, Journal
from openclaw_standin.bot_api.second_bot import SecondBot
from openclaw_standin.bot_api.state import World
from openclaw_standin.bot_api.wire import Params, Refused, read_params, reply_of
from openclaw_standin.guard import for_programs

log = logging.getLogger(__name__)

SAID_BY = frozenset({"sendmessage", "editmessagetext"})


class BotRoutes:
    """`/bot<token>/<method>` and `/file/bot<token>/<path>`, for programs that know the token; no web page has any business here."""

    def __init__(self, world: World, faults: Faults, journal: Journal) -> None:
        self._world = world
        self._faults = faults
        self._journal = journal
        self.second: SecondBot | None = None
        """Another bot of the same Telegram, if a test wants one."""
        self._late: set[asyncio.Task[Any]] = set()
        """Calls that are carried out later, whether or not their callers wait."""

    def add_to(self, app: web.Application) -> None:
        app.router.add_route("*", "/bot{token:[^/]+}/{method}", for_programs(self.call))
        app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", for_programs(self.download))
        app.on_cleanup.append(self._end_late)

    async def call(self, request: web.Request) -> web.StreamResponse:
        if self.second is not None and request.match_info["token"] == self.second.token:
            return await self.second.call(request)
        at_s, wall_s = time.monotonic(), time.time()
        method = request.match_info["method"]
        params = Params({})
        number = self._journal.next_number()
        outcome, message_id, said = "cut", None, None
        try:
            self._check_token(request.match_info["token"])
            params = await read_params(request)
            said = params.text("text") if method.lower() in SAID_BY else None
            fault = self._faults.met_by(method, params.integer("chat_id") or None)
            result = await self._obey(method, params, fault)
            outcome, message_id = "ok", result_ids(result)
            if fault is not None and fault.kind in ("close_after", "withhold"):
                # Noted before the wait: a test acts on the stored send while its caller still hangs.
                outcome = "withheld" if fault.kind == "withhold" else "closed"
                self._note(number, method, params, message_id, at_s, wall_s, outcome, said)
                await self._cut(request, fault.hold_s if fault.kind == "withhold" else 0)
                return web.Response()
            body = {"ok": True, "result": result}
            self._note(number, method, params, message_id, at_s, wall_s, outcome, said)
            return web.json_response(body)
        except Refused as refused:
            outcome = f"{refused.status} {refused.description}"
            self._note(number, method, params, message_id, at_s, wall_s, outcome, said)
            return reply_of(refused)
        except _NoAnswer as order:
            self._note(number, method, params, None, at_s, wall_s, order.outcome, said)
            if order.html:
                page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
                return web.Response(status=502, text=page, content_type="text/html")
            await self._cut(request, order.hold_s)
            return web.Response()
        except (asyncio.CancelledError, ConnectionError):
            if outcome == "cut":
                self._note(number, method, params, message_id, at_s, wall_s, outcome, said)
            raise
        except Exception as exc:  # noqa: BLE001 - a fault of ours must not look like the network's
            log.error("fault in %s: %s", method if method.lower() in METHODS else "a call", _place(exc))
            self._note(number, method, params, message_id, at_s, wall_s, "500 Internal Server Error", said)
            return reply_of(Refused(500, "Internal Server Error"))

    def _check_token(self, token: str) -> None:
        head, colon, tail = token.partition(":")
        if not (head.isdigit() and colon and tail):
            raise Refused(404, "Not Found")
        if not hmac.compare_digest(token.encode(errors="replace"), self._world.token.encode()):
            raise Refused(401, "Unauthorized")

    async def _obey(self, method: str, params: Params, fault: Fault | None) -> Any:
        if fault is not None:
            if (refusal := fault.refusal()) is not None:
                raise refusal
            if fault.kind == "slow":
                await asyncio.sleep(fault.hold_s)
            elif fault.kind == "bad_gateway":
                raise _NoAnswer("502 Bad Gateway", html=True)
            elif fault.kind in ("close", "hang"):
                hung = fault.kind == "hang"
                raise _NoAnswer("hung" if hung else "closed", hold_s=fault.hold_s if hung else 0)
            elif fault.kind == "late":
                return await asyncio.shield(self._later(self._act(method, params), fault.hold_s))
        result = await self._act(method, params)
        if fault is not None and fault.kind == "delete" and result_ids(result) is not None:
            self._world.forget_message(result["chat"]["id"], result["message_id"])
        return result

    async def _act(self, method: str, params: Params) -> Any:
        act = METHODS.get(method.lower())
        if act is None:
            raise Refused(404, "Not Found: method not found")
        result = act(self._world, params)
        return await result if inspect.isawaitable(result) else result

    def _later(self, act: Coroutine[Any, Any, Any], after_s: float) -> "asyncio.Task[Any]":
        async def late() -> Any:
            try:
                await asyncio.sleep(after_s)
            except asyncio.CancelledError:
                act.close()
                raise
            return await act

        task = asyncio.create_task(late(), name="late call")
        self._late.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: "asyncio.Task[Any]") -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever waited has it, or has gone

    async def _end_late(self, _app: web.Application) -> None:
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _cut(self, request: web.Request, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if request.transport is not None:
            request.transport.abort()

    def _note(
        self,
        number: int,
        method: str,
        params: Params,
        message_id: int | None,
        at_s: float,
        wall_s: float,
        outcome: str,
        said: str | None,
    ) -> None:
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
                text=said,
            )
        )

    async def download(self, request: web.Request) -> web.Response:
        try:
            self._check_token(request.match_info["token"])
        except Refused as refused:
            return reply_of(refused)
        found = self._world.keeper.file_at(request.match_info["path"])
        if found is None:
            return reply_of(Refused(404, "Not Found"))
        return web.Response(body=found[2], content_type="application/octet-stream")


def _place(exc: BaseException) -> str:
    """Type and place of a fault, without its message: that may hold the user's words."""
    frames = traceback.extract_tb(exc.__traceback__)
    return f"{type(exc).__name__} at {Path(frames[-1].filename).name}:{frames[-1].lineno}"


class _NoAnswer(Exception):
    """The connection ends without a proper reply."""

    def __init__(self, outcome: str, *, hold_s: float = 0, html: bool = False) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.hold_s = hold_s
        self.html = html
