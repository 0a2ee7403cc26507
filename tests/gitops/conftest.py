"""A small platform in a Git repository of its own, of the same shape as ours, to move through its whole life."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from openclaw_gitops.__main__ import main
from openclaw_gitops.environments import NEVER
from openclaw_gitops.errors import CommandError
from openclaw_gitops.kustomize import build, kustomize, objects

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/owner/platform"
RELEASE = "platform/openclaw/components/release/kustomization.yaml"
AGENT = "sha256:08ad0b1d280850169a790dba1393ff7a90aef951fc19632cf4d3ce4f78e679ba"
BRAIN = "sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b"
RUNNER = "sha256:3f0a377ba0a4a460ecb616f6507ce0d8cfa3e704025d4fda3ed0c5ca05468728"
"""Digests of public images: real ones, so that they may stand for ours."""


@pytest.fixture(scope="session")
def tools() -> Mapping[str, str]:
    """An environment in which kustomize is found; without one the test is skipped, and the run says so."""
    env = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{ROOT / '.tools/bin'}"}
    try:
        kustomize(env)
    except CommandError as stop:
        pytest.skip(f"{stop}; renderings are NOT checked")
    return env


@dataclass
class Platform:
    root: Path
    env: Mapping[str, str]

    def git(self, *args: str) -> str:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *who, *args], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def replace(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert old in text
        self.write(path, text.replace(old, new))

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def commit(self, subject: str = "Change it") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def run(self, *args: str, **env: str) -> int:
        """A command as `scripts/gitops` runs it."""
        return main(args, root=self.root, env={**self.env, **env})

    def bump(
        self, commit: str, *, tag: str = "1.0.0", agent: str = AGENT, brain: str = BRAIN, runner: str = RUNNER
    ) -> int:
        return self.run(
            "bump", "--commit", commit, "--tag", tag, "--agent", agent, "--brain", brain, "--runner", runner
        )

    def pins(self) -> dict[str, str]:
        """What prod pins: our commit, and versions by part."""
        read = yaml.safe_load(self.read("clusters/prod/pins.yaml"))
        return {"commit": read["commit"], **read["versions"]}

    def revisions(self, environment: str) -> set[tuple[str, str]]:
        """Name and revision of each source that the wiring renders."""
        apps = objects(build(self.root / "clusters" / environment, self.env))
        return {
            (app["metadata"]["name"], source["targetRevision"])
            for app in apps
            for source in app["spec"].get("sources") or [app["spec"]["source"]]
        }


@pytest.fixture
def platform(tmp_path: Path, tools: Mapping[str, str]) -> Platform:
    """Staging follows main, prod was never promoted, no image is built. One commit."""
    made = Platform(root=tmp_path / "platform", env=tools)
    made.root.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    made.write("clusters/base/kustomization.yaml", "resources: [root.yaml, openclaw.yaml, monitoring.yaml]\n")
    made.write("clusters/base/root.yaml", _application("root", "clusters/environment"))
    made.write("clusters/base/openclaw.yaml", _application("openclaw", "platform/openclaw/overlays/environment"))
    made.write("clusters/base/monitoring.yaml", MONITORING)
    made.write("clusters/prod/pins.yaml", PINS)
    for name, more in (("staging", ""), ("prod", PINNED)):
        made.write(f"clusters/{name}/environment.yaml", f"repository: {REPOSITORY} # ours\nregistry: ghcr.io/owner\n")
        made.write(f"clusters/{name}/kustomization.yaml", WIRING.format(name=name, more=more))
        overlay = f"resources: [../../base]\ncomponents: [../../components/release]\nnamespace: openclaw-{name}\n"
        made.write(f"platform/openclaw/overlays/{name}/kustomization.yaml", overlay)
    made.write("platform/openclaw/base/kustomization.yaml", BASE)
    made.write("platform/openclaw/base/brain.yaml", BRAIN_DEPLOYMENT)
    made.write("platform/openclaw/base/prompt.md", "Be brief.\n")
    made.write("platform/monitoring/kustomization.yaml", "resources: [rules.yaml]\n")
    made.write("platform/monitoring/rules.yaml", RULES)
    made.write(RELEASE, (ROOT / RELEASE).read_text().split("\n# The images that the admission policy")[0])
    made.write("platform/openclaw/base/agent-policy.yaml", AGENT_POLICY)
    made.write(
        "platform/pins.yaml",
        f"# Checksums.\ncharts:\n  stack 1.2.0 https://charts.example.com: {AGENT}\n  stack 1.3.0 https://charts.example.com: {BRAIN}\n",
    )
    made.write("apps/brain/brain.py", "print('brain')\n")
    made.commit("Begin")
    return made


def _application(name: str, path: str) -> str:
    source = f"  source:\n    repoURL: repository\n    path: {path}\n    targetRevision: main\n"
    return f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\nspec:\n{source}"


WIRING = "namePrefix: {name}-\nresources:\n  - ../base\n{more}"
PINS = f"""# What prod runs.
apiVersion: openclaw.io/v1
kind: Pins
metadata:
  name: prod
  annotations: {{config.kubernetes.io/local-config: "true"}}
commit: "{NEVER}" # moves
versions:
  monitoring: "1.2.0"
"""
PINNED = """  - pins.yaml
replacements:
  - source: {kind: Pins, fieldPath: commit}
    targets:
      - {select: {kind: Application, name: openclaw}, fieldPaths: [spec.source.targetRevision]}
      - {select: {kind: Application, name: monitoring}, fieldPaths: [spec.sources.1.targetRevision]}
  - source: {kind: Pins, fieldPath: versions.monitoring}
    targets:
      - {select: {kind: Application, name: monitoring}, fieldPaths: [spec.sources.0.targetRevision]}
"""
MONITORING = """# A chart, and our own manifests beside it.
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: monitoring
spec:
  sources:
    - repoURL: https://charts.example.com
      chart: stack
      targetRevision: "1.2.0"
    - repoURL: repository
      path: platform/monitoring
      targetRevision: main
"""
AGENT_POLICY = """apiVersion: v1
kind: ConfigMap
metadata:
  name: agent-policy
data:
  maxTmp: 64Mi
"""
BASE = """resources: [agent-policy.yaml, brain.yaml]
configMapGenerator:
  - name: prompts
    files: [prompt.md]
"""
BRAIN_DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: brain}
spec:
  template:
    spec:
      containers: [{name: brain, image: openclaw-brain}]
      volumes: [{name: prompts, configMap: {name: prompts}}]
"""
RULES = """apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: rules, namespace: monitoring}
spec: {groups: []}
"""
