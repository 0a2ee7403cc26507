"""`pin`: look up missing digests, and check those that must never change."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from openclaw_gitops.errors import FAILED, REFUSED, CommandError
from openclaw_gitops.lookups import look_up
from openclaw_gitops.pins import Pin, pin_faults, pins, write_pin

FIXED = ("chart", "file")
"""Released once: another digest under the same version is an alarm. A tag may be built anew, and the digest we have stays good."""


def checked(root: Path) -> list[Pin]:
    """All pins. Raises CommandError if one that is there cannot have been looked up."""
    found = pins(root)
    if wrong := pin_faults(found):
        raise CommandError(REFUSED, "\n".join(wrong))
    return found


def missing(found: list[Pin]) -> str:
    """What nobody has looked up, a line each; empty if there is nothing."""
    return "\n".join(f"not pinned yet: {pin}" for pin in found if not pin.known)


def fill(
    root: Path, env: Mapping[str, str], look: Callable[[Pin, Mapping[str, str]], str] = look_up
) -> Iterator[str | CommandError]:
    """Look up and write, one after the other: each time what was written, or why it could not be."""
    for pin in checked(root):
        if pin.known and pin.kind not in FIXED:
            continue
        try:
            value = look(pin, env)
        except CommandError as exc:
            yield exc
            continue
        if not pin.known:
            write_pin(root, pin, value)
            yield f"{pin}: {value}"
        elif value != pin.known:
            yield CommandError(
                FAILED,
                f"{pin} is now {value} and was {pin.known}: if its version has not moved, find out why before you trust it",
            )
