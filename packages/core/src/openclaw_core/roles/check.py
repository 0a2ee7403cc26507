"""Loads the roles: builds them from `roles.yaml`, and checks that its entries and prompts fit each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from openclaw_core.errors import SettingsError
from openclaw_core.models.providers import GROQ, PROVIDERS
from openclaw_core.roles.file import BuiltinTool, ModelEntry, RoleEntry, RolesFile, read_roles_file
from openclaw_core.roles.values import (
    AGENT_TEMPLATE,
    PROMPT_MAX_TOKENS,
    RESERVED_COMMANDS,
    RESULTS_MIN_TOKENS,
    ROUTER_PROMPT_MAX_TOKENS,
    TOOLS_TEMPLATE,
    Canary,
    ModelSpec,
    Role,
    Roles,
    Router,
)
from openclaw_core.roles.yaml_file import FileFaults, LineNumbers
from openclaw_core.tasks.conversation import estimate_tokens

ROLES_MARK = "{roles}"
"""Where the router's prompt gets its list of roles."""


def load_roles(folder: Path) -> Roles:
    """Read `folder/config/roles.yaml` and the prompts it names. Raises SettingsError listing `file:line: reason` of each fault."""
    shown = str(folder / "config" / "roles.yaml")
    faults = FileFaults()
    content, places = read_roles_file(folder / "config" / "roles.yaml", shown, faults)
    roles = None
    if content is not None:
        roles = build_roles(content, folder=folder, shown=shown, places=places, faults=faults)
    if roles is None or faults.found:
        raise SettingsError("wrong roles or prompts:\n" + "\n".join(f"  {line}" for line in faults.lines()))
    return roles


def build_roles(
    content: RolesFile, *, folder: Path, shown: str, places: LineNumbers, faults: FileFaults
) -> Roles | None:
    """The roles, or None with the reasons in *faults*."""
    check = _Check(content, folder=folder, shown=shown, places=places, faults=faults)
    before = len(faults.found)
    if content.default not in content.roles:
        check.fault(
            ("default",), f"the default role `{content.default}` does not exist: name one of {', '.join(content.roles)}"
        )
    check.commands()
    roles = {name: check.role(name, entry) for name, entry in content.roles.items()}
    check.models()
    router = check.router()
    if len(faults.found) > before:
        return None
    models = {id_: _model(id_, entry) for id_, entry in content.models.items()}
    return Roles(roles=roles, default=content.default, router=router, models=models)


def _model(id_: str, entry: ModelEntry) -> ModelSpec:
    price = entry.usd_per_mtok
    return ModelSpec(
        id=id_,
        context_tokens=entry.context_tokens,
        provider=entry.provider or "",
        served_as=entry.id or "",
        strict_schema=entry.strict_schema,
        tools=tuple(entry.tools),
        vision=entry.vision,
        input_usd_per_mtok=price.input if price else None,
        cached_usd_per_mtok=(price.input if price.cached is None else price.cached) if price else None,
        output_usd_per_mtok=price.output if price else None,
        ends=entry.ends,
    )


@dataclass(frozen=True, slots=True)
class _Check:
    content: RolesFile
    folder: Path
    shown: str
    places: LineNumbers
    faults: FileFaults

    def fault(self, path: tuple[str | int, ...], reason: str) -> None:
        self.faults.add(self.shown, self.places.of(*path), reason)

    def commands(self) -> None:
        taken: dict[str, str] = {}
        for name, entry in self.content.roles.items():
            path = ("roles", name, "command")
            if entry.command in RESERVED_COMMANDS:
                self.fault(path, f"/{entry.command} is a command of the bot itself: choose another")
            elif entry.command in taken:
                self.fault(path, f"/{entry.command} is already the command of `{taken[entry.command]}`: choose another")
            else:
                taken[entry.command] = name

    def models(self) -> None:
        for id_, entry in self.content.models.items():
            if entry.tools and entry.provider not in (None, GROQ.name):
                self.fault(
                    ("models", id_, "tools"),
                    f"{PROVIDERS[entry.provider].title} has no such built-in tools: take them away",
                )

    def role(self, name: str, entry: RoleEntry) -> Role:
        self._models(("roles", name), entry.models)
        builtin = tuple(tool for tool in entry.tools if tool in get_args(BuiltinTool))
        functions = tuple(tool for tool in entry.tools if tool not in builtin)
        self._tools(name, entry, builtin, functions)
        places = (_model(id_, model).at for id_, model in self.content.models.items())
        prompt, tokens = self._role_prompt(("roles", name, "prompt"), entry.prompt)
        canary = None
        if entry.canary is not None:
            path = ("roles", name, "canary", "prompt")
            tried, tokens_tried = self._role_prompt(path, entry.canary.prompt)
            tokens = max(tokens, tokens_tried)
            canary = Canary(prompt=tried, percent=entry.canary.percent)
            if tried == prompt:
                self.fault(path, "it is the same as the role's own prompt: take the canary away, or change its text")
        total = tokens + entry.history_tokens + entry.max_answer_tokens
        limit = self.content.request_max_tokens
        if total >= limit:
            self.fault(
                ("roles", name, "max_answer_tokens"),
                f"prompt (about {tokens}), history_tokens and max_answer_tokens are {total} tokens together, and "
                f"request_max_tokens is {limit}: lower one of them, or raise request_max_tokens if your key allows more",
            )
        elif functions and limit - total < RESULTS_MIN_TOKENS:
            self.fault(
                ("roles", name, "tools"),
                f"prompt, history_tokens and max_answer_tokens leave {limit - total} of request_max_tokens for results of tools, "
                f"which need {RESULTS_MIN_TOKENS}: raise request_max_tokens if your key allows more, or lower one of them",
            )
        return Role(
            name=name,
            command=entry.command,
            titles={"en": entry.titles.en, "he": entry.titles.he},
            descriptions={"en": entry.descriptions.en, "he": entry.descriptions.he},
            emoji=entry.emoji,
            when=entry.when,
            prompt=prompt,
            canary=canary,
            models=tuple(entry.models),
            tools=builtin,
            max_answer_tokens=entry.max_answer_tokens,
            history_tokens=entry.history_tokens,
            temperature=entry.temperature,
            reasoning_effort=entry.reasoning_effort,
            template=TOOLS_TEMPLATE if functions and entry.template == AGENT_TEMPLATE else entry.template,
            functions=functions,
            max_steps=entry.max_steps,
            results_tokens=max(0, limit - total) if functions else 0,
            elsewhere=tuple(at for at in places if at.provider or at.id != at.name),
            seeing=tuple(id_ for id_ in entry.models if id_ in self.content.models and self.content.models[id_].vision),
        )

    def _role_prompt(self, path: tuple[str | int, ...], name: str) -> tuple[str, int]:
        """A prompt of a role, and about how many tokens it has."""
        prompt = self._prompt(path, name)
        tokens = estimate_tokens(prompt)
        if tokens > PROMPT_MAX_TOKENS:
            too_long = f"the prompt has about {tokens} tokens, the limit is {PROMPT_MAX_TOKENS}: shorten it"
            self.faults.add(str(self.folder / "prompts" / name), 1, too_long)
        return prompt, tokens

    def _tools(self, name: str, entry: RoleEntry, builtin: tuple[str, ...], functions: tuple[str, ...]) -> None:
        first = self.content.models.get(entry.models[0])
        for index, tool in enumerate(entry.tools):
            if tool in builtin and first is not None and tool not in first.tools:
                self.fault(
                    ("roles", name, "tools", index),
                    f"`{entry.models[0]}` has no tool `{tool}`: take the tool away, or put a model that has it first",
                )
            elif tool in entry.tools[:index]:
                self.fault(("roles", name, "tools", index), f"the tool `{tool}` is there twice: keep one")
        if builtin and functions:
            self.fault(
                ("roles", name, "tools"),
                f"no server is known to take {builtin[0]} and {functions[0]} in one request: keep those of one kind",
            )
        if "web_search" in functions and "open_page" not in functions:
            self.fault(("roles", name, "tools"), "web_search finds pages and opens none: add open_page")
        if "max_steps" in entry.model_fields_set and not functions:
            self.fault(("roles", name, "max_steps"), "it counts for tools that agents run alone: take it away")

    def router(self) -> Router:
        entry = self.content.router
        self._models(("router",), entry.models)
        for index, id_ in enumerate(entry.models):
            model = self.content.models.get(id_)
            if model is not None and not model.strict_schema:
                self.fault(
                    ("router", "models", index),
                    f"`{id_}` has no strict schema, so its replies cannot be trusted to name a role: "
                    "take a model with strict_schema: true",
                )
        template = self._prompt(("router", "prompt"), entry.prompt)
        file = str(self.folder / "prompts" / entry.prompt)
        if template and ROLES_MARK not in template:
            self.faults.add(file, 1, f"{ROLES_MARK} is missing: put it where the list of roles belongs")
        lines = "\n".join(f"- {name}: {role.when}" for name, role in self.content.roles.items())
        prompt = template.replace(ROLES_MARK, lines)
        tokens = estimate_tokens(prompt)
        if tokens > ROUTER_PROMPT_MAX_TOKENS:
            self.faults.add(
                file,
                1,
                f"the prompt with the list of roles has about {tokens} tokens, the limit is {ROUTER_PROMPT_MAX_TOKENS}: "
                "shorten it, or the roles' `when`",
            )
        return Router(
            models=tuple(entry.models),
            prompt=prompt,
            budget_s=entry.budget_s,
            max_tokens=entry.max_tokens,
            reasoning_effort=entry.reasoning_effort,
        )

    def _models(self, path: tuple[str | int, ...], ids: list[str]) -> None:
        for index, id_ in enumerate(ids):
            if id_ not in self.content.models:
                self.fault(
                    (*path, "models", index),
                    f"the model `{id_}` is not under `models`: add it there, or take one of {', '.join(self.content.models)}",
                )
            elif id_ in ids[:index]:
                self.fault((*path, "models", index), f"the model `{id_}` is there twice: keep one")

    def _prompt(self, path: tuple[str | int, ...], name: str) -> str:
        """The prompt's text, or an empty one after a fault."""
        file = self.folder / "prompts" / name
        try:
            text = file.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            self.fault(path, f"the prompt {file} is missing: write it, or name another file in prompts/")
            return ""
        except (OSError, UnicodeDecodeError):
            self.faults.add(str(file), 1, "the prompt cannot be read: it must be UTF-8 text that this user may read")
            return ""
        if not text:
            self.faults.add(str(file), 1, "the prompt is empty: say who the role is and how it answers")
        return text
