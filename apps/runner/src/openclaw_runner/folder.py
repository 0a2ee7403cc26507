"""The work folder of one run: made, filled, searched for what the run made, and emptied. Nothing in it is trusted, not even its depth."""

import contextlib
import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from openclaw_core.sealed.values import MOST, File, RunLimits, checked_name, media_type

DEEPEST = 3
"""Folders within which a returned file may lie."""


def make(root: Path) -> Path:
    """A new, empty folder for one run."""
    folder = root / f"run-{os.urandom(8).hex()}"
    folder.mkdir(mode=0o700)
    return folder


def fill(folder: Path, files: Sequence[File]) -> None:
    """Write *files*, whose names hold no folder."""
    for file in files:
        (folder / file.name).write_bytes(file.data)


def size(folder: Path, *, most_entries: int) -> tuple[int, int]:
    """Bytes and entries in *folder*, counted until there are more than *most_entries*."""
    total = entries = 0
    left = [folder]
    while left:
        try:
            found = os.scandir(left.pop())
        except OSError:  # gone since, closed by its mode, or deeper than a path can name: counted by its parent
            continue
        with found:
            for entry in found:
                entries += 1
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    total += status.st_blocks * 512
                    if stat.S_ISDIR(status.st_mode):
                        left.append(Path(entry.path))
                if entries > most_entries:
                    return total, entries
    return total, entries


def collect(
    folder: Path, *, given: Sequence[File], limits: RunLimits, only_regular: bool = True
) -> tuple[tuple[File, ...], int]:
    """What a run made, oldest first, and how many files of it are not returned. Files that were given and are unchanged are not counted."""
    before = {file.name: file.data for file in given}
    found: list[File] = []
    dropped = room = 0
    for _, name, path in sorted(_files(folder, "", DEEPEST)):
        if before.get(name) is not None and _read(path, len(before[name]) + 1, only_regular) == before[name]:
            continue
        left = limits.returned_bytes - room
        data = _read(path, left + 1, only_regular)
        file = _accepted(name, data) if data is not None and len(data) <= left else None
        if file is None or len(found) >= min(limits.returned_files, MOST.returned_files):
            dropped += 1
            continue
        room += len(file.data)
        found.append(file)
    return tuple(found), dropped


def _accepted(name: str, data: bytes) -> File | None:
    try:
        file = File(name=checked_name(name, folders=DEEPEST), data=data)
    except ValueError:
        return None
    return file if media_type(file) is not None else None


def _files(folder: Path, prefix: str, deeper: int) -> Iterator[tuple[int, str, Path]]:
    """Time, name and path of each entry that is no folder. Hidden ones and compiled code are nobody's result."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith((".", "__pycache__")):
                continue
            if entry.is_dir(follow_symlinks=False):
                if deeper:
                    yield from _files(Path(entry.path), f"{prefix}{entry.name}/", deeper - 1)
            else:
                with contextlib.suppress(OSError):
                    yield entry.stat(follow_symlinks=False).st_mtime_ns, f"{prefix}{entry.name}", Path(entry.path)


def _read(path: Path, most: int, only_regular: bool) -> bytes | None:
    """At most *most* bytes of a regular file that has one name; None for anything else. A link leads elsewhere, a pipe never ends."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (os.O_NOFOLLOW if only_regular else 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    with open(descriptor, "rb", buffering=0) as opened:
        status = os.fstat(descriptor)
        if only_regular and not (stat.S_ISREG(status.st_mode) and status.st_nlink == 1):
            return None
        pieces = []
        while most > 0 and (piece := opened.read(min(most, 1 << 20))):
            pieces.append(piece)
            most -= len(piece)
        return b"".join(pieces)


def empty(folder: Path) -> None:
    """Remove all that is in *folder*, however deep it lies and whatever its modes are."""
    numbers = itertools.count()
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while names := os.listdir(top):
            for name in names:
                _remove(top, name, numbers)
    finally:
        os.close(top)


def _remove(top: int, name: str, numbers: Iterator[int]) -> None:
    """Remove a file, or a folder after its own folders have been moved up to *top*: no path gets longer than two names."""
    try:
        os.unlink(name, dir_fd=top)
        return
    except (IsADirectoryError, PermissionError):
        pass
    os.chmod(name, 0o700, dir_fd=top)
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
    try:
        for inner in os.listdir(folder):
            try:
                os.unlink(inner, dir_fd=folder)
            except (IsADirectoryError, PermissionError):
                # Moving a folder changes its `..`, for which it must be writable.
                os.chmod(inner, 0o700, dir_fd=folder)
                os.rename(inner, f"moved-{next(numbers)}-{os.urandom(4).hex()}", src_dir_fd=folder, dst_dir_fd=top)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
