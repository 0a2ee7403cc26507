"""No attack succeeds against the sealed runner, and each would without the part of the sealing that is named for it."""

import asyncio
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from openclaw_core.sealed import ProgramLanguage, RunLimits, RunRequest, RunResult
from openclaw_runner.seals import SealPart
from tests.runner.attacks import ATTACKS, HEADER, NUMBERS, Attack
from tests.runner.runners import MEMORY, NOBODY, Runner, descendants, needs_sealing, runner

pytestmark = needs_sealing

LIMITS = RunLimits(
    memory_bytes=64 << 20,
    processes=24,
    open_files=64,
    file_bytes=4 << 20,
    folder_bytes=8 << 20,
    folder_entries=1000,
    output_bytes=16_384,
)
ROOT = os.geteuid() == 0
USERS = [pytest.param(0, id="root"), pytest.param(NOBODY, id="nobody")] if ROOT else [os.geteuid()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an attack reaches for."""

    names: dict[str, object]
    secret: str
    full: Path

    def program(self, attack: Attack, opened: Runner, *, seen_s: float) -> str:
        lines = [f"{name} = {value!r}" for name, value in {**self.names, "RUNNER": str(opened.socket)}.items()]
        program = attack.program(seen_s=seen_s)
        return program if attack.language != "python" else "\n".join(lines) + program


@pytest.fixture
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """A secret, servers of each kind, another process, a program that runs as root: all within reach of whoever is not sealed."""
    with ExitStack() as stack:
        # Not below pytest's own folder, which other users cannot enter. On the runs' file system, where links can be made.
        place, programs = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(dir=where))) for where in (MEMORY, None)
        )
        for path in (place, programs):
            path.chmod(0o755)
        (place / "secret").write_text("the secret")
        outside = place / "outside"
        outside.mkdir()
        outside.chmod(0o777)
        full = outside / "full"
        full.write_text("the secret")
        full.chmod(0o666)
        names: dict[str, object] = {"SECRET": str(place / "secret"), "OUTSIDE": str(outside)}

        def listening(family: int, kind: int, address: object) -> socket.socket:
            opened = stack.enter_context(socket.socket(family, kind))
            opened.bind(address)  # type: ignore[arg-type]
            if kind == socket.SOCK_STREAM:
                opened.listen()
            if isinstance(address, str) and address.startswith("/"):
                os.chmod(address, 0o777)  # noqa: S103 - within reach of everybody
            return opened

        names["PORT"] = listening(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)).getsockname()[1]
        names["DNS"] = listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)).getsockname()[1]
        for name, kind in (("SERVER", socket.SOCK_STREAM), ("DATAGRAMS", socket.SOCK_DGRAM)):
            names[name] = str(place / name)
            listening(socket.AF_UNIX, kind, names[name])
        names["ABSTRACT"] = f"\0openclaw-{os.getpid()}"
        listening(socket.AF_UNIX, socket.SOCK_STREAM, names["ABSTRACT"])

        names["SETUID"] = str(programs / "id")
        shutil.copy("/usr/bin/id", programs / "id")
        os.chmod(programs / "id", 0o755 | stat.S_ISUID)  # noqa: S103 - the attack's means
        victim = stack.enter_context(
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env={"TOKEN": "x"})
        )
        stack.callback(victim.kill)
        names["VICTIM"] = victim.pid
        yield Surroundings(names=names, secret="the secret", full=full)


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[object, Runner]]:
    """Supervisors that are shared by the attacks of one user and one sealing: none of them may break one."""
    with ExitStack() as stack:
        runners: dict[object, Runner] = {"stack": stack}  # type: ignore[dict-item]
        yield runners


def shared(opened: dict[object, Runner], uid: int, left_out: frozenset[SealPart]) -> Runner:
    key = (uid, left_out)
    if key not in opened:
        stack: ExitStack = opened["stack"]  # type: ignore[assignment]
        opened[key] = stack.enter_context(
            runner(uid=uid, left_out=sorted(left_out), environment={"SECRET_TOKEN": "secret"})
        )
    return opened[key]


async def attacked(
    attack: Attack, surroundings: Surroundings, target: Runner, *, seen_s: float = 1.0
) -> tuple[bool, RunResult]:
    """Whether the attack has succeeded, and what the runner said. What the watch is to see lasts for *seen_s*."""
    request = RunRequest(
        language=attack.language,
        code=surroundings.program(attack, target, seen_s=seen_s),
        limits=replace(LIMITS, seconds=attack.seconds),
    )
    before = descendants(target.process.pid)
    result = await target.client.run(request)
    stolen = any(surroundings.secret.encode() in file.data for file in result.files)
    until = time.monotonic() + 10  # the handler itself ends once we have hung up
    while left := [pid for pid in descendants(target.process.pid) if pid not in before]:
        if time.monotonic() > until:
            break
        await asyncio.sleep(0.02)
    for pid in left:
        os.kill(pid, 9)
    names = [file.name for file in result.files]
    got = "GOT" in result.program.stdout or stolen or bool(left) or bool(names and attack.measure == "names")
    return got, result


@pytest.mark.parametrize("uid", USERS)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_an_attack_is_refused(
    attack: Attack, uid: int, opened: dict[object, Runner], surroundings: Surroundings
) -> None:
    target = shared(opened, uid, frozenset())

    got, result = await attacked(attack, surroundings, target, seen_s=8.0)  # a busy machine looks late

    assert not got, result.program.stdout
    if not (attack.or_fails and result.program.exit_code):
        assert result.program.cause is attack.cause, (result.program, result.program.stderr)
    assert list(target.folder.iterdir()) == []  # whatever it was, nothing is left
    assert target.process.poll() is None


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.without], ids=lambda attack: attack.name)
async def test_it_would_succeed_without_what_refuses_it(
    attack: Attack, opened: dict[object, Runner], surroundings: Surroundings
) -> None:
    """An attack that fails for another reason would show nothing."""
    if attack.root and not ROOT:
        pytest.skip("this one needs root")
    # Root's programs need no bit to be root's.
    uid = NOBODY if attack.measure == "setuid" else os.geteuid()
    if attack.measure == "setuid" and not ROOT:
        pytest.skip("only root can make a setuid program")

    with (
        runner(uid=uid, left_out=sorted(attack.without))
        if attack.breaks
        else nullcontext(shared(opened, uid, attack.without)) as target
    ):
        got, result = await attacked(attack, surroundings, target)

    assert got, (result.program, result.program.stdout, result.program.stderr)


async def test_there_are_forty_and_none_is_there_twice() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 40


async def test_the_runner_answers_after_all_attacks(opened: dict[object, Runner]) -> None:
    code = HEADER.format(numbers=NUMBERS) + "print('well')"

    for uid in (0, NOBODY) if ROOT else (os.geteuid(),):
        started = time.monotonic()
        result = await shared(opened, uid, frozenset()).client.run(
            RunRequest(language=ProgramLanguage.PYTHON, code=code)
        )
        assert (result.program.stdout, result.program.cause) == ("well\n", None), time.monotonic() - started


def test_every_part_has_an_attack_that_needs_it() -> None:
    assert set(SealPart) == {part for attack in ATTACKS for part in attack.without}


async def test_root_cannot_be_had_by_a_setuid_program_without_landlock(surroundings: Surroundings) -> None:
    """no_new_privs alone holds it: the rest could not be put on without it."""
    if not ROOT:
        pytest.skip("only root can make a setuid program")
    [attack] = [attack for attack in ATTACKS if attack.measure == "setuid"]
    with runner(uid=NOBODY, left_out=sorted(attack.without - {SealPart.PRIVILEGES})) as target:
        got, result = await attacked(attack, surroundings, target)

    assert not got, result.program.stdout


def test_the_documentation_lists_every_attack() -> None:
    text = (Path(__file__).parents[2] / "docs/runner.md").read_text()
    rows = [
        f"| {each.name} | {each.refused_by} | {', '.join(sorted(each.without)) or '(always held)'} |"
        for each in ATTACKS
    ]

    assert [row for row in rows if row not in text] == []
