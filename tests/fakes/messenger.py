"""A Telegram in memory: what stands in the chat, and what is refused on order."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from openclaw_core.errors import (
    ChatGone,
    FateUnknown,
    FloodWait,
    MarkupRefused,
    MessageGone,
    MessengerRefused,
    MessengerUnauthorized,
    MessengerUnavailable,
)
from openclaw_core.ports import AnswerFile, Button, Page

T = TypeVar("T")
SENDS = ("send", "send_file", "send_picture")


@dataclass
class FakeMessenger:
    """`Messenger` of one chat. *faults* holds errors for the next calls of a method; a send waits for *sends_land*."""

    timeout_s: float = 8.0
    shown: dict[int, Page] = field(default_factory=dict)
    buttons: dict[int, list[Button]] = field(default_factory=dict)
    files: list[AnswerFile] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)
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
        file: AnswerFile,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        caption: str = "",
    ) -> int:
        self._called("send_file")
        self.files.append(file)
        return 1000 + len(self.calls)

    async def send_picture(
        self, chat_id: int, picture: bytes, *, thread_id: int | None = None, reply_to: int | None = None
    ) -> int:
        self._called("send_picture")
        self.pictures.append(picture)
        return 1000 + len(self.calls)

    async def get_file_bytes(self, file_id: str, max_bytes: int) -> bytes:
        self._called("get_file_bytes")
        return self.uploads[file_id]

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        self._called("react")

    async def show_typing(self, chat_id: int, *, thread_id: int | None = None) -> None:
        self._called("show_typing")

    async def answer_button(self, callback_id: str, text: str = "") -> None:
        self._called("answer_button")


@dataclass
class Said:
    """A message of the bot as it stands in a chat."""

    chat_id: int
    page: Page
    buttons: tuple[Button, ...] = ()
    deleted: bool = False
    history: list[str] = field(default_factory=list)
    """What it said before."""


@dataclass
class FakeTelegram:
    """Telegram with many chats and its bad days. A call that its client gives up goes on here, and may be applied late.

    Limits are enforced as buckets; *broken* counts calls that were refused for them alone.
    """

    timeout_s: float = 8.0
    takes_s: float = 0.05
    late_s: Callable[[int], float] = lambda chat_id: 0.0
    """By chat: how long after its arrival an edit is applied."""
    hanging: bool = False
    """Calls get no answer; they are applied when it ends."""
    retry_after: Callable[[int], int] = lambda chat_id: 0
    """By chat: the seconds of a 429 for each call."""
    deletes: set[int] = field(default_factory=set)
    """Chats where a moderation bot deletes each message at once."""
    gone: set[int] = field(default_factory=set)
    """Chats that have blocked the bot."""
    drops_replies: int = 0
    """Of so many sends the reply is lost."""
    loses_files: bool = False
    """Files are sent, and their replies are lost."""
    token_known: bool = True
    reachable: bool = True
    """Otherwise no byte leaves its client."""
    refuses: Callable[[Page], Exception | None] = lambda page: None
    limited: bool = True
    messages: dict[int, Said] = field(default_factory=dict)
    files: list[tuple[int, AnswerFile]] = field(default_factory=list)
    pictures: list[tuple[int, bytes]] = field(default_factory=list)
    refuses_pictures: bool = False
    calls: list[tuple[float, str, int]] = field(default_factory=list)
    """When, what, in which chat."""
    refusals: list[tuple[float, str, int]] = field(default_factory=list)
    broken: int = 0
    overlaps: int = 0
    """Edits of a message that began while another one was not over for its client."""
    _editing: Counter[int] = field(default_factory=Counter)
    _buckets: dict[object, tuple[float, float]] = field(default_factory=dict)
    _jobs: set["asyncio.Task[Any]"] = field(default_factory=set)

    def said(self, chat_id: int) -> list[str]:
        """What stands in a chat, oldest first."""
        return [said.page.text for said in self.messages.values() if said.chat_id == chat_id and not said.deleted]

    def is_quiet(self) -> bool:
        """Whether no call is to be applied any more, also none that its client gave up."""
        return not self._jobs

    def made(self, method: str) -> int:
        return sum(1 for _, made, _ in self.calls if made == method)

    async def _exchange(self, method: str, chat_id: int, apply: Callable[[], T]) -> T:
        self.calls.append((_now(), method, chat_id))
        if not self.reachable:
            raise MessengerUnavailable("no connection")
        late_s = self.late_s(chat_id) if method == "edit" else 0.0
        job = asyncio.create_task(self._serve(method, chat_id, apply, late_s))
        self._jobs.add(job)
        job.add_done_callback(self._over)
        await asyncio.wait({job}, timeout=self.timeout_s)
        if not job.done():
            raise FateUnknown(method) if method in SENDS else MessengerUnavailable(method)
        return job.result()

    def _over(self, job: "asyncio.Task[Any]") -> None:
        self._jobs.discard(job)
        if not job.cancelled():
            job.exception()

    async def _serve(self, method: str, chat_id: int, apply: Callable[[], T], late_s: float) -> T:
        await asyncio.sleep(self.takes_s / 2)
        if not self.token_known:
            raise MessengerUnauthorized("401")
        if retry_after := self.retry_after(chat_id) or self._over_limit(method, chat_id):
            self.refusals.append((_now(), method, chat_id))
            raise FloodWait(retry_after_s=retry_after)
        if chat_id in self.gone:
            raise ChatGone("403")
        while self.hanging:
            await asyncio.sleep(1)
        await asyncio.sleep(late_s)
        result = apply()
        if (method == "send" and self.drops_replies) or (method in SENDS[1:] and self.loses_files):
            self.drops_replies -= method == "send"
            await asyncio.sleep(self.timeout_s * 2)
        await asyncio.sleep(self.takes_s / 2)
        return result

    def _over_limit(self, method: str, chat_id: int) -> int:
        """The wait of a call that comes too soon, as the stand-in for the Bot API has it (with 0.3 s of jitter)."""
        if not self.limited:
            return 0
        wanted: dict[object, tuple[float, float]] = {"light": (30.0, 39.0)}
        if method in (*SENDS, "edit"):
            wanted = {"bot": (30.0, 39.0), chat_id: (20 / 60, 20.1) if chat_id < 0 else (1.0, 3.3)}
        filled = {}
        for name, (rate, size) in wanted.items():
            level, at = self._buckets.get(name, (size, 0.0))
            filled[name] = min(size, level + (_now() - at) * rate)
        if min(filled.values()) < 1:
            self.broken += 1
            return 5
        for name, level in filled.items():
            self._buckets[name] = (level - 1, _now())
        return 0

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
        def apply() -> int:
            if refusal := self.refuses(page):
                raise refusal
            message_id = 1000 + len(self.messages)
            row = tuple(button for row in buttons for button in row)
            self.messages[message_id] = Said(chat_id, page, row, deleted=chat_id in self.deletes)
            return message_id

        return await self._exchange("send", chat_id, apply)

    async def edit(
        self, chat_id: int, message_id: int, page: Page, *, buttons: Sequence[Sequence[Button]] = ()
    ) -> None:
        def apply() -> None:
            said = self.messages[message_id]
            if said.deleted:
                raise MessageGone("edit")
            if refusal := self.refuses(page):
                raise refusal
            said.history.append(said.page.text)
            said.page, said.buttons = page, tuple(button for row in buttons for button in row)

        self.overlaps += self._editing[message_id] > 0
        self._editing[message_id] += 1
        try:
            await self._exchange("edit", chat_id, apply)
        finally:
            self._editing[message_id] -= 1

    async def send_file(
        self,
        chat_id: int,
        file: AnswerFile,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        caption: str = "",
    ) -> int:
        def apply() -> int:
            self.files.append((chat_id, file))
            return 0

        return await self._exchange("send_file", chat_id, apply)

    async def send_picture(
        self, chat_id: int, picture: bytes, *, thread_id: int | None = None, reply_to: int | None = None
    ) -> int:
        def apply() -> int:
            if self.refuses_pictures:
                raise MessengerRefused("400")
            self.pictures.append((chat_id, picture))
            return 0

        return await self._exchange("send_picture", chat_id, apply)

    async def get_file_bytes(self, file_id: str, max_bytes: int) -> bytes:
        raise NotImplementedError

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        await self._exchange("react", chat_id, lambda: None)

    async def show_typing(self, chat_id: int, *, thread_id: int | None = None) -> None:
        await self._exchange("show_typing", chat_id, lambda: None)

    async def answer_button(self, callback_id: str, text: str = "") -> None:
        await self._exchange("answer_button", 0, lambda: None)


def _now() -> float:
    return asyncio.get_running_loop().time()
