"""Grafana's dashboards: made of platform/monitoring/dashboards.yaml, which is what people edit."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from openclaw_gitops.errors import REFUSED, CommandError

SOURCE = Path("platform/monitoring/dashboards.yaml")
FOLDER = Path("platform/monitoring/base/dashboards")
DATA_SOURCE = {"type": "prometheus", "uid": "prometheus"}
"""The uid is in platform/monitoring/values.yaml too."""
SIZES = {"number": (4, 4), "lines": (8, 8)}
"""Width and height in the units of Grafana's grid, which is 24 wide."""
GRID = 24
GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture of a dashboard."""

    title: str
    kind: Literal["number", "lines"]
    unit: str
    """As Grafana names it: `short`, `s`, `bytes`, `percentunit`, `currencyUSD`."""
    means: str
    queries: Mapping[str, str]
    """PromQL by legend."""
    cluster: bool = False
    """Only a cluster has its metrics."""
    warn: float | None = None
    bad: float | None = None
    less: bool = False
    """A number is coloured below `warn` and `bad`, and not from them on."""

    def steps(self) -> list[dict[str, Any]]:
        """Grafana's thresholds: colours, each from its value on."""
        rising = [(GREEN, None), (YELLOW, self.warn), (RED, self.bad)]
        falling = [(RED, None), (YELLOW, self.bad), (GREEN, self.warn)]
        steps = falling if self.less else rising
        return [{"color": color, "value": value} for color, value in steps if color == steps[0][0] or value is not None]

    def model(self, number: int, place: Mapping[str, int]) -> dict[str, Any]:
        """What Grafana reads."""
        targets = [
            {
                "refId": chr(ord("A") + n),
                "datasource": DATA_SOURCE,
                "expr": " ".join(query.split()),
                "legendFormat": legend,
            }
            | ({"instant": True, "range": False} if self.kind == "number" else {"instant": False, "range": True})
            for n, (legend, query) in enumerate(self.queries.items())
        ]
        color = {"mode": "thresholds" if self.kind == "number" else "palette-classic"}
        return {
            "id": number, "title": self.title, "description": self.means, "type": "stat" if self.kind == "number" else "timeseries",
            "gridPos": dict(place), "datasource": DATA_SOURCE, "targets": targets,
            "fieldConfig": {
                "defaults": {"unit": self.unit, "color": color, "thresholds": {"mode": "absolute", "steps": self.steps()}}
                | ({} if self.kind == "number" else {"min": 0}),
                "overrides": [],
            },
            "options": {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
            if self.kind == "number" else {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A page that answers one question."""

    name: str
    title: str
    panels: Sequence[Panel]
    role: bool = False
    """Whether the reader chooses a role."""

    def variables(self) -> list[dict[str, Any]]:
        """What the reader chooses at the top of the page."""
        chosen = {"namespace": "label_values(openclaw_leader, namespace)"}
        if self.role:
            chosen["role"] = 'label_values(openclaw_role_tasks_ended_total{namespace="$namespace"}, role)'
        return [
            {"name": name, "type": "query", "datasource": DATA_SOURCE, "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1}
            for name, query in chosen.items()
        ]  # fmt: skip

    def text(self) -> str:
        """The file that Grafana reads: one line for each panel, so that a change shows as one."""
        page = {
            "uid": f"openclaw-{self.name}", "title": self.title, "tags": ["openclaw"], "schemaVersion": 39, "editable": False,
            "timezone": "utc", "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "templating": {"list": self.variables()},
            "panels": [],
        }  # fmt: skip
        panels = ",\n".join(
            "  " + json.dumps(panel.model(n, place)) for n, (panel, place) in enumerate(self.placed(), 1)
        )
        return json.dumps(page, indent=1).replace('"panels": []', f'"panels": [\n{panels}\n ]') + "\n"

    def placed(self) -> Iterator[tuple[Panel, Mapping[str, int]]]:
        """Each panel with its place, in rows from left to right. A row holds panels of one kind."""
        x = y = height = 0
        before = None
        for panel in self.panels:
            wide, high = SIZES[panel.kind]
            if x + wide > GRID or (before is not None and before != panel.kind):
                x, y = 0, y + height
            yield panel, {"x": x, "y": y, "w": wide, "h": high}
            x, height, before = x + wide, high, panel.kind


def read(root: Path) -> list[Dashboard]:
    """The dashboards of the repository at *root*. Raises CommandError where the file has a field that is not known, or lacks one."""
    try:
        return [
            Dashboard(name=name, **{**page, "panels": [Panel(**panel) for panel in page["panels"]]})
            for name, page in yaml.safe_load((root / SOURCE).read_text()).items()
        ]
    except (TypeError, KeyError, yaml.YAMLError) as exc:
        raise CommandError(REFUSED, f"{SOURCE}: {exc}") from None


def stale(root: Path) -> list[Path]:
    """The files that are not what the source says."""
    wanted = {FOLDER / f"{page.name}.json": page.text() for page in read(root)}
    there = {path.relative_to(root) for path in (root / FOLDER).glob("*.json")}
    return sorted(
        path for path in wanted.keys() | there if path not in there or (root / path).read_text() != wanted.get(path)
    )


def write(root: Path) -> list[Path]:
    """Write the files anew. Returns those that changed; a file whose dashboard is gone is deleted."""
    changed = stale(root)
    wanted = {FOLDER / f"{page.name}.json": page.text() for page in read(root)}
    for path in changed:
        if path in wanted:
            (root / path).write_text(wanted[path])
        else:
            (root / path).unlink()
    return changed
