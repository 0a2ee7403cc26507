"""Judges prompts that are tried, from run records and the feedback on answers: ends one that does more harm than the role's own, and says when one is good."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from openclaw_brain.loops import Loop
from openclaw_brain.prompt_figures import PromptFigures, PromptRuns, Which
from openclaw_brain.queue.canary_evidence import CanaryEvidence
from openclaw_core import logs
from openclaw_core.roles.judged_runs import JudgedRuns
from openclaw_core.roles.snapshot import snapshot_of
from openclaw_core.roles.values import Role, Roles
from openclaw_core.store import RunRecords
from openclaw_core.store.canaries import Canaries, TriedPrompt
from openclaw_core.store.feedback import FeedbackRecords, FeedbackRow
from openclaw_core.store.run_records import PAGE, RunRecord
from openclaw_core.tasks.outcome import TaskState
from openclaw_core.tasks.receipt import digest
from openclaw_core.tasks.run_usage import read_usage
from openclaw_core.tasks.task import snapshot_digest, snapshot_json

log = logs.get(__name__)
LOOK_EVERY_S = 5.0
TASKS_MAX = 10_000
"""Tasks of a role whose prompt is remembered, the newest: feedback on older ones is in no figure."""


def did_harm(run: RunRecord) -> bool:
    """Whether the end of a run is harm: it failed, or its user stopped it."""
    return run.state in (TaskState.FAILED, TaskState.CANCELLED)


@dataclass(kw_only=True)
class WatchedCanary:
    """One prompt that is tried, and what speaks for and against it."""

    role: Role
    entry: TriedPrompt
    evidence: CanaryEvidence = field(default_factory=CanaryEvidence)
    prompts: dict[str, str] = field(default_factory=dict)
    """By the digest of a snapshot: that of its prompt."""
    runs: Mapping[Which, PromptRuns] = field(init=False)
    _which: dict[str, Which] = field(default_factory=dict)
    """By task, the newest TASKS_MAX."""

    def __post_init__(self) -> None:
        own, tried = digest(self.role.prompt), self.entry.prompt
        self.runs = {"own": PromptRuns(digest=own), "tried": PromptRuns(digest=tried)}

    def add(self, run: RunRecord, entry_id: str) -> None:
        """Count *run*, whose row has that id, if it is of this role and its prompt is known. A run without an answer is known by its snapshot alone."""
        if run.role != self.role.name:
            return
        if prompt := read_usage(run.run).receipt.prompt:
            self.prompts[run.order] = prompt
        prompt = self.prompts.get(run.order, "")
        for which, runs in self.runs.items():
            if prompt == runs.digest:
                runs.add(run)
                self._which[run.task] = which
                if len(self._which) > TASKS_MAX:
                    del self._which[next(iter(self._which))]
                harmed, at_ms = did_harm(run), order_of(entry_id)[0]
                self.evidence.ended(run.task, tried=which == "tried", harmed=harmed, at_ms=at_ms)

    def hear(self, row: FeedbackRow) -> None:
        """Count feedback, if it is on an answer of this role with one of its two prompts."""
        which = self._which.get(row.task)
        if which and row.kind:
            self.runs[which].feedback[row.kind] += 1
            self.evidence.heard(row.task, row.kind, at_ms=order_of(row.entry_id)[0])

    def judged(self) -> TriedPrompt | None:
        """The entry with a verdict that it does not have yet; None if there is none. Harm that is seen later takes a good one back."""
        evidence = self.evidence
        does_harm = evidence.test.does_harm
        if self.entry.ended or not (does_harm or (evidence.good and not self.entry.good)):
            return None
        return replace(
            self.entry,
            ended=does_harm,
            good=not does_harm,
            own=self.runs["own"].digest,
            of_tried=_judged_runs(self.runs["tried"], harmed=evidence.harmed),
            of_own=_judged_runs(self.runs["own"], harmed=evidence.others_harmed),
        )


def _judged_runs(runs: PromptRuns, *, harmed: int) -> JudgedRuns:
    answered = runs.ends[TaskState.CLOSED]
    return JudgedRuns(
        runs=runs.ends.total(), harmed=harmed, answered=answered, took_ms=round(runs.took.sum_s * 1000),
        priced=answered - runs.unpriced, micro_usd=runs.micro_usd,
    )  # fmt: skip


@dataclass(kw_only=True)
class CanaryWatch:
    """Follows the run records of the roles that try a prompt, and the feedback on their answers."""

    canaries: Canaries
    runs: RunRecords
    feedback: FeedbackRecords
    roles: Roles
    epoch: int
    model_override: str | None = None
    demo: bool = False
    on_state: Callable[[str, bool], None] = lambda _role, _ended: None
    """Called with a role that tries a prompt, and whether that was ended."""
    figures: PromptFigures = field(default_factory=PromptFigures)
    _watched: dict[str, WatchedCanary] = field(default_factory=dict)
    _seen: str = ""
    _heard: str = ""

    @property
    def tries(self) -> bool:
        """Whether any role tries a prompt."""
        return any(role.canary for role in self.roles.roles.values())

    async def run(self, loop: Loop) -> None:
        """Watch until cancelled. Raises LostOwnership."""
        await loop.run(self._look, outage="canaries")

    async def _look(self) -> float:
        if not self._watched:
            await self._begin()
        now_ms = await self.canaries.now_ms()  # first: all that ended before it is read below
        await self._read(now_ms)
        for name, one in self._watched.items():
            one.evidence.count_until(now_ms)
            if (entry := one.judged()) is not None:
                await self.canaries.keep(name, entry, epoch=self.epoch)
                one.entry = entry
                _tell(name, entry)
            self.on_state(name, one.entry.ended)
            self.figures.seen(name, one.runs)
        return LOOK_EVERY_S

    async def _read(self, now_ms: int) -> None:
        """Read all new runs, then the feedback given until *now_ms*: the runs that it is on are known by then."""
        while rows := await self.runs.after(self._seen):
            for entry_id, run in rows:
                self._seen = entry_id
                for one in self._watched.values():
                    if order_of(entry_id) > order_of(one.entry.since):
                        one.add(run, entry_id)
            if len(rows) < PAGE:
                break
        while given := await self.feedback.after(self._heard):
            for row in given:
                if order_of(row.entry_id)[0] > now_ms:
                    return
                self._heard = row.entry_id
                for one in self._watched.values():
                    one.hear(row)
            if len(given) < PAGE:
                break

    async def _begin(self) -> None:
        """Go on where the leader before was: the evidence is counted again from the run records."""
        found: dict[str, WatchedCanary] = {}
        for name, role in self.roles.roles.items():
            if role.canary is None:
                continue
            tried, own = digest(role.canary.prompt), digest(role.prompt)
            entry = await self.canaries.of_role(name)
            # What was ended stays so. Otherwise another own prompt is another comparison, with runs of the same days on both sides.
            compared = entry is not None and (entry.ended or entry.own in ("", own))
            if entry is None or entry.prompt != tried or not compared:
                entry = TriedPrompt(prompt=tried, own=own, since=await self.runs.last_id())
                await self.canaries.keep(name, entry, epoch=self.epoch)
            found[name] = WatchedCanary(role=role, entry=entry, prompts=self._prompts_of(role))
        self._seen = self._heard = min((one.entry.since for one in found.values()), key=order_of)
        self._watched = found

    def _prompts_of(self, role: Role) -> dict[str, str]:
        """The prompts of the two snapshots that this brain hands out: a prompt that never gets an answer has no receipt."""
        prompts = [role.prompt, role.canary.prompt] if role.canary else []
        made = {}
        for prompt in prompts:
            snapshot = snapshot_of(replace(role, prompt=prompt), model_override=self.model_override, demo=self.demo)
            made[snapshot_digest(snapshot_json(snapshot))] = digest(snapshot.prompt)
        return made


def _tell(role: str, entry: TriedPrompt) -> None:
    counts = {
        "answers": entry.of_tried.runs, "harmed": entry.of_tried.harmed, "others": entry.of_own.runs, "others_harmed": entry.of_own.harmed,
    }  # fmt: skip
    if entry.ended:
        hint = "take the canary out of roles.yaml: docs/alerts.md"
        log.error("canary.ended", role=role, prompt=entry.prompt, **counts, hint=hint)
    else:
        hint = "make it the role's own: docs/gitops.md"
        log.info("canary.good", role=role, prompt=entry.prompt, **counts, hint=hint)


def order_of(entry_id: str) -> tuple[int, int]:
    """The order of an entry of a stream: its time in ms, and its number within that."""
    ms, _, n = entry_id.partition("-")
    return int(ms), int(n or 0)
