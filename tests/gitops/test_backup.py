"""scripts/backup-redis and scripts/restore-redis with a real server; the place of kubectl takes a program that runs the commands here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.gitops.conftest import ROOT
from tests.redis_server import RedisServer, packaged

CLI = shutil.which("valkey-cli") or shutil.which("redis-cli")
pytestmark = pytest.mark.skipif(
    CLI is None, reason="neither valkey-cli nor redis-cli is here: backup and restore are NOT tested"
)

KUBECTL = """#!{python}
import os, pathlib, subprocess, sys
home, words = pathlib.Path(os.environ["CLUSTER"]), sys.argv[1:]
if words[0] == "--namespace":
    words = words[2:]
log = home / "calls"
log.write_text(log.read_text() + " ".join(words[:4]).partition(" -- ")[0] + "\\n")
name = lambda kind, name: home / (kind + "." + name)
if words[0] == "exec":
    shell = words[words.index("--") + 3]
    for path in ("/data", "/run/secrets/openclaw/redis"):
        shell = shell.replace(path, str(home / path.strip("/").replace("/", "-")))
    done = subprocess.run(["sh", "-ec", shell], stdout=subprocess.PIPE)
    said = done.stdout
    if cut := os.environ.get("CUT"):
        said = said[: -int(cut)]
    if "valkey-check-rdb" in shell and (home / "argocd").exists():
        name("pod", "redis-0").touch()
    sys.stdout.buffer.write(said)
    sys.exit(done.returncode)
if words[0] == "get":
    if not name(words[1], words[2]).exists():
        sys.exit(0)
    print({{"jsonpath={{.spec.replicas}}": "2", "name": "there"}}.get(words[-1], "image-of-the-set"), end="")
elif words[0] == "create":
    if "namespace" in words:
        name("namespace", words[2]).touch()
    elif "-" in words:
        (home / "pod.yaml").write_text(sys.stdin.read())
        name("pod", "restore-redis").touch()
    else:
        name("persistentvolumeclaim", "data-redis-0").write_text(pathlib.Path(words[-1]).read_text())
elif words[0] == "delete" and words[2] == "restore-redis":
    name("pod", "restore-redis").unlink(missing_ok=True)
elif words[0] == "scale" and words[3] == "--replicas=0":
    name("pod", "redis-0").unlink(missing_ok=True)
"""


@dataclass
class Here:
    """A namespace with Redis, as far as the scripts see one."""

    folder: Path
    server: RedisServer

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, name: str, *args: "str | Path", **env: str) -> "subprocess.CompletedProcess[str]":
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "CLUSTER": str(self.folder), **env}
        return subprocess.run(
            [ROOT / "scripts" / name, *args], capture_output=True, text=True, check=False, env=env, cwd=self.folder
        )

    def redis(self, *words: str) -> str:
        assert CLI is not None
        line = [
            CLI,
            "-p",
            str(self.server.port),
            "--user",
            "brain",
            "--pass",
            "a-password",
            "--no-auth-warning",
            *words,
        ]
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def changes(self) -> list[str]:
        return [call for call in self.calls() if not call.startswith(("get ", "exec ", "wait "))]

    def install(self) -> None:
        for name in ("namespace.bot", "statefulset.redis", "deployment.brain", "pod.redis-0"):
            (self.folder / name).touch()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    (tmp_path / "bin").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "calls").touch()
    secret = tmp_path / "run-secrets-openclaw-redis"
    secret.mkdir()
    (secret / "password").write_text("a-password\n")
    rights = [
        "--user",
        "default",
        "off",
        "--user",
        "brain",
        "on",
        ">a-password",
        "~*",
        "&*",
        "+@all",
        "--repl-diskless-sync-delay",
        "0",
    ]
    with RedisServer.start(tmp_path / "data", *rights) as server:
        here = Here(tmp_path, server)
        programs = {
            "kubectl": KUBECTL.format(python=sys.executable),
            "valkey-cli": f'#!/bin/sh\nexec {CLI} -p {server.port} "$@"\n',
            "valkey-server": "",
        }
        for name, text in programs.items():
            (tmp_path / "bin" / name).write_text(text)
            (tmp_path / "bin" / name).chmod(0o755)
        (tmp_path / "bin/valkey-server").unlink()
        (tmp_path / "bin/valkey-server").symlink_to(packaged())
        yield here


@pytest.fixture
def copy(here: Here) -> Path:
    """A copy of a store with 300 conversations. The store went on afterwards."""
    for n in range(300):
        here.redis("RPUSH", f"turns:{n}", f"question {n}", f"answer {n}")
    here.redis("SET", "day", "one", "PX", "86400000")
    done = here.run("backup-redis", "bot", "store.rdb")
    assert done.returncode == 0, done.stderr
    here.redis("SET", "day", "two")
    return here.folder / "store.rdb"


def test_a_copy_becomes_the_store_of_a_new_namespace_and_goes_on_from_there(here: Here, copy: Path) -> None:
    here.server.kill()
    shutil.rmtree(here.data / "appendonlydir")

    done = here.run("restore-redis", "bot", "store.rdb")

    assert done.returncode == 0, done.stderr
    assert "done: install the bot in bot now" in done.stdout
    assert "kind: PersistentVolumeClaim" in (here.folder / "persistentvolumeclaim.data-redis-0").read_text()
    assert "image: docker.io/valkey/valkey:" in (here.folder / "pod.yaml").read_text()
    assert not (here.folder / "pod.restore-redis").exists()
    assert sorted(path.name for path in here.data.iterdir()) == ["appendonlydir"]
    here.server.up()
    assert here.redis("DBSIZE") == "301"
    assert here.redis("LRANGE", "turns:299", "0", "-1").split("\n") == ["question 299", "answer 299"]
    assert here.redis("GET", "day") == "one"
    assert 0 < int(here.redis("PTTL", "day")) <= 86400000
    here.redis("SET", "day", "three")
    here.server.kill()
    here.server.up()
    assert (here.redis("GET", "day"), here.redis("DBSIZE")) == ("three", "301")


def test_a_copy_is_its_owners_alone_and_replaces_no_file(here: Here, copy: Path) -> None:
    before = copy.read_bytes()

    done = here.run("backup-redis", "bot", "store.rdb")

    assert (done.returncode, done.stderr) == (73, "backup-redis: store.rdb is there already: name another file\n")
    assert copy.read_bytes() == before
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in here.folder.glob("store*")] == ["store.rdb"]


@pytest.mark.parametrize("missing", [1, 5, 6, 40, 45, 50, 2000])
def test_a_connection_that_is_cut_leaves_no_copy(here: Here, copy: Path, missing: int) -> None:
    """The last 45 bytes are the end mark of the transfer and what the pod says behind it."""
    done = here.run("backup-redis", "bot", "again.rdb", CUT=str(missing))

    assert not (here.folder / "again.rdb").exists(), done.stderr
    assert "was cut off after" in done.stderr
    assert not list(here.folder.glob("again.rdb.part*"))


def test_a_connection_that_is_cut_within_digits_that_a_user_sent_leaves_no_copy(here: Here, copy: Path) -> None:
    """They look like the mark behind which a snapshot ends."""
    here.redis("CONFIG", "SET", "rdbcompression", "no")
    digits = "0123456789abcdef" * 20
    here.redis("SET", "digits", digits)
    assert here.run("backup-redis", "bot", "whole.rdb").returncode == 0
    whole = (here.folder / "whole.rdb").read_bytes()
    behind = len(whole) + 40 - whole.index(digits.encode()) - 200

    done = here.run("backup-redis", "bot", "again.rdb", CUT=str(behind))

    assert "was cut off after" in done.stderr
    assert not (here.folder / "again.rdb").exists()


def test_a_server_that_refuses_is_told_without_its_password(here: Here) -> None:
    (here.folder / "run-secrets-openclaw-redis/password").write_text("another-one")

    done = here.run("backup-redis", "bot", "store.rdb")

    assert done.returncode == 1
    assert "redis-0 in bot gave no snapshot" in done.stderr or "sent is no snapshot" in done.stderr
    assert "another-one" not in done.stderr + done.stdout
    assert not (here.folder / "store.rdb").exists()


def test_a_bot_that_is_there_is_left_alone_unless_replacing_is_asked_for(here: Here, copy: Path) -> None:
    here.install()

    done = here.run("restore-redis", "bot", "store.rdb")

    assert done.returncode == 73
    assert "there is a bot in bot, and nothing was changed" in done.stderr
    assert here.changes() == []


def test_data_that_is_there_is_left_alone_unless_replacing_is_asked_for(here: Here, copy: Path) -> None:
    here.server.kill()

    done = here.run("restore-redis", "bot", "store.rdb")

    assert done.returncode == 73
    assert "the volume of data-redis-0 in bot holds data" in done.stderr
    here.server.up()
    assert here.redis("GET", "day") == "two"


def test_replacing_stops_whoever_writes_first_and_moves_the_data_aside(here: Here, copy: Path) -> None:
    here.install()
    here.server.kill()

    done = here.run("restore-redis", "bot", "store.rdb", "--replace")

    assert done.returncode == 0, done.stderr
    assert here.changes() == [
        "scale deployment brain --replicas=0",
        "delete job --selector app.kubernetes.io/component=agent",
        "scale statefulset redis --replicas=0",
        "create --filename platform/openclaw/base/redis/persistentvolumeclaim.yaml",
        "delete pod restore-redis --ignore-not-found",
        "create --filename -",
        "delete pod restore-redis --wait=true",
        "scale statefulset redis --replicas=1",
        "rollout status statefulset redis",
        "scale deployment brain --replicas=2",
        "rollout status deployment brain",
        "delete pod restore-redis --ignore-not-found",
    ]
    assert "image: image-of-the-set" in (here.folder / "pod.yaml").read_text()
    [aside] = here.data.glob("before-restore-*")
    assert list(aside.glob("appendonly.aof.*"))
    here.server.up()
    assert here.redis("GET", "day") == "one"


def test_a_damaged_copy_is_refused_and_the_old_data_stands(here: Here, copy: Path) -> None:
    here.install()
    here.server.kill()
    damaged = copy.read_bytes().replace(b"question 150", b"question 15O")
    assert damaged != copy.read_bytes()
    copy.write_bytes(damaged)

    done = here.run("restore-redis", "bot", "store.rdb", "--replace")

    assert done.returncode == 65
    assert "store.rdb is damaged, and the old data stands as it was" in done.stderr
    here.server.up()
    assert here.redis("GET", "day") == "two"


def test_a_redis_that_was_started_meanwhile_keeps_its_data(here: Here, copy: Path) -> None:
    here.install()
    here.server.kill()
    (here.folder / "argocd").touch()

    done = here.run("restore-redis", "bot", "store.rdb", "--replace")

    assert done.returncode == 73
    assert "something has started redis-0 meanwhile" in done.stderr
    here.server.up()
    assert here.redis("GET", "day") == "two"


def test_what_is_no_copy_is_refused_before_the_cluster_is_asked(here: Here) -> None:
    (here.folder / "other").write_text("something else")

    done = here.run("restore-redis", "bot", "other")

    assert done.returncode == 65
    assert "other is no snapshot of scripts/backup-redis" in done.stderr
    assert here.run("restore-redis", "bot", "none").returncode == 66
    assert here.calls() == []


@pytest.mark.parametrize("name", ["backup-redis", "restore-redis"])
def test_both_say_what_they_do(here: Here, name: str) -> None:
    asked, wrong = here.run(name, "--help"), here.run(name)

    assert (asked.returncode, wrong.returncode) == (0, 64)
    assert asked.stdout.startswith(f"usage: scripts/{name} NAMESPACE FILE")
    assert wrong.stderr == asked.stdout
