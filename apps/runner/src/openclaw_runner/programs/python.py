"""Python, in the process that was forked with its libraries imported: importing them anew would take longer than most runs."""

import atexit
import gc
import sys
import tempfile
import threading
import traceback
import types

from openclaw_runner.programs import plots

NAME = "main.py"


def run() -> int:
    """Run `main.py` of the current folder as a script."""
    fresh()
    with open(NAME, "rb") as file:
        source = file.read()
    module = types.ModuleType("__main__")
    module.__file__ = NAME
    module.__builtins__ = __builtins__  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    sys.argv = [NAME]
    code = 0
    try:
        exec(compile(source, NAME, "exec"), module.__dict__)  # noqa: S102 - to run it is the purpose; the seal is around it
    except SystemExit as exc:
        code = _code(exc.code)
    except BaseException as exc:  # noqa: BLE001 - the program's own fault is its output
        # The first frame is ours.
        trace = exc.__traceback__.tb_next if exc.__traceback__ else None
        traceback.print_exception(type(exc), exc, trace)
        code = 1
    return finish(code)


def fresh() -> None:
    """Make the forked interpreter one that has just started, as far as a script can tell."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, "")
    tempfile.tempdir = None  # the supervisor's may be remembered
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # else every run would draw the same numbers
    if "matplotlib.pyplot" in sys.modules:
        plots.save_what_is_shown()
    gc.unfreeze()
    gc.enable()


def finish(code: int) -> int:
    """Wait for the program's threads and call what it has registered, as an interpreter does at its end."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - likewise
        traceback.print_exc()
        return code or 1
    return code


def _code(said: object) -> int:
    if said is None:
        return 0
    if isinstance(said, int):
        return said & 0xFF
    print(said, file=sys.stderr)
    return 1
