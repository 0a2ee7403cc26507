"""What clusters/<environment> makes Argo CD follow: Applications, projects, and what each Application renders of ours."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.manifests.rendering import ROOT, Object, of_kind, render
from tests.manifests.rules import CLUSTER_SCOPED

GUEST = "clusters/components/guest"


@cache
def rendered(folder: Path) -> list[Object]:
    return render(folder)


def wiring(environment: str) -> list[Object]:
    return rendered(ROOT / "clusters" / environment)


def part(app: Object) -> str:
    """The Application's name without its environment."""
    return str(app["metadata"]["name"]).split("-", 1)[1]


def applications(environment: str) -> dict[str, Object]:
    """The Applications of *environment* by part; the root is one of them."""
    return {part(app): app for app in of_kind(wiring(environment), "Application")}


def sources(app: Object) -> list[dict[str, Any]]:
    spec = app["spec"]
    return list(spec.get("sources") or [spec["source"]])


def own(app: Object) -> dict[str, Any]:
    """The source that is this repository: always the last one."""
    return sources(app)[-1]


def children(environment: str) -> dict[str, Object]:
    return {name: app for name, app in applications(environment).items() if name != "root"}


def objects_of(app: Object) -> list[Object]:
    """What the Application renders of ours, each object in its namespace."""
    home = app["spec"]["destination"]["namespace"]
    return [
        obj if obj["kind"] in CLUSTER_SCOPED else obj | {"metadata": {"namespace": home} | obj["metadata"]}
        for obj in rendered(ROOT / own(app)["path"])
    ]


def identities(app: Object) -> Iterator[tuple[str, str, str, str]]:
    """Group, kind, namespace and name of each object that the Application holds of ours."""
    for obj in objects_of(app):
        meta = obj["metadata"]
        yield group(obj), obj["kind"], meta.get("namespace", ""), meta["name"]


def group(obj: Object) -> str:
    return str(obj["apiVersion"]).rpartition("/")[0]
