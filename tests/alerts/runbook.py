"""The commands of a section of docs/alerts.md, as they are written there."""

import re

from tests.manifests.rendering import ROOT

PROGRAMS = ("journalctl", "kubectl", "openclaw", "sudo", "valkey-cli")
PAGE = ROOT / "docs/alerts.md"


def section(alert: str, page: str = "") -> str:
    """What the page says to do. Raises AssertionError if it has no such section."""
    found = re.search(rf"^### {alert}\n(.*?)(?=^##|\Z)", page or PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"docs/alerts.md has no section {alert}"
    return found[1]


def commands(alert: str, page: str = "") -> list[str]:
    """Its commands in their order, each in back quotes on the page. `SLOWLOG GET` behind `valkey-cli INFO` is one for the same program."""
    found, program = [], ""
    for text in re.findall(r"`([^`]+)`", section(alert, page)):
        if text.split()[0] in PROGRAMS and " " in text:
            found.append(text)
            program = " ".join(re.findall(r"^valkey-cli(?: --user \w+)?", text))
        elif program and re.fullmatch(r"[A-Z]+( [A-Z]+)+", text):
            found.append(f"{program} {text}")
    return found


def named(command: str, **names: str) -> str:
    """*command* with *names* instead of the words in capitals that stand for them."""
    for name, value in names.items():
        command = re.sub(rf"\b{name}\b", value, command)
    return command


def changes_something(command: str) -> bool:
    """Whether *command* is a remedy. The others look at something."""
    return bool(re.search(r" (rollout restart|CONFIG SET|BGREWRITEAOF)( |$)", command))
