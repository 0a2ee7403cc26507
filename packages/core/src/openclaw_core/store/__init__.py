"""All that outlives a process: one Redis. Each change is an atomic step of a Lua script, with a Python method beside it.

A module is loaded when its first name is asked for: an agent starts without the leader's.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openclaw_core.store.agent_work import AgentWork as AgentWork
    from openclaw_core.store.alone import AloneTasks as AloneTasks
    from openclaw_core.store.client import Keys as Keys
    from openclaw_core.store.client import RedisSettings as RedisSettings
    from openclaw_core.store.client import Script as Script
    from openclaw_core.store.client import open_script as open_script
    from openclaw_core.store.displays import RedisDisplays as RedisDisplays
    from openclaw_core.store.inbox import Admitted as Admitted
    from openclaw_core.store.inbox import Inbox as Inbox
    from openclaw_core.store.lanes import Lanes as Lanes
    from openclaw_core.store.lanes import move_chat as move_chat
    from openclaw_core.store.leadership import Leadership as Leadership
    from openclaw_core.store.news import Adopted as Adopted
    from openclaw_core.store.news import Became as Became
    from openclaw_core.store.news import News as News
    from openclaw_core.store.pools import Pools as Pools
    from openclaw_core.store.run_records import RunRecords as RunRecords

_NAMES = {
    "agent_work": ("AgentWork",),
    "alone": ("AloneTasks",),
    "client": ("Keys", "RedisSettings", "Script", "open_script"),
    "displays": ("RedisDisplays",),
    "inbox": ("Admitted", "Inbox"),
    "lanes": ("Lanes", "move_chat"),
    "leadership": ("Leadership",),
    "news": ("Adopted", "Became", "News"),
    "pools": ("Pools",),
    "run_records": ("RunRecords",),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    return value
