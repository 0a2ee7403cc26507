"""The commands behind the scripts of the same names, such as `scripts/render`; each says what it does with `--help`.

Exit codes: 0 done, or nothing to do; 1 what was looked at is not well; 64 wrong use; 65 refused; 69 a tool or a server
is missing; 75 not yet, try later.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from openclaw_gitops import canary_command, commands
from openclaw_gitops.errors import USAGE, CommandError

Command = Callable[[argparse.Namespace, Path, Mapping[str, str]], int]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> "None":  # type: ignore[override]
        self.print_usage(sys.stderr)
        raise CommandError(USAGE, message)


def parser() -> argparse.ArgumentParser:
    root = _Parser(prog="scripts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Command, what: str, more: str = "") -> argparse.ArgumentParser:
        about = f"{what[0].upper()}{what[1:]}. {more}"
        added = subparsers.add_parser(name, prog=f"scripts/{name}", help=what, description=about)
        added.set_defaults(run=run)
        return added

    render = command(
        "render",
        commands.run_render,
        "print the manifests of an environment",
        "Charts need a network and are only named.",
    )
    render.add_argument("environment")
    render.add_argument("part", nargs="?", help="one part of it, such as openclaw; all by default")

    charts = command(
        "render-charts", commands.run_render_charts, "render the charts of others with our values, and say what is wrong with them",
        "Needs helm and a network, or the charts in a folder. Prints the manifests; what is wrong goes to standard error, and ends with 1.",
    )  # fmt: skip
    charts.add_argument("environment", nargs="*", help="staging and prod by default")
    charts.add_argument("--part", help="one part of it, such as cluster-autoscaler; all by default")
    charts.add_argument(
        "--charts", type=Path, metavar="FOLDER", help="take charts from here, each in a folder of its name"
    )
    charts.add_argument("--into", type=Path, metavar="FOLDER", help="write one file for each chart instead of printing")
    keys = "write the keys of the charts' own values to tests/schemas/charts, for checks without a network"
    charts.add_argument("--write-keys", action="store_true", help=keys)

    diff = command(
        "diff",
        commands.run_diff,
        "say what the work tree changes in an environment",
        "Markdown for a comment, by object, secrets masked.",
    )
    diff.add_argument("environment")
    diff.add_argument("base", help="the commit to compare with, such as origin/main or HEAD~1")
    diff.add_argument("--all", action="store_true", help="everything as plain text, however long")

    bump = command(
        "bump",
        commands.run_bump,
        "write the images that a build has pushed",
        "Writes the release component and refuses any other change.",
    )
    bump.add_argument("--check", action="store_true", help="write nothing: only say whether the file is as it may be")
    bump.add_argument("--commit", help="the commit that they were built from, 40 digits")
    bump.add_argument("--tag", help="the tag that they were pushed with")
    for name in ("agent", "brain", "runner"):
        what = f"sha256:… of openclaw-{name}, as the registry gave it"
        bump.add_argument(f"--{name}", metavar="DIGEST", help=what)

    promote = command(
        "promote", commands.run_promote, "move prod's pins to what staging has proved",
        "Writes clusters/prod in the work tree and prints the text of the pull request. GITHUB_TOKEN reads commit statuses.",
    )  # fmt: skip
    promote.add_argument("commit", nargs="?", help="a commit of main; its newest by default")
    promote.add_argument("--main", default="origin/main", help="the branch that staging follows (default origin/main)")
    unverified = "ask neither GitHub how staging is nor for missing digests: you vouch for it, and the text says so"
    promote.add_argument("--unverified", action="store_true", help=unverified)
    promote.add_argument("--dry-run", action="store_true", help="write nothing")

    smoke = command(
        "smoke", commands.run_smoke, "ask a deployed bot in chat and wait for its answer",
        "A second bot writes /research@Bot in a group. Set SMOKE_BOT_TOKEN (its token), SMOKE_CHAT_ID (the group), SMOKE_TARGET (the bot"
        " that is asked); docs/smoke-test.md says how to set it up.",
    )  # fmt: skip
    smoke.add_argument("environment")
    smoke.add_argument("--within", type=float, default=120.0, metavar="SECONDS", help="how long to wait (default 120)")

    canaries = command(
        "canary-ask", canary_command.run_ask, "ask a deployed bot what became of the prompts that its roles try",
        "A second bot writes /canary@Bot in a group; set the same variables as for scripts/smoke. Prints the bot's "
        "answer, for scripts/canary-change.",
    )  # fmt: skip
    canaries.add_argument("--within", type=float, default=60.0, metavar="SECONDS", help="how long to wait (default 60)")

    judged = command(
        "canary-change", canary_command.run_change, "take canaries that the bot has judged out of roles.yaml",
        "Changes the work tree and prints the text of the pull request. A verdict on another prompt than the one in Git is left alone.",
    )  # fmt: skip
    judged.add_argument("answer", type=Path, help="a file with what scripts/canary-ask has printed")
    judged.add_argument("--into", type=Path, metavar="FOLDER", help="also write title.txt and body.md there")

    pin = command(
        "pin", commands.run_pin, "look up what is pinned by version alone, and write its digest",
        "Images, charts, files, machine images of others; charts and files that have a digest are looked at again. Needs a network, and"
        " the AWS command line for machine images.",
    )  # fmt: skip
    pin.add_argument(
        "--check", action="store_true", help="look nothing up: fail if a digest is missing or cannot be one"
    )
    pin.add_argument("--allow-missing", action="store_true", help="with --check: only count those that are missing")

    ends = command(
        "ends", commands.run_ends, "say which versions that we run have ended or end within 90 days",
        "Reads platform/end-of-life.yaml. Warnings alone do not fail: a date must not stop a change that has nothing to do with it.",
    )  # fmt: skip
    ends.add_argument(
        "--markdown", action="store_true", help="the body of an issue; prints nothing if there is nothing to do"
    )
    ends.add_argument(
        "--today", type=date.fromisoformat, default=date.today(), metavar="DATE", help="as if it were that day"
    )

    dashboards = command(
        "dashboards",
        commands.run_dashboards,
        "say whether Grafana's dashboards are what platform/monitoring/dashboards.yaml says",
        "With --write they are made anew.",
    )
    dashboards.add_argument("--write", action="store_true", help="write platform/monitoring/base/dashboards")

    costs = command(
        "cost-diff", commands.run_cost_diff, "say what the work tree changes in an environment's cost a month",
        "Markdown for a comment. Prices and messages are assumed: scripts/infra-cost, roles.yaml, platform/costs.yaml. A machine without"
        " a price is named there, and the exit status is 65.",
    )  # fmt: skip
    costs.add_argument("environment")
    costs.add_argument("base", help="the commit to compare with, such as origin/main or HEAD~1")
    return root


def main(argv: Sequence[str] | None = None, *, root: Path | None = None, env: Mapping[str, str] | None = None) -> int:
    env = os.environ if env is None else env
    try:
        args = parser().parse_args(argv)
        return int(args.run(args, root or Path.cwd(), env))
    except CommandError as exc:
        print(exc, file=sys.stderr)
        return exc.code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
