"""One installation by Argo CD for all GitOps tests. Skipped unless `make e2e` asks; everything made is removed at the end."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.cluster import Cluster, kubectl, ours, refuse_unless_disposable, remove, restart_api_server, until
from tests.e2e.gitops import argocd, images
from tests.e2e.gitops.fork import PORTS, REGISTRY, Fork, environment_of_a_test
from tests.e2e.standins import StandIns
from tests.e2e.world import World
from tests.manifests.rendering import ENVIRONMENTS, ROOT, named, of_kind, render

TOKENS = {
    "staging": "1000000001:not-a-token-of-telegram-0000000000",
    "prod": "1000000002:not-a-token-of-telegram-0000000000",
}
HERE = Path(__file__).parent
TOOL = os.environ.get("OPENCLAW_CLUSTER_TOOL", "")
OTHERS = ("external-secrets", "monitoring", "openclaw-prod", "openclaw-staging")
"""Namespaces that the platform brings, but for Argo CD's own."""
KINDS = ("configmap", "secret", "serviceaccount", "appproject.argoproj.io", "application.argoproj.io")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    why = ""
    if not os.environ.get("OPENCLAW_E2E"):
        why = "needs a cluster: make e2e"
    elif not TOOL:
        why = "OPENCLAW_CLUSTER_TOOL is not set: without its Argo CD the GitOps tests are NOT run"
    for item in items:
        if HERE not in item.path.parents:
            continue
        if why:
            item.add_marker(pytest.mark.skip(reason=why))
        elif item.get_closest_marker("full") and os.environ.get("OPENCLAW_E2E") != "full":
            item.add_marker(pytest.mark.skip(reason="takes long: make e2e-full"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.failed and "delivery" in getattr(item, "fixturenames", ()):
        shown = "\n".join(f"{name}: {state}" for name, state in argocd.applications().items())
        report.sections.append(("applications", shown))
        for component in ("application-controller", "repo-server"):
            log = subprocess.run(
                [TOOL, "logs", f"argocd-{component}", "25"], capture_output=True, text=True, check=False
            )
            report.sections.append((component, log.stdout))
    return report


@dataclass
class Delivery:
    """The fork, what Argo CD makes of it, and the bot that came out."""

    fork: Fork
    bot: World
    prod_s: StandIns
    digests: dict[str, list[str]]
    """Two builds of each image, by its name."""
    base: str
    """The commit that the images stand for."""
    took: dict[str, float] = field(default_factory=dict)

    def bump(self, build: int, *, agent: str = "") -> str:
        """Commit what a build's last step commits."""
        done = self.fork.script(
            "bump", "--commit", self.base, "--tag", f"build-{build}",
            "--agent", agent or self.digests["openclaw-agent"][build], "--brain", self.digests["openclaw-brain"][build],
            "--runner", self.digests["openclaw-runner"][build],
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return self.fork.commit(f"Bump the images to build {build}")

    def apply_roots(self) -> None:
        """What the master does at the end of its first boot, for both environments."""
        for environment in ("staging", "prod"):
            root = named(render(self.fork.root / "clusters" / environment), "Application", f"{environment}-root")
            kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump(root))

    def is_well(self, at: str = "", *, within_s: float = 120) -> float:
        """Wait until staging's bot runs the commit *at*, and nothing else; seconds."""
        began = time.monotonic()
        argocd.wait_until_well("staging-openclaw", at=at, within_s=within_s)
        self.bot.cluster.wait_for_brain()
        return time.monotonic() - began


# External Secrets brings this kind with its others; the tool's definitions have only those that are no generators.
PASSWORDS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "passwords.generators.external-secrets.io"},
    "spec": {
        "group": "generators.external-secrets.io",
        "scope": "Namespaced",
        "names": {"kind": "Password", "listKind": "PasswordList", "plural": "passwords", "singular": "password"},
        "versions": [
            {
                "name": "v1alpha1", "served": True, "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    with ExitStack() as stack:
        for command in ("argocd", "crds"):
            subprocess.run([TOOL, command], check=True, capture_output=True, text=True, timeout=900)
        kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(PASSWORDS))
        stack.callback(stop_argocd)
        clean()
        # Policies that a run before has removed leave an API server that reads no namespace's parameters which it did not know
        # then (Cluster.check_policy_parameters): prod's brain would be refused every Job.
        assert restart_api_server(), "OPENCLAW_APISERVER_STOP and OPENCLAW_APISERVER_START are not set"
        stack.enter_context(as_it_was())
        digests = {
            name: loaded(name, tmp_path_factory.mktemp(name))
            for name in ("openclaw-agent", "openclaw-brain", "openclaw-runner")
        }
        subprocess.run(
            [TOOL, "image", "localhost/redis-exporter:test", "tests/e2e/gitops/redis-exporter/Dockerfile", "."],
            cwd=ROOT, check=True, capture_output=True, timeout=300,
        )  # fmt: skip
        # Under / and readable: Argo CD's repository server is another process with its own idea of HOME.
        fork = Fork.of_the_work_tree(tmp_path_factory.mktemp("fork"), **environment_of_a_test())
        standins = {
            environment: stack.enter_context(
                StandIns.serve(
                    environment_of_a_test()["host"],
                    token=TOKENS[environment],
                    bot_api_port=PORTS[environment][0],
                    model_port=PORTS[environment][1],
                )
            )
            for environment in ENVIRONMENTS
        }
        made = Delivery(
            fork=fork,
            bot=World(Cluster(), standins["staging"]),
            prod_s=standins["prod"],
            digests=digests,
            base=fork.head(),
        )
        stack.callback(clean)
        yield made


def loaded(name: str, folder: Path) -> list[str]:
    """Two builds of one image on the node; their digests."""
    layout = images.exported(f"localhost/{name}:test", folder / "layout")
    digests = [images.digest(layout), images.labelled(layout, build="1")]
    images.load(TOOL, layout, f"{REGISTRY}/{name}", digests, folder)
    return digests


@contextmanager
def as_it_was() -> Iterator[None]:
    """Argo CD's own settings and projects are put back."""
    before = {kind: json.loads(kubectl("-n", "argocd", "get", kind, "-o", "json"))["items"] for kind in KINDS}
    for project in before["appproject.argoproj.io"]:  # what a run that was killed has locked
        if project["metadata"]["name"] == "default":
            project["spec"] = {
                "sourceRepos": ["*"],
                "destinations": [{"namespace": "*", "server": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            }
    put_back(before)
    try:
        yield
    finally:
        put_back(before)


def put_back(before: dict[str, list[Any]]) -> None:
    for kind, items in before.items():
        kept = {item["metadata"]["name"] for item in items}
        now = kubectl("-n", "argocd", "get", kind, "-o", "jsonpath={.items[*].metadata.name}").split()
        if extra := [name for name in now if name not in kept]:
            kubectl("-n", "argocd", "delete", kind, "--ignore-not-found", *extra)
        for item in items:
            meta = item["metadata"]
            item["metadata"] = {key: meta[key] for key in ("name", "namespace", "labels") if key in meta}
            kubectl("replace", "-f", "-", stdin=yaml.safe_dump(item), check=False)


def stop_argocd() -> None:
    """Its processes hold ports that other cluster tests use."""
    for component in ("application-controller", "applicationset-controller", "repo-server", "redis"):
        subprocess.run([TOOL, "stop", f"argocd-{component}"], check=False, capture_output=True)


def clean() -> None:
    """Take away what the root Applications brought, also after a run that was killed."""
    refuse_unless_disposable()
    names = sorted(argocd.applications(), key=lambda name: not name.endswith("-root"))
    for name in names:
        if name.endswith("-root"):  # first, or it would bring its children back
            kubectl("-n", "argocd", "delete", "application.argoproj.io", name, "--wait=true")
    children = [name for name in names if not name.endswith("-root")]
    if children:  # their finalizers take their objects along, which is a test of its own
        kubectl("-n", "argocd", "delete", "application.argoproj.io", *children, "--wait=false")
        try:
            until(lambda: not argocd.applications(), within_s=60, what="the end of the children")
        except AssertionError:
            for name in argocd.applications():
                patch = '{"metadata": {"finalizers": null}}'
                kubectl(
                    "-n", "argocd", "patch", "application.argoproj.io", name, "--type=merge", "-p", patch, check=False
                )
    for folder in ("platform/policies", "platform/metrics-server", "platform/ebs-csi", "platform/cluster-autoscaler",
                   "platform/cloud-controller/overlays/staging"):  # fmt: skip
        left = [obj for obj in render(ROOT / folder) if obj["kind"] != "Namespace"]
        kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=yaml.safe_dump_all(left))
    remove([{"kind": "Namespace", "metadata": {"name": name}} for name in OTHERS])
    for volume in json.loads(kubectl("get", "pv", "-o", "json"))["items"]:  # as `remove` does for staging's
        if volume["spec"].get("claimRef", {}).get("namespace") == "openclaw-prod":
            patch = '[{"op": "remove", "path": "/spec/claimRef"}]'
            kubectl("patch", "pv", volume["metadata"]["name"], "--type=json", "-p", patch)


def secrets_for(environment: str) -> None:
    """What External Secrets would make in the environment's namespace, once it is there; Redis' own first.

    Its volume may hold the keys of another run: they go before a brain can read them.
    """
    namespace = f"openclaw-{environment}"

    def apply(*names: str) -> None:
        for secret in of_kind(render(ROOT / "tests/e2e/overlay"), "Secret"):
            if secret["metadata"]["name"] in names:
                secret["metadata"]["namespace"] = namespace
                if "token" in secret["data"]:
                    secret["data"]["token"] = base64.b64encode(TOKENS[environment].encode()).decode()
                kubectl("apply", "-f", "-", stdin=yaml.safe_dump(secret))

    there = ("get", "namespace", namespace, "--ignore-not-found", "-o", "name")
    until(lambda: kubectl(*there), within_s=90, what=f"namespace {namespace}")
    apply("redis", "redis-exporter")
    pod = ("-n", namespace, "get", "pod", "redis-0", "--ignore-not-found")
    ready = (*pod, "-o", "jsonpath={.status.containerStatuses[0].ready}")
    until(lambda: kubectl(*ready) == "true", within_s=120, what=f"Redis of {environment}")
    line = 'REDISCLI_AUTH="$(cat /run/secrets/openclaw/redis/password)" exec valkey-cli --user brain FLUSHALL'
    kubectl("-n", namespace, "exec", "redis-0", "--", "sh", "-ec", line)
    apply("telegram", "groq", "redis-agent")


def image_ids(component: str) -> set[str]:
    """What really runs in a component's pods."""
    found = json.loads(ours("get", "pods", "-l", f"app.kubernetes.io/component={component}", "-o", "json"))["items"]
    return {
        status["imageID"]
        for pod in found
        if "deletionTimestamp" not in pod["metadata"]
        for status in pod["status"].get("containerStatuses", [])
    }
