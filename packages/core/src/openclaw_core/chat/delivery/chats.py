"""The open displays by chat, and which chat is served next: one call at a time in each."""

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf

from openclaw_core.chat.delivery import plan
from openclaw_core.chat.delivery.displays import Display, Sign, Stage
from openclaw_core.chat.delivery.limits import Limits, Rank
from openclaw_core.chat.delivery.order import first_of_chat
from openclaw_core.chat.delivery.turns import Turns
from openclaw_core.chat.delivery.view import View
from openclaw_core.tasks.outcome import Delivery

EARLY_MAX = 1000
IDLE: plan.Turn = (None, plan.Later(until=inf))


@dataclass(slots=True, kw_only=True)
class Chat:
    """The open displays of a chat by their order, the files that were asked for again, and what is to be done next."""

    id: int
    served: float
    """When its last call began, or when it came."""
    views: list[View] = field(default_factory=list)
    files: deque[Sign] = field(default_factory=deque)
    file_tries: int = 0
    files_at: float = 0.0
    busy: bool = False
    turn: plan.Turn = IDLE


@dataclass(kw_only=True)
class Chats:
    """*typing* is told of each display that wants to show 'typing'."""

    limits: Limits
    clock: Callable[[], float]
    typing: Callable[[View], None]
    turns: Turns = field(default_factory=Turns)
    done: deque[Chat] = field(default_factory=deque)
    """Chats with a display that is only to be recorded, which needs no room."""
    _views: dict[str, View] = field(default_factory=dict)
    _chats: dict[int, Chat] = field(default_factory=dict)
    _grew_before: set[str] = field(default_factory=set)
    """Running tasks that had text before their displays were read."""

    def __len__(self) -> int:
        return len(self._views)

    def __iter__(self) -> Iterator[View]:
        return iter(self._views.values())

    def chat(self, chat_id: int) -> Chat:
        if chat_id not in self._chats:
            self._chats[chat_id] = Chat(id=chat_id, served=self.clock())
        return self._chats[chat_id]

    def open(self, display: Display) -> View:
        """The view of *display*, with what is new of it."""
        view = self._views.get(display.id)
        if view is None:
            view = self._views[display.id] = View.of(display)
            view.grew = display.id in self._grew_before
            self._grew_before.discard(display.id)
            self._place(view)
        # It is smaller where Redis has lost the number of changes.
        elif not display.delivered and display.version != view.display.version:
            moved = display.chat_id != view.display.chat_id  # a group became a supergroup
            if moved:
                self.chat(view.display.chat_id).views.remove(view)
            view.update(display)
            if moved:
                self._place(view)
        return view

    def _place(self, view: View) -> None:
        views = self.chat(view.display.chat_id).views
        insort(views, view, key=lambda other: (other.display.order, other.display.id))

    def grew(self, display_id: str) -> View | None:
        """The view of a running task that has new text; None if that is known, or the display is not."""
        view = self._views.get(display_id)
        if view is None:
            self._grew_before.add(display_id)
            if len(self._grew_before) > EARLY_MAX:
                self._grew_before.clear()
        elif not view.grew:
            view.grew = True
            return view
        return None

    def close(self, view: View) -> None:
        """Nothing is left to show of it."""
        if self._views.pop(view.display.id, None) is not None:
            self.chat(view.display.chat_id).views.remove(view)

    def give_up(self, chat_id: int) -> None:
        """The chat takes nothing any more: all that is final in it is over."""
        for view in self.chat(chat_id).views:
            if view.display.stage is Stage.GROWING:
                view.muted = True
            else:
                view.ends_as = Delivery.UNDELIVERABLE

    def look(self, chat_id: int) -> Rank | None:
        """Find out what the chat needs next and put it into its place. Gives the rank if the chat itself has room for it."""
        chat = self._chats.get(chat_id)
        if chat is None or chat.busy:
            return None
        if not chat.views and not chat.files:
            self.turns.drop(chat_id)
            del self._chats[chat_id]
            return None
        chat.turn = self._next(chat)
        view, step = chat.turn
        if view is not None and plan.wants_typing(view, self.clock()):
            self.typing(view)
        if isinstance(step, plan.Later | plan.Typing):
            self.turns.later(chat_id, step.until if isinstance(step, plan.Later) else inf)
            return None
        if isinstance(step, plan.Done):
            self.turns.drop(chat_id)
            self.done.append(chat)
            return Rank.FINAL
        room = step.room if isinstance(step, plan.Reserve) else 1
        if wait_s := self.limits.chat_wait_s(chat_id, step.rank, room=room):
            self.turns.later(chat_id, self.clock() + wait_s)
            return None
        self.turns.ready(chat_id, step.rank, chat.served)
        return step.rank

    def _next(self, chat: Chat) -> plan.Turn:
        now = self.clock()
        again = chat.files[0] if chat.files and chat.files_at <= now else None
        turn = first_of_chat(chat.views, now, again)
        while isinstance(turn[1], plan.Typing) and turn[0] is not None:
            self.typing(turn[0])
            turn = first_of_chat(chat.views, now, again)
        step = turn[1]
        if chat.files and again is None and isinstance(step, plan.Later) and chat.files_at < step.until:
            return None, plan.Later(until=chat.files_at)
        return turn
