"""Fork server of one machine: imports all that an agent needs once, then forks an agent in milliseconds instead of a second.

It reads JSON lines: `{"start": NAME, "env": {...}}`, `{"signal": NAME, "number": N}`. It writes JSON lines: `{"ready": true}`,
`{"started": NAME, "pid": N}`, `{"ended": NAME, "code": N}` (a negative code is a signal). It exits at the end of its input; running agents
go on. Linux only: on macOS a forked process may not use the system's libraries.
"""

import gc
import json
import os
import selectors
import signal
import sys
import traceback
from collections.abc import Callable, Mapping


def main(run_agent: Callable[[], int] | None = None) -> int:
    """Serve until the input ends. *run_agent* None runs `openclaw_agent`."""
    from openclaw_agent import __main__ as agent
    from openclaw_agent import app, loading  # noqa: F401 - imported for the forked agents

    loading.load_libraries(tools=True)  # once, and all forked agents share the pages
    gc.collect()
    gc.freeze()  # a collection would write to, and so copy, the memory pages that agents share
    children: dict[int, str] = {}
    wake_out, wake_in = os.pipe()
    os.set_blocking(wake_in, False)
    os.set_blocking(wake_out, False)
    os.set_blocking(0, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the brain signals each agent, and closes our input
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(wake_out, selectors.EVENT_READ)
    _send({"ready": True})
    pending = b""
    while True:
        for key, _ in selector.select():
            if key.fd == wake_out:
                os.read(wake_out, 4096)
                continue
            data = os.read(0, 65536)
            if not data:
                return 0
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                request = json.loads(line)
                if "start" in request:
                    pid = os.fork()
                    if pid == 0:
                        _run_agent(run_agent or agent.main, request["env"], (wake_in, wake_out))
                    children[pid] = request["start"]
                    _send({"started": request["start"], "pid": pid})
                else:
                    for pid, name in children.items():
                        if name == request["signal"]:
                            os.kill(pid, request["number"])
        _reap(children)


def _reap(children: dict[int, str]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        name = children.pop(pid, None)
        if name is not None:
            _send({"ended": name, "code": os.waitstatus_to_exitcode(status)})


def _run_agent(run_agent: Callable[[], int], env: dict[str, str], inherited: tuple[int, ...]) -> None:
    """In the forked process: reset signals, files and environment, then run the agent. Never returns."""
    code = 70  # EX_SOFTWARE, if the agent crashes
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for fd in inherited:
            os.close(fd)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(2, 1)  # the brain reads our stdout; an agent logs to stderr
        os.environ.clear()
        os.environ.update(env)
        code = int(run_agent())
    except BaseException as exc:  # noqa: BLE001 - a forked process must never return into the fork server's loop
        frames = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(exc.__traceback__)]
        sys.stderr.write(json.dumps({"event": "agent.crashed", "error": type(exc).__name__, "frames": frames}) + "\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _send(message: Mapping[str, object]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
