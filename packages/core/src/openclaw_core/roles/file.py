"""The schema of `roles.yaml`, and its reader."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from openclaw_core.roles.yaml_file import FileFaults, LineNumbers, Strict, read_yaml

RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Line = Annotated[str, StringConstraints(pattern=r"^\S[^\r\n]*$", max_length=200)]
PromptFile = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*\.md$")]
# Job names are agent-<template>-<8>-<n>, and pods need room for their suffix.
Template = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=30)]
BuiltinTool = Literal["browser_search", "code_interpreter"]
"""Tools that run at the model's server, which are Groq's."""
ToolName = Literal["web_search", "open_page", "read_document", "run_code", "browser_search", "code_interpreter"]
"""Those, and tools of our own, which an agent runs: `openclaw_agent.tools`."""
Effort = Literal["low", "medium", "high"]
ProviderName = Literal["groq", "openai", "openrouter", "together", "ollama", "llama.cpp", "lmstudio", "vllm"]


class Price(Strict):
    input: float = Field(ge=0)
    """USD for a million prompt tokens."""
    cached: float | None = Field(default=None, ge=0)
    """USD for a million prompt tokens that the server had cached; without it, the input price counts."""
    output: float = Field(ge=0)
    """USD for a million answer tokens."""


class ModelEntry(Strict):
    context_tokens: int = Field(ge=1024)
    """The model's context window, in tokens, at least 1024."""
    provider: ProviderName | None = None
    """Whose server has it, with a key of its own such as OPENROUTER_API_KEY; without it, the default server (docs/settings.md)."""
    id: Line | None = None
    """Its id at that server, if it is not the name here: one model may be at two."""
    strict_schema: bool = False
    """Whether it keeps to a strict JSON schema; a router's model must."""
    tools: list[BuiltinTool] = Field(default=[])
    """Built-in tools that it has, which are Groq's."""
    vision: bool = False
    """Whether it sees pictures; a message with some is answered by the first model of its role that does."""
    usd_per_mtok: Price | None = None
    """Prices, for the cost in run records; without them no cost is recorded."""
    ends: date | None = None
    """The last day on which it answers, if its maker has said so, as in platform/end-of-life.yaml; operators are told 30 days ahead."""


class Titles(Strict):
    en: Line
    """English, one line."""
    he: Line
    """Hebrew, one line."""


class RouterEntry(Strict):
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


class CanaryEntry(Strict):
    prompt: PromptFile
    """A file in `prompts`, such as `coder-next.md`."""
    percent: float = Field(gt=0, le=50)
    """Of the chats, above 0 and up to 50. A conversation that has begun does not change its prompt."""


class RoleEntry(Strict):
    command: RoleName
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
    canary: CanaryEntry | None = None
    """Another prompt that a part of the chats gets, to be tried."""
    models: list[str] = Field(min_length=1)
    """Ids from `models`, in order of preference."""
    tools: list[ToolName] = Field(default=[])
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


class RolesFile(Strict):
    """Roles and models of OpenClaw."""

    request_max_tokens: int = Field(default=8000, ge=1000)
    """Prompt, history and answer of one request must stay below this, at least 1000."""
    default: str
    """The role of a message that nothing else decides."""
    models: dict[str, ModelEntry] = Field(min_length=1)
    """Models by name: the id that the server lists, unless `id` says another."""
    router: RouterEntry
    """The small model that picks a role where rules do not."""
    roles: dict[RoleName, RoleEntry] = Field(min_length=1)
    """Who answers."""


def json_schema() -> dict[str, Any]:
    """The schema that editors use for `roles.yaml`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **RolesFile.model_json_schema()}


def read_roles_file(path: Path, shown: str, faults: FileFaults) -> tuple[RolesFile | None, LineNumbers]:
    """The content of the file, or None with the reasons in *faults*. *shown* is its name in messages."""
    return read_yaml(path, shown, RolesFile, faults, missing="restore it, or say where the folder is (ROLES_DIR)")


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
