"""One sealed runner for all tests of this folder. It is single use for each request all the same."""

from collections.abc import Iterator

import pytest

from tests.runner.runners import Runner, cannot_seal, runner


@pytest.fixture(scope="package")
def sealed() -> Iterator[Runner]:
    if why := cannot_seal():
        pytest.skip(why)
    libraries = [f"openclaw_runner.readers.{name}" for name in ("pdf", "excel", "office", "web")]
    with runner(libraries=libraries) as running:
        yield running
