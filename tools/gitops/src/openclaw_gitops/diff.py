"""Compare two renders, as one Markdown comment: which objects were added, changed and removed, and how. Pure."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import yaml

from openclaw_gitops.kustomize import Manifest
from openclaw_gitops.masking import masked

TEXT_MAX_CHARS = 60_000
"""GitHub takes 65,536 characters; the rest is for what a workflow puts around it."""
COMMENT_MAX_CHARS = TEXT_MAX_CHARS // 2
"""One environment's: both are in one comment."""
OBJECT_MAX_CHARS = 15_000
NAMED_MAX = 200

What = Literal["added", "changed", "removed"]
_HASH = re.compile(r"-[bcdfghkmt2456789]{10}$")
"""Kustomize's suffix of generated ConfigMaps; it draws from these characters only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    what: What
    name: str
    diff: str


def changes(old: Iterable[Manifest], new: Iterable[Manifest], *, salt: str) -> list[ObjectChange]:
    """What differs, object by object, in the order of their names. Secrets are masked under *salt*."""
    before = {_identity(obj): masked(obj, salt=salt) for obj in old}
    after = {_identity(obj): masked(obj, salt=salt) for obj in new}
    found = []
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        what: What = "changed" if one and other else "added" if other else "removed"
        found.append(ObjectChange(what=what, name=name, diff=_unified(one, other)))
    return found


def _identity(obj: Manifest) -> str:
    """Kind, namespace and name. A generated ConfigMap is the same object under its next hash."""
    meta = obj.get("metadata", {})
    name = str(meta.get("name", ""))
    if obj.get("kind") in ("ConfigMap", "Secret"):
        name = _HASH.sub("", name)
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    kind = f"{obj.get('kind')}.{group}" if group else str(obj.get("kind"))
    return " ".join(part for part in (kind, f"{meta['namespace']}/{name}" if meta.get("namespace") else name) if part)


class _Block(yaml.SafeDumper):
    """Long texts, such as prompts, line by line: a diff of one escaped line tells nobody anything.

    Not libyaml's dumper: it escapes every text that holds an emoji, and roles.yaml does.
    """


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Block.add_representer(str, _text)


def _unified(old: Manifest | None, new: Manifest | None) -> str:
    def lines(obj: Manifest | None) -> list[str]:
        if obj is None:
            return []
        return yaml.dump(obj, Dumper=_Block, sort_keys=True, allow_unicode=True, width=10_000).splitlines()

    return "\n".join(list(difflib.unified_diff(lines(old), lines(new), lineterm="", n=3))[2:])


def markdown(
    environment: str,
    found: Sequence[ObjectChange],
    *,
    base: str,
    remarks: Sequence[str] = (),
    whole: str = "",
    max_chars: int = COMMENT_MAX_CHARS,
) -> str:
    """The comment. Never longer than *max_chars*: what does not fit is counted, and *whole* is the command that shows it."""
    if not found:
        return "\n".join([f"### {environment}: nothing changes\n", *_quoted(remarks), f"Compared with `{base}`.\n"])
    counts = {what: sum(change.what == what for change in found) for what in ("added", "changed", "removed")}
    title = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    head = [f"### {environment}: {title}\n", *_quoted(remarks), f"Compared with `{base}`.\n"]
    head += [f"- {change.what} `{_plain(change.name)}`" for change in found[:NAMED_MAX]]
    if len(found) > NAMED_MAX:
        head.append(f"- and {len(found) - NAMED_MAX} more")
    text = "\n".join(head) + "\n"
    left, room = 0, max_chars - len(whole) - 80  # the last line counts what is left out
    for change in found:
        block = _details(change)
        if len(text) + len(block) > room or len(block) > OBJECT_MAX_CHARS:
            left += 1
        else:
            text += block
    if left:
        text += (
            f"\nToo long to show: {left} objects. `{whole or f'scripts/diff {environment} {base} --all'}` shows them.\n"
        )
    return text[:max_chars]


def as_text(found: Sequence[ObjectChange]) -> str:
    """Everything, for a terminal."""
    return "".join(f"# {change.what} {change.name}\n{change.diff}\n" for change in found)


def _plain(name: str) -> str:
    """A name without what Markdown or HTML would act on: it comes from the change that is to be judged."""
    return re.sub(r"[^\w .:/@-]", "_", name).replace("@", "@\u200b")


def _quoted(remarks: Sequence[str]) -> list[str]:
    return [f"> {remark}\n" for remark in remarks]


def _details(change: ObjectChange) -> str:
    # The fence is longer than any inside: a prompt may hold Markdown itself.
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", change.diff)), default=0))
    return f"\n<details><summary>{change.what} <code>{_plain(change.name)}</code></summary>\n\n{fence}diff\n{change.diff}\n{fence}\n</details>\n"
