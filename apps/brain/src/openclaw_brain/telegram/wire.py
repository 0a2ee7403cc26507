"""Reads JSON values of an update. A value of the wrong type reads as empty."""

from collections.abc import Mapping
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def integer(value: object) -> int:
    """Return an id or a size, or 0 for a value that can be neither. Ids of Telegram have up to 52 bits."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else 0


def text_of(value: object) -> str:
    """Return a string without lone surrogates, which no UTF-8 encoder takes."""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if isinstance(value, str) else ""
