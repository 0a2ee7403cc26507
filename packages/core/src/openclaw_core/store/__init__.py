"""Everything that outlives a process: one Redis, whose every change is an atomic step of one script."""

from openclaw_core.store.agent_work import AgentWork
from openclaw_core.store.alone import AloneTasks
from openclaw_core.store.client import Keys, RedisSettings, Script, open_script
from openclaw_core.store.displays import RedisDisplays
from openclaw_core.store.inbox import Admitted, Inbox
from openclaw_core.store.lanes import Lanes, move_chat
from openclaw_core.store.news import Became, Heard, News
from openclaw_core.store.pools import Pools
from openclaw_core.store.runs import Runs

__all__ = [
    "Admitted",
    "AgentWork",
    "AloneTasks",
    "Became",
    "Heard",
    "Inbox",
    "Keys",
    "Lanes",
    "News",
    "Pools",
    "RedisDisplays",
    "RedisSettings",
    "Runs",
    "Script",
    "move_chat",
    "open_script",
]
