"""All that outlives a process: one Redis. Each change is an atomic step of a Lua script, with a Python method beside it.

A module is loaded when its first name is asked for: an agent starts without the leader's.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openclaw_core.store.agent_work import AgentWork
    from openclaw_core.store.alone import AloneTasks
    from openclaw_core.store.client import Keys, RedisSettings, Script, open_script
    from openclaw_core.store.displays import RedisDisplays
    from openclaw_core.store.inbox import Admitted, Inbox
    from openclaw_core.store.lanes import Lanes, move_chat
    from openclaw_core.store.leadership import Leadership
    from openclaw_core.store.news import Became, Heard, News
    from openclaw_core.store.pools import Pools
    from openclaw_core.store.run_records import RunRecords

__all__ = [
    "Admitted",
    "AgentWork",
    "AloneTasks",
    "Became",
    "Heard",
    "Inbox",
    "Keys",
    "Lanes",
    "Leadership",
    "News",
    "Pools",
    "RedisDisplays",
    "RedisSettings",
    "RunRecords",
    "Script",
    "move_chat",
    "open_script",
]
_NAMES = {
    "agent_work": ("AgentWork",),
    "alone": ("AloneTasks",),
    "client": ("Keys", "RedisSettings", "Script", "open_script"),
    "displays": ("RedisDisplays",),
    "inbox": ("Admitted", "Inbox"),
    "lanes": ("Lanes", "move_chat"),
    "leadership": ("Leadership",),
    "news": ("Became", "Heard", "News"),
    "pools": ("Pools",),
    "run_records": ("RunRecords",),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    return value
