"""What Argo CD's own notification engine makes of our triggers and templates: commit statuses at a GitHub of our own, Telegram's texts.

Needs the program `argocd`. That Telegram takes the texts, and GitHub the App's key, is not shown here.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gitops.loopback import Answering, served
from tests.manifests.argocd_cli import ArgocdAdmin, manifest
from tests.manifests.rendering import Object, named
from tests.manifests.wiring import applications, children, objects_of, own, sources

COMMIT, OF_OTHERS = "c0ffee" + "1" * 34, "badcab" + "2" * 34
REPOSITORY = "https://github.com/owner/platform.git"
Argocd = Callable[..., str]


@pytest.fixture(params=["staging", "prod"])
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(environment: str) -> Object:
    return named(objects_of(applications(environment)["argocd"]), "ConfigMap", "argocd-notifications-cm")


@pytest.fixture(scope="session")
def app_key(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A key of a GitHub App that nobody has."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is missing, and no key of a GitHub App can be made: notifications are NOT checked")
    key = tmp_path_factory.mktemp("key") / "app.pem"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", str(key), "2048"], check=True, capture_output=True)
    return key.read_text()


@pytest.fixture
def secret(environment: str, app_key: str) -> Object:
    """With the keys that the ExternalSecret fills."""
    filled = named(objects_of(applications(environment)["argocd"]), "ExternalSecret", "notifications")["spec"]["data"]
    values = {"github-private-key": app_key, "telegram-token": "1:none"}
    return {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "argocd-notifications-secret"},
        "stringData": {item["secretKey"]: values.get(item["secretKey"], "7") for item in filled},
    }  # fmt: skip


@pytest.fixture
def argocd(argocd_admin: ArgocdAdmin, tmp_path: Path, settings: Object, secret: Object) -> Argocd:
    """Run `argocd admin notifications`; AssertionError if it complains: its exit code says nothing."""

    def run(*args: str, app: Object, **changes: str) -> str:
        given = settings | {"data": settings["data"] | changes}
        files = [
            "--config-map",
            manifest(tmp_path, "settings", given),
            "--secret",
            manifest(tmp_path, "secret", secret),
        ]
        done = argocd_admin("notifications", *args, manifest(tmp_path, "app", app), *files)
        assert "failed" not in done.stderr, done.stderr
        return done.stdout

    return run


def ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def seen(app: Object, *, phase: str = "Succeeded", health: str = "Healthy", sync: str = "Synced", minutes: float = 5) -> Object:  # fmt: skip
    """*app* as the cluster shows it some minutes after its last sync."""
    several = "sources" in app["spec"]
    result: dict[str, Any] = (
        {"revisions": [OF_OTHERS] * (len(sources(app)) - 1) + [COMMIT]} if several else {"revision": COMMIT}
    )
    spec = json.loads(json.dumps(app["spec"]))
    (spec["sources"][-1] if several else spec["source"])["repoURL"] = REPOSITORY
    return app | {
        "spec": spec,
        "status": {
            "health": {"status": health, "lastTransitionTime": ago(minutes)},
            "sync": {"status": sync},
            "operationState": {
                "phase": phase, "startedAt": ago(minutes + 1), "finishedAt": ago(minutes), "syncResult": result,
            },
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "triggered"),
    [
        ({}, {"status-success", "went-out"}),
        ({"minutes": 0.5}, set()),  # the old Pods are still well
        ({"phase": "Running"}, set()),
        ({"sync": "OutOfSync"}, set()),
        ({"health": "Progressing"}, set()),
        ({"health": "Degraded"}, {"status-failure", "went-wrong"}),
        ({"phase": "Failed"}, {"status-failure", "went-wrong"}),
        ({"phase": "Error", "sync": "OutOfSync"}, {"status-failure", "went-wrong"}),
    ],
)
def test_word_goes_out_when_it_is_due(
    argocd: Argocd, settings: Object, environment: str, state: dict[str, Any], triggered: set[str]
) -> None:
    app = seen(children(environment)["openclaw"], **state)
    triggers = [key.removeprefix("trigger.") for key in settings["data"] if key.startswith("trigger.")]

    said = {name: argocd("trigger", "run", name, app=app) for name in triggers}

    assert all(re.search(r"\b(true|false)\b", text) for text in said.values()), said
    assert {name for name, text in said.items() if re.search(r"\btrue\b", text)} == triggered


def test_an_application_that_never_ran_gets_no_word(argocd: Argocd, environment: str) -> None:
    app = children(environment)["openclaw"] | {"status": {"health": {"status": "Missing"}, "sync": {"status": "OutOfSync"}}}  # fmt: skip

    for name in ("status-success", "status-failure"):
        assert re.search(r"\bfalse\b", argocd("trigger", "run", name, app=app))


@pytest.fixture
def github() -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """A GitHub that gives an App its token, and what was set as commit status there."""
    told: list[tuple[str, dict[str, Any]]] = []

    class Handler(Answering):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.endswith("/access_tokens"):
                reply: dict[str, Any] = {"token": "t", "expires_at": ago(-60)}
            else:
                told.append((self.path, json.loads(body)))
                reply = {}
            self.send(201, json.dumps(reply).encode(), **{"Content-Type": "application/json"})

    with served(Handler, name="github") as host:
        yield f"http://{host}/", told


@pytest.mark.parametrize(("template", "state"), [("status-success", "success"), ("status-failure", "failure")])
def test_each_part_sets_its_status_at_our_commit(
    argocd: Argocd, settings: Object, environment: str, github: tuple[str, list[Any]], template: str, state: str
) -> None:
    url, told = github
    service = yaml.safe_dump(yaml.safe_load(settings["data"]["service.github"]) | {"enterpriseBaseURL": url})

    for name, app in children(environment).items():
        told.clear()
        changes = {"service.github": service}
        argocd("template", "notify", template, "--recipient", "github:", app=seen(app), **changes)

        [(path, body)] = told
        assert path.removeprefix("/api/v3") == f"/repos/owner/platform/statuses/{COMMIT}"
        assert (body["context"], body["state"]) == (f"argocd/{environment}-{name}", state)
        assert body["target_url"] == f"https://github.com/owner/platform/tree/{COMMIT}/{own(app)['path']}"


def test_texts_for_telegram_have_no_gap(argocd: Argocd, environment: str) -> None:
    for name, app in children(environment).items():
        for template in ("went-out", "went-wrong"):
            text = argocd("template", "notify", template, app=seen(app, health="Degraded"))
            assert f"`{environment}-{name}`" in text
            assert "no value" not in text
    assert "sync Succeeded, health Degraded" in text
    assert text.count("`") % 2 == 0  # or Telegram refuses it: it is read as Markdown
