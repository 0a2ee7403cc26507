#!/usr/bin/env python3
"""A stand-in for GitHub's `gh`: writes each call into GH_LOG, and refuses what the real one would refuse of the calls that our scripts make.

GH_OPEN is the number of the pull request or issue that is open; without it none is.
"""

import os
import subprocess
import sys
from pathlib import Path

FLAGS: dict[str, tuple[str, ...]] = {
    "auth setup-git": (),
    "pr list": ("--head", "--base", "--state", "--json", "--jq"),
    "pr create": ("--head", "--base", "--title", "--body-file"),
    "pr edit": ("--title", "--body-file"),
    "pr close": ("--comment",),
    "issue list": ("--state", "--search", "--json", "--jq"),
    "issue create": ("--title", "--body-file"),
    "issue edit": ("--body-file",),
    "issue close": ("--comment",),
    "api": ("--silent", "--raw-field"),
}
"""What each command may be given; all but `api` need each of them. Each takes a value, but for SWITCHES."""
SWITCHES = {"--silent"}


def refuse(why: str) -> None:
    sys.exit(f"gh: {why}")


def read(arguments: list[str]) -> tuple[str, list[str], dict[str, str]]:
    """The command, what stands without a flag, and the flags with their values."""
    command = "api" if arguments[:1] == ["api"] else " ".join(arguments[:2])
    if command not in FLAGS:
        refuse(f"unknown command {command!r}")
    rest, names, given = arguments[len(command.split()) :], [], {}
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            names.append(word)
        elif word not in FLAGS[command]:
            refuse(f"unknown flag: {word}")
        elif word in SWITCHES:
            given[word] = ""
        elif not rest:
            refuse(f"flag needs an argument: {word}")
        else:
            given[word] = rest.pop(0)
    return command, names, given


def check(command: str, names: list[str], given: dict[str, str]) -> None:
    wanted = 1 if command == "api" or command.endswith((" edit", " close")) else 0
    if len(names) != wanted:
        refuse(f"{command} takes {wanted} arguments, received {len(names)}")
    if missing := [flag for flag in FLAGS[command] if command != "api" and flag not in given]:
        refuse(f"{command} would ask for {', '.join(missing)}, and nobody is there")
    if not given.get("--title", "x").strip():
        refuse("title can't be blank")
    if not Path(given.get("--body-file", __file__)).is_file():
        refuse(f"open {given['--body-file']}: no such file")
    is_open = os.environ.get("GH_OPEN", "")
    if command == "pr create":
        if is_open:
            refuse(f"a pull request for branch {given['--head']!r} already exists: #{is_open}")
        pushed = ["git", "ls-remote", "--exit-code", "origin", f"refs/heads/{given['--head']}"]
        if subprocess.run(pushed, capture_output=True, check=False).returncode:
            refuse("No commits between main and a branch that was not pushed")
    if command in ("pr edit", "pr close") and not is_open:
        refuse(f"no pull requests found for branch {names[0]!r}")
    if command in ("issue edit", "issue close") and names != [is_open]:
        refuse(f"issue {names[0]} could not be resolved")


def main() -> None:
    with Path(os.environ["GH_LOG"]).open("a") as log:
        log.write(" ".join(sys.argv[1:]) + "\n")
    command, names, given = read(sys.argv[1:])
    check(command, names, given)
    if command.endswith(" list"):
        print(os.environ.get("GH_OPEN", ""), end="")


if __name__ == "__main__":
    main()
