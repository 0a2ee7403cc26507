"""The `openclaw` command. Each subcommand is imported only when it is asked for."""

import argparse
import importlib
import os
import re
import sys
from pathlib import Path

from openclaw_cli.doctor import command as doctor
from openclaw_cli.eval.answers import arguments as answers_arguments
from openclaw_cli.runs import arguments as runs_arguments
from openclaw_core.errors import SettingsError


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="openclaw", description="A chat bot whose every answer is the work of a short-lived agent."
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="run the whole bot on this machine, with a chat page")
    up.set_defaults(module="up.command")
    up.add_argument("--port", type=int, help="port of the chat page (default 8787, or a free one if that is taken)")
    up.add_argument("--data", default=".openclaw", help="folder that keeps chats and state (default .openclaw)")
    up.add_argument(
        "--fresh", action="store_true", help="forget the chats and all else in that folder; nothing else ever does"
    )
    up.add_argument(
        "--repair", action="store_true", help="go on with what can be read of damaged data, and keep the rest beside it"
    )
    up.add_argument("--verbose", action="store_true", help="show the brain's and the agents' logs here")
    dev = commands.add_parser("dev", help="the same for who changes the code: starts again on a change, log in colour")
    dev.set_defaults(module="up.dev")
    dev.add_argument("--port", type=int, help="port of the chat page, as of up")
    dev.add_argument("--data", default=".openclaw", help="folder that keeps chats and state (default .openclaw)")
    ask = commands.add_parser("ask", help="answer one question in the terminal")
    ask.set_defaults(module="ask")
    ask.add_argument("question")
    ask.add_argument("--role", help="researcher, coder, summarizer, or another of roles.yaml (default: routed)")
    runs = commands.add_parser("runs", help="list, follow and count runs, or show one as a time line")
    runs.set_defaults(module="runs.command")
    runs_arguments.add_arguments(runs)
    check = commands.add_parser(
        "doctor", help="check this machine, settings, prompts and roles, Redis, the token, the models"
    )
    check.set_defaults(module="doctor.command")
    doctor.add_arguments(check)
    evaluate = commands.add_parser(
        "eval", help="measure routing, judge a change of prompts, check the tasks"
    ).add_subparsers(dest="what", required=True)
    routing = evaluate.add_parser("routing", help="accuracy by role and language on a labelled file")
    routing.set_defaults(module="eval.routing")
    routing.add_argument("file", type=Path, help="JSON lines: id, lang, text, previous, accept, kind")
    routing.add_argument("--json", action="store_true")
    tasks = evaluate.add_parser("tasks", help="check the tasks of evals/ and count them")
    tasks.set_defaults(module="eval.tasks")
    tasks.add_argument("folder", type=Path, nargs="?", default=Path("evals"), help="default: evals")
    answers = evaluate.add_parser("answers", help="whether answers of the work tree are worse than those of a commit")
    answers.set_defaults(module="eval.answers.command")
    answers_arguments.add_arguments(answers)
    bench = commands.add_parser("bench", help="measure the bot").add_subparsers(dest="what", required=True)
    local = bench.add_parser("local", help="through the stand-ins on this machine")
    local.set_defaults(module="bench.local")
    local.add_argument("--messages", type=int, default=50)
    local.add_argument("--chats", type=int, default=50)
    local.add_argument("--rate", type=float, default=1.0, help="messages per second; 0: all at once (default 1)")
    local.add_argument("--running-cap", type=int, default=16)
    local.add_argument("--warm", type=int, default=4)
    local.add_argument("--tasks-per-job", type=int, default=1)
    local.add_argument("--timeout-s", type=float, default=600)
    local.add_argument("--json", action="store_true", help="JSON only")
    cluster = bench.add_parser("cluster", help="on a test cluster, beside bare pods (make bench-cluster)")
    cluster.set_defaults(module="bench.cluster")
    cluster.add_argument(
        "--phases",
        default="warm,cold,burst,burst-many,thousand",
        help="in this order (default %(default)s); there is also cpu-limit",
    )
    cluster.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="a setting of the brain that differs from staging's, as in WARM_AGENTS=6; may be repeated",
    )
    cluster.add_argument(
        "--messages", type=int, default=20, help="of the phases that ask one after the other (default 20)"
    )
    cluster.add_argument("--timeout-s", type=float, default=420, help="how long a phase may take (default 420)")
    store = bench.add_parser("store", help="how many messages a Redis of a given size keeps")
    store.set_defaults(module="bench.store")
    store.add_argument("--maxmemory-mb", type=int, default=256)
    store.add_argument("--week", type=int, default=120_000, help="messages a week (default %(default)s)")
    store.add_argument("--chats", type=int, default=5000)
    store.add_argument("--answer-tokens", type=int, default=120)
    store.add_argument("--messages", type=int, default=1_000_000, help="stop after so many (default: when it is full)")
    store.add_argument(
        "--roles", default="platform/openclaw/base", help="folder of prompts and roles (default %(default)s)"
    )
    return root


def _setting(text: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, as in WARM_AGENTS=6")
    return text


def main() -> int:
    args = parser().parse_args()
    try:
        return int(importlib.import_module(f"openclaw_cli.{args.module}").main(args, os.environ))
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return 78
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
