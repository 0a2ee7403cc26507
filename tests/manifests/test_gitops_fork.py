"""What the GitOps tests deploy is what production deploys, but for what a test cluster cannot have."""

import re

import pytest
import yaml

from tests.e2e.gitops.fork import Fork
from tests.manifests.rendering import ENVIRONMENTS, ROOT, of_kind, render, tool
from tests.manifests.test_environments import paths
from tests.manifests.wiring import applications, children, own, part

REPLACED = re.compile(
    r"""^(
      PodTemplate/agent(-tools)?\.template\.spec\.(containers|initContainers)\.0\.(image | env\.\w+\.(name|value))
    | Deployment/brain\.spec\.template\.spec\.containers\.0\.image
    | Deployment/brain\..*\.(configMapRef | configMap)\.name
    | ConfigMap/roles\.(metadata\.name | data\.roles\.yaml)
    | StatefulSet/redis\.spec\.template\.spec\.containers\.0\.image
    | Deployment/redis-exporter\.spec\.template\.spec\.containers\.0\.image
    | ConfigMap/brain-settings\.(metadata\.name | data\.(TELEGRAM|GROQ)_BASE_URL)
    | ConfigMap/agent-policy\.data\.(image | repository)\.(agent | brain | redis | runner)
    | ConfigMap/agent-policy\.data\.env\.(GROQ_BASE|SEARCH)_URL
    | ConfigMap/redis-exporter-policy\.data\.image\.redis-exporter
    | ConfigMap/argocd-cm\.data\.timeout\.reconciliation(\.jitter)?
    | ConfigMap/alerts\.data\.facts\.tmpl
    | AppProject/default\.spec\.sourceRepos\.0
    | NetworkPolicy/brain\.spec\.egress\.0\.to\.0\.ipBlock\.cidr
    | NetworkPolicy/(brain|agent)\.spec\.egress\.\d+\..*
    | (ExternalSecret|SecretStore)/.*
    )$""",
    re.VERBOSE,
)


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    tool("kustomize")
    return Fork.of_the_work_tree(tmp_path_factory.mktemp("fork"))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_fork_s_children_differ_by_their_remote_sources_alone(fork: Fork, environment: str) -> None:
    facts = yaml.safe_load((ROOT / f"clusters/{environment}/environment.yaml").read_text())
    tested = {part(app): app for app in of_kind(render(fork.root / "clusters" / environment), "Application")}

    at_home = {
        name
        for name, app in applications("staging").items()
        if "openclaw.io/scope" in app["metadata"].get("labels", {})
    }
    assert tested.keys() == applications(environment).keys() - (at_home if environment == "prod" else set())  # a guest
    for name in tested:
        app = applications(environment)[name]
        expected = yaml.safe_load(yaml.safe_dump(app).replace(facts["repository"], fork.url))
        if len(app["spec"].get("sources", [])) == 2:
            del expected["spec"]["sources"][0]
        assert tested[name] == expected


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_fork_s_parts_differ_only_where_they_may(fork: Fork, environment: str) -> None:
    for app in children(environment).values():
        before, after = (paths(render(root / own(app)["path"])) for root in (ROOT, fork.root))
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}

        assert sorted(path for path in changed if not REPLACED.match(path)) == []


def test_fork_s_bot_is_the_one_of_the_cluster_tests(fork: Fork) -> None:
    """But for our images' tags, and for Secrets."""
    gitops, direct = (
        paths(render(folder))
        for folder in (fork.root / "platform/openclaw/overlays/staging", ROOT / "tests/e2e/overlay")
    )
    changed = {path for path in gitops.keys() | direct.keys() if gitops.get(path) != direct.get(path)}

    assert {
        path
        for path in changed
        if not re.match(
            r"Secret/|ConfigMap/roles\.|Deployment/brain\..*\.configMap\.name$|(Deployment/brain|PodTemplate/agent(-tools)?)\..*[cC]ontainers\.0\.image$|ConfigMap/agent-policy\.data\.image\.(agent|brain|runner)$",
            path,
        )
    } == set()
