"""Code that means well runs as it would anywhere: libraries, threads, plots, a test, other languages; and it ends when it is asked to."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openclaw_core.sealed import File, ProgramLanguage, RunLimits, RunnerCause, RunnerClient, RunRequest, RunResult
from openclaw_runner.handling import handle
from openclaw_runner.kernel import landlock
from openclaw_runner.kernel.calls import NotAvailable
from openclaw_runner.preload import LIBRARIES
from openclaw_runner.processes import KeptOutput
from openclaw_runner.programs.sqlite import statements
from openclaw_runner.programs.testing import ENDED_EARLY
from tests.runner.runners import Runner, descendants, needs_sealing, runner


@pytest.fixture(scope="module")
def opened() -> Iterator[Runner]:
    with runner(libraries=LIBRARIES) as found:
        yield found


async def run(opened: Runner, code: str, **more: object) -> RunResult:
    settings = {"language": ProgramLanguage.PYTHON, "limits": RunLimits(seconds=100.0), **more}
    return await opened.client.run(RunRequest(code=code, **settings))  # type: ignore[arg-type]


@needs_sealing
async def test_the_libraries_work(opened: Runner) -> None:
    result = await run(
        opened,
        """
import numpy as np, pandas as pd, sympy, asyncio, threading, sqlite3, subprocess, tempfile, concurrent.futures, decimal, shutil
print(np.linalg.det(np.eye(50)), pd.DataFrame({"a": [1, 2, 3]})["a"].mean(), sympy.integrate(sympy.Symbol("x")))
print(asyncio.run(asyncio.sleep(0, "loop")))
with concurrent.futures.ThreadPoolExecutor(8) as pool: print(sum(pool.map(len, ["ab"] * 20)))
print(subprocess.run(["sort"], input="b\\na\\n", capture_output=True, text=True).stdout.split())
with tempfile.TemporaryDirectory() as place: open(place + "/x", "w").write("x"); shutil.copy(place + "/x", "y.txt"); shutil.copy2("y.txt", "z.txt")
print(sqlite3.connect("a.db").execute("select 1 + 1").fetchone())
pd.DataFrame({"a": [1]}).to_excel("a.xlsx"); print(len(pd.read_excel("a.xlsx")))
""",
    )

    assert result.program.stdout.splitlines() == ["1.0 2.0 x**2/2", "loop", "40", "['a', 'b']", "(2,)", "1"], (
        result.program.stderr
    )
    assert [file.name for file in result.files] == ["y.txt", "z.txt", "a.xlsx"]


@needs_sealing
async def test_a_plot_that_is_shown_comes_back_as_a_picture(opened: Runner) -> None:
    code = "import matplotlib.pyplot as plt\nfor _ in range(2): plt.plot([1, 2]); plt.show()\nplt.savefig('own.svg')"

    result = await run(opened, code)

    assert [file.name for file in result.files] == ["figure-1.png", "figure-2.png", "own.svg"], result.program.stderr
    assert len(result.files[0].data) > 5000


@needs_sealing
@pytest.mark.parametrize(("wanted", "exit_code", "line"), [(4, 0, "1 passed"), (5, 1, "1 failed")])
async def test_a_test_runs_after_the_program(opened: Runner, wanted: int, exit_code: int, line: str) -> None:
    test = f"from main import square\ndef test_square(): assert square(2) == {wanted}"

    result = await run(opened, "def square(x): return x * x\nprint(square(3))", test=test)

    assert result.program.stdout == "9\n"
    assert result.test is not None
    assert (result.test.exit_code, line in result.test.stdout) == (exit_code, True), result.test.stdout


@needs_sealing
@pytest.mark.parametrize(
    ("code", "test", "exit_code"),
    [
        ("import os\nif __name__ != '__main__': os._exit(0)", "import main\ndef test_a(): assert False", 1),
        ("import os\ndef f(): os._exit(0)", "import main\ndef test_a(): assert main.f() == 2", 1),
        ("import atexit, os\natexit.register(os._exit, 0)", "import main\ndef test_a(): pass", 1),
        ("x = 1", "import pytest\ndef test_a(): pytest.skip('later')", 5),
        ("x = 1", "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False", 5),
        ("x = 1", "def check(): assert False", 5),
        (
            "open('conftest.py', 'w').write('def pytest_collection_modifyitems(items): items.clear()')",
            "def test_a(): assert False",
            5,
        ),
    ],
)
async def test_a_test_has_passed_only_if_one_ran_to_its_end(
    opened: Runner, code: str, test: str, exit_code: int
) -> None:
    result = await run(opened, code, test=test)

    assert result.program.exit_code == 0
    assert result.test is not None
    assert result.test.exit_code == exit_code, result.test
    assert result.test.stderr == (ENDED_EARLY if exit_code == 1 else "")


@needs_sealing
async def test_a_program_that_fails_is_not_tested(opened: Runner) -> None:
    result = await run(opened, "x = 1\nraise ValueError('no')", test="def test_a(): pass")

    assert (result.program.exit_code, result.test) == (1, None)
    assert result.program.stderr.startswith(
        'Traceback (most recent call last):\n  File "main.py", line 2'
    )  # none of our frames


@needs_sealing
@pytest.mark.parametrize(
    ("code", "exit_code", "stdout", "stderr"),
    [
        ("import sys; print('a'); sys.exit(3)", 3, "a\n", ""),
        ("import sys; sys.exit('wrong')", 1, "", "wrong\n"),
        ("import os; os._exit(5)", 5, "", ""),
        ("import atexit; atexit.register(print, 'last'); print('first')", 0, "first\nlast\n", ""),
        ("import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()", 0, "thread\n", ""),
        ("print(__name__, __import__('sys').argv)", 0, "__main__ ['main.py']\n", ""),
        ("print(input())", 1, "", "EOFError: EOF when reading a line\n"),
        ("print('a\\x1b[2Jb\\x00')", 0, "a[2Jb\n", ""),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')", 0, "��", ""),
    ],
)  # fmt: skip
async def test_it_ends_as_a_script_does(opened: Runner, code: str, exit_code: int, stdout: str, stderr: str) -> None:
    result = await run(opened, code)

    assert (result.program.exit_code, result.program.stdout) == (exit_code, stdout), result.program.stderr
    assert result.program.stderr.endswith(stderr)


@needs_sealing
async def test_bash_and_sqlite_run_too(opened: Runner) -> None:
    table = File(name="sales.csv", data=b"day,sum\nMon,2\nTue,3.5\n")

    bash = await run(
        opened, "cut -d, -f2 sales.csv | sort -n | tail -1; exit 4", language=ProgramLanguage.BASH, files=(table,)
    )
    sql = await run(
        opened, "select sum(sum) as total from sales; select 'a;b';", language=ProgramLanguage.SQLITE, files=(table,)
    )
    wrong = await run(opened, "select none_such", language=ProgramLanguage.SQLITE)

    assert (bash.program.stdout, bash.program.exit_code) == ("3.5\n", 4)
    assert sql.program.stdout == "total\n5.5\n'a;b'\na;b\n"
    assert (wrong.program.exit_code, wrong.program.stderr) == (1, "OperationalError: no such column: none_such\n")
    assert sql.files == ()  # what was given and not changed is not returned


@needs_sealing
async def test_runs_know_nothing_of_each_other(opened: Runner) -> None:
    await run(opened, "import numpy, os; numpy.left = 1; os.environ['LEFT'] = '1'; open('left.txt', 'w').write('x')")
    code = "import numpy, os; print(hasattr(numpy, 'left'), os.environ.get('LEFT'), os.listdir())"

    assert (await run(opened, code)).program.stdout == "False None ['main.py']\n"
    draw = "import numpy, random; print(numpy.random.rand(), random.random())"
    assert (await run(opened, draw)).program.stdout != (await run(opened, draw)).program.stdout


@needs_sealing
async def test_what_is_returned_is_bounded(opened: Runner) -> None:
    code = "for n in range(9): open(f'{n}.txt', 'w').write('x' * 1000)\nopen('a.exe', 'w').write('x')"

    result = await run(opened, code, limits=RunLimits(seconds=100.0, returned_files=4, returned_bytes=2500))

    assert ([file.name for file in result.files], result.files_dropped) == (["0.txt", "1.txt"], 8)


@needs_sealing
async def test_a_caller_that_goes_away_ends_the_run(opened: Runner) -> None:
    started = time.monotonic()
    waiting = asyncio.create_task(run(opened, "import time; time.sleep(90)"))
    while not list(opened.folder.iterdir()):
        await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert (await run(opened, "print(1)")).program.stdout == "1\n"
    assert time.monotonic() - started < 60


@needs_sealing
async def test_it_ends_after_its_requests(tmp_path: Path) -> None:
    with runner(requests=2) as opened:
        for _ in range(2):
            assert (await run(opened, "print(1)")).program.exit_code == 0
        assert opened.process.wait(30) == 0
        assert (await run(opened, "print(1)")).program.why == "no runner is there"


@needs_sealing
@pytest.mark.parametrize("delay_ms", [0, 2, 4, 6, 8, 10, 15, 20, 40, 200])
async def test_sigterm_ends_it_with_all_that_runs(delay_ms: int) -> None:
    """At whatever moment: while a handler or a child is being forked too."""
    with runner() as opened:
        waiting = asyncio.create_task(run(opened, "import time; time.sleep(90)"))
        await asyncio.sleep(delay_ms / 1000)
        opened.process.send_signal(signal.SIGTERM)

        assert opened.process.wait(30) == 0
        assert (await waiting).program.cause is RunnerCause.NOT_AVAILABLE
        assert list(opened.folder.iterdir()) == []


@needs_sealing
async def test_a_handler_that_is_killed_leaves_nothing_behind() -> None:
    with runner() as opened:
        waiting = asyncio.create_task(run(opened, "import os, time\nif os.fork() == 0: os.fork()\ntime.sleep(90)"))
        while len(pids := descendants(opened.process.pid)) < 4:
            await asyncio.sleep(0.02)
        os.kill(pids[0], signal.SIGKILL)

        assert (await waiting).program.cause is RunnerCause.NOT_AVAILABLE
        assert (await run(opened, "print(1)")).program.stdout == "1\n"
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@needs_sealing
async def test_the_command_keeps_nothing_of_its_environment(tmp_path: Path) -> None:
    """Not even where the kernel has put it: at the end of the stack that every child inherits."""
    folder = tmp_path / "runs"
    folder.mkdir()
    path = tmp_path / "s"
    command = [sys.executable, "-m", "openclaw_runner", "--socket", str(path), "--folder", str(folder)]
    process = subprocess.Popen(command, env={**os.environ, "SECRET_TOKEN": "very" + "-secret-value"})
    try:
        while not path.exists():
            assert process.poll() is None
            await asyncio.sleep(0.05)
        code = """
import ctypes, os
# From the first frame up to the end of the stack, where arguments and environment are.
libc = ctypes.CDLL(None)
n, found = 0, b""
start = ctypes.cast(ctypes.c_void_p.in_dll(libc, "__libc_stack_end"), ctypes.c_void_p).value
page = start & ~4095
while page < start + (1 << 17):
    r, w = os.pipe()
    if libc.write(w, ctypes.c_void_p(page), 4096) != 4096: break
    found += os.read(r, 4096); os.close(r); os.close(w); page += 4096
print(len(found) >= 4096, b"very-" + b"secret" in found, b"MALLOC_ARENA_MAX" in found)
"""
        result = await RunnerClient(path, spare_s=60).run(RunRequest(language=ProgramLanguage.PYTHON, code=code))
        assert result.program.stdout == "True False True\n", result.program.stderr
    finally:
        process.terminate()
        assert process.wait(30) == 0


async def test_where_nothing_can_be_sealed_nothing_is_even_read(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    answering = threading.Thread(
        target=handle, args=(theirs,), kwargs={"root": tmp_path, "unavailable": "an old kernel"}
    )
    answering.start()
    ours.settimeout(30)
    got = b""
    while piece := ours.recv(4096):
        got += piece
    ours.close()
    answering.join()

    assert b'"cause":"not_available","why":"an old kernel"' in got
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("found", [0, 1, 5])
def test_an_old_kernel_is_named(found: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: found)

    with pytest.raises(NotAvailable, match="Landlock version 6"):
        landlock.require()


def test_both_ends_of_an_output_are_kept() -> None:
    kept = KeptOutput(10)
    for piece in (b"abc", b"defgh", b"ijklmnop"):
        kept.add(piece)

    assert (kept.text(), kept.dropped) == ("abcde\n[… 6 bytes are left out …]\nlmnop", 6)


def test_statements_end_where_sql_says() -> None:
    text = "select ';'; create trigger t after insert on a begin select 1; end; select 2"

    assert [each.strip() for each in statements(text)] == [
        "select ';';",
        "create trigger t after insert on a begin select 1; end;",
        "select 2",
    ]
