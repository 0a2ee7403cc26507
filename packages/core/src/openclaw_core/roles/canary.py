"""Which prompt a conversation gets where a role tries another one in a part of the chats. Pure."""

import hashlib
from dataclasses import dataclass, replace

from openclaw_core.roles.values import Canary, Role
from openclaw_core.tasks.receipt import digest

OUT = "-"
"""What is remembered of a conversation that has the role's own prompt."""
PARTS = 1_000_000
"""Into how many equal parts the hash divides the chats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The role with the prompt that this conversation gets, and what is to be remembered of the choice."""

    role: Role
    remember: str


def choose_prompt(role: Role, canary: Canary, *, place: str, remembered: str, begins: bool) -> Chosen:
    """Choose the prompt of a conversation in *place*, a chat or a topic of one.

    A conversation that *begins* is chosen by a hash of its place and of the canary's prompt, so a new canary is tried in other chats. One that has
    begun keeps what is *remembered* of it; without a memory, or with one of another canary, it has the role's own prompt.
    """
    tried = digest(canary.prompt)
    inside = is_inside(tried, place, canary.percent) if begins else remembered == tried
    if inside:
        return Chosen(role=replace(role, prompt=canary.prompt), remember=tried)
    return Chosen(role=role, remember=OUT)


def is_inside(tried: str, place: str, percent: float) -> bool:
    """Whether *place* is among the *percent* of all places that try the prompt with the digest *tried*."""
    number = int.from_bytes(hashlib.sha256(f"{tried}:{place}".encode()).digest()[:8])
    return number % PARTS < percent / 100 * PARTS
