"""Check roles and budgets: the files themselves, no two roles that look alike, each prompt in the ConfigMap, each PodTemplate there.

A brain would start with most of these faults, but users would not get what the author meant. So they stop a pull request and no brain.
"""

import re
from pathlib import Path

import yaml

from openclaw_cli.doctor.findings import ROLES_DIR, Env, Level, Results
from openclaw_core.budgets.check import load_budgets
from openclaw_core.roles.access import load_access
from openclaw_core.roles.check import load_roles
from openclaw_core.roles.file import read_roles_file
from openclaw_core.roles.values import Role, Roles
from openclaw_core.roles.yaml_file import FileFaults, LineNumbers
from openclaw_core.tasks.conversation import estimate_tokens

GIST = "You are the "
GIST_MAX_TOKENS = 60


async def check(env: Env) -> Results:
    folder = Path(env.get("ROLES_DIR") or ROLES_DIR)
    loaded = load_roles(folder)
    load_access(folder)
    if found := faults(folder, loaded):
        for fault in found:
            yield Level.FAULT, fault
        return
    budgets = load_budgets(folder, loaded)
    names = ", ".join(_named(role) for role in loaded.roles.values())
    yield Level.OK, f"{len(loaded.roles)} roles in {folder}: {names}"
    limits = ", ".join(budgets.by_field()) or "none, so spending is counted and never stopped"
    yield Level.OK, f"limits of spending: {limits}"


def _named(role: Role) -> str:
    tools = (*role.functions, *role.tools)
    return f"/{role.command} {role.name}" + (f" ({', '.join(tools)})" if tools else "")


def faults(folder: Path, loaded: Roles) -> list[str]:
    """Each as `file:line: reason`. What only a repository has (kustomization.yaml, PodTemplates) is looked at if it is there."""
    found = FileFaults()
    shown = str(folder / "config/roles.yaml")
    _, places = read_roles_file(folder / "config/roles.yaml", shown, found)
    _check_looks(loaded, shown, places, found)
    for role in loaded.roles.values():
        if not role.short_prompt.startswith(GIST) or estimate_tokens(role.short_prompt) > GIST_MAX_TOKENS:
            what = f"a paragraph of at most {GIST_MAX_TOKENS} tokens that starts with `{GIST}…`"
            place = str(folder / "prompts" / _prompts(folder)[role.name])
            found.add(place, 1, f"begin with {what}: the built-in model gets it alone")
    kustomization = folder / "kustomization.yaml"
    if kustomization.exists():
        _check_prompts(folder, kustomization, found)
        templates = _pod_templates(folder)
        for name, role in loaded.roles.items():
            if role.template not in templates:
                found.add(
                    shown,
                    places.of("roles", name, "template"),
                    f"there is no PodTemplate `{role.template}`: take one of {', '.join(sorted(templates))}, or write "
                    f"{folder}/agent/{role.template}.yaml, and name it in kustomization.yaml and brain/role.yaml",
                )
    return found.lines()


def _check_looks(loaded: Roles, shown: str, places: LineNumbers, found: FileFaults) -> None:
    taken: dict[tuple[str, str], str] = {}
    for name, role in loaded.roles.items():
        looks: list[tuple[tuple[str, ...], str]] = [(("emoji",), role.emoji), (("when",), role.when)]
        looks += [(("titles", lang), title) for lang, title in role.titles.items()]
        for path, value in looks:
            key = (".".join(path), value.strip().casefold())
            other = taken.setdefault(key, name)
            if other != name:
                found.add(
                    shown,
                    places.of("roles", name, *path),
                    f"{value} is {'.'.join(path)} of `{other}` too: choose another, or nobody can tell the two apart",
                )


def _prompts(folder: Path) -> dict[str, str]:
    """The prompt's file by role."""
    roles = yaml.safe_load((folder / "config/roles.yaml").read_text(encoding="utf-8"))["roles"]
    return {name: str(entry["prompt"]) for name, entry in roles.items()}


def _check_prompts(folder: Path, kustomization: Path, found: FileFaults) -> None:
    """Every file of prompts/ is in the ConfigMap that the brain mounts, and nothing else."""
    text = kustomization.read_text(encoding="utf-8")
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines, 1) if re.match(r"\s*- name: prompts\s*$", line)), 1)
    listed = {
        match[1]: n for n, line in enumerate(lines, 1) if (match := re.match(r"\s*- prompts/([\w.-]+)\s*(#.*)?$", line))
    }
    there = {path.name for path in (folder / "prompts").glob("*.md")}
    for name in sorted(there - listed.keys()):
        found.add(
            str(kustomization),
            start,
            f"the brain does not get prompts/{name}: add `- prompts/{name}` to the files of `prompts`",
        )
    for name in sorted(listed.keys() - there):
        found.add(str(kustomization), listed[name], f"there is no prompts/{name}: take the line out, or write the file")


def _pod_templates(folder: Path) -> set[str]:
    names = set()
    for file in sorted(folder.rglob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        if re.search(r"^kind: PodTemplate\s*$", text, re.MULTILINE):
            names.add(str(yaml.safe_load(text)["metadata"]["name"]))
    return names
