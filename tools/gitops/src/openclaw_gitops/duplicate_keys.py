"""Find what a cluster would refuse in a render: a key that occurs twice in a mapping, or an entry that occurs twice in a list."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

MERGED_BY: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "ports": ("containerPort", "protocol"),
    "webhooks": ("name",),
}
"""Lists that server-side apply merges by keys: two entries with the same keys are refused. Ports of a Service have their own."""
DEFAULTS = {"protocol": "TCP"}


def duplicates(text: str) -> Iterator[str]:
    """What is wrong with a render, by object: keys that occur twice in a mapping, and entries that occur twice in a list."""
    for document in yaml.compose_all(text, Loader=yaml.CSafeLoader):
        if not isinstance(document, yaml.MappingNode):
            continue
        value = _plain(document)
        who = f"{value.get('kind')}/{value['metadata'].get('name')}" if "metadata" in value else str(value.get("kind"))
        yield from (f"{who}: {place} occurs twice in its mapping" for place in _twice(document, ()))
        if value.get("kind") != "CustomResourceDefinition":
            yield from (f"{who}: {fault}" for fault in _merged_twice(value, (), str(value.get("kind"))))


def _plain(node: yaml.Node) -> Any:
    """Mappings, lists and texts. A render may hold what PyYAML cannot construct, such as a lone `=`."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _plain(child) for key, child in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child) for child in node.value]
    return str(node.value)


def _twice(node: yaml.Node, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, child in node.value:
            name = str(key.value)
            if name in seen:
                yield ".".join((*path, name))
            seen.add(name)
            yield from _twice(child, (*path, name))
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            yield from _twice(child, (*path, str(index)))


def _merged_twice(value: Any, path: tuple[str, ...], kind: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, child in value.items():
            keys = ("port", "protocol") if kind == "Service" and name == "ports" else MERGED_BY.get(name)
            if keys and isinstance(child, list) and all(isinstance(entry, dict) for entry in child):
                yield from _same_keys(child, keys, ".".join((*path, name)))
            yield from _merged_twice(child, (*path, name), kind)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _merged_twice(child, (*path, str(index)), kind)


def _same_keys(entries: Sequence[Mapping[str, Any]], keys: tuple[str, ...], place: str) -> Iterator[str]:
    seen = set()
    for entry in entries:
        if not any(key in entry for key in keys):
            continue
        mine = tuple(entry.get(key, DEFAULTS.get(key)) for key in keys)
        if mine in seen:
            shown = ", ".join(f"{key} {value}" for key, value in zip(keys, mine, strict=True))
            yield f"{place} has two entries with {shown}: server-side apply refuses that"
        seen.add(mine)
