"""Reads a YAML file that people edit into a checked model: each fault has a file, a line and a remedy."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

Path_ = tuple[str | int, ...]
"""Keys and positions that lead to a place in the file."""


class Strict(BaseModel):
    """A part of such a file. Its fields' docstrings are told to whoever made a fault there."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


Model = TypeVar("Model", bound=Strict)


@dataclass(slots=True)
class FileFaults:
    """Collects faults as `file:line: reason`."""

    found: list[tuple[str, int, str]] = field(default_factory=list)

    def add(self, file: str, line: int, reason: str) -> None:
        self.found.append((file, line, reason))

    def lines(self) -> list[str]:
        return [f"{file}:{line}: {reason}" for file, line, reason in sorted(set(self.found))]


@dataclass(frozen=True, slots=True)
class LineNumbers:
    """The line of each key and item of a YAML file."""

    lines: Mapping[Path_, int]

    def of(self, *path: str | int) -> int:
        """The line of *path*, or of the nearest place around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(
    path: Path, shown: str, kind: type[Model], faults: FileFaults, *, missing: str
) -> tuple[Model | None, LineNumbers]:
    """The content of the file as *kind*, or None with the reasons in *faults*.

    *shown* is its name in messages, *missing* what to do where there is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        faults.add(shown, 1, f"the file is missing: {missing}")
        return None, LineNumbers({})
    except (OSError, UnicodeDecodeError):
        faults.add(shown, 1, "the file cannot be read: it must be UTF-8 text that this user may read")
        return None, LineNumbers({})
    lines: dict[Path_, int] = {}
    before = len(faults.found)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        data = _plain(loader, node, (), lines, shown, faults, frozenset()) if node is not None else None
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        faults.add(shown, mark.line + 1 if mark else 1, f"not valid YAML: {exc.problem}; check indentation and quotes")
        return None, LineNumbers(lines)
    except (yaml.YAMLError, ValueError):  # a control character, or an impossible date
        faults.add(shown, 1, "not valid YAML: it has a character or a value that YAML does not allow; retype it")
        return None, LineNumbers(lines)
    places = LineNumbers(lines)
    if not isinstance(data, dict):
        needed = [name for name, info in kind.model_fields.items() if info.is_required()] or list(kind.model_fields)
        faults.add(shown, 1, f"the file must hold the keys {', '.join(needed[:-1])} and {needed[-1]}")
        return None, places
    if len(faults.found) > before:
        return None, places
    try:
        return kind.model_validate(data), places
    except ValidationError as exc:
        for error in exc.errors(include_url=False, include_input=False, include_context=False):
            faults.add(shown, *_explain(kind, error["type"], error["msg"], error["loc"], places))
        return None, places


def _plain(
    loader: yaml.SafeLoader,
    node: yaml.Node,
    path: Path_,
    lines: dict[Path_, int],
    shown: str,
    faults: FileFaults,
    above: frozenset[int],
) -> Any:
    """*node* as dicts, lists and scalars. Notes the line of each place; keys given twice and loops become faults."""
    lines.setdefault(path, node.start_mark.line + 1)
    if id(node) in above:
        faults.add(shown, lines[path], "an alias that contains itself: write the value out")
        return None
    above |= {id(node)}
    if isinstance(node, yaml.MappingNode):
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = loader.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                faults.add(shown, line, "a key must be text: put it in quotes")
                continue
            if key in mapping:
                faults.add(shown, line, f"`{key}` is there twice (first in line {lines[(*path, key)]}): keep one")
                continue
            lines[(*path, key)] = line
            mapping[key] = _plain(loader, value_node, (*path, key), lines, shown, faults, above)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(loader, item, (*path, index), lines, shown, faults, above) for index, item in enumerate(node.value)
        ]
    return loader.construct_object(node, deep=True)


def _explain(root: type[BaseModel], kind: str, message: str, loc: Path_, places: LineNumbers) -> tuple[int, str]:
    """Line and reason of one validation error."""
    loc = tuple(part for part in loc if part != "[key]")
    where = ".".join(str(part) for part in loc)
    line = places.of(*loc)
    if kind == "extra_forbidden":
        known = list(_fields_at(root, loc[:-1]))
        close = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}"
        return line, f"unknown key `{where}`: {hint}"
    description = _description(root, loc)
    if kind == "missing":
        return line, f"`{where}` is missing: add it. {description}".rstrip()
    return line, f"`{where}`: {message[0].lower()}{message[1:]}. {description}".rstrip()


def _fields_at(root: type[BaseModel], loc: Path_) -> Iterator[str]:
    model = _model_at(root, loc)
    if model is not None:
        yield from model.model_fields


def _description(root: type[BaseModel], loc: Path_) -> str:
    """The docstring of the field at *loc*, or of the nearest list or mapping around it."""
    for end in range(len(loc), 0, -1):
        model = _model_at(root, loc[: end - 1])
        info = model.model_fields.get(str(loc[end - 1])) if model is not None else None
        if info is not None:
            return info.description or ""
    return ""


def _model_at(root: type[BaseModel], loc: Path_) -> type[BaseModel] | None:
    """The model that *loc* leads to from *root*; None where there is a plain value, or nothing."""
    kind: Any = root
    for part in loc:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            info = kind.model_fields.get(str(part))
            kind = None if info is None else info.annotation
        else:
            kind = get_args(kind)[-1] if get_origin(kind) in (dict, list) else None
        if get_origin(kind) in (Union, UnionType):
            kind = next(one for one in get_args(kind) if one is not type(None))
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
