"""Anything at any time: texts of all kinds, faults of Telegram and Redis, leaders that die. In the end all of it stands once."""

import asyncio
from random import Random

import pytest

from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.tasks.outcome import Cause, Delivery
from tests.core.delivery.answers_that_grow import LONG, LONG_CODE
from tests.core.delivery.rooms import Room
from tests.core.delivery.test_leaders import Life, end, start
from tests.core.delivery.virtual import now, virtual

WORDS = "Some words of an answer that goes on for a while, " * 3
CHATS = (1, 2, 3, -4, -5)


class Chaos:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.room = Room()
        self.life = Life()
        self.leader = start(self.room, self.life)
        self.running: dict[int, str] = {}
        self.number = 0

    def say(self) -> None:
        """Brain or agent record something."""
        chat_id, shelf = self.random.choice(CHATS), self.room.shelf
        self.number += 1
        if self.random.random() < 0.4:
            shelf.notice(str(self.number), chat_id=chat_id, kind="full", args={"cap": self.number})
        elif chat_id not in self.running:
            self.running[chat_id] = f"t:{self.number}"
            shelf.change(f"t:{self.number}", Stage.GROWING, chat_id=chat_id)
        else:
            self.end(chat_id, self.running.pop(chat_id))
        self.room.engine.wake()

    def grow(self) -> None:
        for display_id in self.running.values():
            text = self.room.shelf.texts[display_id] or f"{display_id}: "
            self.room.grow(display_id, text + WORDS * self.random.choice([1, 1, 1, 30]))

    def end(self, chat_id: int, display_id: str) -> None:
        match self.random.choice(["answered", "answered", "failed", "stopped"]):
            case "failed":
                self.room.shelf.change(display_id, Stage.FAILED, chat_id=chat_id, cause=self.random.choice(list(Cause)))
            case "stopped":
                text = self.room.shelf.texts[display_id]  # what was shown, and maybe a little more
                self.room.shelf.change(display_id, Stage.STOPPED, text, chat_id=chat_id)
            case _:
                text = self.random.choice([LONG_CODE, LONG, WORDS])
                self.room.shelf.change(display_id, Stage.ANSWERED, f"{display_id} {text}", chat_id=chat_id)

    async def spoil(self) -> None:
        telegram, chat_id = self.room.telegram, self.random.choice(CHATS)
        match self.random.choice(
            ["late", "hang", "flood", "flood all", "away", "unreachable", "dropped", "kill", "token"]
        ):
            case "late":
                late_s = self.random.choice([5.0, 12.0, 29.0])
                telegram.late_s = lambda chat: late_s if chat == chat_id else 0.0
            case "hang":
                telegram.hanging = True
            case "flood":
                telegram.retry_after = lambda chat: 20 if chat == chat_id else 0
            case "flood all":
                telegram.retry_after = lambda chat: 15
            case "away":
                self.room.displays.away = True
            case "unreachable":
                telegram.reachable = False
            case "dropped":
                telegram.drops_replies = 2
            case "token":
                telegram.token_known = False
            case "kill":
                self.life.ended = True
                self.leader.cancel()
                await asyncio.sleep(self.random.choice([0.1, 9]))
                self.life = Life()
                self.leader = start(self.room, self.life)

    def mend(self) -> None:
        telegram = self.room.telegram
        telegram.late_s, telegram.retry_after = lambda chat: 0.0, lambda chat: 0
        telegram.hanging = self.room.displays.away = False
        telegram.reachable = telegram.token_known = True
        telegram.drops_replies = 0


@pytest.mark.parametrize("seed", range(25))
@virtual
async def test_whatever_happens_each_text_stands_once(seed: int) -> None:
    chaos = Chaos(seed)
    while now() < 150:
        for _ in range(chaos.random.randrange(3)):
            chaos.say()
        chaos.grow()
        if chaos.random.random() < 0.3:
            await chaos.spoil()
        if chaos.random.random() < 0.3:
            chaos.mend()
        await asyncio.sleep(chaos.random.choice([0.05, 1.0, 4.0]))
    chaos.mend()
    for chat_id, display_id in chaos.running.items():
        chaos.end(chat_id, display_id)
    chaos.room.engine.wake()
    await chaos.room.over(within_s=1500)
    await end(chaos.leader)
    room = chaos.room
    room.telegram.overlaps = 0  # of a dead leader and the next one
    names = [(chat, file.content) for chat, file in room.telegram.files]
    answers = sum(room.shelf.texts[key].endswith("```") for key in room.shelf.ended)
    assert len(names) <= answers
    assert set(room.shelf.ended.values()) <= {Delivery.DELIVERED, Delivery.PARTIAL}
    room.check(limits=False)
