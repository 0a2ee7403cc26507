"""The commands behind the scripts of the same names, such as `scripts/render`; each says what it does with `--help`.

Exit codes: 0 done, or nothing to do; 1 what was looked at is not well; 64 wrong use; 65 refused; 69 a tool or a server
is missing; 75 not yet, try later.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from openclaw_gitops import canary_command
from openclaw_gitops.errors import FAILED, REFUSED, USAGE, CommandError

Command = Callable[[argparse.Namespace, Path, Mapping[str, str]], int]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> "None":  # type: ignore[override]
        self.print_usage(sys.stderr)
        raise CommandError(USAGE, message)


def parser() -> argparse.ArgumentParser:
    root = _Parser(prog="scripts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Command, what: str, more: str = "") -> argparse.ArgumentParser:
        about = f"{what[0].upper()}{what[1:]}. {more}"
        added = commands.add_parser(name, prog=f"scripts/{name}", help=what, description=about)
        added.set_defaults(run=run)
        return added

    render = command(
        "render", _render, "print the manifests of an environment", "Charts need a network and are only named."
    )
    render.add_argument("environment")
    render.add_argument("part", nargs="?", help="one part of it, such as openclaw; all by default")

    charts = command(
        "render-charts", _render_charts, "render the charts of others with our values, and say what is wrong with them",
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
        _diff,
        "say what the work tree changes in an environment",
        "Markdown for a comment, by object, secrets masked.",
    )
    diff.add_argument("environment")
    diff.add_argument("base", help="the commit to compare with, such as origin/main or HEAD~1")
    diff.add_argument("--all", action="store_true", help="everything as plain text, however long")

    bump = command(
        "bump",
        _bump,
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
        "promote", _promote, "move prod's pins to what staging has proved",
        "Writes clusters/prod in the work tree and prints the text of the pull request. GITHUB_TOKEN reads commit statuses.",
    )  # fmt: skip
    promote.add_argument("commit", nargs="?", help="a commit of main; its newest by default")
    promote.add_argument("--main", default="origin/main", help="the branch that staging follows (default origin/main)")
    unverified = "ask neither GitHub how staging is nor for missing digests: you vouch for it, and the text says so"
    promote.add_argument("--unverified", action="store_true", help=unverified)
    promote.add_argument("--dry-run", action="store_true", help="write nothing")

    smoke = command(
        "smoke", _smoke, "ask a deployed bot in chat and wait for its answer",
        "A second bot writes /research@Bot in a group. Set SMOKE_BOT_TOKEN (its token), SMOKE_CHAT_ID (the group), SMOKE_TARGET (the bot"
        " that is asked); docs/smoke-test.md says how to set it up.",
    )  # fmt: skip
    smoke.add_argument("environment")
    smoke.add_argument("--within", type=float, default=120.0, metavar="SECONDS", help="how long to wait (default 120)")

    canaries = command(
        "canary-ask", canary_command.run_ask, "ask a deployed bot what became of the prompts that its roles try",
        "A second bot writes /canary@Bot in a group; set the same variables as for scripts/smoke. Prints the bot's answer, for scripts/canary-change.",
    )  # fmt: skip
    canaries.add_argument("--within", type=float, default=60.0, metavar="SECONDS", help="how long to wait (default 60)")

    judged = command(
        "canary-change", canary_command.run_change, "take canaries that the bot has judged out of roles.yaml",
        "Changes the work tree and prints the text of the pull request. A verdict on another prompt than the one in Git is left alone.",
    )  # fmt: skip
    judged.add_argument("answer", type=Path, help="a file with what scripts/canary-ask has printed")
    judged.add_argument("--into", type=Path, metavar="FOLDER", help="also write title.txt and body.md there")

    pin = command(
        "pin", _pin, "look up what is pinned by version alone, and write its digest",
        "Images, charts, files, machine images of others; charts and files that have a digest are looked at again. Needs a network, and"
        " the AWS command line for machine images.",
    )  # fmt: skip
    pin.add_argument(
        "--check", action="store_true", help="look nothing up: fail if a digest is missing or cannot be one"
    )
    pin.add_argument("--allow-missing", action="store_true", help="with --check: only count those that are missing")

    ends = command(
        "ends", _ends, "say which versions that we run have ended or end within 90 days",
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
        _dashboards,
        "say whether Grafana's dashboards are what platform/monitoring/dashboards.yaml says",
        "With --write they are made anew.",
    )
    dashboards.add_argument("--write", action="store_true", help="write platform/monitoring/base/dashboards")

    costs = command(
        "cost-diff", _cost_diff, "say what the work tree changes in an environment's cost a month",
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


def _render(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
    from openclaw_gitops.render import not_rendered, render

    print(render(root, args.environment, args.part, env), end="")
    if args.part is None:
        for source in not_rendered(root, args.environment):
            print(f"# not shown, comes from elsewhere: {source}", file=sys.stderr)
    return 0


def _render_charts(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
    import tempfile

    from openclaw_gitops import chart_values
    from openclaw_gitops.charts import Helm, charts, kubernetes_version
    from openclaw_gitops.duplicate_keys import duplicates

    helm = Helm.found(env, args.charts)
    wrong: list[str] = []
    keys = {}
    with tempfile.TemporaryDirectory(prefix="openclaw-charts-") as folder:
        for environment in args.environment or ("staging", "prod"):
            for chart in charts(root, environment, env):
                if args.part not in (None, chart.part):
                    continue
                place = helm.fetched(chart, Path(folder) / environment, root)
                keys[chart] = helm.defaults(place)
                wrong += chart_values.faults(chart, root, chart_values.tree(keys[chart]))
                text = helm.rendered(chart, place, root, kubernetes=kubernetes_version(root))
                wrong += [f"{environment}: {chart.part}: {fault}" for fault in duplicates(text)]
                if args.into:
                    args.into.mkdir(parents=True, exist_ok=True)
                    (args.into / f"{environment}-{chart.part}.yaml").write_text(text)
                else:
                    print(text, end="")
                print(f"{environment}: {chart.part}: {chart.name} {chart.version} renders", file=sys.stderr)
    if args.write_keys:
        chart_values.keep(keys, root)
    for fault in dict.fromkeys(wrong):
        print(f"fault: {fault}", file=sys.stderr)
    return FAILED if wrong else 0


def _diff(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
    from openclaw_gitops import diff
    from openclaw_gitops.checkout import Checkout
    from openclaw_gitops.environments import check_name
    from openclaw_gitops.render import not_rendered, rendered

    check_name(root, args.environment)
    checkout = Checkout(root=root)
    with checkout.at(checkout.commit(args.base)) as before:
        old = rendered(before, args.environment, env)
    found = diff.changes(old, rendered(root, args.environment, env), salt=secrets.token_hex(16))
    elsewhere = len(not_rendered(root, args.environment))
    remarks = (
        [f"{elsewhere} charts and manifests from elsewhere are not rendered: of them only the version shows here."]
        if elsewhere
        else []
    )
    print(
        diff.as_text(found) if args.all else diff.markdown(args.environment, found, base=args.base, remarks=remarks),
        end="",
    )
    return 0


def _bump(args: argparse.Namespace, root: Path, _env: Mapping[str, str]) -> int:
    from openclaw_gitops import release as releases

    if args.check:
        release = releases.read((root / releases.FILE).read_text())
        print(
            f"images: {release.tag}"
            + (f", built from {release.built_from[:12]}" if release.is_built else ", nothing is built yet")
        )
        return 0
    programs = ("agent", "brain", "runner")
    if missing := [f"--{name}" for name in ("commit", "tag", *programs) if not getattr(args, name)]:
        raise CommandError(USAGE, f"bump needs {', '.join(missing)}")
    digests = {f"openclaw-{name}": getattr(args, name) for name in programs}
    wrote = releases.bump(root, releases.Release(built_from=args.commit, tag=args.tag, digests=digests))
    print(f"{releases.FILE}: {args.tag}" if wrote else "nothing to bump: the file holds these images already")
    return 0


def _promote(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
    from openclaw_gitops.promote import promote, statuses

    ask = None if args.unverified else statuses(root, env)
    done = promote(root, args.commit or args.main, main=args.main, statuses_of=ask, env=env, dry_run=args.dry_run)
    print(done.reason, file=sys.stderr)
    print(done.body, end="")
    return 0


def _smoke(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
    from openclaw_gitops.smoke import Settings, smoke

    if not (root / "clusters" / args.environment / "environment.yaml").is_file():
        raise CommandError(USAGE, f"no environment {args.environment}: a folder of clusters/, such as staging")
    answer = smoke(Settings.from_env(env), within_s=args.within)
    print(
        f"{args.environment}: answered after {answer.answer_s:.1f} s, first sign after {answer.sign_s:.1f} s",
        flush=True,
    )
    return 0


def _pin(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
    from openclaw_gitops.update_pins import checked, fill, missing

    if args.check:
        found = checked(root)
        if (what := missing(found)) and not args.allow_missing:
            raise CommandError(REFUSED, f"{what}\nrun scripts/pin with a network, and commit what it writes")
        print(f"pins: {sum(bool(pin.known) for pin in found)} of {len(found)} have a digest")
        return 0
    codes = [0]
    for result in fill(root, env):
        if isinstance(result, CommandError):
            print(result, file=sys.stderr)
            codes.append(result.code)
        else:
            print(result)
    # A contradiction is worse than a server that does not answer.
    return FAILED if FAILED in codes else max(codes)


def _ends(args: argparse.Namespace, root: Path, _env: Mapping[str, str]) -> int:
    from openclaw_gitops.end_of_life import read_entries, warnings

    found = read_entries(root)
    if wrong := [fault for end in found for fault in end.misplaced(root)]:
        raise CommandError(REFUSED, "\n".join(wrong))
    lines = warnings(found, args.today)
    if args.markdown:
        print("".join(f"- {line}\n" for line in lines), end="")
        return 0
    for line in lines:
        print(f"*** {line} ***", file=sys.stderr)
    print(f"ends: {len(found)} versions have their end on record, {len(lines)} need a look")
    return 0


def _dashboards(args: argparse.Namespace, root: Path, _env: Mapping[str, str]) -> int:
    from openclaw_gitops.dashboards import stale, write

    if args.write:
        for path in write(root):
            print(f"{path}: written")
        return 0
    if found := stale(root):
        raise CommandError(REFUSED, f"{', '.join(map(str, found))}: run scripts/dashboards --write")
    print("dashboards: as platform/monitoring/dashboards.yaml says")
    return 0


def _cost_diff(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
    import yaml

    from openclaw_gitops.checkout import Checkout
    from openclaw_gitops.costs import ASSUMED, bill, markdown, prices
    from openclaw_gitops.environments import check_name

    check_name(root, args.environment)
    # Both trees by the prices of this one: a price that is put right is no change of the cost.
    assumed, of = yaml.safe_load((root / ASSUMED).read_text()), prices(root)
    checkout = Checkout(root=root)
    with checkout.at(checkout.commit(args.base)) as tree:
        before = bill(tree, args.environment, assumed=assumed, of=of, env=env)
    after = bill(root, args.environment, assumed=assumed, of=of, env=env)
    print(markdown(args.environment, before, after), end="")
    if after.unpriced:  # the comment says it too, and has the rest
        raise CommandError(REFUSED, "; ".join(after.unpriced))
    return 0


if __name__ == "__main__":
    sys.exit(main())
