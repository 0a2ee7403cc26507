"""Prints the table of docs/evals.md: how often the verdict blocks each change, by simulated models. Takes some minutes."""

from tests.evals.judge.changes import BAD, HARMLESS, PromptChange
from tests.evals.judge.simulated_model import PROFILES
from tests.evals.judge.trial import blocking, share_of_blocks, verdict_on, verdict_on_itself

RUNS = 20
SAME_RUNS = 1000
FIRST = "0"


def main() -> None:
    names = [profile.name for profile in PROFILES]
    for title, changes in (("bad", BAD), ("harmless", HARMLESS)):
        print(f"| {title} | {' | '.join(names)} | what blocked first |\n| --- |{' --- |' * (len(names) + 1)}")
        for change in changes:
            shares = [f"{share_of_blocks(change, profile, RUNS):.0%}" for profile in PROFILES]
            print(
                f"| {change} | {' | '.join(shares)} | {blocking(verdict_on(change, PROFILES[1], seed=FIRST))} |",
                flush=True,
            )
        print(
            f"| **blocked in the first run** | {' | '.join(map(str, blocked_first(changes)))} | of {len(changes)} |\n"
        )
    for profile in PROFILES:
        blocked = sum(bool(verdict_on_itself(profile, seed=str(n)).worse) for n in range(SAME_RUNS))
        print(
            f"{profile.name}: {blocked} of {SAME_RUNS} comparisons of all prompts with themselves were blocked",
            flush=True,
        )


def blocked_first(changes: tuple[PromptChange, ...]) -> list[int]:
    return [sum(bool(verdict_on(change, profile, seed=FIRST).worse) for change in changes) for profile in PROFILES]


if __name__ == "__main__":
    main()
