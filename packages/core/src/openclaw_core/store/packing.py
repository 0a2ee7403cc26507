"""The form in which a role's snapshot travels to an agent: compressed, since each new agent reads one."""

import zlib


def packed(snapshot: str) -> bytes:
    """The JSON of a snapshot, compressed: half as long."""
    return zlib.compress(snapshot.encode(), 9)


def unpacked(stored: bytes) -> bytes:
    """The JSON of a stored snapshot. Raises ValueError."""
    try:
        return zlib.decompress(stored)
    except zlib.error as exc:
        raise ValueError("not a packed snapshot") from exc
