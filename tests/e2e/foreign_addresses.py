"""Servers of the tests at addresses that are not this machine's, for pods alone: a cloud's metadata, a private network, the public web."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.e2e.cluster import stand_in_host

HOST = stand_in_host()
SUDO = () if os.geteuid() == 0 else ("sudo", "-n")
TABLE = "4077"
"""A routing table that nobody else has."""

_SERVE = """
import socket, sys
IP_TRANSPARENT = 19  # linux/in.h: listen on an address that is not this machine's
listeners = []
for door in sys.argv[1:]:
    host, _, port = door.rpartition(":")
    listeners.append(socket.socket())
    listeners[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listeners[-1].setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    listeners[-1].bind((host, int(port)))
    listeners[-1].listen()
# Nobody has to accept: a connection is made once the kernel has answered for a listener.
print("listening", flush=True)
sys.stdin.read()
"""


@contextmanager
def served(*doors: str, server: str = _SERVE, said: str = "") -> Iterator[None]:
    """Somebody who listens behind *doors* on this machine, for the block and for pods only: what the machine itself reaches there, as a
    cloud's instance metadata, stays what it is.

    *server* is the program that listens there: it gets the doors as arguments and the line *said*, and ends with its input.
    """
    [way] = json.loads(_as_root("ip", "-json", "address", "show", "to", f"{HOST}/32"))
    with ExitStack() as stack:
        stack.enter_context(_there_and_back("route", "local", "default", "dev", "lo", "table", TABLE))
        for host in {door.rpartition(":")[0] for door in doors} - {HOST}:
            stack.enter_context(_there_and_back("rule", "iif", way["ifname"], "to", host, "lookup", TABLE))
        command = [*SUDO, sys.executable, "-c", server, *doors]
        listener = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        assert listener.stdin is not None
        assert listener.stdout is not None
        stack.callback(listener.stdin.close)  # at which it ends
        listener.stdin.write(said + "\n")
        listener.stdin.flush()
        assert listener.stdout.readline().strip() == "listening"
        yield


@contextmanager
def _there_and_back(kind: str, *words: str) -> Iterator[None]:
    _as_root("ip", kind, "add", *words)
    try:
        yield
    finally:
        _as_root("ip", kind, "del", *words)


def _as_root(*command: str) -> str:
    return subprocess.run([*SUDO, *command], check=True, stdout=subprocess.PIPE, text=True).stdout
