"""Everything that outlives a process: one Redis, whose every change is an atomic step of one script."""

from openclaw_core.store.answers import Answers, Claimed, Slots
from openclaw_core.store.client import Keys, RedisSettings, Script, open_script
from openclaw_core.store.flood import Flood
from openclaw_core.store.inbox import Admitted, Inbox
from openclaw_core.store.lanes import Lanes, move_chat
from openclaw_core.store.notices import Notice, Notices
from openclaw_core.store.pools import Pools
from openclaw_core.store.runs import Runs

__all__ = [
    "Admitted",
    "Answers",
    "Claimed",
    "Flood",
    "Inbox",
    "Keys",
    "Lanes",
    "Notice",
    "Notices",
    "Pools",
    "RedisSettings",
    "Runs",
    "Script",
    "Slots",
    "move_chat",
    "open_script",
]
