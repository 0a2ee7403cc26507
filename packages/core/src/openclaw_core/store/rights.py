"""The users of Redis and what each may do, as lines of its configuration. `docs/redis.md` says how passwords are given and changed.

`platform/openclaw/base/secrets/redis.yaml` holds the same lines for the cluster; a test compares both.
"""

AGENT_CONNECTS = ("auth", "hello", "ping", "time")
AGENT_MAY = {
    # The prefix, which each call of a step names as its key. No script of its own: EVAL and SCRIPT are missing.
    "": ("evalsha",),
    "run:*": ("hget", "hmget", "hset", "hexists"),
    "ready:*": ("llen", "lpop"),
    "wake:*": ("blpop",),
    "jobs:*": ("hget", "hset", "expire"),
    "claim.call:*": ("get", "set"),
    "leases": ("zadd", "zrem"),
    "news": ("rpush", "ltrim", "expire"),  # and never reads it: the names of other agents' runs are there
    "pictures": ("zadd", "zrange", "zrem", "zremrangebyscore", "expire"),  # sizes, by digests of names
    "pictures:*": ("hset", "expire", "del"),  # and never reads them
    "order:*": ("get",),  # and never writes it: orders hold the prompts of all agents
}
"""By key below `oc:<bot id>:agent:`, what the steps of `lua/agent` and an agent's wait call there."""
EXPORTER_MAY = ("info", "latency|latest", "latency|histogram", "slowlog|len")
"""What redis_exporter asks for, as platform/redis-exporter sets it up, but for two that hold users' words or settings
and that it can do without: SLOWLOG GET, whose entries are commands with their arguments, and CONFIG.
"""


def acl_lines(*, brain: str, agent: str, exporter: str) -> tuple[str, ...]:
    """The lines for the SHA-256 digests (hex) of the three passwords. Nobody else gets in."""
    places = " ".join(f"(~oc:*:agent:{key} {_allowed(commands)})" for key, commands in AGENT_MAY.items())
    return (
        "user default off",
        f"user brain on #{brain} ~* &* +@all",
        f"user agent on #{agent} resetchannels -@all {_allowed(AGENT_CONNECTS)} {places}",
        f"user exporter on #{exporter} resetchannels -@all {_allowed(EXPORTER_MAY)}",
    )


def _allowed(commands: tuple[str, ...]) -> str:
    return " ".join(f"+{name}" for name in commands)
