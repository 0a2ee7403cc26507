"""A disk of a few megabytes below Redis, to be filled: a file system of this machine in memory, so that it can grow. It takes root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.changes import nobody
from tests.e2e.cluster import kubectl, ours, pods, until
from tests.e2e.world import World

SIZE_MB = 64


@dataclass(frozen=True, kw_only=True)
class SmallDisk:
    place: str

    def grow(self, size_mb: int) -> None:
        """As a CSI driver grows a volume: the file system stays in use."""
        _run("mount", "-o", f"remount,size={size_mb}M", self.place)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def small_disk(bot: World) -> Iterator[SmallDisk]:
    """Redis on a new disk of SIZE_MB, empty; afterwards it has its own again. Skips the test where the volume is no folder of this machine."""
    volume = ours("get", "pvc", "data-redis-0", "-o", "jsonpath={.spec.volumeName}")
    place = kubectl("get", "pv", volume, "-o", "jsonpath={.spec.local.path}")
    if not place or not Path(place).is_dir() or os.geteuid():
        pytest.skip("a disk of its own for Redis takes root, and a volume that is a folder of this machine")
    with bot.cluster.changed("StatefulSet", "redis", nobody):
        until(lambda: not pods("redis"), within_s=60, what="the end of Redis")
        _run("mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}M,mode=777", "tmpfs", place)
    try:
        bot.is_well(within_s=120)
        yield SmallDisk(place=place)
    finally:
        with bot.cluster.changed("StatefulSet", "redis", nobody):
            until(lambda: not pods("redis"), within_s=60, what="the end of Redis")
            _run("umount", place)
        bot.is_well(within_s=120)
