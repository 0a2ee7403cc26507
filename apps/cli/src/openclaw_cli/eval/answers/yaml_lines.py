"""Reads a YAML file with the line of each of its places; dates and times stay text."""

import re
from pathlib import Path
from typing import Any

import yaml

from openclaw_core.roles.yaml_file import LineNumbers


class BadYaml(Exception):
    """The file cannot be read; the message names file, line and what to do."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2 in what matters here: `2026-05-03` and `14:30` are text, as editors with a schema take them too."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":int", ":float", ":bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$", "-+0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read_yaml_lines(path: Path) -> tuple[dict[str, Any], LineNumbers]:
    """The mapping of the file, and its lines. Raises BadYaml."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise BadYaml(f"{path}:1: cannot be read as UTF-8 text ({type(exc).__name__})") from None
    except yaml.YAMLError:
        raise BadYaml(f"{path}:1: has a character that YAML does not allow; retype it") from None
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise BadYaml(f"{path}:1: must hold keys with values, such as `lang: en`")
        _note_lines(node, (), lines, path, frozenset())
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = mark.line + 1 if mark else 1
        raise BadYaml(f"{path}:{line}: not valid YAML: {exc.problem}; check indentation and quotes") from None
    return dict(data), LineNumbers(lines)


def _note_lines(
    node: yaml.Node,
    path: tuple[str | int, ...],
    lines: dict[tuple[str | int, ...], int],
    file: Path,
    above: frozenset[int],
) -> None:
    if id(node) in above:
        raise BadYaml(f"{file}:{node.start_mark.line + 1}: an alias that contains itself; write the value out")
    above |= {id(node)}
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*path, str(key.value))
            if place in lines:
                raise BadYaml(f"{file}:{key.start_mark.line + 1}: `{key.value}` is there twice; keep one")
            lines[place] = key.start_mark.line + 1
            _note_lines(value, place, lines, file, above)
    elif isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            _note_lines(item, (*path, at), lines, file, above)
