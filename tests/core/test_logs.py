"""Logs say what happened and where, and never what somebody wrote."""

import asyncio
import gc
import json
import logging
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable

import pytest

from openclaw_core import logs
from tests.core.log_lines import MARKER, TOKEN, Read, read
from tests.core.store_world import task

__all__ = ["read"]


def fault_from_pydantic() -> Exception:
    from pydantic import BaseModel, ValidationError

    class Shape(BaseModel):
        number: int

    try:
        Shape.model_validate({"number": MARKER})
    except ValidationError as exc:
        return exc
    raise AssertionError


def fault_from_json() -> Exception:
    try:
        json.loads(f"{{{MARKER}")
    except ValueError as exc:
        return exc
    raise AssertionError


def fault_from_telegram() -> Exception:
    from telegram.error import BadRequest

    try:
        try:
            raise OSError(f"https://api.telegram.org/bot{TOKEN}/sendMessage?text={MARKER}")
        except OSError as cause:
            raise BadRequest(f"can't parse entities: {MARKER}") from cause
    except BadRequest as exc:
        return exc


def fault_from_groq() -> Exception:
    import groq
    import httpx

    response = httpx.Response(400, request=httpx.Request("POST", f"https://x/{TOKEN}"), json={"error": MARKER})
    try:
        raise groq.BadRequestError(MARKER, response=response, body={"error": {"message": MARKER}})
    except groq.BadRequestError as exc:
        exc.add_note(MARKER)
        return exc


def fault_in_a_group() -> Exception:
    try:
        raise ExceptionGroup(MARKER, [fault_from_json(), ValueError(MARKER)])
    except ExceptionGroup as exc:
        return exc


FAULTS = [fault_from_pydantic, fault_from_json, fault_from_telegram, fault_from_groq, fault_in_a_group]


def raise_again(exc: Exception) -> None:
    private = MARKER  # a local that a traceback with locals would show
    assert private
    raise exc


def by_excepthook(exc: Exception) -> None:
    sys.excepthook(type(exc), exc, exc.__traceback__)


def by_thread(exc: Exception) -> None:
    thread = threading.Thread(target=raise_again, args=(exc,), name="worker")
    thread.start()
    thread.join()


def by_loop(exc: Exception) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        logs.install_asyncio(loop)
        loop.call_soon(raise_again, exc)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())


def by_forgotten_task(exc: Exception) -> None:
    async def main() -> None:
        logs.install_asyncio(asyncio.get_running_loop())

        async def fail() -> None:
            raise_again(exc)

        task = asyncio.create_task(fail(), name="watch jobs")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(main())


def by_destructor(exc: Exception) -> None:
    class Bad:
        def __del__(self) -> None:
            raise_again(exc)

    Bad()
    gc.collect()


def by_library_exception(exc: Exception) -> None:
    try:
        raise_again(exc)
    except Exception:
        logging.getLogger("some.library").exception("cannot handle %s of %s", MARKER, TOKEN)


def by_library_f_string(exc: Exception) -> None:
    logging.getLogger("some.library").error(f"cannot handle {MARKER}: {exc}", exc_info=exc)


def by_library_object(exc: Exception) -> None:
    logging.getLogger("some.library").error(exc)


def by_library_bad_arguments(exc: Exception) -> None:
    root = logging.getLogger()  # pytest's own handlers fail on such a record by intention
    root.handlers[:] = [handler for handler in root.handlers if type(handler).__module__ == logs.__name__]
    logging.getLogger("some.library").error("%d of", MARKER, exc)


def by_own_log(exc: Exception) -> None:
    logs.get("x").fault("task.failed", exc)


def by_own_field(exc: Exception) -> None:
    logs.get("x").error("task.failed", error=exc, inside=[{"deep": exc}], bytes=MARKER.encode())


WAYS = [
    by_excepthook, by_thread, by_loop, by_forgotten_task, by_destructor, by_library_exception, by_library_f_string,
    by_library_object, by_library_bad_arguments, by_own_log, by_own_field,
]  # fmt: skip


@pytest.mark.parametrize("make", FAULTS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_way_of_failing_shows_words_or_tokens(
    read: Read, make: Callable[[], Exception], way: Callable[[Exception], None]
) -> None:
    exc = make()

    way(exc)
    del exc

    lines = read()  # asserts that nothing telling is in them
    assert len(lines) == 1
    assert lines[0]["level"] == "error"
    assert {"at", "service", "event"} <= lines[0].keys()


@pytest.mark.parametrize(
    "way", [by_excepthook, by_thread, by_loop, by_forgotten_task, by_library_exception, by_own_log]
)
def test_a_fault_says_types_and_places_of_itself_and_its_causes(read: Read, way: Callable[[Exception], None]) -> None:
    way(fault_from_telegram())

    ((line,)) = read()
    fault, cause = line["faults"]
    assert fault["type"] == "telegram.error.BadRequest"
    assert cause["type"] == "builtins.OSError"
    assert cause["as"] == "cause"
    for frame in fault["at"] + cause["at"]:
        module, _, number = frame.rpartition(":")
        assert module
        assert number.isdigit()
    assert any(frame.startswith(f"{__name__}:") for frame in cause["at"])


def test_a_group_names_its_parts(read: Read) -> None:
    logs.get("x").fault("tasks.failed", fault_in_a_group())

    assert [fault["type"] for fault in read()[0]["faults"]] == [
        "builtins.ExceptionGroup", "json.decoder.JSONDecodeError", "builtins.ValueError"
    ]  # fmt: skip


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError(), TypeError()
    first.__cause__, second.__cause__ = second, first

    assert [fault["type"] for fault in logs.described(first)] == ["builtins.ValueError", "builtins.TypeError"]


def test_a_forgotten_task_is_named(read: Read) -> None:
    by_forgotten_task(ValueError(MARKER))

    (line,) = read()
    assert line["task"] == "watch jobs"
    assert line["message"] == "Task exception was never retrieved"


def test_a_library_record_keeps_its_template_without_the_arguments(read: Read) -> None:
    logging.getLogger("some.library").warning("retrying %s after %d s", MARKER, 5)

    (line,) = read()
    assert line["message"] == "retrying %s after %d s"
    assert line["logger"] == "some.library"
    assert line["where"].startswith("test_logs:")


def test_libraries_are_heard_from_warning_on(read: Read) -> None:
    logging.getLogger("httpx").info("HTTP Request: %s", TOKEN)
    logging.getLogger("some.library").info("hello")

    assert read() == []


def test_python_warnings_arrive_without_their_words(read: Read) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(f"deprecated {MARKER}", DeprecationWarning, stacklevel=1)

    (line,) = read()
    assert line["logger"] == "py.warnings"


def test_a_process_that_dies_says_where_and_not_what() -> None:
    program = f"""
    from openclaw_core import logs
    logs.configure("INFO", service="agent")
    def work(text):
        raise ValueError(text)
    work("{MARKER}")
    """

    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, encoding="utf-8", check=False
    )

    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert MARKER not in line
    assert json.loads(line)["faults"] == [{"type": "builtins.ValueError", "at": ["__main__:6", "__main__:5"]}]


def test_a_task_does_not_show_its_words_in_its_repr() -> None:
    assert "secret" not in repr(task(1, text="secret"))
