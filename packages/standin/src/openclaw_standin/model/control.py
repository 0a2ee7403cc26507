"""Routes for tests in other processes: the calls that the model saw, its faults, its scripts, and the models that it serves."""

import json
from dataclasses import asdict

from aiohttp import web

from openclaw_standin.model.faults import ModelFaults
from openclaw_standin.model.script import Call
from openclaw_standin.model.tool_scripts import Scripts


def routes(*, faults: ModelFaults, calls: list[Call], models: list[str], scripts: Scripts) -> list[web.RouteDef]:
    """The routes under `/control/`. They share the lists of the server."""

    async def show_calls(request: web.Request) -> web.Response:
        """The calls after number `after`; their messages only with `messages=1`."""
        after = int(request.query.get("after", 0))
        shown = [asdict(call) for call in calls if call.n > after]
        if "messages" not in request.query:
            for call in shown:
                del call["messages"]
        return web.json_response(shown)

    async def order_fault(request: web.Request) -> web.Response:
        try:
            faults.next(**json.loads(await request.read()))
        except (ValueError, TypeError, RecursionError) as exc:
            return web.json_response({"error": str(exc)}, status=400)
        return web.json_response(None)

    async def clear_faults(_: web.Request) -> web.Response:
        faults.clear()
        return web.json_response(None)

    async def add_script(request: web.Request) -> web.Response:
        """A script as `tool_scripts` describes it."""
        try:
            scripts.add(json.loads(await request.read()))
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            return web.json_response({"error": str(exc)}, status=400)
        return web.json_response(None)

    async def clear_scripts(_: web.Request) -> web.Response:
        scripts.clear()
        return web.json_response(None)

    async def serve_models(request: web.Request) -> web.Response:
        """Serve the models of a JSON list of ids from now on."""
        names = json.loads(await request.read())
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return web.json_response({"error": "send a list of model ids"}, status=400)
        models[:] = names
        return web.json_response(None)

    return [
        web.get("/control/calls", show_calls),
        web.post("/control/faults", order_fault),
        web.delete("/control/faults", clear_faults),
        web.put("/control/models", serve_models),
        web.post("/control/scripts", add_script),
        web.delete("/control/scripts", clear_scripts),
    ]
