"""`/control/…`: what tests and benchmarks in other processes order from the stand-in. Off unless it is asked for.

Nobody has to prove who they are: it is for test runs, and whoever reaches the port may use it. `openclaw up` never opens it.
"""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from openclaw_standin.bot_api.faults import Faults
from openclaw_standin.bot_api.journal import Journal
from openclaw_standin.bot_api.state import World
from openclaw_standin.bot_api.users import People
from openclaw_standin.guard import BadBody, for_programs, last, read_body, refusal


class ControlRoutes:
    """JSON in, JSON out. A list instead of an object does the same thing for each of its items, in order.

    `POST say {chat_id, text, …}`, `press {chat_id, message_id, data}`, `edit {chat_id, message_id, text}`, `inject {…}`,
    `group {chat_id, title}`, `block {chat_id, reason}`, `faults {method, kind, …}`, `flood {on}`; `DELETE faults`;
    `GET messages?chat_id=`, `GET journal?after=&method=&chat_id=`, `GET state`.
    """

    def __init__(self, world: World, people: People, faults: Faults, journal: Journal) -> None:
        self._world = world
        self._faults = faults
        self._journal = journal
        self._deeds: dict[str, Callable[..., Any]] = {
            "say": people.says,
            "press": people.presses,
            "edit": people.edits,
            "group": lambda **wish: people.group(**wish).id,
            "block": people.block,
            "faults": lambda **wish: faults.order(wish),
            "flood": self._switch_flood,
        }
        self._inject = people.inject

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/control/messages", for_programs(self.messages))
        app.router.add_get("/control/journal", for_programs(self.journal))
        app.router.add_get("/control/state", for_programs(self.state))
        app.router.add_delete("/control/faults", for_programs(self.clear_faults))
        app.router.add_post("/control/{deed}", for_programs(self.do))

    async def do(self, request: web.Request) -> web.Response:
        deed = request.match_info["deed"]
        try:
            await read_body(request)
        except BadBody as bad:
            return last(refusal(bad.why, status=bad.status))
        try:
            wishes = json.loads(await request.read())
            many = wishes if isinstance(wishes, list) else [wishes]
            if deed == "inject":
                results = [self._inject(wish) for wish in many]
            elif deed in self._deeds:
                results = [self._deeds[deed](**wish) for wish in many]
            else:
                return web.json_response({"error": "no such order"}, status=404)
        except (ValueError, TypeError, KeyError, RecursionError) as exc:
            return web.json_response({"error": f"{type(exc).__name__}: {exc}"}, status=400)
        return web.json_response(results if isinstance(wishes, list) else results[0])

    def _switch_flood(self, *, on: bool) -> None:
        self._world.flood.on = on

    async def messages(self, request: web.Request) -> web.Response:
        if "chat_id" in request.query:
            return web.json_response(self._world.messages(int(request.query["chat_id"])))
        return web.json_response({str(chat_id): self._world.messages(chat_id) for chat_id in self._world.chats})

    async def journal(self, request: web.Request) -> web.Response:
        query = request.query
        chat_id = int(query["chat_id"]) if "chat_id" in query else None
        entries = self._journal.calls(query.get("method"), chat_id=chat_id, after=int(query.get("after", 0)))
        return web.json_response([entry.to_json() for entry in entries])

    async def state(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "chats": len(self._world.chats),
                "updates_pending": self._world.updates.pending,
                "next_update_id": self._world.updates.next_id,
                "flood": self._world.flood.on,
            }
        )

    async def clear_faults(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return web.json_response(None)
