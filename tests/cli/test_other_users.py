"""What other users of the machine can do to a local run: neither read its chats nor write into them.

Another user is had by being root here and `nobody` there; where the tests do not run as root, only the rights of files are looked at.
"""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from openclaw_cli.up import data_folder
from openclaw_core.errors import SettingsError
from openclaw_standin.bot_api import BotApi
from openclaw_standin.model import ScriptedModel
from tests.cli.test_up import address, start

PYTHON = next((path for path in ("/usr/bin/python3", "/bin/python3") if Path(path).exists()), "")
needs_another_user = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv") or not PYTHON,
    reason="NOT ROOT: what other users of the machine can do was NOT tried",
)
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
LOOK = """
import os, socket, sys, urllib.error, urllib.request
folder, *ports = sys.argv[1:]
def got(what, *words): print("READ", what, *words)
for root, folders, files in os.walk(folder):
    got("folder", root)
    for name in files:
        try: got("file", name, len(open(os.path.join(root, name), "rb").read()))
        except OSError: pass
for name in ("page-secret", "brain.log", "redis/url", "redis/server.log", "chat/chats.sqlite3", "redis/appendonlydir"):
    try: got("file", name, len(open(os.path.join(folder, name), "rb").read()))
    except OSError: pass
def ask(port, path, data=None, headers={}):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as reply: return reply.read(300)
    except urllib.error.HTTPError: return b""
    except Exception: return b""
paths = ["/", "/page/state", "/page/events", "/page/chats/1000001", "/app.js", "/bot900001:local-page/getUpdates?offset=-1",
         "/bot900001:/getMe", "/openai/slots", "/slots", "/openai/props", "/props", "/openai/metrics", "/openai/v1/chat/completions", "/v1/chat/completions",
         "/openai/completion", "/completion", "/openai/tokenize"]
for port in ports:
    for path in paths:
        for key in ("", "Bearer local", "Bearer none"):
            headers = {"X-OpenClaw-Page": "1", "Authorization": key}
            if said := ask(port, path, headers=headers): got("page", port, path, said)
            body = b'{"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "x"}], "prompt": "x", "content": "x", "max_tokens": 1, "n_predict": 1}'
            if said := ask(port, path, body, headers | {"Content-Type": "application/json"}): got("page", port, path, said)
    for words in (b"PING\\r\\n", b"KEYS *\\r\\n", b"AUTH x\\r\\nKEYS *\\r\\n", b"HELLO 3\\r\\n", b"CONFIG GET *\\r\\n"):
        try:
            with socket.create_connection(("127.0.0.1", int(port)), timeout=2) as link:
                link.settimeout(1)
                link.sendall(words)
                said = link.recv(4096)
                if said and not said.startswith((b"-NOAUTH", b"-WRONGPASS", b"HTTP/1.", b"-ERR")): got("store", port, words, said[:80])
        except OSError: pass
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "cmdline"):
        try: text = open(f"/proc/{pid}/{name}", "rb").read()
        except OSError: continue
        if any(word in text for word in (b"requirepass", b"TELEGRAM_TOKEN=", b"redis://:")) and b"READ" not in text: got("process", pid, name)
"""


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that everybody can reach and nobody but us can write to, as a home folder of mode 0755 is; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="openclaw-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def modes(folder: Path) -> dict[str, str]:
    """What others may do with anything in *folder*: all that is not empty is too much."""
    found = [folder, *folder.rglob("*")]
    return {str(path): oct(path.stat().st_mode & 0o077) for path in found if path.lstat().st_mode & 0o077}


async def look(folder: Path, ports: set[int]) -> str:
    """What another user of this machine gets of a run over *folder* that listens on *ports*."""
    process = await asyncio.create_subprocess_exec(
        *AS_NOBODY, PYTHON, "-c", LOOK, str(folder), *map(str, sorted(ports)), stdout=asyncio.subprocess.PIPE, cwd="/", env={}
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("model", ["built in", "another"])
async def test_another_user_reads_nothing_of_a_run_not_even_of_an_older_versions_folder(
    reachable: Path, model: str
) -> None:
    data = reachable / "data"
    (data / "chat").mkdir(parents=True, mode=0o755)
    for name in ("brain.log", "chat/chats.sqlite3"):  # as older versions left them
        (data / name).touch()
        (data / name).chmod(0o644)
    data.chmod(0o755)
    async with ScriptedModel.open() as served:
        settings = {"DEMO_MODEL": "yes"} if model == "built in" else {"GROQ_API_KEY": "k", "GROQ_BASE_URL": served.url}
        up = await start(data, **settings)
        try:
            await address(up)
            family = [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]
            listening = {c.laddr for p in family for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
            assert {host for host, _ in listening} == {"127.0.0.1"}
            assert modes(data) == {}
            if os.geteuid() == 0:
                assert await look(data, {port for _, port in listening}) == ""
        finally:
            up.send_signal(signal.SIGINT)
            await up.wait()
    assert modes(data) == {}


@needs_another_user
async def test_the_look_of_another_user_sees_what_is_open(reachable: Path) -> None:
    (reachable / "brain.log").write_text("words")
    async with BotApi.open(token="900001:local-page") as api, ScriptedModel.open() as model:
        ports = {int(url.rpartition(":")[2]) for url in (api.url, model.url)}
        said = await look(reachable, ports)
    for part in (
        "file brain.log 5",
        "/bot900001:local-page/getUpdates",
        "/openai/v1/chat/completions",
    ):
        assert part in said


def test_what_is_not_ours_in_the_folder_keeps_its_rights(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "src").chmod(0o755)
    project.chmod(0o755)
    (project / "brain.log").touch(0o644)

    data_folder.prepare(project)

    assert stat.S_IMODE(project.stat().st_mode) == 0o755
    assert stat.S_IMODE((project / "src").stat().st_mode) == 0o755
    assert stat.S_IMODE((project / "brain.log").stat().st_mode) == 0o600


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    (tmp_path / "data" / "chat").mkdir(parents=True)
    (tmp_path / "data" / "chat" / "link").symlink_to(elsewhere)

    data_folder.prepare(tmp_path / "data")

    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755


def test_a_folder_that_everybody_writes_to_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "of somebody").touch()
    shared.chmod(0o1777)

    with pytest.raises(SettingsError, match=r"everybody may write into .*--data"):
        data_folder.prepare(shared)


@needs_another_user
def test_a_folder_of_another_user_is_refused(reachable: Path) -> None:
    (reachable / "chat").mkdir()
    code = (
        f"from openclaw_cli.up.data_folder import prepare; from pathlib import Path; prepare(Path({str(reachable)!r}))"
    )
    # Our own Python may lie where nobody can read: only the module is needed, and it is made readable here.
    source = reachable / "lib"
    for name in ("openclaw_cli/__init__.py", "openclaw_cli/up/data_folder.py", "openclaw_core/errors.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        package = "apps/cli/src" if "cli" in name else "packages/core/src"
        shutil.copy(Path(__file__).parents[2] / package / name, source / name)
        (source / name).parent.joinpath("__init__.py").touch()
    ran = subprocess.run(
        [*AS_NOBODY, PYTHON, "-c", code], env={"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}, cwd="/",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "belongs to another user: give another folder with --data" in ran.stderr


def test_the_secret_of_the_page_stays_with_folder_and_port_and_a_damaged_one_is_drawn_anew(tmp_path: Path) -> None:
    first = data_folder.page_secret(tmp_path, 8787)
    assert data_folder.page_secret(tmp_path, 8787) == first
    assert data_folder.page_secret(tmp_path, 8788) != first
    assert (tmp_path / "page-secret").stat().st_mode & 0o077 == 0
    assert first not in (tmp_path / "page-secret").read_text()
    for damaged in (b"", b"short", b"../../../../../../../..", b"\xff" * 30):
        (tmp_path / "page-secret").write_bytes(damaged)
        again = data_folder.page_secret(tmp_path, 8787)
        assert len(again) >= 20
        assert again != first
