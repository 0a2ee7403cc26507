"""A Git repository that plays the remote: this work tree after `make configure`, without what a test cluster cannot have.

Replaced are the remote source of each third-party child, Argo CD's polling interval, the roles' tools, and, as in tests/e2e/overlay, ExternalSecrets, the
stand-ins' and the API server's addresses and the images of Valkey and its exporter. Our own images are bumped as in production.
tests/manifests/test_gitops_fork.py compares.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from openclaw_cli.bench.roles import with_and_without_tools
from tests.manifests.rendering import ENVIRONMENTS, ROOT

REGISTRY = "localhost"
OVERLAY = ROOT / "tests/e2e/overlay"
OVERLAY_HOST = "10.244.0.1"
PORTS = {"staging": (8481, 8482), "prod": (8483, 8484)}
"""Each environment has a bot of its own: the Bot API stand-in and the model server of each listen here."""
ENVIRONMENT_PATCHES = ("agent.yaml", "search.yaml", "agent-egress.yaml", "brain-egress.yaml", "agent-policy-env.yaml")


@dataclass(frozen=True)
class Fork:
    root: Path

    @property
    def url(self) -> str:
        return f"file://{self.root}"

    @classmethod
    def of_the_work_tree(cls, root: Path, *, host: str = OVERLAY_HOST, api_server: str = OVERLAY_HOST) -> "Fork":
        """Two commits: the fork as anybody would make it, then what a test cluster cannot have."""
        tracked = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, tracked.stdout.split("\0")):
            if (ROOT / name).exists():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, root / name, follow_symlinks=False)
        fork = cls(root)
        fork.git("init", "--quiet", "--initial-branch=main")
        (root / ".git/info/exclude").write_text(".venv\n.tools\n")  # links to those of the work tree, for the scripts
        for name in (".venv", ".tools"):
            if (ROOT / name).exists():
                (root / name).symlink_to(ROOT / name)
        subprocess.run(
            ["make", "--no-print-directory", "configure", f"REPO={fork.url}", f"REGISTRY={REGISTRY}", "GUEST=prod"],
            cwd=root, check=True, capture_output=True,
        )  # fmt: skip
        fork.commit("Make the fork ours")
        replace_what_a_test_cluster_lacks(fork, host=host, api_server=api_server)
        fork.commit("Leave out what a test cluster cannot have")
        return fork

    def git(self, *args: str) -> str:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, *args], cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"git {' '.join(args)}: {done.stderr}"
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit all that has changed; the new commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def revert(self) -> str:
        """Take the newest commit back, as anybody would."""
        self.git("revert", "--no-edit", "HEAD")
        return self.head()

    def change(self, file: str, edit: Callable[[str], str]) -> None:
        path = self.root / file
        before = path.read_text()
        after = edit(before)
        assert before != after, f"{file} did not change"
        path.write_text(after)

    def script(self, name: str, *args: str) -> "subprocess.CompletedProcess[str]":
        """One of our scripts, run in the fork as its workflow does."""
        return subprocess.run(
            [self.root / "scripts" / name, *args],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def replace_what_a_test_cluster_lacks(fork: Fork, *, host: str, api_server: str) -> None:
    _wiring(fork)
    for environment in ENVIRONMENTS:
        _argocd(fork, environment)
        _edit(
            fork,
            f"platform/monitoring/overlays/{environment}/kustomization.yaml",
            lambda it: it.update(patches=list(_without_external_secrets())),
        )
        _openclaw(fork, environment, host=host, api_server=api_server)
    # Fifty agents with a runner each are more than two processors start in a test's time; tests/e2e/test_tools.py has those.
    roles = fork.root / "platform/openclaw/base/config/roles.yaml"
    roles.write_text(with_and_without_tools(roles.read_text(), both=False))
    _edit(
        fork,
        "platform/redis-exporter/kustomization.yaml",
        lambda it: it.update(
            images=[
                {"name": "docker.io/oliver006/redis_exporter", "newName": "localhost/redis-exporter", "newTag": "test"}
            ]
        ),
    )


def _edit(fork: Fork, file: str, edit: Callable[[Any], object]) -> None:
    path = fork.root / file
    body = yaml.safe_load(path.read_text())
    edit(body)
    path.write_text(yaml.safe_dump(body, sort_keys=False))


def _wiring(fork: Fork) -> None:
    """Each third-party child without its first source, what it takes from elsewhere, and without the facts and versions written into that."""
    for path in sorted((fork.root / "clusters/base/apps").glob("*.yaml")):
        if len(yaml.safe_load(path.read_text())["spec"].get("sources", [])) == 2:
            _edit(fork, str(path.relative_to(fork.root)), lambda it: it["spec"]["sources"].pop(0))

    def edit(body: Any) -> None:
        for replacement in body["replacements"]:
            replacement["targets"] = [
                target for target in replacement["targets"] if "sources.0." not in str(target["fieldPaths"])
            ]
        body["replacements"] = [replacement for replacement in body["replacements"] if replacement["targets"]]

    for component in ("pinned", "wiring"):
        _edit(fork, f"clusters/components/{component}/kustomization.yaml", edit)


def _without_external_secrets() -> Iterable[dict[str, Any]]:
    for kind in ("ExternalSecret", "SecretStore"):
        yield {
            "target": {"kind": kind},
            "patch": yaml.safe_dump(
                {"$patch": "delete", "apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": {"name": "any"}}
            ),
        }


def _argocd(fork: Fork, environment: str) -> None:
    settings = {"timeout.reconciliation": "10s", "timeout.reconciliation.jitter": "0s"}
    patch = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": "argocd"},
        "data": settings,
    }
    _edit(
        fork,
        f"platform/argocd/overlays/{environment}/kustomization.yaml",
        lambda it: it.update(
            patches=[
                {"target": {"kind": "ConfigMap", "name": "argocd-cm"}, "patch": yaml.safe_dump(patch)},
                *_without_external_secrets(),
            ]
        ),
    )


def _openclaw(fork: Fork, environment: str, *, host: str, api_server: str) -> None:
    """What tests/e2e/overlay does, but for our own images, and for the Secrets, which no Application may hold."""
    theirs = yaml.safe_load((OVERLAY / "kustomization.yaml").read_text())
    folder = fork.root / "platform/openclaw/overlays" / environment

    def moved(text: str) -> str:
        for before, after in zip(PORTS["staging"], PORTS[environment], strict=True):
            text = text.replace(str(before), str(after))
        return text.replace(f"{OVERLAY_HOST}/32", f"{host}/32").replace(f"//{OVERLAY_HOST}", f"//{host}")

    patches = list(_without_external_secrets())
    for patch in theirs["patches"]:
        if patch.get("path") in ENVIRONMENT_PATCHES:
            name = f"test-{patch['path']}"
            (folder / name).write_text(moved((OVERLAY / patch["path"]).read_text()))
            patches.append({"path": name, "target": patch["target"]})
    [addresses] = theirs["configMapGenerator"]
    valkey = [image for image in theirs["images"] if image["name"].endswith("/valkey")]
    allowed = yaml.safe_load((OVERLAY / "agent-policy-images.yaml").read_text())
    allowed = [change for change in allowed if change["path"] == "/data/image.redis"]
    patches.append({"target": {"kind": "ConfigMap", "name": "agent-policy"}, "patch": yaml.safe_dump(allowed)})

    def edit(body: Any) -> None:
        body["patches"] += patches
        body["images"] = valkey
        [settings] = body["configMapGenerator"]
        settings["literals"] += [moved(line) for line in addresses["literals"]]

    _edit(fork, f"platform/openclaw/overlays/{environment}/kustomization.yaml", edit)
    _edit(fork, f"clusters/{environment}/environment.yaml", lambda it: it.update(api_server_cidr=f"{api_server}/32"))


def environment_of_a_test() -> dict[str, str]:
    return {
        "host": os.environ.get("OPENCLAW_E2E_HOST", OVERLAY_HOST),
        "api_server": os.environ.get("OPENCLAW_E2E_APISERVER", OVERLAY_HOST),
    }
