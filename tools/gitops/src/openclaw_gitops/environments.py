"""Read `clusters/`: the settings of an environment, its Argo CD Applications, and where their pins are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from openclaw_gitops.errors import REFUSED, USAGE, CommandError
from openclaw_gitops.scalars import scalar

OURS = "repository"
"""What stands for our own repository in the Applications; clusters/components/wiring puts environment.yaml's in its place."""

BASE, PINS = "base", "pins.yaml"
"""The Applications that all environments share, and the file of the revisions that one of them has instead."""

PLACEHOLDER = "environment"
"""What stands for the environment's name in paths of the base."""

NEVER = "0" * 40
"""The commit that prod's Applications pin before the first promotion: no repository has it, so nothing runs by accident."""

_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSource:
    """One source of an Application. *own*: it is this repository, so that a pin is one of our commits."""

    repository: str
    revision: str
    path: str = ""
    chart: str = ""
    own: bool
    file: Path
    at: tuple[int, int]
    """The file that decides on the revision, and where in it that is: first and last character."""

    @property
    def what(self) -> str:
        """What it takes from where, without the revision."""
        return self.chart or (self.path if self.own else self.repository)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An Application; *part* is its name without the environment."""

    part: str
    sources: tuple[ApplicationSource, ...]

    @property
    def is_root(self) -> bool:
        return any(source.own and source.path.startswith("clusters/") for source in self.sources)


def check_name(root: Path, environment: str) -> None:
    """Raises CommandError unless *environment* is one."""
    known = sorted(path.parent.name for path in (root / "clusters").glob("*/environment.yaml"))
    if environment not in known:
        raise CommandError(USAGE, f"no environment {environment}: one of {', '.join(known)}")


def settings(root: Path, environment: str) -> Mapping[str, str]:
    """The values of environment.yaml: `repository`, `registry`, `region`, `account`, `api_server_cidr`."""
    read = yaml.safe_load((root / "clusters" / environment / "environment.yaml").read_text())
    return read.get("data", read) if isinstance(read, dict) else {}


def applications(root: Path, environment: str) -> list[Application]:
    """The Applications of *environment* by part, the root among them. Raises CommandError if a source has no revision."""
    repository = settings(root, environment).get("repository", "")
    pinned = _Pins.read(root, environment)
    found = []
    for file in sorted(file for folder in (BASE, environment) for file in (root / "clusters" / folder).rglob("*.yaml")):
        text = file.read_text()
        if not re.search(r"^kind: *Application *$", text, re.MULTILINE):
            continue
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        body = yaml.safe_load(text)
        spec, part = body.get("spec", {}), str(body["metadata"]["name"]).removeprefix(f"{environment}-")
        plain, nodes = spec.get("sources") or [spec.get("source")], _source_nodes(tree)
        if not all(isinstance(source, dict) and "targetRevision" in source for source in plain):
            raise CommandError(REFUSED, f"{file.relative_to(root)}: each source needs a targetRevision")
        sources = tuple(
            _source(source, node, file, environment, repository) for source, node in zip(plain, nodes, strict=True)
        )
        app = Application(part=part, sources=sources)
        found.append(pinned.over(app) if pinned and not app.is_root else app)
    return sorted(found, key=lambda app: app.part)


def _source(
    source: Mapping[str, Any], node: yaml.MappingNode, file: Path, environment: str, repository: str
) -> ApplicationSource:
    url = str(source.get("repoURL", ""))
    [revision] = [value for key, value in node.value if key.value == "targetRevision"]
    own = "chart" not in source and url.removesuffix(".git") in (OURS, repository.removesuffix(".git"))
    path = str(source.get("path", ""))
    return ApplicationSource(
        repository=url,
        revision=str(source["targetRevision"]),
        path=path.removesuffix(PLACEHOLDER) + environment if own and path.endswith(f"/{PLACEHOLDER}") else path,
        chart=str(source.get("chart", "")),
        own=own,
        file=file,
        at=_place(revision),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pins:
    """The revisions of pins.yaml: one commit of our own repository, and for each part the version of a source from elsewhere."""

    file: Path
    name: str
    commit: yaml.ScalarNode
    versions: Mapping[str, yaml.Node]

    @classmethod
    def read(cls, root: Path, environment: str) -> "_Pins | None":
        """None if there is no such file: the environment then has the base's revisions."""
        name = f"clusters/{environment}/{PINS}"
        file = root / name
        if not file.exists():
            return None
        tree = yaml.compose(file.read_text(), Loader=yaml.SafeLoader)
        commit, versions = _entry(tree, "commit"), _entry(tree, "versions")
        if not isinstance(commit, yaml.ScalarNode) or not isinstance(versions, yaml.MappingNode):
            raise CommandError(REFUSED, f"{name}: needs commit and versions")
        return cls(file=file, name=name, commit=commit, versions={key.value: value for key, value in versions.value})

    def over(self, app: Application) -> Application:
        """*app* with the revisions that are here. Raises CommandError if one is missing."""
        return replace(app, sources=tuple(self._pinned(app.part, source) for source in app.sources))

    def _pinned(self, part: str, source: ApplicationSource) -> ApplicationSource:
        node = self.commit if source.own else self.versions.get(part)
        if node is None:
            raise CommandError(REFUSED, f"{self.name}: versions has no {part}")
        return replace(source, revision=str(node.value), file=self.file, at=_place(node))


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _source_nodes(tree: yaml.Node | None) -> list[yaml.MappingNode]:
    spec = _entry(tree, "spec")
    several = _entry(spec, "sources")
    nodes = several.value if isinstance(several, yaml.SequenceNode) else [_entry(spec, "source")]
    return [node for node in nodes if isinstance(node, yaml.MappingNode)]


def _entry(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def pinned_commit(root: Path, environment: str) -> str:
    """The one commit of ours that *environment* pins. Raises CommandError if it pins none, or follows a branch."""
    pinned = _Pins.read(root, environment)
    if pinned is None:
        raise CommandError(REFUSED, f"{environment} pins nothing: clusters/{environment}/{PINS} is missing")
    if not _SHA.fullmatch(pinned.commit.value):
        raise CommandError(REFUSED, f"{pinned.commit.value} is no pin: it must be a commit of 40 digits")
    return str(pinned.commit.value)


def with_revisions(text: str, new: Mapping[tuple[int, int], str]) -> str:
    """*text* with other revisions at the given places, and every other character as it was."""
    for (start, end), revision in sorted(new.items(), reverse=True):
        text = text[:start] + scalar(revision) + text[end:]
    return text
