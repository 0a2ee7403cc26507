"""Figures of a benchmark: what was lost, shown twice or out of order, and the times as quantiles."""

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from openclaw_cli.bench.questions import Question
from openclaw_standin.bot_api import BotApi
from openclaw_standin.model import ScriptedModel


def summary(asked: Sequence[Question], api: BotApi) -> dict[str, Any]:
    """Lost: neither an answer nor a failure shown. Twice: the same answer in two messages. Out of order: by each chat's questions."""
    lost = twice = disorder = 0
    by_chat: dict[int, list[Question]] = defaultdict(list)
    for one in asked:
        by_chat[one.chat_id].append(one)
    for chat_id, mine in by_chat.items():
        shown = Counter(message.get("text", "") for message in api.messages(chat_id) if message["from"].get("is_bot"))
        twice += sum(count - 1 for text, count in shown.items() if count > 1 and len(text) > 40)
        done = [one.done_s + one.sent_s for one in mine if one.done_s is not None]
        disorder += sum(later < earlier for earlier, later in itertools.pairwise(done))
        lost += sum(one.done_s is None or one.fields.get("state") not in ("closed", "failed") for one in mine)
    return {
        "lost": lost,
        "twice": twice,
        "out_of_order": disorder,
        "seconds": {
            "first_sign": quantiles(one.sign_s for one in asked),
            "agent_has_the_task": quantiles(one.claim_s - routing_s(one) for one in asked if one.claim_s is not None),
            "first_answer_text": quantiles(one.first_text_s for one in asked),
            "done": quantiles(one.done_s for one in asked),
            "overhead": quantiles(one.done_s - one.model_s - routing_s(one) for one in asked if one.done_s is not None),
            "routing": quantiles(routing_s(one) for one in asked),
        },
        "per_s": {"admitted": rate_per_s(asked, "admitted_ms"), "in_a_lane": rate_per_s(asked, "queued_ms")},
        "claims_warm": sum(one.fields.get("warm") == "1" for one in asked),
    }


def routing_s(one: Question) -> float:
    """How long routing took; it has a column of its own."""
    return float(one.fields.get("route_ms", 0)) / 1000


def routing_summary(asked: Sequence[Question], model: ScriptedModel) -> dict[str, Any]:
    calls = [call for call in model.calls if call.kind == "json"]
    tokens = [n for one in asked if (n := int(one.fields.get("route_tokens", 0)))]
    return {
        "decided_by": dict(Counter(one.fields.get("decision", "none") for one in asked)),
        "calls": len(calls),
        "tokens_per_call": round(sum(tokens) / len(tokens)) if tokens else 0,
    }


def usage_by_role(asked: Sequence[Question]) -> dict[str, dict[str, float]]:
    """Of each role: its answers, the mean tokens of one, and USD for 1,000 of them without routing (0 where its model has no price)."""
    found: dict[str, list[Counter[str]]] = defaultdict(list)
    for one in asked:
        if "run" in one.fields and one.fields.get("state") == "closed":
            usage = json.loads(one.fields["run"])
            tokens = {kind: usage.get(f"{kind}_tokens", 0) for kind in ("prompt", "cached", "answer")}
            own = int(one.fields.get("micro_usd", 0)) - int(one.fields.get("route_micro_usd", 0))
            found[one.fields.get("role", "")].append(Counter(tokens | {"micro_usd": max(0, own)}))
    return {
        role: {"answers": len(rows)}
        | {kind: round(sum(row[kind] for row in rows) / len(rows)) for kind in ("prompt", "cached", "answer")}
        | {"usd_per_1000": round(sum(row["micro_usd"] for row in rows) / len(rows) / 1000, 3)}
        for role, rows in sorted(found.items())
    }


def rate_per_s(asked: Sequence[Question], name: str) -> int:
    """How many tasks a second passed the step whose time is *name*, from the first message's admission to the last one's step."""
    times = [float(one.fields[name]) for one in asked if one.fields.get(name)]
    starts = [float(one.fields["admitted_ms"]) for one in asked if one.fields.get("admitted_ms")]
    took_ms = max(times) - min(starts) if times and starts else 0
    return round(len(times) * 1000 / took_ms) if took_ms else 0


def quantiles(values: Iterable[float | None]) -> dict[str, float]:
    """p50, p95, p99 and max by nearest rank, None left out; empty for no values."""
    ranked = sorted(value for value in values if value is not None)
    if not ranked:
        return {}
    return {
        name: round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 3)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    }


def quantile_table(seconds: dict[str, dict[str, float]]) -> Table:
    """Quantiles of each figure, one in a row."""
    out = Table("seconds", "p50", "p95", "p99", "max")
    for name, row in seconds.items():
        out.add_row(name.replace("_", " "), *(f"{row[q]:.3f}" if row else "-" for q in ("p50", "p95", "p99", "max")))
    return out
