"""The test of a program, run by pytest in the folder where the program has run."""

import pytest

from openclaw_runner.programs import python

NAME = "test_main.py"
PASSED = 97
"""How this process ends where a test has passed and none has failed.

It is not 0, with which the program may end the process while it is tested.
"""
NONE_PASSED = 5
"""As pytest says that it has run no test. So says one whose tests were all skipped."""
ENDED_EARLY = "The program ended the process while it was tested: its tests did not end.\n"


class _Passes:
    """A plugin of pytest that counts tests that have passed."""

    count = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.count += report.when == "call" and report.passed


def run() -> int:
    """Run `test_main.py` of the current folder. PASSED, or another exit code than 0."""
    python.fresh()
    # No settings of a project above, no cache, no colours: the output goes to a model and to a chat.
    with open(".pytest.ini", "w", encoding="ascii") as settings:
        settings.write("[pytest]\n")
    arguments = ["-q", "--tb=short", "--color=no", "-p", "no:cacheprovider", "-c", ".pytest.ini", "--rootdir=.", NAME]
    passes = _Passes()
    code = python.finish(int(pytest.main(arguments, plugins=[passes])))
    return code or (PASSED if passes.count else NONE_PASSED)
