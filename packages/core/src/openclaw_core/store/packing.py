"""The form in which an order travels to an agent: compressed, since each new agent reads one."""

import zlib


def packed(order: str) -> bytes:
    """The JSON of an order, compressed: half as long."""
    return zlib.compress(order.encode(), 9)


def unpacked(stored: bytes) -> bytes:
    """The JSON of a stored order. Only the release before stores it as it is; such a text begins with a brace. Raises ValueError."""
    if stored.startswith(b"{"):
        return stored
    try:
        return zlib.decompress(stored)
    except zlib.error as exc:
        raise ValueError("not a packed order") from exc
