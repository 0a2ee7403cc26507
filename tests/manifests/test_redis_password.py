"""Any password will do for Redis' users: what the server is told of them, tried with a real one and the configuration that is deployed."""

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
import redis
import yaml

from openclaw_core.environment import Environment
from openclaw_core.store.rights import acl_lines
from tests.manifests.rendering import ROOT, Object, named, of_kind, render
from tests.redis_users import ONCE, TEMPLATE, deployed, filled

USERS = ("brain", "agent", "exporter")
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


def digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def passwords(password: str) -> dict[str, str]:
    """Three that are of one kind, the first as it is."""
    return {user: f"{user}{password}" if user != "brain" else password for user in USERS}


@pytest.mark.parametrize("name", PASSWORDS)
def test_each_user_gets_in_with_any_password_and_nobody_else_does(name: str, tmp_path: Path) -> None:
    given = passwords(PASSWORDS[name])
    file = tmp_path / "password"

    with deployed(tmp_path, given) as server:
        for user in USERS:
            file.write_bytes((filled("password", given) if user == "brain" else given[user]).encode())
            env = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port), "REDIS_USERNAME": user}
            with redis.Redis.from_url(Environment(env | {"REDIS_PASSWORD_FILE": str(file)}).redis().url) as app:
                assert app.execute_command(*{"agent": ("TIME",)}.get(user, ("INFO", "server")))
                if user == "brain":
                    assert app.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
                    assert [line.split()[1:3] for line in app.acl_list()] == [
                        ["agent", "on"], ["brain", "on"], ["default", "off"], ["exporter", "on"],
                    ]  # fmt: skip
        own = given["brain"].strip()
        for who, wrong in (
            (None, None),
            ("default", own),
            ("default", ""),
            ("agent", own),
            ("brain", own + "x"),
            ("brain", ""),
        ):
            with (
                redis.Redis(port=server.port, username=who, password=wrong, retry=ONCE) as stranger,
                pytest.raises((redis.AuthenticationError, redis.ResponseError)),
            ):
                stranger.ping()


def test_the_passwords_themselves_are_in_no_configuration() -> None:
    assert "marker-of-a" not in filled("auth.conf", {user: f"marker-of-a-{user}" for user in USERS})


def test_the_secret_s_users_are_those_of_the_code() -> None:
    given = {user: f"password of {user}" for user in USERS}

    assert tuple(filled("auth.conf", given).splitlines()) == acl_lines(**{user: digest(given[user]) for user in USERS})


def test_each_password_is_a_field_of_one_secret_and_each_has_its_place(objects: list[Object]) -> None:
    made = {
        external["metadata"]["name"]: {
            item["secretKey"]: (item["remoteRef"]["key"].rsplit("/")[-1], item["remoteRef"]["property"])
            for item in external["spec"]["data"]
        }
        for external in of_kind(objects, "ExternalSecret")
        if external["metadata"]["name"].startswith("redis")
    }
    fields = {"brain": "password", "agent": "agent-password", "exporter": "exporter-password"}

    assert made == {
        "redis": {user: ("redis", field) for user, field in fields.items()},
        "redis-agent": {"password": ("redis", "agent-password")},
        "redis-exporter": {"password": ("redis", "exporter-password")},
    }


def test_cluster_tests_have_the_users_that_the_template_makes() -> None:
    secrets = {
        obj["metadata"]["name"]: {key: base64.b64decode(value).decode() for key, value in obj["data"].items()}
        for obj in of_kind(render(ROOT / "tests/e2e/overlay"), "Secret")
    }
    given = {
        "brain": secrets["redis"]["password"],
        "agent": secrets["redis-agent"]["password"],
        "exporter": secrets["redis-exporter"]["password"],
    }

    assert len(set(given.values())) == len(given)
    assert secrets["redis"]["auth.conf"] == filled("auth.conf", given)


def test_who_has_which_password(objects: list[Object]) -> None:
    """The server and the brain have the brain's, agents have their own, and the exporter has its own."""
    exporter = named(render(ROOT / "platform/redis-exporter"), "Deployment", "redis-exporter")["spec"]["template"][
        "spec"
    ]
    [variables] = [container["env"] for container in exporter["containers"]]
    values = {entry["name"]: entry.get("value") or entry["valueFrom"]["secretKeyRef"] for entry in variables}
    specs = {
        "brain": named(objects, "Deployment", "brain")["spec"]["template"]["spec"],
        "redis": named(objects, "StatefulSet", "redis")["spec"]["template"]["spec"],
        "agent": named(objects, "PodTemplate", "agent")["template"]["spec"],
    }
    mounted = {
        name: {volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume}
        for name, spec in specs.items()
    }

    assert mounted == {"brain": {"telegram", "groq", "redis"}, "redis": {"redis"}, "agent": {"groq", "redis-agent"}}
    assert values["REDIS_USER"] == "exporter"
    assert values["REDIS_PASSWORD"] == {"name": "redis-exporter", "key": "password"}
    assert "secret" not in str(exporter.get("volumes", []))


def test_the_template_s_functions_do_what_is_said_here(tmp_path: Path) -> None:
    """They are those of Helm too."""
    helm = shutil.which("helm", path=f"{ROOT / '.tools/bin'}:/usr/local/bin:/usr/bin")
    if not helm:
        pytest.skip("helm is missing (scripts/helm builds it): the template's functions are NOT tried")
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: x\nversion: 1.0.0\n")
    text = "{{ .Values.password | trim | sha256sum }}"
    assert all(f"{{{{ .{user} | trim | sha256sum }}}}" in TEMPLATE["auth.conf"] for user in USERS)
    (tmp_path / "templates/x.yaml").write_text(f"kind: ConfigMap\napiVersion: v1\ndata: {{line: '{text}'}}\n")
    for password in PASSWORDS.values():
        (tmp_path / "given.yaml").write_text(yaml.safe_dump({"password": password}))
        done = subprocess.run(
            [helm, "template", str(tmp_path), "--values", str(tmp_path / "given.yaml")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert yaml.safe_load(done.stdout)["data"]["line"] == digest(password.strip())
