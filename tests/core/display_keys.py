"""How what is shown is read in tests: names of displays, what is due, what Redis keeps for how long."""

from collections.abc import Sequence
from dataclasses import replace

from openclaw_core.chat.delivery.displays import Display
from tests.core.store_world import World, task

HEBREW = replace(task(1), lang="he", notice_lang="he")
KEEP_TEXT_S = 180
KEEP_DOUBT_S = 600


def notice(key: str = "new:1", kind: str = "new", chat: str = "1", **more: object) -> dict[str, object]:
    return {"op": "notice", "key": key, "kind": kind, "chat": chat, "lang": "en", **more}


def names(displays: Sequence[Display]) -> list[str]:
    return [display.id for display in displays]


async def due(world: World, now_ms: int) -> list[str]:
    return names(await world.displays.due(now_ms))


async def ttl(world: World, *key: object) -> int:
    return int(await world.script.read("TTL", world.script.keys(*key)))
