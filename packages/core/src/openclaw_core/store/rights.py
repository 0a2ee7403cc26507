"""The users of Redis and what each may do, as lines of its configuration. `docs/redis.md` says how passwords are given and changed.

`platform/openclaw/base/secrets/redis.yaml` holds the same lines for the cluster; a test compares both.
"""

AGENT_COMMANDS = (
    "evalsha", "blpop", "time", "ping", "hello", "auth",
    "get", "set", "exists", "expire", "del", "hget", "hmget", "hset", "hdel", "hexists", "zadd", "zrem", "lpop", "rpush", "ltrim",
)  # fmt: skip
"""What the steps of `lua/agent` call, and what a client needs to connect. No script of its own: EVAL and SCRIPT are missing."""
AGENT_KEYS = (
    "~oc:*:agent:", "~oc:*:agent:run:*", "~oc:*:agent:ready:*", "~oc:*:agent:wake:*", "~oc:*:agent:jobs:*", "~oc:*:agent:claim.call:*",
    "~oc:*:agent:leases", "~oc:*:agent:news", "%R~oc:*:agent:order:*",
)  # fmt: skip
"""Orders hold the prompts of all agents, so nobody but the leader writes them. The first is the prefix that each call names as its key."""
EXPORTER_COMMANDS = ("info", "latency|latest", "latency|histogram", "slowlog|len")
"""What redis_exporter asks for, as platform/redis-exporter sets it up, but for two that hold users' words or settings and that it can do without:
SLOWLOG GET, whose entries are commands with their arguments, and CONFIG."""


def acl_lines(*, brain: str, agent: str, exporter: str) -> tuple[str, ...]:
    """The lines for the SHA-256 digests (hex) of the three passwords. Nobody else gets in."""
    return (
        "user default off",
        f"user brain on #{brain} ~* &* +@all",
        f"user agent on #{agent} {' '.join(AGENT_KEYS)} resetchannels -@all {_allowed(AGENT_COMMANDS)}",
        f"user exporter on #{exporter} resetchannels -@all {_allowed(EXPORTER_COMMANDS)}",
    )


def _allowed(commands: tuple[str, ...]) -> str:
    return " ".join(f"+{name}" for name in commands)
