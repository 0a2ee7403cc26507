"""Answers that grow in many chats, long ones, and displays of each kind."""

import asyncio

from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.tasks.outcome import Cause
from tests.core.delivery.rooms import Room

WORDS = "The first words of a longer answer, " * 4
LONG = "\n\n".join(f"Paragraph {n} " + "word " * 100 for n in range(20))
LONG_CODE = "Here:\n\n```python\n" + "\n".join(f"print({n})" for n in range(80)) + "\n```"


def growing(room: Room, *, chats: int) -> None:
    """A running answer in each of *chats*."""
    for n in range(1, chats + 1):
        room.shelf.change(f"t:{n}", Stage.GROWING, f"{n}: {WORDS}", chat_id=n)
    room.engine.wake()


def grown(room: Room, *, chats: int, by: str = "more") -> None:
    """Each of them has more words."""
    for n in range(1, chats + 1):
        room.grow(f"t:{n}", f"{n}: {WORDS} and {by}")


async def mixed(room: Room, *, chats: int = 6) -> None:
    """Two displays of each kind, in chats of their own, with a preview before."""
    for n in range(1, chats + 1):
        chat_id = -n if n % 3 == 0 else n
        room.change(f"t:{n}", Stage.GROWING, chat_id=chat_id)
        room.grow(f"t:{n}", f"{n}: {WORDS}")
        room.notice(f"{n}", chat_id=chat_id, kind="full", args={"cap": n})
    await asyncio.sleep(3)
    for n in range(1, chats + 1):
        if n % 3 == 1:
            room.change(f"t:{n}", Stage.FAILED, cause=list(Cause)[n])
        else:
            room.change(f"t:{n}", Stage.ANSWERED, f"**{n}** is the answer, and {WORDS}")
