"""`promote`: gather the facts, decide, move prod's pins, and write the text of the pull request."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from openclaw_gitops import diff, promotion_rules
from openclaw_gitops import release as releases
from openclaw_gitops.checkout import Checkout
from openclaw_gitops.environments import NEVER, Application, applications, pinned_commit, settings, with_revisions
from openclaw_gitops.errors import NOT_YET, REFUSED, CommandError
from openclaw_gitops.github import Statuses
from openclaw_gitops.pins import pins
from openclaw_gitops.promotion_rules import (
    CommitStatus,
    Facts,
    Move,
    NothingToDo,
    NotYet,
    ReportedCommit,
    VersionMove,
    decide,
    new_pins,
)
from openclaw_gitops.render import rendered

HISTORY_MAX = 50
"""How many commits back a status is looked for."""

StatusesOf = Callable[[str], Mapping[str, CommitStatus]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """The result; *body* is empty if there was nothing to do."""

    moved: bool
    reason: str
    body: str = ""


def promote(
    root: Path, wanted: str, *, main: str, statuses_of: StatusesOf | None, env: Mapping[str, str], dry_run: bool = False
) -> Promotion:
    """Move prod's pins in the work tree to *wanted*, if it may be. *statuses_of* None: somebody vouches for staging.

    Raises CommandError with NOT_YET if staging or the images are not there yet, with REFUSED if it must not be.
    """
    checkout = Checkout(root=root)
    commit, main = checkout.commit(wanted), checkout.commit(main)
    prod = applications(root, "prod")
    pinned = pinned_commit(root, "prod")
    if pinned != NEVER and not checkout.knows(pinned):
        raise CommandError(REFUSED, f"prod pins {pinned}, which is not here: fetch main with its whole history first")
    with checkout.at(commit) as tree:
        staging = applications(tree, "staging")
        edits, versions = new_pins(commit, prod, staging)
        facts = _facts(checkout, tree, commit, main, pinned, versions)
        decision = decide(facts)
        # GitHub is asked once nothing else is in the way: that may be fifty calls.
        if statuses_of is not None and isinstance(decision, Move):
            facts = replace(facts, history=_history(checkout, commit, staging, statuses_of))
            decision = decide(facts)
        if isinstance(decision, NothingToDo):
            return Promotion(moved=False, reason=decision.reason)
        if not isinstance(decision, Move):
            raise CommandError(NOT_YET if isinstance(decision, NotYet) else REFUSED, decision.reason)
        found = _difference(checkout, tree, pinned, env)
    if not dry_run:
        for file, places in edits.items():
            file.write_text(with_revisions(file.read_text(), places))
    body = _body(checkout, facts, versions, found)
    return Promotion(moved=True, reason=f"prod moves from {_short(pinned)} to {commit[:12]}", body=body)


def _facts(checkout: Checkout, tree: Path, commit: str, main: str, pinned: str, versions: list[VersionMove]) -> Facts:
    after_pin = pinned != NEVER and checkout.is_ancestor(pinned, commit)
    release = releases.read((tree / releases.FILE).read_text())
    if release.is_built and not checkout.knows(release.built_from):
        built_from = f"the images were built from {release.built_from}"
        raise CommandError(REFUSED, f"{built_from}, which is not here: fetch main with its whole history first")
    return Facts(
        commit=commit,
        pinned=pinned,
        on_main=checkout.is_ancestor(commit, main),
        after_pin=after_pin,
        changed_since_pin=checkout.changed(pinned, commit) if after_pin else [],
        versions_move=bool(versions),
        release=release,
        changed_since_build=checkout.changed(release.built_from, commit) if release.is_built else [],
        unpinned=[str(pin) for pin in pins(tree) if not pin.known and pin.kind != "machine"],
        history=None,
    )


def _history(
    checkout: Checkout, commit: str, staging: Sequence[Application], statuses_of: StatusesOf
) -> list[ReportedCommit]:
    """The commits before *commit* on main with their statuses, until each part of staging has a status."""
    found: list[ReportedCommit] = []
    missing = {*promotion_rules.REQUIRED, *(f"{promotion_rules.VETO}{app.part}" for app in staging if not app.is_root)}
    for older in checkout.git("rev-list", "--first-parent", f"--max-count={HISTORY_MAX}", commit).splitlines():
        statuses = statuses_of(older)
        found.append(ReportedCommit(commit=older, statuses=statuses, changed_since=checkout.changed(older, commit)))
        missing -= set(statuses)
        if not missing:
            break
    return found


def _difference(checkout: Checkout, tree: Path, pinned: str, env: Mapping[str, str]) -> list[diff.ObjectChange]:
    """Prod's objects at the pin and at the new commit. The root is left out: it follows main, and moves with this change itself."""
    wiring = frozenset({"root"})
    new = rendered(tree, "prod", env, without=wiring)
    if pinned == NEVER:
        return diff.changes([], new, salt=secrets.token_hex(16))
    with checkout.at(pinned) as before:
        return diff.changes(rendered(before, "prod", env, without=wiring), new, salt=secrets.token_hex(16))


def _body(checkout: Checkout, facts: Facts, versions: list[VersionMove], found: list[diff.ObjectChange]) -> str:
    """The pull request's text: what moves, what vouches for it, what changes in prod, how to go back."""
    lines = [f"Prod moves from `{_short(facts.pinned)}` to `{facts.commit}`.\n"]
    if facts.history is None:
        lines.append("**Nobody asked staging:** this promotion was made with `--unverified`.\n")
        if facts.unpinned:
            lines.append(f"**Without a digest:** {', '.join(facts.unpinned)}.\n")
    else:
        lines.append(
            f"Staging ran it and was well: {' and '.join(f'`{name}`' for name in promotion_rules.REQUIRED)} succeeded.\n"
        )
    lines.append(f"Images: tag `{facts.release.tag}`, built from `{facts.release.built_from[:12]}`.\n")
    if versions:
        lines += ["| part | source | from | to |", "|---|---|---|---|"]
        lines += [f"| {move.part} | {move.what} | {move.old} | {move.new} |" for move in versions]
        lines.append("")
    if facts.pinned != NEVER:
        lines += ["Commits that prod gets:\n", *_commits(checkout, facts), ""]
    lines.append("To go back, revert the merge of this pull request.\n\n")
    text = "\n".join(lines)
    base = _short(facts.pinned)
    whole = (
        "scripts/render prod"
        if facts.pinned == NEVER
        else f"git switch --detach {facts.commit[:12]} && scripts/diff prod {base} --all"
    )
    return text + diff.markdown("prod", found, base=base, whole=whole, max_chars=diff.TEXT_MAX_CHARS - len(text))


def _commits(checkout: Checkout, facts: Facts) -> list[str]:
    """The newest 50 of main that change what the pin decides on."""
    span = f"{facts.pinned}..{facts.commit}"
    log = checkout.git(
        "log", "--first-parent", "--max-count=50", "--format=- %h %s", span, "--", *promotion_rules.PROMOTED
    )
    return [line.replace("<", "&lt;").replace("@", "@\u200b") for line in log.splitlines()]


def _short(pinned: str) -> str:
    return "never promoted" if pinned == NEVER else pinned[:12]


def statuses(root: Path, env: Mapping[str, str]) -> StatusesOf:
    return Statuses.from_env(env, settings(root, "prod").get("repository", "")).of
