"""What an exception of the Redis client means to us."""

import re

from redis import exceptions

from openclaw_core import logs
from openclaw_core.errors import StoreFault, StoreFull, StoreMisconfigured, StoreUnavailable

log = logs.get(__name__)
_NOT_READY = ("LOADING", "READONLY", "MASTERDOWN", "MISCONF", "BUSY", "CLUSTERDOWN", "TRYAGAIN", "UNBLOCKED")


class NoReplicas(StoreUnavailable):
    """The primary waits for its replicas."""

    def __init__(self) -> None:
        super().__init__(
            "the server has fewer replicas than its min-replicas-to-write: bring them back, or set it to 0"
        )


class translated:
    """Turn the client's exceptions into ours. The cause is dropped: its text can hold arguments, so users' words."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _tb: object) -> None:
        if exc is None:
            return
        if isinstance(exc, exceptions.AuthenticationError) or (
            isinstance(exc, exceptions.ResponseError) and str(exc).startswith(("WRONGPASS", "NOAUTH", "NOPERM"))
        ):
            raise StoreMisconfigured(
                "Redis refuses the password or the user: check REDIS_PASSWORD or REDIS_URL"
            ) from None
        if isinstance(exc, exceptions.OutOfMemoryError) or (
            isinstance(exc, exceptions.ResponseError) and "OOM" in str(exc)[:60]
        ):
            raise StoreFull("Redis is at its memory limit") from None
        if isinstance(exc, exceptions.ResponseError):
            if str(exc).startswith("NOREPLICAS"):
                raise NoReplicas from None
            if str(exc).startswith(_NOT_READY):
                raise StoreUnavailable("Redis is not ready for writes") from None
            # A row of another type, a field that is no number, a bug in a step. Only that, and where: messages can hold what was read.
            word, line = re.match(r"[A-Z]*", str(exc)), re.search(r"user_script:(\d+)", str(exc))
            log.error("store.fault", kind=word[0] if word else "", line=int(line[1]) if line else None)
            raise StoreFault("Redis refuses the step") from None
        if isinstance(exc, exceptions.RedisError | OSError | TimeoutError):
            raise StoreUnavailable("Redis does not answer") from None
