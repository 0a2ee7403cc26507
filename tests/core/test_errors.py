"""The tree of errors: what is caught as one group, and what is not, since it is handled otherwise."""

import inspect

import pytest

from openclaw_core import errors
from openclaw_core.errors import (
    LostOwnership,
    MessengerError,
    ModelError,
    OpenClawError,
    Permanent,
    StoreError,
    StoreFault,
    StoreFull,
    StoreMisconfigured,
    StoreUnavailable,
    Transient,
)

ALL = [one for _, one in inspect.getmembers(errors, inspect.isclass)]


def test_a_store_that_may_take_the_next_call_is_one_group() -> None:
    assert {one for one in ALL if issubclass(one, StoreError)} == {StoreError, StoreUnavailable, StoreFault, StoreFull}
    assert not any(issubclass(one, StoreError) for one in (StoreMisconfigured, LostOwnership))


@pytest.mark.parametrize("kind", [one for one in ALL if one not in (OpenClawError, LostOwnership)])
def test_every_error_is_worth_another_try_or_not_and_of_one_side_at_most(kind: type[OpenClawError]) -> None:
    if kind not in (ModelError, MessengerError):
        assert issubclass(kind, Transient) != issubclass(kind, Permanent)
    assert sum(issubclass(kind, side) for side in (StoreError, ModelError, MessengerError)) <= 1
