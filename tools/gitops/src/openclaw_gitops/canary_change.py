"""`canary-change`: take judged canaries out of roles.yaml, and write the text of the pull request.

A canary that did harm goes, with its prompt file. A good one becomes the role's own prompt: its text takes the place of
the text in the role's file, so the review shows what changes. Everything else of the files stays as it is, comments
too.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from openclaw_gitops.canary_text import body, title
from openclaw_gitops.canary_verdicts import CanaryVerdict, State
from openclaw_gitops.errors import FAILED, CommandError

BASE = "platform/openclaw/base"
ROLES, KUSTOMIZATION, PROMPTS = f"{BASE}/config/roles.yaml", f"{BASE}/kustomization.yaml", f"{BASE}/prompts"
DIGEST_CHARS = 16
_FILE = re.compile(r"[\w-]+\.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryChange:
    """What was changed. *title* and *body* are empty where nothing was; *left* says what was left alone, and why."""

    title: str
    body: str
    left: tuple[str, ...]


class _Left(Exception):
    """A verdict that must not be carried out. Its text says why."""


def change(root: Path, verdicts: Sequence[CanaryVerdict]) -> CanaryChange:
    """Carry out *verdicts* in the work tree. Raises CommandError if roles.yaml is not as it should be."""
    done: list[tuple[CanaryVerdict, str]] = []
    left = []
    for verdict in verdicts:
        if verdict.state is State.TRIED:
            continue
        try:
            done.append((verdict, _carry_out(root, verdict)))
        except _Left as why:
            left.append(f"{verdict.role}: {why}")
    judged = [verdict for verdict, _ in done]
    return CanaryChange(title=title(judged), body=body(done), left=tuple(left))


def prompt_digest(file: Path) -> str:
    """The digest of a prompt, as run records have it (`openclaw_core.tasks.receipt`). Raises OSError, UnicodeDecodeError."""
    text = file.read_text(encoding="utf-8").strip()
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARS]


def _carry_out(root: Path, verdict: CanaryVerdict) -> str:
    """Change the files for one verdict; the name of the tried prompt's file. Raises _Left."""
    roles = (root / ROLES).read_text()
    role = _mapping(_mapping(yaml.compose(roles, Loader=yaml.SafeLoader), "roles"), verdict.role)
    if role is None:
        raise _Left("main has no such role")
    canary = _mapping(role, "canary")
    if canary is None:
        raise _Left("main tries no prompt any more")
    tried, own = _file(canary), _file(role)
    if _digest(root, tried) != verdict.tried:
        raise _Left(f"main tries another prompt than the one that was judged ({verdict.tried})")
    used = _prompts_of_others(roles, verdict.role)
    if verdict.state is State.GOOD:
        if _digest(root, own) != verdict.own:
            raise _Left(
                f"the role's own prompt is another one than it was compared with ({verdict.own}): it is judged anew"
            )
        if own in used or tried in used:
            raise _Left(f"another role has {own} or {tried} too: make it the role's own by hand")
    new = _without(roles, role, "canary")
    _same_but(roles, new, verdict.role)
    if verdict.state is State.GOOD:
        (root / PROMPTS / own).write_bytes((root / PROMPTS / tried).read_bytes())
    (root / ROLES).write_text(new)
    if tried != own and tried not in used:
        _take_away(root, tried)
    return tried


def _digest(root: Path, name: str) -> str:
    try:
        return prompt_digest(root / PROMPTS / name)
    except (OSError, UnicodeDecodeError):
        raise CommandError(FAILED, f"{PROMPTS}/{name} cannot be read: `make check-roles` says more") from None


def _file(node: yaml.MappingNode) -> str:
    name = next((value.value for key, value in node.value if key.value == "prompt"), "")
    if not _FILE.fullmatch(name):
        raise CommandError(FAILED, f"{ROLES}: a prompt names no file: `make check-roles` says more")
    return str(name)


def _mapping(node: yaml.Node | None, name: str) -> yaml.MappingNode | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name and isinstance(value, yaml.MappingNode)), None)


def _prompts_of_others(roles: str, role: str) -> set[str]:
    """Prompt files that the router, other roles and their canaries name."""
    content = yaml.safe_load(roles)
    entries = [content.get("router") or {}, *(entry for name, entry in content["roles"].items() if name != role)]
    canaries = [entry.get("canary") or {} for entry in entries]
    return {str(entry["prompt"]) for entry in (*entries, *canaries) if "prompt" in entry}


def _without(text: str, mapping: yaml.MappingNode, name: str) -> str:
    """*text* without the lines of one entry of a mapping. Raises _Left if the mapping has no line of its own for it."""
    if mapping.flow_style:
        raise _Left("the role is in one line of roles.yaml: change it by hand")
    [(key, value)] = [(key, value) for key, value in mapping.value if key.value == name]
    return _cut(text, key.start_mark.line, _last_line(value))


def _last_line(node: yaml.Node) -> int:
    """The line of the last character of *node*. The end that a block mapping has is the beginning of what follows."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _last_line(node.value[-1][1])
    return int(node.end_mark.line)


def _cut(text: str, first: int, last: int) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(lines[:first] + lines[last + 1 :])


def _same_but(old: str, new: str, role: str) -> None:
    """Raises CommandError unless the canary of *role* is all that the edit took away."""
    wanted: dict[str, Any] = yaml.safe_load(old)
    del wanted["roles"][role]["canary"]
    if yaml.safe_load(new) != wanted:
        raise CommandError(
            FAILED, f"{ROLES}: the canary of {role} cannot be taken out without changing more: do it by hand"
        )


def _take_away(root: Path, name: str) -> None:
    """Delete a prompt's file, and its line in the kustomization."""
    text = (root / KUSTOMIZATION).read_text()
    lines = [
        node.start_mark.line
        for node in _listed(yaml.compose(text, Loader=yaml.SafeLoader))
        if node.value == f"prompts/{name}"
    ]
    for line in sorted(lines, reverse=True):
        text = _cut(text, line, line)
    (root / KUSTOMIZATION).write_text(text)
    (root / PROMPTS / name).unlink()


def _listed(tree: yaml.Node | None) -> Iterator[yaml.Node]:
    """The files of all generators. Raises CommandError for a list that is in one line."""
    if not isinstance(tree, yaml.MappingNode):
        return
    for key, generators in tree.value:
        if key.value != "configMapGenerator":
            continue
        for generator in generators.value:
            for name, files in generator.value:
                if name.value == "files":
                    if files.flow_style:
                        raise CommandError(FAILED, f"{KUSTOMIZATION}: give each file a line of its own")
                    yield from files.value
