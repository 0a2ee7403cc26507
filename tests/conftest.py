"""What all tests share: one real Redis for the run, an own key space for each test."""

import itertools
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

from openclaw_core.store import RedisSettings, Script, open_script
from tests.redis_server import NO_OLDEST, SERVERS, RedisServer

pytest.register_assert_rewrite("tests.core.page_checks")  # its asserts explain themselves as those of a test do

# A busy machine is slow, not wrong: an example that takes over 0.2 s is no fault. Tests that are about time measure it.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

_bot_ids = itertools.count(1)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A real server with the settings that OpenClaw insists on; one for each worker of the run.

    The packaged one, unless a test asks for the oldest.
    """
    with RedisServer.start(
        tmp_path_factory.mktemp("redis"), program=SERVERS[getattr(request, "param", "packaged")]()
    ) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url


@pytest.fixture
def bot_id() -> int:
    return os.getpid() * 1000 + next(_bot_ids)


@pytest.fixture
async def script(redis_url: str, bot_id: int) -> AsyncIterator[Script]:
    async with open_script(
        RedisSettings(url=redis_url, timeout_s=30), bot_id=bot_id
    ) as opened:  # a busy machine is slow
        yield opened


@pytest.fixture
def platform_base() -> Path:
    return Path(__file__).parent.parent / "platform/openclaw/base"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once what a green run has not tried: `-q` shows a skipped test as a letter among thousands."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_OLDEST in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"*** {len(skipped)} tests SKIPPED: {NO_OLDEST} ***", yellow=True)


COMMAND = ("/test_up.py", "/test_second_day.py", "/test_other_users.py", "/test_builtin_model", "bench_local")
SHARED_CHECK = re.compile(r"tests/refused/test_changes\.py::\w+\[(\w[\w-]*): ")


class _Turns(LoadGroupScheduling):
    """`--dist loadgroup` by the names of tests: pytest 9.2 does not let pytest-xdist 3.8 write a mark's group into them.

    Tests of one group run one after the other. Those of the first three mostly wait, which is why there are more workers than cores.
    """

    def _split_scope(self, nodeid: str) -> str:
        if "e2e_local/test_one_writer" in nodeid:
            return "late calls"  # they wait for half a minute and more, and measure nothing shorter
        # Tests that run the whole bot or the built-in model: more than one of each kind at a time would measure each other.
        if "tests/e2e_local/" in nodeid:
            return "the bot"
        if any(name in nodeid for name in COMMAND):
            return "the command"
        if "tests/manifests/" in nodeid and "test_refused" not in nodeid:
            return "manifests"  # each environment is rendered once
        if found := SHARED_CHECK.search(nodeid):
            return f"refused by {found[1]}"  # a check that several changes share runs once
        return nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling | None:
    return _Turns(config, log) if config.getvalue("dist") == "loadgroup" else None
