"""The users of Redis and what each may do, as lines of its ACL. `docs/redis.md` says how passwords are given and changed."""

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


def acl_lines(*, brain: str, agent: str) -> tuple[str, ...]:
    """The lines for the SHA-256 digests (hex) of both passwords. Nobody else gets in."""
    commands = " ".join(f"+{name}" for name in AGENT_COMMANDS)
    return (
        "user default off",
        f"user brain on #{brain} ~* &* +@all",
        f"user agent on #{agent} {' '.join(AGENT_KEYS)} resetchannels -@all {commands}",
    )
