"""Values of an update as the wire may have them: whatever is not what it should be is empty."""

from collections.abc import Mapping
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def integer(value: object) -> int:
    """An id or a size; 0 for what no id can be. Ids of Telegram have up to 52 bits."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else 0


def text_of(value: object) -> str:
    """Text without lone surrogates, which no UTF-8 encoder takes."""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if isinstance(value, str) else ""
