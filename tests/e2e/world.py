"""The bot on a cluster, between its users and its operators: say something, look what came, count what is lost or twice."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_standin.model.script import answer_tokens, short_digest
from tests.e2e.bystanders import Hand
from tests.e2e.changes import nobody
from tests.e2e.cluster import Cluster, jobs, ours, pods, redis, until
from tests.e2e.standins import StandIns

BOT_ID = 1000000001
LEASES = f"oc:{BOT_ID}:agent:leases"
TAIL_WORDS = 5
NOTICE_S = 20
"""A task that has been ready for this long while its pool has a cause is told so."""
TOLD_S = 30
"""Told, or taken up once more, within this time of a lease's end, or of the mark above."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One message of a user."""

    chat_id: int
    question: str
    update_id: int
    at_s: float

    @property
    def task(self) -> str:
        return f"u{self.update_id}"


@dataclass
class World:
    cluster: Cluster
    standins: StandIns
    chats: int = 100
    home: str = ""
    asked: list[Asked] = field(default_factory=list)
    hand: Hand | None = None
    """On the node, while a module's tests need one."""

    # ---- users

    def new_chat(self) -> int:
        """A chat that no other test has used."""
        self.chats += 1
        return self.chats

    def ask(self, chat_id: int, question: str, *, command: str = "/code ") -> Asked:
        text = command + question
        update_id = self.standins.do(lambda: self.standins.api.users.write(chat_id, text))
        asked = Asked(chat_id=chat_id, question=question, update_id=update_id, at_s=time.monotonic())
        self.asked.append(asked)
        return asked

    def stop(self, chat_id: int) -> None:
        self.standins.do(lambda: self.standins.api.users.write(chat_id, "/stop"))

    def pace(self, **changes: float) -> None:
        """How the model answers from now on: first_token_s, tokens_per_s, tokens."""
        self.standins.model.pace = replace(self.standins.model.pace, **changes)  # type: ignore[arg-type]

    # ---- what came

    def messages(self, chat_id: int) -> list[dict[str, Any]]:
        """The bot's messages in a chat, oldest first."""
        bot = self.standins.api.state.bot["id"]
        return [
            m
            for m in self.standins.do(lambda: self.standins.api.messages(chat_id))
            if m.get("from", {}).get("id") == bot
        ]

    def calls(self, question: str) -> list[Any]:
        """The model calls that answer *question*."""
        mark = short_digest(question)
        return [call for call in list(self.standins.model.calls) if call.user_digest == mark and call.kind == "answer"]

    def answers(self, asked: Asked) -> list[dict[str, Any]]:
        """Messages that hold the whole answer. More than one is an answer given twice."""
        ends = {tail(asked.question, call.tokens) for call in self.calls(asked.question) if call.outcome == "ok"}
        mark = short_digest(asked.question)
        return [
            m
            for m in self.messages(asked.chat_id)
            if mark in m.get("text", "").split(":")[0] and tuple(m["text"].split()[-TAIL_WORDS:]) in ends
        ]

    def told(self, asked: Asked) -> list[dict[str, Any]]:
        """Messages that say that it failed: they offer to try just this task again."""
        return [
            m for m in self.messages(asked.chat_id) if f"retry:{asked.task}" in json.dumps(m.get("reply_markup", {}))
        ]

    def answered(self, asked: Asked, *, within_s: float = 60) -> str:
        def found() -> list[dict[str, Any]]:
            return self.answers(asked)

        [answer] = until(found, within_s=within_s, what=f"an answer to {asked.question!r}")
        return str(answer["text"])

    def failed(self, asked: Asked, *, within_s: float = 90) -> str:
        """What the chat is told instead of an answer."""
        [told] = until(lambda: self.told(asked), within_s=within_s, what=f"a word on {asked.question!r}")
        return str(told["text"])

    def settled(self, asked: Iterable[Asked], *, within_s: float) -> None:
        """Wait until each message has its answer or its failure text."""
        left = list(asked)

        def nothing_left() -> bool:
            left[:] = [one for one in left if not self.answers(one) and not self.told(one)]
            return not left

        try:
            until(nothing_left, within_s=within_s, what="an end of every message", every_s=1)
        except AssertionError as exc:
            states = Counter(str(self.task(one, "state")) for one in left[:20])
            raise AssertionError(f"{exc}; {len(left)} are open, the first of them in {dict(states)}") from None

    def verdict(self, asked: Iterable[Asked]) -> dict[str, list[str]]:
        """What is lost, twice or out of order, by what stands in the chats."""
        out: dict[str, list[str]] = {"lost": [], "twice": [], "order": []}
        places: dict[int, list[int]] = {}
        for one in asked:
            answers, told = self.answers(one), self.told(one)
            if not answers and not told:
                out["lost"].append(one.question)
            if len(answers) + len(told) > 1:
                out["twice"].append(one.question)
            if answers:
                places.setdefault(one.chat_id, []).append(answers[0]["message_id"])
        out["order"] = [str(chat_id) for chat_id, ids in places.items() if ids != sorted(ids)]
        return out

    # ---- what the bot knows

    def task(self, asked: Asked, *fields: str) -> Any:
        """Fields of the task; one field alone comes as it is. Of a task that has ended, what it keeps no more stands in its run record."""
        *values, shown = redis("HMGET", f"oc:{BOT_ID}:task:{asked.task}", *fields, "delivery")
        found = dict(zip(fields, values, strict=True))
        if shown not in (None, "pending") and None in values:
            record = self.run_record(asked)
            found = {name: record.get(name) if value is None else value for name, value in found.items()}
        return found[fields[0]] if len(fields) == 1 else found

    def run_record(self, asked: Asked) -> dict[str, str]:
        """Its row of the stream `runs`, empty until its chat has been shown its end."""
        for _, row in redis("XREVRANGE", f"oc:{BOT_ID}:runs", "+", "-", "COUNT", "1000"):
            record = row if isinstance(row, dict) else dict(zip(row[::2], row[1::2], strict=True))
            if record.get("task") == asked.task:
                return record
        return {}

    def owned(self) -> list[str]:
        """Tasks that agents work on, the one whose lease ends first at the beginning."""
        return [run.rpartition(".")[0] for run in redis("ZRANGE", LEASES, "0", "-1")]

    def job(self, asked: Asked, *, within_s: float = 30) -> str:
        """The Job that has claimed it."""
        return str(until(lambda: self.task(asked, "job"), within_s=within_s, what="a claim"))

    def tried(self, asked: Asked, n: int) -> str:
        """The Job of its *n*-th try, once that has asked the model."""
        until(lambda: len(self.calls(asked.question)) >= n, within_s=60, what=f"try {n}")
        return self.job(asked)

    def waiting(self) -> list[str]:
        """Jobs whose agents wait for work, of any pool."""
        found = []
        for key in redis("KEYS", f"oc:{BOT_ID}:agent:jobs:*"):
            rows = redis("HGETALL", key)
            found += [name for name, state in rows.items() if state.startswith("waiting")]
        alive = {job["metadata"]["name"] for job in jobs() if not job["status"].get("conditions")}
        return [name for name in found if name in alive]

    def is_well(self, *, within_s: float = 90) -> None:
        """Wait until the bot is as after its installation: one ready brain, Redis, warm agents of the current pool, nobody at work."""
        self.cluster.wait_for_brain(within_s=within_s)
        ours("rollout", "status", "statefulset/redis", f"--timeout={within_s:g}s", timeout_s=within_s + 10)
        until(
            lambda: self.warm_at_home() >= 2 and self.idle(), within_s=within_s, what="warm agents, and nobody at work"
        )

    def idle(self) -> bool:
        """With agents that wait, no task is left that could be claimed either; and every chat sees what it is to see."""
        return not self.owned() and redis("ZCARD", f"oc:{BOT_ID}:open") == 0

    def warm_at_home(self) -> int:
        """How many agents wait in the pool that the installation began with: other templates and settings make others."""
        pools = Counter(name.rpartition("-")[0] for name in self.waiting())
        if not self.home and pools:
            self.home = pools.most_common(1)[0][0]
        return pools[self.home]

    @contextmanager
    def without_a_good_template(self) -> Iterator[None]:
        """A brain that starts without knowing of any template that has ever worked."""

        with self.cluster.changed("Deployment", "brain", nobody):
            until(lambda: not pods("brain"), within_s=60, what="the end of the brain")
            redis("DEL", f"oc:{BOT_ID}:templates")
        self.cluster.wait_for_brain()
        yield


def tail(question: str, tokens: int) -> tuple[str, ...]:
    """The last words of the scripted answer."""
    return tuple("".join(answer_tokens(question, tokens=tokens)).split()[-TAIL_WORDS:])


CLEAN: dict[str, list[str]] = {"lost": [], "twice": [], "order": []}
