"""A Telegram in memory: what stands in the chat, and what is refused on order."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from openclaw_core.errors import MarkupRefused, MessageGone
from openclaw_core.ports import Attachment, Button, Page


@dataclass
class FakeMessenger:
    """`Messenger` of one chat. *faults* holds errors for the next calls of a method; a send waits for *sends_land*."""

    timeout_s: float = 8.0
    shown: dict[int, Page] = field(default_factory=dict)
    buttons: dict[int, list[Button]] = field(default_factory=dict)
    files: list[Attachment] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refuses_entities: bool = False
    refused_urls: set[str] = field(default_factory=set)
    """Link targets that cost a message all its formatting."""
    sends_land: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.sends_land.set()

    @property
    def texts(self) -> list[str]:
        return [page.text for page in self.shown.values()]

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if self.faults.get(method):
            raise self.faults[method].pop(0)

    async def send(
        self,
        chat_id: int,
        page: Page,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        buttons: Sequence[Sequence[Button]] = (),
        silent: bool = True,
    ) -> int:
        self._called("send")
        await self.sends_land.wait()
        message_id = 1000 + len(self.calls)
        self.shown[message_id] = page
        self.buttons[message_id] = [button for row in buttons for button in row]
        return message_id

    async def edit(
        self, chat_id: int, message_id: int, page: Page, *, buttons: Sequence[Sequence[Button]] = ()
    ) -> None:
        self._called("edit")
        if message_id not in self.shown:
            raise MessageGone("edit")
        if page.entities and self.refuses_entities:
            raise MarkupRefused("400")
        for entity in page.entities:
            if entity.url in self.refused_urls:
                raise MarkupRefused("400", url=entity.url)
        self.shown[message_id] = page
        self.buttons[message_id] = [button for row in buttons for button in row]

    async def send_file(
        self,
        chat_id: int,
        file: Attachment,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        caption: str = "",
    ) -> int:
        self._called("send_file")
        self.files.append(file)
        return 1000 + len(self.calls)

    async def get_file_bytes(self, file_id: str, max_bytes: int) -> bytes:
        self._called("get_file_bytes")
        return self.uploads[file_id]

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        self._called("react")

    async def action(self, chat_id: int, *, thread_id: int | None = None) -> None:
        self._called("action")

    async def answer_button(self, callback_id: str, text: str = "") -> None:
        self._called("answer_button")
