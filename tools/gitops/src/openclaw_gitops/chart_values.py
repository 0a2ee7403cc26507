"""Check our values against the keys that a chart knows: Helm ignores an unknown key without a word."""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from openclaw_gitops.charts import Chart

FOLDER = Path("tests/schemas/charts")
"""Keys of the charts that are in use, as far as our values reach, so that a misspelt one is seen without a network."""
FREE = frozenset({
    "affinity", "annotations", "args", "config", "containerSecurityContext", "env", "extraArgs", "extraEnv",
    "grafana.ini", "labels", "limits",
    "matchLabels", "nodeSelector", "podAnnotations", "podLabels", "podSecurityContext", "requests", "seccompProfile",
    "securityContext", "selector",
})  # fmt: skip
"""Values under these names are anybody's own keys, whatever the chart has there by default."""
MORE = "…"
"""Stands for keys that none of our values uses yet, and that are not kept."""

Tree = Mapping[str, Any] | str | None
"""Keys with what is below them: None takes anything, MORE is not known here."""


def tree(defaults: Any, name: str = "") -> Tree:
    """The keys that *defaults* know. What is empty, a list or a plain value there takes whatever is given."""
    if name == "resources":
        return dict.fromkeys(("claims", "limits", "requests"))
    if not isinstance(defaults, dict) or not defaults or name in FREE:
        return None
    return {key: tree(value, key) for key, value in defaults.items()}


def as_far_as(known: Tree, used: Any) -> Tree:
    """*known*, without what lies below keys that *used* does not have."""
    if not isinstance(known, dict):
        return known
    if not isinstance(used, dict):
        return MORE
    return {key: as_far_as(below, used.get(key)) for key, below in known.items()}


def unknown(values: Any, known: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each key of *values* that the chart does not know, with what to do."""
    if known == MORE:
        yield path, "its keys are not kept here: run scripts/render-charts --write-keys with a network"
        return
    if not isinstance(known, dict) or not isinstance(values, dict):
        return
    for key, value in values.items():
        here = (*path, str(key))
        if key in known:
            yield from unknown(value, known[key], here)
        else:
            near = difflib.get_close_matches(str(key), [str(name) for name in known], n=1)
            yield here, f"the chart has no value {'.'.join(here)}" + (f": did you mean {near[0]}?" if near else "")


def faults(chart: Chart, root: Path, known: Tree) -> Iterator[str]:
    """What our values say that the chart does not know, with file and line."""
    for file in chart.files:
        text = (root / file).read_text()
        lines = dict(_lines(yaml.compose(text, Loader=yaml.SafeLoader), ()))
        for path, what in unknown(yaml.safe_load(text), known):
            yield f"{file}:{lines.get(path, 1)}: {what} ({chart.name} {chart.version})"
    for _, what in unknown(dict(chart.values), known):
        yield f"clusters/base/apps/{chart.part}.yaml: {what} ({chart.name} {chart.version})"


def _lines(node: yaml.Node | None, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            here = (*path, str(key.value))
            yield here, key.start_mark.line + 1
            yield from _lines(child, here)


def used(chart: Chart, root: Path) -> dict[str, Any]:
    """All values that we give the chart, in one tree."""
    merged: dict[str, Any] = {}
    for file in chart.files:
        merged = _merged(merged, yaml.safe_load((root / file).read_text()))
    return _merged(merged, dict(chart.values))


def _merged(first: dict[str, Any], second: Mapping[str, Any] | None) -> dict[str, Any]:
    result = dict(first)
    for key, value in (second or {}).items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def file_of(chart: Chart) -> Path:
    return FOLDER / f"{chart.name}-{chart.version}.json"


def kept(chart: Chart, root: Path) -> Tree:
    """The keys that are kept of this version; MORE if none are kept."""
    file = root / file_of(chart)
    if not file.exists():
        return MORE
    read: Tree = json.loads(file.read_text())
    return read


def keep(found: Mapping[Chart, Mapping[str, Any]], root: Path) -> None:
    """Write down the keys of these charts, from their own values, and forget every other version."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    for chart, defaults in found.items():
        keys = as_far_as(tree(defaults), used(chart, root))
        (root / file_of(chart)).write_text(json.dumps(keys, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    for old in (root / FOLDER).glob("*.json"):
        if old not in {root / file_of(chart) for chart in found}:
            old.unlink()
