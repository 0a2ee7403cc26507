"""JSON logs on stderr, one line for each event. Exceptions are logged by type and place, never by message.

It uses only the standard library: importing structlog costs each agent 0.1 s and 4 MB (0.2 s and 10 MB where rich is installed).
"""

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from math import isfinite
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

_ROOT = "openclaw"
_FIELDS = "openclaw_fields"
_MAX_CHARS = 1000
_MAX_DEPTH = 4
_MAX_FAULTS = 16
_MAX_FRAMES = 32

_bound: ContextVar[Mapping[str, Any]] = ContextVar("openclaw_bound", default=MappingProxyType({}))

_ASYNCIO_MESSAGES = frozenset(
    {
        "Task exception was never retrieved",
        "Future exception was never retrieved",
        "Task was destroyed but it is pending!",
        "unhandled exception during asyncio.run() shutdown",
    }
)
"""Messages of asyncio without values; the others show the arguments of a callback."""


class Log:
    """Writes events: a fixed dotted name and fields. Never pass a user's text, a token or a whole response."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"{_ROOT}.{name}")

    def info(self, event: str, **fields: Any) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._write(logging.ERROR, event, fields)

    def fault(self, event: str, exc: BaseException, **fields: Any) -> None:
        """Log an unexpected exception by its types and places."""
        self._write(logging.ERROR, event, fields | {"faults": described(exc)})

    def _write(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, extra={_FIELDS: {**_bound.get(), **fields}})


def get(name: str) -> Log:
    """The log of a module: `log = logs.get(__name__)`."""
    return Log(name)


def bind(**fields: Any) -> None:
    """Add *fields* to each event of this context (a thread, or an asyncio task and those it starts) from now on."""
    _bound.set({**_bound.get(), **fields})


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """The same until the end of a `with` block."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def configure(level: str = "INFO", *, service: str, trace_of: Callable[[str], str] | None = None) -> None:
    """Send everything to stderr as JSON: our events from *level* on, libraries' records from WARNING on, every fault.

    *trace_of* gives the id of a task's trace: each event of a task gets it as `trace_id`, also where no traces are
    sent. Called once, by `__main__`. Raises ValueError for an unknown level.
    """
    handler = _Handler()
    handler.setFormatter(_JsonFormatter(service, trace_of))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in ("httpx", "httpcore"):  # at INFO they log URLs; the Bot API's hold the token
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(_ROOT).setLevel(level.upper())
    logging.captureWarnings(True)
    sys.excepthook = _on_uncaught
    sys.unraisablehook = _on_unraisable
    threading.excepthook = _on_thread_fault


def install_asyncio(loop: asyncio.AbstractEventLoop) -> None:
    """Log the faults of the event loop too, such as an exception of a task that nobody awaited."""
    loop.set_exception_handler(_on_loop_fault)


def described(exc: BaseException) -> list[dict[str, Any]]:
    """Types and `module:line` of each frame, innermost last; then the same of its causes and of a group's parts.

    No message, no argument, no local: they carry users' words.
    """
    faults: list[dict[str, Any]] = []
    seen: set[int] = set()
    waiting: list[tuple[str, BaseException]] = [("", exc)]
    while waiting and len(faults) < _MAX_FAULTS:
        relation, current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        kind = type(current)
        fault: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}", "at": _frames(current.__traceback__)}
        faults.append({"as": relation, **fault} if relation else fault)
        if isinstance(current, BaseExceptionGroup):
            waiting += [("part", part) for part in current.exceptions]
        if current.__cause__ is not None:
            waiting.append(("cause", current.__cause__))
        elif current.__context__ is not None and not current.__suppress_context__:
            waiting.append(("during", current.__context__))
    return faults


def _frames(traceback: TracebackType | None) -> list[str]:
    frames = []
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "?")
        frames.append(f"{module}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return frames[-_MAX_FRAMES:]


# ---- hooks

_log = Log("logs")


def _on_uncaught(kind: type[BaseException], exc: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        _log.info("process.interrupted")
        return
    _log.fault("fault.uncaught", exc.with_traceback(traceback))


def _on_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    if unraisable.exc_value is not None:
        _log.fault("fault.unraisable", unraisable.exc_value)


def _on_thread_fault(args: "threading.ExceptHookArgs") -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        _log.fault("fault.thread", args.exc_value, thread=args.thread.name if args.thread else "?")


def _on_loop_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    message = context.get("message")
    fields: dict[str, Any] = {"message": message if message in _ASYNCIO_MESSAGES else "a fault in a callback"}
    task = context.get("task") or context.get("future")
    if isinstance(task, asyncio.Task):
        fields["task"] = task.get_name()
    exc = context.get("exception")
    if isinstance(exc, BaseException):
        _log.fault("fault.asyncio", exc, **fields)
    else:
        _log.error("fault.asyncio", **fields)


# ---- writing


class _Handler(logging.Handler):
    """Writes to the present stderr, and never the traceback of a record that it cannot format."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as exc:  # noqa: BLE001 - a log call must not end the work; the standard way prints the arguments
            line = json.dumps({"level": "error", "event": "log.unwritable", "type": type(exc).__name__})
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            pass  # stderr is closed


class _JsonFormatter(logging.Formatter):
    def __init__(self, service: str, trace_of: Callable[[str], str] | None = None) -> None:
        super().__init__()
        self._service, self._trace_of = service, trace_of

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "service": self._service}
        fields = getattr(record, _FIELDS, None)
        if fields is None:
            line |= _foreign(record)
        else:
            line |= {"event": record.msg, "logger": record.name.removeprefix(f"{_ROOT}.")}
            if self._trace_of is not None and (task := _task_of(fields)):
                line["trace_id"] = self._trace_of(task)
            line |= {f"{name}_" if name in line else name: _value(value) for name, value in fields.items()}
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def _task_of(fields: Mapping[str, Any]) -> str:
    """The task that an event is about, by its field `task_id`, or `display`, where `t:` is before it; empty for none."""
    task, display = fields.get("task_id"), fields.get("display")
    if isinstance(task, str):
        return task
    return display[2:] if isinstance(display, str) and display.startswith("t:") else ""


def _foreign(record: logging.LogRecord) -> dict[str, Any]:
    """The safe part of a library's record: its place, and its message if that is a constant."""
    shown: dict[str, Any] = {
        "event": "library",
        "logger": record.name,
        "where": f"{record.module}:{record.lineno}",
    }
    # A template without its arguments is safe. An f-string holds its values already, so a message is logged only if it is in the
    # library's source word for word.
    if isinstance(record.msg, str) and _in_source(record.pathname, record.msg):
        shown["message"] = record.msg
    exc = record.exc_info[1] if record.exc_info else None
    if exc is not None:
        shown["faults"] = described(exc)
    return shown


@lru_cache(maxsize=128)
def _in_source(pathname: str, message: str) -> bool:
    if not message.strip():
        return False
    try:
        return message in Path(pathname).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return False


def _value(value: Any, depth: int = 0) -> Any:
    """Plain values as they are, anything else by its type: a repr may show its content."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, float) and not isfinite(value):
        return str(value)  # JSON has no such number
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= _MAX_CHARS else value[:_MAX_CHARS] + "…"
    if isinstance(value, Path):
        return str(value)
    if depth < _MAX_DEPTH:
        if isinstance(value, Mapping):
            return {str(key): _value(part, depth + 1) for key, part in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_value(part, depth + 1) for part in value]
    return f"<{type(value).__qualname__}>"
