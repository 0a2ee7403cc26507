"""What brain and agent of two releases read of each other's records."""

from collections.abc import Mapping
from typing import Any


def known(kind: type, row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of *row* that dataclass *kind* has: what a newer release adds is dropped (docs/decisions/0003)."""
    return {name: value for name, value in row.items() if name in kind.__dataclass_fields__}  # type: ignore[attr-defined]
