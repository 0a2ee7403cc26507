"""`canary-ask` and `canary-change`: from what a bot says of the prompts that are tried to the text of a pull request.

`canary-ask` runs beside a bot's token, so it imports nothing that has to be installed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from openclaw_gitops.canary_verdicts import VERDICTS_BEGIN, read_verdicts
from openclaw_gitops.errors import FAILED, CommandError
from openclaw_gitops.smoke import POLL_S, AskingBot, NewUpdates, Settings, is_reply, text_now


def ask(settings: Settings, *, within_s: float, clock: Callable[[], float] = time.monotonic) -> str:
    """What the bot answers to /canary. Raises CommandError with FAILED if no such answer comes."""
    telegram = AskingBot(settings)
    updates = NewUpdates(telegram)
    asked = telegram.call("sendMessage", chat_id=settings.chat_id, text=f"/canary@{settings.target}")["message_id"]
    began, reply = clock(), None
    while clock() - began < within_s:
        for message in updates.next(POLL_S):
            if is_reply(message, asked, settings):
                reply = message
        if reply is not None:
            text = str(reply.get("text", ""))
            if VERDICTS_BEGIN not in text:
                text = text_now(telegram, settings, reply["message_id"])
            if VERDICTS_BEGIN in text:
                return text
    raise CommandError(
        FAILED,
        f"@{settings.target} did not say what it tries within {within_s:g} s: is it running, and is this bot in its SMOKE_BOT_IDS?",
    )


def run_ask(args: argparse.Namespace, _root: Path, env: Mapping[str, str]) -> int:
    text = ask(Settings.from_env(env), within_s=args.within)
    found = read_verdicts(text)
    for verdict in found:
        print(f"{verdict.role}: {verdict.state}", file=sys.stderr)
    print(text)
    return 0


def run_change(args: argparse.Namespace, root: Path, _env: Mapping[str, str]) -> int:
    from openclaw_gitops.canary_change import change

    made = change(root, read_verdicts(args.answer.read_text()))
    for line in made.left:
        print(f"left alone: {line}", file=sys.stderr)
    if args.into:
        args.into.mkdir(parents=True, exist_ok=True)
        (args.into / "title.txt").write_text(made.title or "roles: nothing to change")
        (args.into / "body.md").write_text(made.body)
    print(made.title or "nothing to change", file=sys.stderr)
    print(made.body, end="")
    return 0
