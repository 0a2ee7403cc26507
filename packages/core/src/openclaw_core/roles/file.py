"""The schema of `roles.yaml`, and its reader: each fault has a file, a line and a remedy."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Path_ = tuple[str | int, ...]
"""Keys and positions that lead to a place in the file."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Line = Annotated[str, StringConstraints(pattern=r"^\S[^\r\n]*$", max_length=200)]
PromptFile = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*\.md$")]
# Job names are agent-<template>-<8>-<n>, and pods need room for their suffix.
Template = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=30)]
BuiltinTool = Literal["browser_search", "code_interpreter"]
"""Tools that run at the model's server, which are Groq's."""
Tool = Literal["web_search", "open_page", "read_document", "run_code", "browser_search", "code_interpreter"]
"""Those, and tools of our own, which an agent runs: `openclaw_agent.tools`."""
Effort = Literal["low", "medium", "high"]
Provider = Literal["groq", "openai", "openrouter", "together", "ollama", "llama.cpp", "lmstudio", "vllm"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class Price(_Strict):
    input: float = Field(ge=0)
    """USD for a million prompt tokens."""
    cached: float | None = Field(default=None, ge=0)
    """USD for a million prompt tokens that the server had cached; without it, the input price counts."""
    output: float = Field(ge=0)
    """USD for a million answer tokens."""


class ModelEntry(_Strict):
    context_tokens: int = Field(ge=1024)
    """The model's context window, in tokens, at least 1024."""
    provider: Provider | None = None
    """Whose server has it, with a key of its own such as OPENROUTER_API_KEY; without it, the default server (docs/settings.md)."""
    id: Line | None = None
    """Its id at that server, if it is not the name that stands here: one model may be at two."""
    strict_schema: bool = False
    """Whether it keeps to a strict JSON schema; a router's model must."""
    tools: list[BuiltinTool] = []
    """Built-in tools that it has, which are Groq's."""
    vision: bool = False
    """Whether it sees pictures; a message with some is answered by the first model of its role that does."""
    usd_per_mtok: Price | None = None
    """Prices, for the cost in run records; without them no cost is recorded."""


class Titles(_Strict):
    en: Line
    """English, one line."""
    he: Line
    """Hebrew, one line."""


class RouterEntry(_Strict):
    models: list[str] = Field(min_length=1)
    """Ids from `models`, in order of preference; each with a strict schema."""
    prompt: PromptFile
    """A file in `prompts`; `{roles}` in it becomes the list of roles."""
    budget_s: float = Field(default=2, gt=0, le=10)
    """Seconds after which routing goes on without the model, up to 10."""
    max_tokens: int = Field(default=150, ge=50, le=1000)
    """Tokens of one routing reply, reasoning included, 50 to 1000."""
    reasoning_effort: Effort | None = None
    """low, medium or high."""


class RoleEntry(_Strict):
    command: Name
    """The chat command without the slash: a small letter, then small letters, digits and _, up to 32."""
    emoji: str = Field(min_length=1, max_length=8)
    """One emoji that stands for the role."""
    titles: Titles
    """The role's name in each language."""
    descriptions: Titles
    """One line for the command menu in each language."""
    when: Line
    """When it fits, for the routing model: one line of up to 200 characters."""
    prompt: PromptFile
    """A file in `prompts`, such as `coder.md`."""
    models: list[str] = Field(min_length=1)
    """Ids from `models`, in order of preference."""
    tools: list[Tool] = []
    """web_search, open_page, read_document and run_code, which its agents run; or browser_search and code_interpreter, which its first model must have."""
    max_steps: int = Field(default=6, ge=1, le=20)
    """How often a model with tools that its agents run is asked for one answer, 1 to 20; the last time it may call nothing."""
    max_answer_tokens: int = Field(ge=100, le=65536)
    """The longest answer in tokens, reasoning included, 100 to 65536."""
    history_tokens: int = Field(ge=100)
    """Tokens for the conversation, the new message included, at least 100."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """0 (always the same) to 2 (wild)."""
    reasoning_effort: Effort | None = None
    """low, medium or high."""
    template: Template = "agent"
    """Name of the PodTemplate of its agents: small letters, digits and -, up to 30. `agent` is `agent-tools` for a role with tools that agents run."""


class RolesFile(_Strict):
    """Roles and models of OpenClaw."""

    request_max_tokens: int = Field(default=8000, ge=1000)
    """Prompt, history and answer of one request must stay below this, at least 1000."""
    default: str
    """The role of a message that nothing else decides."""
    models: dict[str, ModelEntry] = Field(min_length=1)
    """Models by name: the id that the server lists, unless `id` says another."""
    router: RouterEntry
    """The small model that picks a role where rules do not."""
    roles: dict[Name, RoleEntry] = Field(min_length=1)
    """Who answers."""


def json_schema() -> dict[str, Any]:
    """The schema that editors use for `roles.yaml`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **RolesFile.model_json_schema()}


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


def read_roles_file(path: Path, shown: str, faults: FileFaults) -> tuple[RolesFile | None, LineNumbers]:
    """The content of the file, or None with the reasons in *faults*. *shown* is its name in messages."""
    data, places = read_mapping(path, shown, faults, keys="default, models, router and roles")
    if data is None:
        return None, places
    try:
        return RolesFile.model_validate(data), places
    except ValidationError as exc:
        for error in exc.errors(include_url=False, include_input=False, include_context=False):
            faults.add(shown, *_explain(error["type"], error["msg"], error["loc"], places))
        return None, places


def read_mapping(path: Path, shown: str, faults: FileFaults, *, keys: str) -> tuple[dict[str, Any] | None, LineNumbers]:
    """The mapping that a YAML file holds, or None with the reasons in *faults*. *keys* names what it should hold, for people."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        faults.add(shown, 1, "the file is missing: restore it, or say where the folder is (ROLES_DIR)")
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
        faults.add(shown, 1, f"the file must hold the keys {keys}")
        return None, places
    return (data if len(faults.found) == before else None), places


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


def _explain(kind: str, message: str, loc: Path_, places: LineNumbers) -> tuple[int, str]:
    """Line and reason of one validation error."""
    loc = tuple(part for part in loc if part != "[key]")
    where = ".".join(str(part) for part in loc)
    line = places.of(*loc)
    if kind == "extra_forbidden":
        known = list(_fields_at(loc[:-1]))
        close = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}"
        return line, f"unknown key `{where}`: {hint}"
    description = _description(loc)
    if kind == "missing":
        return line, f"`{where}` is missing: add it. {description}".rstrip()
    return line, f"`{where}`: {message[0].lower()}{message[1:]}. {description}".rstrip()


def _fields_at(loc: Path_) -> Iterator[str]:
    model = _model_at(loc)
    if model is not None:
        yield from model.model_fields


def _description(loc: Path_) -> str:
    """The docstring of the field at *loc*, or of the nearest list or mapping around it."""
    for end in range(len(loc), 0, -1):
        model = _model_at(loc[: end - 1])
        info = model.model_fields.get(str(loc[end - 1])) if model is not None else None
        if info is not None:
            return info.description or ""
    return ""


def _model_at(loc: Path_) -> type[BaseModel] | None:
    match loc:
        case ():
            return RolesFile
        case ("roles", _):
            return RoleEntry
        case ("roles", _, "titles" | "descriptions"):
            return Titles
        case ("models", _):
            return ModelEntry
        case ("models", _, "usd_per_mtok"):
            return Price
        case ("router",):
            return RouterEntry
    return None


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
