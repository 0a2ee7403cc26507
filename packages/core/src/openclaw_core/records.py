"""What brain and agent of two releases read of each other's records."""

from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def read(kind: type[T], row: Mapping[str, Any], **parts: Any) -> T:
    """Dataclass *kind* of the fields of *row* that it has, and of *parts* in place of its own: what a newer release adds is dropped
    (docs/decisions/0003). Raises TypeError where a field without a default is missing."""
    known = {name: value for name, value in row.items() if name in kind.__dataclass_fields__}  # type: ignore[attr-defined]
    return kind(**known | parts)
