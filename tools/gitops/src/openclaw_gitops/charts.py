"""Render the charts of others with our values: what each Application asks for, and what Helm makes of it."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from openclaw_gitops.environments import check_name
from openclaw_gitops.errors import REFUSED, UNAVAILABLE, CommandError
from openclaw_gitops.kustomize import build, objects
from openclaw_gitops.pins import known_charts

HELM_S = 120
UNREACHED = re.compile(
    r"cannot be reached|dial tcp|no such host|timeout|connection (refused|reset)|proxyconnect|: EOF|403|50\d"
)
"""Helm's messages when it reaches no server. A version that does not exist is another error."""
PART_VALUES = re.compile(r"[^/]+/charts/([^/]+)/values\.yaml")
"""In an archive of a chart: the values of a chart that it holds."""
OWN = "$own/"
"""How an Application names a file of this repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart of an environment, as its Application asks for it."""

    part: str
    name: str
    repository: str
    version: str
    release: str
    namespace: str
    files: tuple[str, ...]
    """Values in this repository, by path."""
    values: Mapping[str, Any] = field(hash=False)
    """Values in the Application, which win."""

    @property
    def pin(self) -> str:
        return f"{self.name} {self.version} {self.repository}"


def kubernetes_version(root: Path) -> str:
    """The version that clusters run, as the namespaces' Pod Security says it."""
    space = yaml.safe_load((root / "platform/policies/namespace-staging.yaml").read_text())
    return str(space["metadata"]["labels"]["pod-security.kubernetes.io/enforce-version"]).removeprefix("v") + ".0"


def charts(root: Path, environment: str, env: Mapping[str, str]) -> list[Chart]:
    """The charts of *environment*. Raises CommandError if there is no such environment or its wiring does not build."""
    check_name(root, environment)
    found = []
    for app in objects(build(root / "clusters" / environment, env)):
        if app["kind"] != "Application":
            continue
        for source in app["spec"].get("sources", []):
            if "chart" not in source:
                continue
            helm = source.get("helm", {})
            found.append(
                Chart(
                    part=app["metadata"]["name"].removeprefix(f"{environment}-"),
                    name=source["chart"],
                    repository=source["repoURL"],
                    version=str(source["targetRevision"]),
                    release=helm.get("releaseName", app["metadata"]["name"]),
                    namespace=app["spec"]["destination"]["namespace"],
                    files=tuple(file.removeprefix(OWN) for file in helm.get("valueFiles", [])),
                    values=helm.get("valuesObject", {}),
                )
            )
    return sorted(found, key=lambda chart: chart.part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Helm:
    """The program, and where it gets charts: from their repositories, or from *folder* by name."""

    program: str
    folder: Path | None = None

    @classmethod
    def found(cls, env: Mapping[str, str], folder: Path | None) -> "Helm":
        """$HELM, else helm on PATH. Raises CommandError if there is none."""
        program = shutil.which(env.get("HELM") or "helm", path=env.get("PATH", os.defpath))
        if not program:
            raise CommandError(
                UNAVAILABLE, "helm is missing: install it, or set HELM to its path (scripts/helm builds one)"
            )
        return cls(program=program, folder=folder)

    def fetched(self, chart: Chart, into: Path, root: Path) -> Path:
        """The chart as Helm takes it.

        Raises CommandError if it does not exist, or is not the one whose checksum is in platform/pins.yaml.
        """
        if self.folder is not None:
            place = self.folder / chart.name
            if not (place / "Chart.yaml").exists():
                raise CommandError(UNAVAILABLE, f"{place} holds no chart")
            return place
        place = into / f"{chart.name}-{chart.version}"
        place.mkdir(parents=True)
        where = (
            [chart.name, "--repo", chart.repository]
            if "://" in chart.repository and not chart.repository.startswith("oci:")
            else [f"oci://{chart.repository.removeprefix('oci://')}/{chart.name}"]
        )
        try:
            self._run("pull", *where, "--version", chart.version, "--destination", str(place))
        except CommandError as exc:
            away = UNREACHED.search(str(exc)) is not None
            raise CommandError(
                UNAVAILABLE if away else exc.code,
                f"clusters/base/apps/{chart.part}.yaml: the chart {chart.name} {chart.version} cannot be had from "
                f"{chart.repository}: {exc}",
            ) from None
        [archive] = place.glob("*.tgz")
        digest = f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
        known = known_charts(root).get(chart.pin)
        if known and known != digest:
            raise CommandError(
                REFUSED, f"platform/pins.yaml: {chart.pin} is {known}, and what is published now is {digest}"
            )
        return archive

    def rendered(self, chart: Chart, place: Path, root: Path, *, kubernetes: str) -> str:
        """What a cluster of that version would be given. Raises CommandError with Helm's words."""
        given: list[str] = []
        for file in chart.files:
            given += ["--values", str(root / file)]
        return self._run(
            "template", chart.release, str(place), "--namespace", chart.namespace, "--kube-version", kubernetes, "--include-crds",
            "--skip-tests",  # Pods that `helm test` would start: Argo CD has no such thing
            *given, "--values", "-", stdin=json.dumps(dict(chart.values)),
        )  # fmt: skip

    def defaults(self, place: Path) -> Mapping[str, Any]:
        """The chart's own values, and under their names those of the charts in it, which `helm show values` leaves out."""
        mine = _values(self._run("show", "values", str(place)))
        for name, inner in _values_of_parts(place).items():
            mine[name] = _over(_values(inner), mine.get(name))
        return mine

    def _run(self, *args: str, stdin: str | None = None) -> str:
        try:
            done = subprocess.run(  # noqa: S603
                [self.program, *args], input=stdin, capture_output=True, text=True, check=False, timeout=HELM_S
            )
        except subprocess.TimeoutExpired:
            raise CommandError(UNAVAILABLE, f"helm did not end within {HELM_S} s") from None
        if done.returncode:
            raise CommandError(REFUSED, done.stderr.strip() or f"helm ended with {done.returncode}")
        return done.stdout


def _values(text: str) -> dict[str, Any]:
    read = yaml.load(text, Loader=yaml.CSafeLoader)
    return read if isinstance(read, dict) else {}


def _values_of_parts(place: Path) -> dict[str, str]:
    """The values.yaml of each chart inside the one at *place*, an archive or a folder, by the name of the part."""
    if place.is_dir():
        return {file.parent.name: file.read_text() for file in place.glob("charts/*/values.yaml")}
    found = {}
    with tarfile.open(place) as archive:
        for member in archive:
            match = PART_VALUES.fullmatch(member.name)
            if match and (file := archive.extractfile(member)):
                found[match[1]] = file.read().decode()
    return found


def _over(defaults: dict[str, Any], ours: Any) -> dict[str, Any]:
    """*defaults* of a part with what the chart around it says."""
    merged = dict(defaults)
    for key, value in (ours if isinstance(ours, dict) else {}).items():
        old = merged.get(key)
        merged[key] = _over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
