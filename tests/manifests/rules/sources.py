"""What only the files show, as kustomize and Helm go on without a word: patches that change nothing, keys that a chart does not know."""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from openclaw_gitops import chart_values
from openclaw_gitops.chart_values import MORE
from openclaw_gitops.charts import charts
from openclaw_gitops.errors import CommandError
from tests.manifests.rendering import ROOT, Object, label, tool


def patch_faults(environment: str, objects: Sequence[Object], root: Path = ROOT) -> Iterator[str]:
    """Patches of an overlay that select nothing, or replace what is not there: kustomize leaves them out, or adds a key
    of that spelling.
    """
    folder = root / "platform/openclaw/overlays" / environment
    file = folder / "kustomization.yaml"
    for patch in yaml.safe_load(file.read_text()).get("patches", []):
        target = patch.get("target", {})
        there = [obj for obj in objects if _selected(obj, target)]
        if target and not there:
            at = _line(file, str(target.get("name") or target.get("kind")))
            yield f"{_place(file, root)}:{at}: patch-without-a-target: nothing is a {target.get('kind')} {target.get('name', '')}: the patch changes nothing. Correct its target"
        if "path" not in patch or not there:
            continue
        steps = yaml.safe_load((folder / patch["path"]).read_text())
        for step in steps if isinstance(steps, list) else []:
            if step.get("op") == "replace" and not any(_has(_of_the_base(obj, root), step["path"]) for obj in there):
                at = _line(folder / patch["path"], step["path"])
                yield f"{_place(folder / patch['path'], root)}:{at}: patch-of-nothing: {step['path']} is not in platform/openclaw/base, so nothing is replaced and a new key comes in. Correct the path, or write `op: add`"


def _selected(obj: Object, target: dict[str, str]) -> bool:
    kind, name = str(obj["kind"]), str(obj["metadata"]["name"])
    return kind == target.get("kind", kind) and name == target.get("name", name)


def _of_the_base(obj: Object, root: Path) -> Any:
    return _base(root).get(label(obj), obj)


@cache
def _base(root: Path) -> dict[str, Object]:
    """The objects of the base as they stand in its files, by kind and name."""
    texts = [file.read_text() for file in (root / "platform/openclaw/base").rglob("*.yaml")]
    found = [document for text in texts for document in yaml.load_all(text, Loader=yaml.CSafeLoader)]
    return {label(each): each for each in found if isinstance(each, dict) and each.get("kind") and each.get("metadata")}


def _has(node: Any, pointer: str) -> bool:
    for part in pointer.strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        elif isinstance(node, dict) and key in node:
            node = node[key]
        else:
            return False
    return True


def _line(file: Path, word: str) -> int:
    return next((number for number, line in enumerate(file.read_text().splitlines(), 1) if word in line), 1)


def _place(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def chart_faults(environment: str, root: Path = ROOT) -> Iterator[str]:
    """Values of ours that a chart does not know, by the keys that are kept of it in tests/schemas/charts."""
    try:
        found = charts(root, environment, {**os.environ, "KUSTOMIZE": tool("kustomize")})
    except CommandError as stop:
        yield f"clusters/{environment}/kustomization.yaml:1: charts-know-our-values: the wiring cannot be read: {' '.join(str(stop).split())}"
        return
    for chart in found:
        known = chart_values.kept(chart, root)
        if known == MORE:
            file, line = f"clusters/base/apps/{chart.part}.yaml", f"targetRevision: {chart.version}"
            if (root / f"clusters/{environment}/pins.yaml").exists():
                file, line = f"clusters/{environment}/pins.yaml", f"{chart.part}: {chart.version}"
            at = _line(root / file, line)
            yield f"{file}:{at}: charts-know-our-values: nobody has looked at the keys of {chart.name} {chart.version}: run `scripts/render-charts --write-keys` with a network, which also shows whether there is such a version"
            continue
        yield from (_ruled(fault) for fault in chart_values.faults(chart, root, known))


def _ruled(fault: str) -> str:
    place, _, rest = fault.partition(": ")
    return f"{place}: charts-know-our-values: {rest}. Correct the spelling, or take it out"
