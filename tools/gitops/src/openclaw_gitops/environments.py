"""What stands in `clusters/<environment>`: its settings, the Applications that Argo CD follows, and where their pins stand."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from openclaw_gitops.scalars import scalar
from openclaw_gitops.stopping import REFUSED, USAGE, Stop

OURS = "repository"
"""What stands for our own repository in the Applications; clusters/components/wiring puts environment.yaml's in its place."""

NEVER = "0" * 40
"""The commit that prod's children pin before the first promotion: no repository has it, so nothing runs by accident."""

_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source of an Application. *own*: it is this repository, so that a pin is one of our commits."""

    repository: str
    revision: str
    path: str = ""
    chart: str = ""
    own: bool
    at: tuple[int, int]
    """First and last character of the revision in its file."""

    @property
    def what(self) -> str:
        """What it takes from where, without the revision."""
        return self.chart or (self.path if self.own else self.repository)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """An Application; *part* is its name without the environment."""

    file: Path
    part: str
    sources: tuple[Source, ...]

    @property
    def is_root(self) -> bool:
        return any(source.own and source.path.startswith("clusters/") for source in self.sources)


def check_name(root: Path, environment: str) -> None:
    """Raises Stop unless *environment* is one."""
    known = sorted(path.parent.name for path in (root / "clusters").glob("*/environment.yaml"))
    if environment not in known:
        raise Stop(USAGE, f"no environment {environment}: one of {', '.join(known)}")


def settings(root: Path, environment: str) -> Mapping[str, str]:
    """The values of environment.yaml: `repository`, `registry`, `region`, `account`, `api_server_cidr`."""
    read = yaml.safe_load((root / "clusters" / environment / "environment.yaml").read_text())
    return read.get("data", read) if isinstance(read, dict) else {}


def children(root: Path, environment: str) -> list[Child]:
    """The Applications of *environment* by part, the root among them. Raises Stop if one lacks what its kind needs."""
    repository = settings(root, environment).get("repository", "")
    found = []
    for file in sorted((root / "clusters" / environment).rglob("*.yaml")):
        text = file.read_text()
        if not re.search(r"^kind: *Application *$", text, re.MULTILINE):
            continue
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        body = yaml.safe_load(text)
        spec, name = body.get("spec", {}), str(body["metadata"]["name"])
        plain, nodes = spec.get("sources") or [spec.get("source")], _source_nodes(tree)
        if not all(isinstance(source, dict) and "targetRevision" in source for source in plain):
            raise Stop(REFUSED, f"{file.relative_to(root)}: each source needs a targetRevision")
        found.append(
            Child(
                file=file,
                part=name.removeprefix(f"{environment}-"),
                sources=tuple(_source(source, node, repository) for source, node in zip(plain, nodes, strict=True)),
            )
        )
    return sorted(found, key=lambda child: child.part)


def _source(source: Mapping[str, Any], node: yaml.MappingNode, repository: str) -> Source:
    url = str(source.get("repoURL", ""))
    [revision] = [value for key, value in node.value if key.value == "targetRevision"]
    return Source(
        repository=url,
        revision=str(source["targetRevision"]),
        path=str(source.get("path", "")),
        chart=str(source.get("chart", "")),
        own="chart" not in source and url.removesuffix(".git") in (OURS, repository.removesuffix(".git")),
        at=(revision.start_mark.index, revision.end_mark.index),
    )


def _source_nodes(tree: yaml.Node | None) -> list[yaml.MappingNode]:
    spec = _entry(tree, "spec")
    several = _entry(spec, "sources")
    nodes = several.value if isinstance(several, yaml.SequenceNode) else [_entry(spec, "source")]
    return [node for node in nodes if isinstance(node, yaml.MappingNode)]


def _entry(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def pins(found: list[Child]) -> Iterator[tuple[Child, Source]]:
    """The sources that pin a commit of ours."""
    return ((child, source) for child in found if not child.is_root for source in child.sources if source.own)


def pinned_commit(found: list[Child]) -> str:
    """The one commit that an environment pins. Raises Stop if its children stand apart, or follow a branch."""
    commits = {source.revision for _, source in pins(found)}
    if len(commits) != 1:
        apart = ", ".join(sorted(f"{child.part} at {source.revision[:12]}" for child, source in pins(found)))
        raise Stop(
            REFUSED,
            f"the children do not pin one commit ({apart or 'there is none'}): set them alike by a reviewed change first",
        )
    [commit] = commits
    if not _SHA.fullmatch(commit):
        raise Stop(REFUSED, f"{commit} is no pin: it must be a commit of 40 digits")
    return commit


def with_revisions(text: str, new: Mapping[tuple[int, int], str]) -> str:
    """*text* with other revisions at the given places, and every other character as it was."""
    for (start, end), revision in sorted(new.items(), reverse=True):
        text = text[:start] + scalar(revision) + text[end:]
    return text
