"""Documents."""

from typing import Any


def read(*args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError
