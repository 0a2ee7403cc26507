"""`openclaw eval routing FILE`: measure how often labelled messages reach a right role, how that was decided, and its cost."""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from openclaw_brain.routing import Classifier, Routed, decide_agent
from openclaw_cli.eval.labelled_file import MESSAGE_LANGUAGES, BadFile, LabelledMessage, read_labelled
from openclaw_core.environment import Environment
from openclaw_core.models.brain_clients import open_brain_clients
from openclaw_core.ports import ChatModel
from openclaw_core.roles.check import load_roles
from openclaw_core.roles.values import Roles
from openclaw_core.tasks.outcome import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedMessage:
    line: LabelledMessage
    routed: Routed

    @property
    def right(self) -> bool:
        return self.routed.role in self.line.accept

    @property
    def true_role(self) -> str:
        """The label that the tables show: the chosen role if it is accepted, else the first that is."""
        return self.routed.role if self.right else self.line.accept[0]


async def route_all(
    lines: Sequence[LabelledMessage], *, roles: Roles, chat: ChatModel | None, classifier: Classifier | None
) -> list[RoutedMessage]:
    """Route each message, one after another, so that times are those of a message alone."""
    results = []
    for line in lines:
        routed = await decide_agent(
            line.text, explicit=None, previous=line.previous, roles=roles, chat=chat, classifier=classifier
        )
        results.append(RoutedMessage(line=line, routed=routed))
    return results


def report(results: Sequence[RoutedMessage], *, took_s: float) -> dict[str, Any]:
    """The figures, as `--json` prints them. Shares are between 0 and 1."""
    usages = [one.routed.usage for one in results if one.routed.usage is not None]
    tokens = [usage.prompt_tokens + usage.answer_tokens for usage in usages]
    # A call without a usable answer was a call all the same.
    without_model = [one.routed.decision is not Decision.MODEL and one.routed.usage is None for one in results]
    confusion: dict[str, Counter[str]] = {}
    for one in results:
        confusion.setdefault(one.true_role, Counter())[one.routed.role] += 1
    return {
        "messages": len(results),
        "accuracy": _share(results),
        "by_role": _shares(results, {one.line.accept[0] for one in results}, lambda one: one.line.accept[0]),
        "by_language": _shares(results, MESSAGE_LANGUAGES, lambda one: one.line.lang),
        "by_decision": _shares(results, list(Decision), lambda one: one.routed.decision.value),
        "decided_by": dict(Counter(one.routed.decision.value for one in results)),
        "without_model": round(sum(without_model) / len(results), 4),
        "confusion": {role: dict(sorted(row.items())) for role, row in sorted(confusion.items())},
        "tokens_per_call": round(sum(tokens) / len(tokens), 1) if tokens else None,
        "ms_per_message": round(took_s * 1000 / len(results), 2),
        "wrong": [{"id": one.line.id, "chose": one.routed.role} for one in results if not one.right],
    }


def _share(results: Sequence[RoutedMessage]) -> float:
    return round(sum(one.right for one in results) / len(results), 4)


def _shares(results: Sequence[RoutedMessage], keys: Any, key_of: Any) -> dict[str, float]:
    groups = {key: [one for one in results if key_of(one) == key] for key in sorted(keys)}
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


async def run(path: Path, *, as_json: bool, roles: Roles, chat: ChatModel | None, classifier: Classifier | None) -> int:
    """Measure the file and print. Exit code 0, or 2 for a file that cannot be measured."""
    try:
        lines = read_labelled(path)
    except BadFile as exc:
        print(exc, file=sys.stderr)
        return 2
    if classifier is not None:
        await classifier.scores("hello")  # its start is not a message's time
    began = time.monotonic()
    found = report(
        await route_all(lines, roles=roles, chat=chat, classifier=classifier), took_s=time.monotonic() - began
    )
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        show(found, Console())
    return 0


def main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    """With MODEL_API_KEY or GROQ_API_KEY in *env* the routing model is asked as well, else the classifier alone."""
    return asyncio.run(_main(args.file, as_json=args.json, env=env))


async def _main(path: Path, *, as_json: bool, env: Mapping[str, str]) -> int:
    roles = load_roles(Path(env.get("ROLES_DIR", "platform/openclaw/base")))
    async with Classifier.open() as classifier:
        if not (env.get("MODEL_API_KEY") or env.get("GROQ_API_KEY")):
            return await run(path, as_json=as_json, roles=roles, chat=None, classifier=classifier)
        read = Environment(env)
        servers = read.model_servers()
        read.done()
        async with open_brain_clients(servers) as chat:
            return await run(path, as_json=as_json, roles=roles, chat=chat, classifier=classifier)
