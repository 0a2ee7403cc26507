"""Routes under `/control/` for tests and benchmarks in other processes. They are off by default.

They ask for no password: anyone who reaches the port may use them. `openclaw up` never opens them.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from openclaw_standin.bot_api.faults import Faults
from openclaw_standin.bot_api.journal import Journal
from openclaw_standin.bot_api.state import TelegramState
from openclaw_standin.bot_api.users import Users
from openclaw_standin.guard import BadBody, for_programs, last, read_body, refusal


class ControlRoutes:
    """JSON in, JSON out. A list of objects does the same for each object, in order.

    `POST say {chat_id, text, …}`, `press {chat_id, message_id, data}`, `edit {chat_id, message_id, text}`, `inject {…}`,
    `group {chat_id, title}`, `block {chat_id, reason}`, `faults {method, kind, …}`, `flood {on}`; `DELETE faults`;
    `GET messages?chat_id=`, `GET journal?after=&method=&chat_id=`, `GET state`.
    """

    def __init__(self, state: TelegramState, users: Users, faults: Faults, journal: Journal) -> None:
        self._state = state
        self._faults = faults
        self._journal = journal
        self._actions: dict[str, Callable[..., Any]] = {
            "say": users.write,
            "press": users.press,
            "edit": users.edit,
            "inject": lambda **update: users.inject(update),
            "group": lambda **fields: users.add_group(**fields).id,
            "block": users.block,
            "faults": self._order_fault,
            "flood": self._switch_flood,
        }

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/control/messages", for_programs(self.messages))
        app.router.add_get("/control/journal", for_programs(self.journal))
        app.router.add_get("/control/state", for_programs(self.state))
        app.router.add_delete("/control/faults", for_programs(self.clear_faults))
        app.router.add_post("/control/{action}", for_programs(self.do))

    async def do(self, request: web.Request) -> web.Response:
        action = self._actions.get(request.match_info["action"])
        try:
            await read_body(request)
        except BadBody as bad:
            return last(refusal(bad.why, status=bad.status))
        if action is None:
            return web.json_response({"error": "no such action"}, status=404)
        try:
            body = json.loads(await request.read())
            results = [action(**fields) for fields in (body if isinstance(body, list) else [body])]
        except (ValueError, TypeError, KeyError, RecursionError) as exc:
            return web.json_response({"error": f"{type(exc).__name__}: {exc}"}, status=400)
        return web.json_response(results if isinstance(body, list) else results[0])

    def _order_fault(self, **fields: Any) -> None:
        self._faults.next(**fields)

    def _switch_flood(self, *, on: bool) -> None:
        self._state.flood.on = on

    async def messages(self, request: web.Request) -> web.Response:
        if "chat_id" in request.query:
            return web.json_response(self._state.messages(int(request.query["chat_id"])))
        return web.json_response({str(chat_id): self._state.messages(chat_id) for chat_id in self._state.chats})

    async def journal(self, request: web.Request) -> web.Response:
        query = request.query
        chat_id = int(query["chat_id"]) if "chat_id" in query else None
        entries = self._journal.calls(query.get("method"), chat_id=chat_id, after=int(query.get("after", 0)))
        return web.json_response([asdict(entry) for entry in entries])

    async def state(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "chats": len(self._state.chats),
                "updates_pending": self._state.updates.pending,
                "next_update_id": self._state.updates.next_id,
                "flood": self._state.flood.on,
            }
        )

    async def clear_faults(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return web.json_response(None)
