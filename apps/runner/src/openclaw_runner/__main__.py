"""Arguments → an environment of its own → one supervisor. `--help` says what they are."""

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path

KEPT = ("PYTHONPATH", "PYTHONPYCACHEPREFIX", "OPENBLAS_CORETYPE")
"""Where libraries are found and how they compute. Nothing else of the environment is kept."""
OWN = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "MPLBACKEND": "agg",
    # Threads would be started by the import, before the sealing, and each keeps address space of the runs.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="openclaw-runner", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="the Unix socket to listen on")
    parser.add_argument(
        "--folder", type=Path, required=True, help="an own folder for the runs, best in memory; it is emptied"
    )
    parser.add_argument("--requests", type=int, default=1, help="requests after which it ends (1)")
    parser.add_argument("--parent", type=int, default=0, help="the process with which it ends, which has started it")
    arguments = parser.parse_args()

    # Executed anew, since the kernel keeps a process's first environment in its memory, where every child could find it.
    drawing = arguments.folder / "matplotlib"
    closed = {**{name: os.environ[name] for name in KEPT if name in os.environ}, **OWN, "MPLCONFIGDIR": str(drawing)}
    if dict(os.environ) != closed:
        _bring_fonts(Path(os.environ.get("MPLCONFIGDIR") or Path.home() / ".cache/matplotlib"), drawing)
        again = [sys.executable, "-P", "-m", "openclaw_runner", *sys.argv[1:]]
        os.execve(sys.executable, again, closed)  # noqa: S606 - ourselves

    from openclaw_runner.supervisor import Settings, serve  # after the environment: numpy reads it as it is imported

    if arguments.parent and not _ends_with(arguments.parent):
        return 0
    serve(Settings(socket=arguments.socket, folder=arguments.folder, requests=arguments.requests))
    return 0


def _ends_with(parent: int) -> bool:
    """Have the kernel end this process once *parent* has ended. False if it has already."""
    from openclaw_runner.kernel.calls import PR_SET_PDEATHSIG, prctl

    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    return os.getppid() == parent


def _bring_fonts(source: Path, target: Path) -> None:
    """Copy the list of fonts to where matplotlib may write, which it insists on. Searching them anew takes seconds."""
    target.mkdir(exist_ok=True)
    for found in source.glob("fontlist-*.json"):
        shutil.copyfile(found, target / found.name)


if __name__ == "__main__":
    sys.exit(main())
