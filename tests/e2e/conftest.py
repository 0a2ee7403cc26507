"""Cluster tests: skipped unless `make e2e` asks for them; one installation for all; what happened is printed after a failure."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import Cluster, left_behind, stand_in_host, state
from tests.e2e.standins import StandIns
from tests.e2e.world import World

ASKED = os.environ.get("OPENCLAW_E2E", "")
TOKEN = "1000000001:not-a-token-of-telegram-0000000000"
"""As tests/e2e/overlay has it."""


def pytest_configure() -> None:
    if ASKED:  # a time limit ends a run by SIGTERM: what was made is removed then too
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents or here / "gitops" in item.path.parents:
            continue
        if not ASKED:
            item.add_marker(pytest.mark.skip(reason="needs a cluster: make e2e"))
        elif item.get_closest_marker("full") and ASKED != "full":
            item.add_marker(pytest.mark.skip(reason="takes long: make e2e-full"))


def pytest_report_teststatus(report: pytest.TestReport) -> "tuple[str, str, str] | None":
    if ASKED and report.when == "call" and report.passed:
        return "passed", ".", f"PASSED {report.duration:.1f} s"
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Any:
    report = yield
    if report.failed and call.excinfo and report.when == "call" and "world" in getattr(item, "fixturenames", ()):
        report.sections.extend(state())
    return report


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    host = stand_in_host()
    on_machines = bool(os.environ.get("OPENCLAW_DRAIN_NOTICE") or os.environ.get("OPENCLAW_UPGRADE_FOLDER"))
    # Machines have no image of the runner: what is tried there is how tasks outlive their nodes.
    with StandIns.serve(host, token=TOKEN) as standins, Cluster.installed(tools=not on_machines) as cluster:
        yield World(cluster, standins)
    if on_machines:
        return  # machines that are thrown away, with a worker that was drained on purpose and a volume that is retained
    deadline = time.monotonic() + 60  # some namespaces are deleted without waiting for their end
    while left_behind() and time.monotonic() < deadline:
        time.sleep(1)
    assert left_behind() == []


@pytest.fixture
def bot(world: World) -> Iterator[World]:
    """The installation in good health, a Telegram without faults, and a model that answers within a second."""
    world.pace(first_token_s=0.2, tokens_per_s=200.0, tokens=60)
    world.standins.do(world.standins.model.faults.clear)
    world.standins.do(world.standins.api.faults.clear)
    world.standins.do(world.standins.model.calls.clear)
    world.is_well()
    yield world
    world.standins.do(world.standins.model.faults.clear)
