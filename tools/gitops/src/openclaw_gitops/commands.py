"""What each command behind the scripts does; its arguments and its help are in `__main__`.

A command imports what it needs when it runs: some run where little is installed.
"""

import argparse
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from openclaw_gitops.errors import FAILED, REFUSED, USAGE, CommandError


def run_render(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
    from openclaw_gitops.render import not_rendered, render

    print(render(root, args.environment, args.part, env), end="")
    if args.part is None:
        for source in not_rendered(root, args.environment):
            print(f"# not shown, comes from elsewhere: {source}", file=sys.stderr)
    return 0


def run_render_charts(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
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


def run_diff(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
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


def run_bump(args: argparse.Namespace, root: Path, _env: Mapping[str, str]) -> int:
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


def run_promote(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
    from openclaw_gitops.promote import promote, statuses

    ask = None if args.unverified else statuses(root, env)
    done = promote(root, args.commit or args.main, main=args.main, statuses_of=ask, env=env, dry_run=args.dry_run)
    print(done.reason, file=sys.stderr)
    print(done.body, end="")
    return 0


def run_smoke(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
    from openclaw_gitops.smoke import Settings, smoke

    if not (root / "clusters" / args.environment / "environment.yaml").is_file():
        raise CommandError(USAGE, f"no environment {args.environment}: a folder of clusters/, such as staging")
    answer = smoke(Settings.from_env(env), within_s=args.within)
    print(
        f"{args.environment}: answered after {answer.answer_s:.1f} s, first sign after {answer.sign_s:.1f} s",
        flush=True,
    )
    return 0


def run_pin(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
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


def run_ends(args: argparse.Namespace, root: Path, _env: Mapping[str, str]) -> int:
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


def run_dashboards(args: argparse.Namespace, root: Path, _env: Mapping[str, str]) -> int:
    from openclaw_gitops.dashboards import stale, write

    if args.write:
        for path in write(root):
            print(f"{path}: written")
        return 0
    if found := stale(root):
        raise CommandError(REFUSED, f"{', '.join(map(str, found))}: run scripts/dashboards --write")
    print("dashboards: as platform/monitoring/dashboards.yaml says")
    return 0


def run_cost_diff(args: argparse.Namespace, root: Path, env: Mapping[str, str]) -> int:
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
