"""The test of a program, run by pytest in the folder where the program has run."""

import pytest

from openclaw_runner.programs import python

NAME = "test_main.py"


def run() -> int:
    """Run `test_main.py` of the current folder; pytest's exit code."""
    python.fresh()
    # No settings of a project above, no cache, no colours: the output goes to a model and to a chat.
    with open(".pytest.ini", "w", encoding="ascii") as settings:
        settings.write("[pytest]\n")
    arguments = ["-q", "--tb=short", "--color=no", "-p", "no:cacheprovider", "-c", ".pytest.ini", "--rootdir=.", NAME]
    return python.finish(int(pytest.main(arguments)))
