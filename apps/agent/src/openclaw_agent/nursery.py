"""Starts agents of one machine by forking: what every agent imports is imported once, so a start takes milliseconds, not a second.

Speaks JSON lines. In: `{"start": NAME, "env": {...}}`, `{"signal": NAME, "number": N}`. Out: `{"started": NAME, "pid": N}`,
`{"ended": NAME, "code": N}` (negative: a signal). At the end of its input it leaves; agents that work go on and end by themselves.
Linux only: on macOS a forked process may not use the system's libraries.
"""

import gc
import json
import os
import selectors
import signal
import sys
import traceback
from typing import Any


def main() -> int:
    from openclaw_agent import __main__ as agent
    from openclaw_agent import app, opening  # noqa: F401 - imported for those who are forked

    opening.load_libraries()
    gc.collect()
    gc.freeze()  # a collection would touch, and so copy, the pages that agents share
    children: dict[int, str] = {}
    wake_out, wake_in = os.pipe()
    os.set_blocking(wake_in, False)
    os.set_blocking(wake_out, False)
    os.set_blocking(0, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the brain ends agents one by one, and us by the end of our input
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(wake_out, selectors.EVENT_READ)
    _say({"ready": True})
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
                order = json.loads(line)
                if "start" in order:
                    pid = os.fork()
                    if pid == 0:
                        _be_an_agent(agent, order["env"], (wake_in, wake_out))
                    children[pid] = order["start"]
                    _say({"started": order["start"], "pid": pid})
                else:
                    for pid, name in children.items():
                        if name == order["signal"]:
                            os.kill(pid, order["number"])
        _reap(children)


def _reap(children: dict[int, str]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        name = children.pop(pid, None)
        if name is not None:
            _say({"ended": name, "code": os.waitstatus_to_exitcode(status)})


def _be_an_agent(agent: Any, env: dict[str, str], inherited: tuple[int, ...]) -> None:
    """In the forked process: a clean slate, then the agent's own main. Never returns."""
    code = 70  # EX_SOFTWARE, unless the agent says otherwise
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for fd in inherited:
            os.close(fd)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(2, 1)  # our output is the brain's; an agent logs to stderr
        os.environ.clear()
        os.environ.update(env)
        code = int(agent.main())
    except BaseException as exc:  # noqa: BLE001 - a forked process must never go on with its parent's code
        frames = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(exc.__traceback__)]
        sys.stderr.write(json.dumps({"event": "agent.crashed", "error": type(exc).__name__, "frames": frames}) + "\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _say(what: dict[str, Any]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
