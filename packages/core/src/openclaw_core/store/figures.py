"""The figures of the store for metrics: its queues now, and what its steps have counted since it was made. Numbers and closed sets only."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openclaw_core.records import whole
from openclaw_core.roles.values import ModelSpec
from openclaw_core.store.client import Keys, Script
from openclaw_core.store.pools import task_of, template_of
from openclaw_core.store.step_values import fenced, pairs

BOUNDS_MS = (50, 100, 150, 300, 600, 1000, 2000, 4000, 8000, 15000, 30000, 60000, 180000, 900000)
"""Of every histogram, the same as in the script: the goals of 150 and 300 ms are among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How many wait, and for how long the oldest of them has, in seconds by Redis' clock (0 if none waits)."""

    length: int = 0
    oldest_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramCounts:
    """A histogram: how many took at most so many seconds (each bound with those below it), how many in all, their sum."""

    at_most: tuple[tuple[float, int], ...] = ()
    total: int = 0
    sum_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One look. *ready* and *jobs* are summed over a template's pools, by its name."""

    counts: Mapping[str, int]
    """As the script counts them: labels with colons between, such as `tokens:coder:prompt`."""
    ended: Mapping[tuple[str, str], int]
    """Tasks by state and cause, the cause empty where there is none."""
    inbox: Queue
    control: Queue
    lanes: Queue
    notices: Queue
    ready: Mapping[str, Queue]
    jobs: Mapping[tuple[str, str], int]
    """Jobs by template and state."""
    out: int
    """Tasks that are released and not ended."""
    overdue: int
    """Tasks whose lease has run out."""

    def labelled(self, first: str, *, labels: int) -> dict[tuple[str, ...], int]:
        """The counts whose first label is *first*, by the *labels* that follow; one with fewer or more of them is none of ours."""
        split = [(key.split(":"), n) for key, n in self.counts.items()]
        return {tuple(rest): n for (head, *rest), n in split if head == first and len(rest) == labels}

    def timings(self, *labels: str) -> HistogramCounts:
        """The histogram under *labels*."""
        prefix = ":".join(labels) + ":"
        below, rows = 0, []
        for bound_ms in BOUNDS_MS:
            below += self.counts.get(f"{prefix}{bound_ms}", 0)
            rows.append((bound_ms / 1000, below))
        total = below + self.counts.get(f"{prefix}inf", 0)
        return HistogramCounts(at_most=tuple(rows), total=total, sum_s=self.counts.get(f"{prefix}sum", 0) / 1000)


async def figures(script: Script) -> Figures:
    """Look at the store in three round trips, without walking over its keys. Raises StoreUnavailable."""
    key = script.keys
    (
        (seconds, micros),
        counts,
        ended,
        inbox_n,
        inbox,
        control_n,
        control,
        lanes_n,
        lanes,
        notices_n,
        notice,
        pools,
        out,
    ) = await script.reads(
        [
            ("TIME",),
            ("HGETALL", key("counts")),
            ("HGETALL", key("outcomes")),
            ("XLEN", key("inbox")),
            ("XRANGE", key("inbox"), "-", "+", "COUNT", 1),
            ("XLEN", key("control")),
            ("XRANGE", key("control"), "-", "+", "COUNT", 1),
            ("ZCARD", key("waiting.since")),
            ("ZRANGE", key("waiting.since"), 0, 0, "WITHSCORES"),
            ("ZCARD", key("open")),
            ("ZRANGE", key("open"), 0, 0),
            ("SMEMBERS", key("pools")),
            ("SCARD", key("released")),
        ]
    )
    now_ms = int(seconds) * 1000 + int(micros) // 1000
    pools = sorted(str(pool) for pool in pools or ())
    overdue, notice_at, *by_pool = await script.reads(
        [
            ("ZCOUNT", key("agent", "leases"), "-inf", now_ms),
            _since(key, str((notice or [""])[0])),
            *(
                command
                for pool in pools
                for command in (
                    ("LLEN", key("agent", "ready", pool)),
                    ("LINDEX", key("agent", "ready", pool), 0),
                    ("HVALS", key("agent", "jobs", pool)),
                )
            ),
        ]
    )
    ready_at = await script.reads(
        [("HGET", key("task", task_of(str(head or ""))), "ready_ms") for head in by_pool[1::3]]
    )

    def queue(length: Any, oldest_ms: Any) -> Queue:
        return Queue(
            length=whole(length), oldest_s=max(0.0, (now_ms - whole(oldest_ms, now_ms)) / 1000) if length else 0.0
        )

    ready: dict[str, Queue] = {}
    jobs: Counter[tuple[str, str]] = Counter()
    for pool, length, since, states in zip(pools, by_pool[::3], ready_at, by_pool[2::3], strict=True):
        template = template_of(str(pool))
        mine = queue(length, since)
        so_far = ready.get(template, Queue())
        ready[template] = Queue(length=so_far.length + mine.length, oldest_s=max(so_far.oldest_s, mine.oldest_s))
        jobs.update((template, str(state).partition(" ")[0]) for state in states or ())
    return Figures(
        counts={name: whole(n) for name, n in pairs(counts or {}).items()},
        ended={
            (state, cause): whole(n)
            for name, n in pairs(ended or {}).items()
            for state, _, cause in [name.partition(":")]
        },
        inbox=queue(inbox_n, _admitted(inbox)),
        control=queue(control_n, _admitted(control)),
        lanes=queue(lanes_n, _score(lanes)),
        notices=queue(notices_n, notice_at),
        ready=ready,
        jobs=dict(jobs),
        out=whole(out),
        overdue=whole(overdue),
    )


async def set_prices(
    script: Script, models: Mapping[str, ModelSpec], *, epoch: int, search_micro_usd: float = 0
) -> None:
    """Price the runs that end from now on, by USD for a million tokens, which is millionths of a dollar for one.

    *search_micro_usd* is the price of one search, for budgets. A model without a price stays out: its runs have no cost
    rather than none to pay. Raises LostOwnership.
    """
    prices = {"tool:web_search": str(search_micro_usd)} if search_micro_usd else {}
    for name, model in models.items():
        if model.input_usd_per_mtok is None or model.output_usd_per_mtok is None:
            continue
        cached = model.input_usd_per_mtok if model.cached_usd_per_mtok is None else model.cached_usd_per_mtok
        prices[name] = f"{model.input_usd_per_mtok} {cached} {model.output_usd_per_mtok}"
    fenced(await script.step("set_prices", prices=prices, epoch=epoch))


def _since(key: Keys, display: str) -> tuple[str, str, str]:
    """The time since when a display waits: the end of its task, or the time of its notice."""
    kind, _, name = display.partition(":")
    return ("HGET", key("task", name), "ended_ms") if kind == "t" else ("HGET", key("notice", name), "at")


def _admitted(entries: Any) -> Any:
    return pairs(entries[0][1]).get("at") if entries else None


def _score(entries: Any) -> Any:
    """The score of the first of `ZRANGE … WITHSCORES`, whichever shape the protocol's version gives it."""
    if not entries:
        return None
    return entries[0][1] if isinstance(entries[0], list | tuple) else entries[1]
