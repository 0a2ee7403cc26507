"""The title and the text of a pull request that takes judged canaries out of roles.yaml. Pure."""

from collections.abc import Sequence

from openclaw_gitops.canary_verdicts import CanaryVerdict, Runs, State

DOCS = 'docs/gitops.md, "Try a prompt in a part of the chats"'


def title(judged: Sequence[CanaryVerdict]) -> str:
    """In one line, what is done with which roles; empty without any."""
    ended = [verdict.role for verdict in judged if verdict.state is State.ENDED]
    good = [verdict.role for verdict in judged if verdict.state is State.GOOD]
    parts = []
    if ended:
        parts.append(f"take away the tried prompt of {_and(ended)}, which did harm")
    if good:
        parts.append(f"make the tried prompt of {_and(good)} its own")
    return f"roles: {'; '.join(parts)}" if parts else ""


def body(done: Sequence[tuple[CanaryVerdict, str]]) -> str:
    """A section for each verdict with the file of its tried prompt; empty without any."""
    return "\n".join(_section(verdict, file) for verdict, file in done)


def _section(verdict: CanaryVerdict, file: str) -> str:
    what = {
        State.ENDED: f"The tried prompt did more harm than the role's own, and the bot has ended it: no chat has it any more. This takes it out of Git,"
        f" with `prompts/{file}`. Without this change nothing gets worse; with another text there it would be tried anew.",
        State.GOOD: f"The tried prompt has shown in enough answers that it hardly does more harm than the role's own. This makes it the role's own, for"
        f" all chats: the text of `prompts/{file}` takes the place of the role's. Whether its answers are better, the diff of the answers says, and"
        " the figures below.",
    }[verdict.state]
    of_tried, of_own = verdict.of_tried, verdict.of_own
    rows = [
        ("digest", f"`{verdict.tried}`", f"`{verdict.own}`"),
        ("runs that ended", f"{of_tried.runs:,}", f"{of_own.runs:,}"),
        ("of them harm", _share(of_tried), _share(of_own)),
        ("mean time to the answer", _seconds(of_tried), _seconds(of_own)),
        ("mean cost of an answer", _cost(of_tried), _cost(of_own)),
    ]
    table = ["| | tried | own |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)]
    how = {State.ENDED: "did harm", State.GOOD: "is good"}[verdict.state]
    return "\n".join((f"## {verdict.role}: {how}\n", what, "", *table, "", f"How it was judged: {DOCS}.", ""))


def _share(runs: Runs) -> str:
    return f"{runs.harmed:,} ({100 * runs.harmed / runs.runs:.1f} %)" if runs.runs else "0"


def _seconds(runs: Runs) -> str:
    return f"{runs.took_ms / runs.answered / 1000:.1f} s" if runs.answered else "none was answered"


def _cost(runs: Runs) -> str:
    return f"${runs.micro_usd / runs.priced / 1e6:.5f}" if runs.priced else "not known"


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)
