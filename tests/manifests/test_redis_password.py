"""Any password will do for Redis: what the server is told of it, tried with a real one and the configuration that is deployed."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import yaml

from openclaw_core.environment import Environment
from tests.manifests.rendering import ROOT
from tests.redis_server import RedisServer

BASE = ROOT / "platform/openclaw/base"
TEMPLATE = yaml.safe_load((BASE / "secrets/redis.yaml").read_text())["spec"]["target"]["template"]["data"]
PASSWORDS = {
    "plain": "for-tests-only",
    "quote": 'a"b',
    "apostrophe": "a'b",
    "backslash": "a\\b\\",
    "spaces": "a b  c",
    "hash": "# no comment",
    "line": "first\nrequirepass other",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "shell": "$(id) `id` ${HOME}",
    "template": "{{ .password }} %s",
    "address": "p@ss:w/ord?#[]",
    "hebrew": "סיסמה־ארוכה",
    "emoji": "🔑",
    "invisible": "a\u200bb",
    "long": "x" * 512,
    "white space around": " \tpadded\n",
}


def filled(key: str, password: str) -> str:
    """What External Secrets makes of the template, for the two functions that it uses."""
    value = password.strip()

    def fill(match: re.Match[str]) -> str:
        done = value
        for step in match[1].split("|"):
            name = step.strip()
            assert name in (".password", "trim", "sha256sum"), "a function that this test does not know"
            if name == "sha256sum":
                done = hashlib.sha256(done.encode()).hexdigest()
        return done

    return re.sub(r"\{\{([^{}]*)\}\}", fill, TEMPLATE[key])


@contextmanager
def deployed(folder: Path, password: str) -> Iterator[RedisServer]:
    """A server with the repository's redis.conf, but for its folder, port and addresses."""
    auth, config = folder / "auth.conf", folder / "redis.conf"
    auth.write_text(filled("auth.conf", password))
    ours = (BASE / "redis/redis.conf").read_text()
    included = "/run/secrets/openclaw/redis/auth.conf"
    assert f"include {included}\n" in ours
    lines = [line.replace(included, str(auth)) for line in ours.splitlines() if not re.match(r"(dir|port|bind) ", line)]
    config.write_text("\n".join(lines) + "\n")
    with RedisServer.start(folder, "--include", str(config)) as server:
        yield server


@pytest.mark.parametrize("name", PASSWORDS)
def test_apps_get_in_with_any_password_and_nobody_else_does(name: str, tmp_path: Path) -> None:
    password = PASSWORDS[name]
    file = tmp_path / "password"
    file.write_bytes(filled("password", password).encode())

    with deployed(tmp_path, password) as server:
        given = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port), "REDIS_PASSWORD_FILE": str(file)}
        with redis.Redis.from_url(Environment(given).redis().url) as app:
            assert app.ping()
            assert app.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            [user] = app.acl_list()
            assert user.startswith("user default on ")
        for wrong in ("", "other", password.strip() + "x"):
            with (
                redis.Redis(port=server.port, password=wrong or None) as stranger,
                pytest.raises((redis.AuthenticationError, redis.ResponseError)),
            ):
                stranger.ping()


def test_the_password_itself_is_in_no_configuration(tmp_path: Path) -> None:
    assert "marker-of-a-password" not in filled("auth.conf", "marker-of-a-password")


def test_the_template_s_functions_do_what_is_said_here(tmp_path: Path) -> None:
    """They are those of Helm too."""
    helm = shutil.which("helm", path=f"{ROOT / '.tools/bin'}:/usr/local/bin:/usr/bin")
    if not helm:
        pytest.skip("helm is missing (scripts/helm builds it): the template's functions are NOT tried")
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: x\nversion: 1.0.0\n")
    text = TEMPLATE["auth.conf"].replace(".password", ".Values.password").strip()
    (tmp_path / "templates/x.yaml").write_text(f"kind: ConfigMap\napiVersion: v1\ndata: {{line: '{text}'}}\n")
    for password in PASSWORDS.values():
        (tmp_path / "given.yaml").write_text(yaml.safe_dump({"password": password}))
        done = subprocess.run(
            [helm, "template", str(tmp_path), "--values", str(tmp_path / "given.yaml")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert yaml.safe_load(done.stdout)["data"]["line"] == filled("auth.conf", password).strip()
