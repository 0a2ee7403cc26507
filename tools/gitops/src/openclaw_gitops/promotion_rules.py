"""Whether prod may move to a commit, and what its pins become. Pure: `promote` gathers the facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openclaw_gitops.environments import NEVER, Application, ApplicationSource
from openclaw_gitops.errors import REFUSED, CommandError
from openclaw_gitops.release import BUILT_PATHS, Release

HEALTHY = "argocd/staging-openclaw"
"""The commit status that Argo CD's notifications set once staging runs a commit and is well."""
SMOKED = "smoke/staging"
"""The commit status that `scripts/smoke` sets once staging has answered in chat."""
REQUIRED: Mapping[str, tuple[str, ...]] = {
    HEALTHY: ("platform/openclaw/", "platform/environments/", "clusters/staging/environment.yaml"),
    SMOKED: ("platform/", "clusters/base/", "clusters/staging/"),
}
"""What must have succeeded, each with the paths whose change needs a new status: Argo CD reports only on commits that it had to sync."""
WAITING: Mapping[str, str] = {
    HEALTHY: "Argo CD reports a minute after its sync, see the Application staging-openclaw",
    SMOKED: "the workflow smoke asks after that report, docs/smoke-test.md says how to set it up",
}
VETO = "argocd/staging-"
"""Other parts of staging report too: none of them may be broken."""

PROMOTED = ("platform/", "clusters/kustomization.yaml", "clusters/prod/environment.yaml")
"""What a pin decides on: overlays read the facts of their environment at the pinned commit, by way of
clusters/kustomization.yaml. The rest of clusters/prod is wiring that Argo CD follows on main, terraform/ is applied by
itself.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """The newest status of one context at one commit."""

    state: str
    at: str
    """When it was set, in GitHub's form of UTC, which sorts as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCommit:
    """The candidate, or a commit before it: its statuses, and the files that have changed since."""

    commit: str
    statuses: Mapping[str, CommitStatus] = field(hash=False)
    changed_since: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the decision rests on."""

    commit: str
    pinned: str
    """NEVER before the first promotion."""
    on_main: bool
    after_pin: bool
    """Whether the pin is an ancestor of the commit."""
    changed_since_pin: Sequence[str]
    versions_move: bool
    """Whether staging runs other versions of charts than prod does."""
    release: Release
    changed_since_build: Sequence[str]
    unpinned: Sequence[str]
    """What others made and prod would run, and nobody has looked up."""
    history: Sequence[ReportedCommit] | None
    """None: statuses were not asked for, somebody vouches for staging."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Prod may move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToDo:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet:
    """Staging, or the bump of the images, is not there yet."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRefused:
    reason: str


PromotionDecision = Move | NothingToDo | NotYet | PromotionRefused


def decide(facts: Facts) -> PromotionDecision:
    """What to do about prod."""
    short = facts.commit[:12]
    if not facts.on_main:
        return PromotionRefused(reason=f"{short} is not on main: merge it first")
    if facts.pinned == facts.commit:
        return NothingToDo(reason=f"prod pins {short} already")
    if facts.pinned != NEVER and not facts.after_pin:
        return PromotionRefused(
            reason=f"{short} is older than prod's pin {facts.pinned[:12]}: to go back, revert the promotion"
        )
    if not facts.release.is_built:
        return PromotionRefused(
            reason=f"no images have been built yet: {short} holds the tag unreleased and digests of zeros"
        )
    if late := [path for path in facts.changed_since_build if path.startswith(BUILT_PATHS)]:
        built = facts.release.built_from[:12]
        return NotYet(
            reason=f"the images are those of {built}, and {late[0]} has changed since: promote the commit of the bump that follows"
        )
    promoted = [path for path in facts.changed_since_pin if path.startswith(PROMOTED)]
    if facts.pinned != NEVER and not promoted and not facts.versions_move:
        return NothingToDo(reason=f"nothing that prod runs has changed between {facts.pinned[:12]} and {short}")
    if facts.history is None:
        return Move()
    if facts.unpinned:
        return NotYet(
            reason=f"{len(facts.unpinned)} without a digest, merge what scripts/pin writes: {', '.join(facts.unpinned)}"
        )
    return _staging(facts.commit, facts.history)


def _staging(commit: str, history: Sequence[ReportedCommit]) -> PromotionDecision:
    """Decide by the newest status of each context that still holds for *commit*."""
    known: dict[str, str] = {}
    for reported in history:
        for context, status in reported.statuses.items():
            if any(path.startswith(REQUIRED.get(context, ())) for path in reported.changed_since):
                continue
            # Argo CD's report on any part starts a smoke test, also before the bot itself is synced: that answer came from the old Pods.
            if context == SMOKED and HEALTHY in reported.statuses and status.at < reported.statuses[HEALTHY].at:
                continue
            known.setdefault(context, status.state)
    short = commit[:12]
    for context in REQUIRED:
        if context not in known:
            return NotYet(reason=f"{context} has said nothing of {short} yet: {WAITING[context]}")
        if known[context] != "success":
            return NotYet(reason=f"{context} says {known[context]} of {short}")
    for context, state in sorted(known.items()):
        if context.startswith(VETO) and state in ("failure", "error"):
            return NotYet(reason=f"{context} says {state}: staging is not well at {short}")
    return Move()


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMove:
    """A chart, or another source from elsewhere, that moves together with the commit."""

    part: str
    what: str
    old: str
    new: str


def new_pins(
    commit: str, prod: Sequence[Application], staging: Sequence[Application]
) -> tuple[dict[Path, dict[tuple[int, int], str]], list[VersionMove]]:
    """What each of prod's Applications gets, by file and place in it: *commit*, and the versions that staging has at it.

    Raises CommandError if staging at that commit does not have such an Application with such sources.
    """
    tested = {app.part: app for app in staging if not app.is_root}
    edits: dict[Path, dict[tuple[int, int], str]] = {}
    moves = []
    for app in prod:
        if app.is_root:
            continue
        other = tested.get(app.part)
        if other is None:
            raise CommandError(
                REFUSED, f"staging has no child {app.part} at {commit[:12]}: promote a commit that has it"
            )
        if len(other.sources) != len(app.sources):
            raise _unlike(f"{app.part} has other sources in staging at {commit[:12]}")
        for mine, theirs in zip(app.sources, other.sources, strict=True):
            if not _same_source(mine, theirs):
                raise _unlike(f"{app.part} takes {theirs.what} in staging at {commit[:12]}, and {mine.what} in prod")
            new = commit if mine.own else theirs.revision
            if new != mine.revision:
                edits.setdefault(mine.file, {})[mine.at] = new
            if new != mine.revision and not mine.own:
                moves.append(VersionMove(part=app.part, what=mine.what, old=mine.revision, new=new))
    return edits, moves


def _same_source(mine: ApplicationSource, theirs: ApplicationSource) -> bool:
    """Whether both are our repository, or the same chart or path of the same other repository."""
    if mine.own or theirs.own:
        return mine.own and theirs.own
    return (mine.repository, mine.chart, mine.path) == (theirs.repository, theirs.chart, theirs.path)


def _unlike(what: str) -> CommandError:
    return CommandError(REFUSED, f"{what}: make them alike by a reviewed change")
