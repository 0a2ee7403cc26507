"""The leader's inbox over a real store, and the messages that people send to it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from openclaw_brain.inbox.gather import Windows
from openclaw_brain.inbox.handler import UpdateHandler
from openclaw_core.chat.delivery.displays import Display
from openclaw_core.store.lanes import Dispatched
from openclaw_core.tasks.task import Task
from tests.core.store_world import ORDER, World

Message = dict[str, Any]
Receives = Callable[..., Awaitable[None]]
GROUP: dict[str, Any] = {"id": -100500, "type": "supergroup"}
FORWARDED: dict[str, Any] = {"forward_origin": {"type": "hidden_user", "sender_user_name": "A", "date": 1}}
MENTION: dict[str, Any] = {"entities": [{"type": "mention", "offset": 0, "length": 12}]}
PHOTO: dict[str, Any] = {"photo": [{"file_id": "p"}]}
ARCHIVE: Message = {"document": {"file_id": "b", "file_name": "b.zip"}}
LARGE: dict[str, Any] = {"document": {"file_id": "b", "file_name": "b.txt", "file_size": 21_000_000}}
CONTACT: dict[str, Any] = {"contact": {"first_name": "Dana", "phone_number": "+1"}}
PLACE: dict[str, Any] = {"location": {"latitude": 1.0, "longitude": 2.0}}
ALBUM: dict[str, Any] = {"media_group_id": "g"}


def said(text: str = "", *, at: int = 100, user: int = 7, **fields: Any) -> Message:
    """A private message of *user*, sent in second *at*."""
    words = {"caption" if {"document", "photo", "video", "voice"} & set(fields) else "text": text} if text else {}
    return {"date": at, "chat": {"id": user, "type": "private"}, "from": {"id": user, "language_code": "en"}, **words, **fields}  # fmt: skip


def named(text: str, **fields: Any) -> Message:
    """A message of a group that names the bot where it stands in *text*."""
    place: Any = [{"type": "mention", "offset": text.index("@OpenClawBot"), "length": 12}]
    return said(text, chat=GROUP, **{"caption_entities" if "document" in fields else "entities": place}, **fields)


def document(name: str) -> Message:
    return {"document": {"file_id": name, "file_name": f"{name}.txt", "file_size": 3}}


@dataclass
class Desk:
    """The leader's inbox over a real store, without its loops."""

    world: World
    handler: UpdateHandler
    ids: int = 0

    async def receives(self, *messages: Message, stream: str = "inbox") -> None:
        """Handle *messages* as one batch."""
        batch = []
        for message in messages:
            self.ids += 1
            batch.append((stream, {"update_id": self.ids, "message": {"message_id": self.ids + 100, **message}}))
        await self.world.inbox.admit(batch, offset=None, epoch=self.world.epoch)  # type: ignore[arg-type]
        while await self.handler.handle_batch(stream):  # type: ignore[arg-type]
            pass

    async def edits(self, n: int, message: Message) -> None:
        self.ids += 1
        update = {"update_id": self.ids, "edited_message": {"message_id": n + 100, **message}}
        await self.world.inbox.admit([("inbox", update)], offset=None, epoch=self.world.epoch)
        await self.handler.handle_batch("inbox")

    async def waiting(self, chat: int = 7) -> list[Task]:
        """What stands in the lane of a chat, as it would be routed now."""
        return [(await self.world.lanes.queued(n)).task for n in await self.world.lanes.waiting_in(chat)]

    async def release(self) -> list[str]:
        return await self.world.lanes.release(cap=10, at_most=10, epoch=self.world.epoch)

    async def dispatched(self, task_id: str) -> Dispatched:
        queued = await self.world.lanes.queued(task_id)
        return await self.world.lanes.dispatch(
            queued.task.with_snapshot(ORDER), pool="p", decision="rule", route_ms=1, route_tokens=0,
            epoch=self.world.epoch, parts=queued.parts
        )  # fmt: skip

    async def put_off(self) -> list[str]:
        """Displays that wait for words."""
        return list(await self.world.script.read("ZRANGE", self.world.script.keys("later"), 0, -1))

    async def moment_passes(self) -> None:
        """What was put off has waited long enough for words."""
        for display in await self.put_off():
            await self.world.script.read("ZADD", self.world.script.keys("later"), "XX", "1", display)

    async def notices(self) -> list[Display]:
        """All that is to be told, also what still waits for words: that has waited long enough now."""
        await self.moment_passes()
        return await self.world.notices()

    def windows(self, **ms: int) -> None:
        object.__setattr__(self.handler, "windows", Windows(**ms))

    async def time_passes(self, task_id: str) -> None:
        """The quiet window of a task ends."""
        await self.world.script.read("HSET", self.world.script.keys("task", task_id), "not_before_ms", "1")
