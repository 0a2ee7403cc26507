"""The answer to /canary: what became of the prompts that roles try. Operators read it, and `scripts/canary-change` does."""

from collections.abc import Iterable, Mapping

from openclaw_core.ports import Lang

RUNS = ("runs", "harmed", "answered", "took_ms", "priced", "micro_usd")


def canary_reply(canaries: Iterable[Mapping[str, object]], lang: Lang) -> str:
    """One line for each canary, and two with the figures of both prompts where it was judged.

    Each of *canaries*: role, state (`tried`, `ended`, `good`), digests `tried` and `own`; `of_tried` and `of_own` with
    RUNS. The lines are the same in each language, since a program reads them too (`openclaw_gitops.canary_verdicts`);
    the first one tells how many follow.
    """
    rows = list(canaries)
    head = {"en": "Prompts that are tried, by digest:", "he": "הנחיות בניסיון, לפי תקציר:"}[lang]
    lines = [f"canaries: {len(rows)}"]
    for row in rows:
        lines.append(f"{row['role']} {row['state']} tried={row['tried']} own={row['own']}")
        if row["state"] != "tried":
            lines += [_runs("tried", row["of_tried"]), _runs("own", row["of_own"])]
    return "\n".join((head, *lines))


def _runs(which: str, figures: object) -> str:
    values = figures if isinstance(figures, Mapping) else {}
    return f"{which}: " + " ".join(f"{name}={int(values[name])}" for name in RUNS)
