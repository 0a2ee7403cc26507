"""`openclaw eval routing FILE`: how often labelled messages reach a right role, how that was decided, what it cost."""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from openclaw_brain.routing import Classifier, Previous, Routed, decide_agent
from openclaw_core.environment import Environment
from openclaw_core.models.brain_clients import open_chat
from openclaw_core.ports import Chat
from openclaw_core.roles import values as roles_of
from openclaw_core.roles.values import Roles
from openclaw_core.tasks.outcome import Decision
from openclaw_core.texts.language import lang_of

LANGUAGES = ("en", "he", "mix")
KEYS = frozenset({"id", "lang", "text", "previous", "accept", "kind"})


class BadFile(Exception):
    """The file cannot be measured; the message names file, line and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One line of the file. The first of *accept* counts as its role in tables."""

    id: str
    lang: str
    text: str
    previous: Previous | None
    accept: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    line: Labelled
    routed: Routed

    @property
    def right(self) -> bool:
        return self.routed.role in self.line.accept

    @property
    def true_role(self) -> str:
        """The label that the tables show: the chosen role if it is accepted, else the first that is."""
        return self.routed.role if self.right else self.line.accept[0]


def labelled(path: Path) -> list[Labelled]:
    """Read the file. Raises BadFile for the first line that is not as the docs say."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise BadFile(f"{path}: cannot be read as UTF-8 text ({type(exc).__name__})") from None
    found = [_line(f"{path}:{number}", raw) for number, raw in enumerate(lines, 1) if raw.strip()]
    if not found:
        raise BadFile(f"{path}: holds no messages; write one JSON object a line with {', '.join(sorted(KEYS))}")
    return found


def _line(place: str, raw: str) -> Labelled:
    try:
        row: Any = json.loads(raw)
    except ValueError:
        raise BadFile(f"{place}: not JSON; write one object a line") from None
    if not isinstance(row, dict) or not row.keys() >= KEYS - {"previous"}:
        missing = sorted(KEYS - {"previous"} - (row.keys() if isinstance(row, dict) else set()))
        raise BadFile(f"{place}: lacks {', '.join(missing)}")
    for key in ("text", "kind"):
        if not isinstance(row[key], str):
            raise BadFile(f"{place}: {key} must be a string")
    if row["lang"] not in LANGUAGES:
        raise BadFile(f"{place}: lang must be one of {', '.join(LANGUAGES)}")
    accept = row["accept"]
    if not isinstance(accept, list) or not accept or not all(isinstance(role, str) for role in accept):
        raise BadFile(f"{place}: accept must be a list of at least one role")
    previous = row.get("previous")
    if previous is not None and not (
        isinstance(previous, dict) and all(isinstance(previous.get(key), str) for key in ("role", "user", "answer"))
    ):
        raise BadFile(f"{place}: previous must be null or an object of the strings role, user and answer")
    return Labelled(
        id=str(row["id"]),
        lang=row["lang"],
        text=row["text"],
        kind=row["kind"],
        accept=tuple(accept),
        previous=Previous(role=previous["role"], user=previous["user"], answer=previous["answer"])
        if previous
        else None,
    )


async def judge(
    lines: Sequence[Labelled], *, roles: Roles, chat: Chat | None, classifier: Classifier | None
) -> list[Judged]:
    """Route each message, one after another, so that times are those of a message alone."""
    judged = []
    for line in lines:
        routed = await decide_agent(
            line.text,
            lang=lang_of(line.text),
            explicit=None,
            previous=line.previous,
            roles=roles,
            chat=chat,
            classifier=classifier,
        )
        judged.append(Judged(line=line, routed=routed))
    return judged


def report(judged: Sequence[Judged], *, took_s: float) -> dict[str, Any]:
    """The figures, as `--json` prints them. Shares are between 0 and 1."""
    usages = [one.routed.usage for one in judged if one.routed.usage is not None]
    confusion: dict[str, Counter[str]] = {}
    for one in judged:
        confusion.setdefault(one.true_role, Counter())[one.routed.role] += 1
    return {
        "messages": len(judged),
        "accuracy": _share(judged),
        "by_role": _shares(judged, {one.line.accept[0] for one in judged}, lambda one: one.line.accept[0]),
        "by_language": _shares(judged, LANGUAGES, lambda one: one.line.lang),
        "by_decision": {
            **_shares(judged, [decision.value for decision in Decision], lambda one: one.routed.decision.value)
        },
        "decided_by": dict(Counter(one.routed.decision.value for one in judged)),
        # a call that found no usable answer was a call all the same
        "without_model": round(
            sum(one.routed.decision is not Decision.MODEL and one.routed.usage is None for one in judged) / len(judged),
            4,
        ),
        "confusion": {role: dict(sorted(row.items())) for role, row in sorted(confusion.items())},
        "tokens_per_call": round(sum(usage.prompt_tokens + usage.answer_tokens for usage in usages) / len(usages), 1)
        if usages
        else None,
        "ms_per_message": round(took_s * 1000 / len(judged), 2),
        "wrong": [{"id": one.line.id, "chose": one.routed.role} for one in judged if not one.right],
    }


def _share(judged: Sequence[Judged]) -> float:
    return round(sum(one.right for one in judged) / len(judged), 4)


def _shares(judged: Sequence[Judged], keys: Any, key_of: Any) -> dict[str, float]:
    groups = {key: [one for one in judged if key_of(one) == key] for key in sorted(keys)}
    return {key: _share(group) for key, group in groups.items() if group}


def show(found: Mapping[str, Any], console: Console) -> None:
    """The figures as tables."""
    console.print(
        f"{found['messages']} messages, {found['accuracy']:.1%} right, {found['without_model']:.1%} without a model, "
        f"{found['ms_per_message']} ms a message, tokens a call: {found['tokens_per_call'] or 'none made'}"
    )
    shares = Table("group", "accuracy", title="Accuracy")
    for name in ("by_role", "by_language", "by_decision"):
        for key, share in found[name].items():
            count = f" ({found['decided_by'][key]})" if name == "by_decision" else ""
            shares.add_row(f"{key}{count}", f"{share:.1%}")
        shares.add_section()
    console.print(shares)
    chosen = sorted({role for row in found["confusion"].values() for role in row})
    confusion = Table("right role \\ chosen", *chosen, title="Confusion")
    for role, row in found["confusion"].items():
        confusion.add_row(role, *(str(row.get(other, 0)) for other in chosen))
    console.print(confusion)
    if found["wrong"]:
        console.print("wrong: " + ", ".join(f"{one['id']} → {one['chose']}" for one in found["wrong"]))


async def run(path: Path, *, as_json: bool, roles: Roles, chat: Chat | None, classifier: Classifier | None) -> int:
    """Measure the file and print. Exit code 0, or 2 for a file that cannot be measured."""
    try:
        lines = labelled(path)
    except BadFile as exc:
        print(exc, file=sys.stderr)
        return 2
    if classifier is not None:
        await classifier.scores("hello")  # its start is not a message's time
    began = time.monotonic()
    found = report(await judge(lines, roles=roles, chat=chat, classifier=classifier), took_s=time.monotonic() - began)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        show(found, Console())
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `openclaw eval routing`."""
    parser.add_argument("file", type=Path, help="JSON lines: id, lang, text, previous, accept, kind")
    parser.add_argument("--json", action="store_true", help="JSON only")


def main(args: argparse.Namespace, env: Mapping[str, str] | None = None) -> int:
    """With MODEL_API_KEY or GROQ_API_KEY in *env* (default: none, so the classifier) the routing model is asked as well."""
    return asyncio.run(_main(Path(args.file), as_json=args.json, env=os.environ if env is None else env))


async def _main(path: Path, *, as_json: bool, env: Mapping[str, str]) -> int:
    roles = roles_of.load(Path(env.get("ROLES_DIR", "platform/openclaw/base")))
    async with Classifier.open() as classifier:
        if not (env.get("MODEL_API_KEY") or env.get("GROQ_API_KEY")):
            return await run(path, as_json=as_json, roles=roles, chat=None, classifier=classifier)
        read = Environment(env)
        servers = read.model_servers()
        read.done()
        async with open_chat(servers) as chat:
            return await run(path, as_json=as_json, roles=roles, chat=chat, classifier=classifier)
