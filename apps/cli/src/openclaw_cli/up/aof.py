"""Repair an append-only file whose end cannot be read: cut the end off, and keep it. What was confirmed is before it.

The server's own repair cuts the file at the first place that it cannot read. For a damaged length in the middle that loses all that
follows. So the server is told not to repair, and what is cut off here is kept beside the data.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from openclaw_cli.up.store_engine import AOF_FOLDER, StoreProgram
from openclaw_core.errors import SettingsError

CUT_OFF = "cut-off"
UNFINISHED_MAX_BYTES = 4 * 1024 * 1024
"""One write of ours is smaller. A longer end that cannot be read was not merely unfinished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AofFault:
    """Why a server could not read its file, from its log."""

    file: str
    unfinished: bool
    """It ends in the middle of a write. Otherwise there is something in it that is no command at all."""


def fault_in(log: str) -> AofFault | None:
    """The fault in the file that ended the start of a server; None if something else ended it."""
    if found := re.search(r"Unexpected end of file reading the append only file (\S+?)[:.]?\s", log):
        return AofFault(file=found[1], unfinished=True)
    if found := re.search(
        r"(?:Bad file format|Unrecoverable error|Unknown command .*) reading the append only file (\S+?):?\s", log
    ):
        return AofFault(file=found[1], unfinished=False)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """The length of the readable part of *file* in bytes, and the number of bytes that follow."""

    file: Path
    good_bytes: int
    bad_bytes: int

    def is_one_write(self) -> bool:
        """Whether what follows can be an unfinished write, which was never confirmed."""
        if self.bad_bytes > UNFINISHED_MAX_BYTES:
            return False
        with self.file.open("rb") as source:
            source.seek(self.good_bytes)
            rest = source.read()
        if rest.startswith(b"*1\r\n$5\r\nMULTI\r\n"):  # what a script has changed is one write
            return b"*1\r\n$4\r\nEXEC\r\n" not in rest
        return re.search(rb"\r\n\*\d+\r\n\$\d+\r\n", rest) is None

    def cut(self, data_dir: Path) -> Path:
        """Cut the damaged end off, and return the file that keeps it. Nothing is cut before all of it is kept."""
        kept = data_dir / CUT_OFF / f"{self.file.name}.from-{self.good_bytes}"
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        number = 1
        while kept.exists():
            number += 1
            kept = kept.with_name(f"{self.file.name}.from-{self.good_bytes}.{number}")
        with self.file.open("rb") as source, kept.open("xb") as target:
            source.seek(self.good_bytes)
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        os.truncate(self.file, self.good_bytes)
        return kept


def damage_at_end(server: StoreProgram, data_dir: Path, fault: AofFault) -> Damage | None:
    """The damage at the end of the newest file; None if the fault is in another file, where a cut would lose all that came later."""
    newest = max((data_dir / AOF_FOLDER).glob("*.incr.aof"), key=_number, default=None)
    if newest is None or newest.name != fault.file:
        return None
    # One program is server and checker, by the name under which it is called.
    done = subprocess.run(  # noqa: S603 - the server that was found
        [f"{server.engine.name}-check-aof", str(newest)], executable=server.program, capture_output=True, text=True,
        timeout=600, check=False
    )  # fmt: skip
    found = re.search(r"size=(\d+), ok_up_to=(\d+)", done.stdout)
    if found is None:
        raise SettingsError(f"{newest} is damaged, and its checker says nothing of use (exit {done.returncode})")
    size, good = int(found[1]), int(found[2])
    return Damage(file=newest, good_bytes=good, bad_bytes=size - good) if good < size else None


def _number(file: Path) -> int:
    return int(file.name.split(".")[-3])
