"""Argo CD's wiring: each object in one Application, projects that allow just that, prod that moves with its pin alone."""

import fnmatch
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.manifests.object_checks import KUBERNETES, kubeconform
from tests.manifests.rendering import ENVIRONMENTS, ROOT, Object, copy_of_the_tree, named, of_kind, render
from tests.manifests.test_environments import flat
from tests.manifests.wiring import (
    GUEST,
    applications,
    children,
    group,
    identities,
    objects_of,
    own,
    part,
    sources,
    wiring,
)

PARTS = {
    "argocd", "cloud-controller", "cluster-autoscaler", "ebs-csi", "metrics-server", "monitoring", "openclaw", "policies",
    "redis-exporter", "secrets",
}  # fmt: skip
ONCE = PARTS - {"openclaw", "redis-exporter"}
"""What a cluster has once, also when both environments share it."""
UNPROMOTED = "0" * 40
FACTS_TAKEN = re.compile(
    r"""^(
      Application/[\w-]+\.spec\.(source|sources\.\d)\.(targetRevision | path)
    | Application/(openclaw|redis-exporter)\.spec\.destination\.namespace
    | Application/cluster-autoscaler\.spec\.sources\.0\.helm\.valuesObject\.(awsRegion | autoDiscovery\.clusterName | extraEnv\.AWS_(REGION|ROLE_ARN))
    | Application/ebs-csi\.spec\.sources\.0\.helm\.valuesObject\.controller\.(region | k8sTagClusterId | env\.\w+\.value)
    | (Application|AppProject)/[\w-]+\.(metadata\.name | spec\.project)
    | AppProject/openclaw\.spec\.destinations\.0\.namespace
    )$""",
    re.VERBOSE,
)
"""What the two environments' wiring may differ in."""


def paths(objects: list[Object]) -> dict[str, object]:
    return {key: value for obj in objects for key, value in flat(obj, f"{obj['kind']}/{part(obj)}").items()}


def test_each_environment_has_the_same_parts(environment: str) -> None:
    assert set(applications(environment)) == PARTS | {"root"}


def test_a_root_brings_applications_and_projects_alone(environment: str) -> None:
    assert {(obj["kind"], obj["metadata"]["namespace"]) for obj in wiring(environment)} == {
        ("Application", "argocd"),
        ("AppProject", "argocd"),
    }
    assert all(obj["metadata"]["name"].startswith(f"{environment}-") for obj in wiring(environment))


@pytest.mark.parametrize("core", KUBERNETES.values(), ids=KUBERNETES)
def test_wiring_and_every_part_fit_their_schemas(environment: str, core: str) -> None:
    objects = wiring(environment) + [obj for app in children(environment).values() for obj in objects_of(app)]

    done = kubeconform(objects, core)

    assert done.returncode == 0, done.stdout
    assert f"Valid: {len(objects)}, Invalid: 0, Errors: 0, Skipped: 0" in done.stdout


def test_environments_are_wired_alike_but_for_their_facts_and_pins() -> None:
    staging, prod = (paths(wiring(environment)) for environment in ENVIRONMENTS)

    different = {path for path in staging.keys() | prod.keys() if staging.get(path) != prod.get(path)}

    assert sorted(path for path in different if not FACTS_TAKEN.match(path)) == []
    assert len(different) > 20
    for name in sorted(PARTS):
        mine, theirs = (own(applications(environment)[name]) for environment in ENVIRONMENTS)
        assert theirs["path"].replace("overlays/prod", "overlays/staging") == mine["path"]


def test_staging_follows_main_and_prod_one_commit() -> None:
    staging, prod = ({own(app)["targetRevision"] for app in children(env).values()} for env in ENVIRONMENTS)

    assert staging == {"main"}
    assert len(prod) == 1
    assert re.fullmatch("[0-9a-f]{40}", prod.pop()), "a commit, or 40 zeros until the first promotion"
    assert {own(applications(env)["root"])["targetRevision"] for env in ENVIRONMENTS} == {"main"}


def test_prod_has_every_revision_from_its_pins(tmp_path: Path) -> None:
    """None is the base's, which staging follows. Only the root's is."""
    root = copy_of_the_tree(tmp_path)
    file = root / "clusters/prod/pins.yaml"
    pins = yaml.safe_load(file.read_text())
    pins["commit"] = "a" * 40
    pins["versions"] = {name: f"of-{name}" for name in pins["versions"]}
    file.write_text(yaml.safe_dump(pins))

    apps = {part(app): app for app in of_kind(render(root / "clusters/prod"), "Application")}

    for name, app in apps.items():
        *others, mine = [source["targetRevision"] for source in sources(app)]
        assert mine == ("main" if name == "root" else "a" * 40)
        assert others == ([f"of-{name}"] if len(sources(app)) == 2 else [])


def test_what_comes_from_elsewhere_has_an_exact_version_and_ours_beside_it(environment: str) -> None:
    for app in children(environment).values():
        mine = own(app)
        assert (
            mine["repoURL"]
            == yaml.safe_load((ROOT / f"clusters/{environment}/environment.yaml").read_text())["repository"]
        )
        assert len(sources(app)) <= 2
        for other in sources(app)[:-1]:
            assert other["repoURL"].startswith("https://")
            assert re.fullmatch(r"v?\d+\.\d+\.\d+", other["targetRevision"]), other
            for file in other.get("helm", {}).get("valueFiles", []):
                assert file.startswith("$own/")
                assert (ROOT / file.removeprefix("$own/")).exists()
            assert mine["ref"] == "own"


def test_root_is_what_the_master_creates(environment: str) -> None:
    template = (ROOT / "terraform/modules/gitops/manifests/root.yaml.tftpl").read_text()
    facts = yaml.safe_load((ROOT / f"clusters/{environment}/environment.yaml").read_text())
    for name, value in {"environment": environment, "repository": facts["repository"], "revision": "main"}.items():
        template = template.replace(f"${{{name}}}", value)

    assert applications(environment)["root"] == yaml.safe_load(template)


def test_no_object_is_in_two_applications(environment: str) -> None:
    held = Counter(identity for app in children(environment).values() for identity in identities(app))

    assert [identity for identity, count in held.items() if count > 1] == []
    assert len(held) > 60


def test_both_environments_fit_into_one_cluster(tmp_path: Path) -> None:
    """prod as staging's guest: it brings its bot, and nothing that staging has brought."""
    root = copy_of_the_tree(tmp_path)
    file = root / "clusters/prod/kustomization.yaml"
    kustomization = yaml.safe_load(file.read_text())
    kustomization["components"].append(f"../../{GUEST}")
    file.write_text(yaml.safe_dump(kustomization))

    guest = render(root / "clusters/prod")

    apps = {part(app): app for app in of_kind(guest, "Application")}
    assert set(apps) == (PARTS - ONCE) | {"root"}
    at_home = [*wiring("staging"), *(obj for app in children("staging").values() for obj in objects_of(app))]
    brought = [*guest, *(obj for name, app in apps.items() if name != "root" for obj in objects_of(app))]
    names = Counter(
        (group(obj), obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"])
        for obj in at_home + brought
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_a_project_allows_what_its_applications_hold(environment: str) -> None:
    projects = {obj["metadata"]["name"]: obj["spec"] for obj in of_kind(wiring(environment), "AppProject")}
    for app in children(environment).values():
        project = projects[app["spec"]["project"]]
        namespaces = {place["namespace"] for place in project["destinations"]}
        cluster_wide = {(item["group"], item["kind"]) for item in project.get("clusterResourceWhitelist", [])}
        allowed = project.get("namespaceResourceWhitelist")
        assert {source["repoURL"] for source in sources(app)} <= set(project["sourceRepos"])
        assert app["spec"]["destination"]["namespace"] in namespaces
        for kind_group, kind, namespace, name in identities(app):
            if not namespace:
                assert (kind_group, kind) in cluster_wide, f"{kind}/{name} is not in {app['spec']['project']}"
            else:
                assert namespace in namespaces, f"{kind}/{name} is in {namespace}"
                assert allowed is None or {"group": kind_group, "kind": kind} in allowed, f"{kind}/{name}"


def test_projects_allow_no_more_than_that(environment: str) -> None:
    projects = {part(obj): obj["spec"] for obj in of_kind(wiring(environment), "AppProject")}
    bots = [app for app in children(environment).values() if app["spec"]["project"] == f"{environment}-openclaw"]

    assert set(projects) == {"openclaw", "platform"}
    assert "*" not in str(projects)
    assert "clusterResourceWhitelist" not in projects["openclaw"]
    assert projects["openclaw"]["destinations"] == [
        {"server": "https://kubernetes.default.svc", "namespace": f"openclaw-{environment}"}
    ]
    assert {(item["group"], item["kind"]) for item in projects["openclaw"]["namespaceResourceWhitelist"]} == {
        identity[:2] for app in bots for identity in identities(app)
    }
    used = {source["repoURL"] for app in children(environment).values() for source in sources(app)}
    assert {url for project in projects.values() for url in project["sourceRepos"]} == used
    homes = {app["spec"]["destination"]["namespace"] for app in children(environment).values()}
    assert {place["namespace"] for project in projects.values() for place in project["destinations"]} == homes


def test_project_default_is_for_the_roots_alone(environment: str) -> None:
    spec = named(objects_of(applications(environment)["argocd"]), "AppProject", "default")["spec"]

    assert [name for name, app in applications(environment).items() if app["spec"]["project"] == "default"] == ["root"]
    assert spec["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": "argocd"}]
    assert {item["kind"] for item in spec["namespaceResourceWhitelist"]} == {"Application", "AppProject"}
    assert "clusterResourceWhitelist" not in spec
    assert spec["sourceRepos"] == [own(applications(environment)["root"])["repoURL"]]


def test_every_destination_exists(environment: str) -> None:
    made = {obj["metadata"]["name"] for obj in of_kind(objects_of(applications(environment)["policies"]), "Namespace")}

    for app in children(environment).values():
        assert app["spec"]["destination"]["namespace"] in made | {"kube-system"}


def test_generate_paths_cover_all_that_a_part_loads(environment: str, tmp_path: Path) -> None:
    """A tree of nothing but these paths renders the same: a change of any other file changes nothing."""
    tracked = [path for top in ("platform", "clusters") for path in (ROOT / top).rglob("*") if path.is_file()]
    for name, app in children(environment).items():
        patterns = app["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"].split(";")
        tree = tmp_path / name
        for file in tracked:
            relative = "/" + file.relative_to(ROOT).as_posix()
            if any(relative.startswith(f"{it}/") or fnmatch.fnmatchcase(relative, it) for it in patterns):
                target = tree / relative[1:]
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)

        assert render(tree / own(app)["path"]) == render(ROOT / own(app)["path"]), name
        for source in sources(app)[:-1]:
            for values in source.get("helm", {}).get("valueFiles", []):
                assert (tree / values.removeprefix("$own/")).exists()


def test_a_sync_is_bounded_and_takes_up_a_revert(environment: str) -> None:
    for name, app in children(environment).items():
        policy = app["spec"]["syncPolicy"]
        assert policy["automated"] == {"selfHeal": True} | ({"prune": True} if name != "argocd" else {})
        assert set(policy["syncOptions"]) == {
            "ServerSideApply=true",
            "ApplyOutOfSyncOnly=true",
            "FailOnSharedResource=true",
            "PruneLast=true",
            "SkipDryRunOnMissingResource=true",
        }
        retry = policy["retry"]
        assert 0 < retry["limit"] <= 10
        assert retry["refresh"] is True
        # A rollout that fails says so after 60 s; a revert that waits for the next try is still synced within 90 s.
        assert retry["backoff"] == {"duration": "5s", "factor": 2, "maxDuration": "30s"}


def test_no_application_says_what_argo_cd_leaves_out(environment: str) -> None:
    """It writes Applications back without what is false or empty: said in Git, that is drift of the root for ever."""
    for app in applications(environment).values():
        assert [path for path, value in flat(app["spec"], "spec").items() if value in (False, "", 0, None)] == []
        assert not re.search(r"\[\]|\{\}", yaml.safe_dump(app["spec"]))


def test_only_children_take_their_objects_along(environment: str) -> None:
    with_finalizer = {name for name, app in applications(environment).items() if app["metadata"].get("finalizers")}

    assert with_finalizer == PARTS - {"argocd"}, (
        "deleting the root or Argo CD by mistake must not take the platform along"
    )


def test_first_bring_up_has_an_order(environment: str) -> None:
    def wave(obj: Object) -> int:
        return int(obj["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])

    apps = children(environment)
    waves = {name: wave(app) for name, app in apps.items()}
    projects = {wave(obj) for obj in of_kind(wiring(environment), "AppProject")}

    assert max(projects) < min(waves.values())
    assert waves["argocd"] == waves["policies"] == min(waves.values()), "settings and namespaces come first"
    assert waves["secrets"] < waves["openclaw"], "secrets before who waits for them"
    assert sorted(set(waves.values())) == list(range(min(waves.values()), max(waves.values()) + 1)), "no gap"


def test_wiring_and_parts_take_their_facts_from_the_one_file(environment: str, tmp_path: Path) -> None:
    root = copy_of_the_tree(tmp_path)
    file = root / f"clusters/{environment}/environment.yaml"
    old = yaml.safe_load(file.read_text())
    new = {
        "repository": "https://git.example/fork",
        "registry": "registry.example",
        "region": "mx-north-7",
        "account": "099999999999",
        "api_server_cidr": "10.99.0.0/26",
        "ops_chat": "-1007777777777",
    }
    assert new.keys() == old.keys() - {"apiVersion", "kind", "metadata"}
    file.write_text(yaml.safe_dump(old | new))

    wired = render(root / "clusters" / environment)
    parts = [render(root / own(app)["path"]) for app in of_kind(wired, "Application") if part(app) != "root"]
    text = yaml.safe_dump_all([wired, *parts])

    assert [key for key in new if old[key] in text] == []
    assert [key for key in new if new[key] not in text] == []


def test_no_placeholder_is_left(environment: str) -> None:
    text = yaml.safe_dump_all([wiring(environment), *(objects_of(app) for app in children(environment).values())])

    assert (
        re.findall(
            r"(?i)openclaw[-/]environment|(?:overlays|clusters)/environment|:account:|repoURL: repository|- repository$|: region$|: unset$",
            text,
            re.MULTILINE,
        )
        == []
    )


def test_both_environments_hold_what_the_other_may_not_touch() -> None:
    for environment, other in (ENVIRONMENTS, ENVIRONMENTS[::-1]):
        text = yaml.safe_dump_all(wiring(environment))
        assert f"openclaw-{other}" not in text
        assert f"{other}-" not in text
