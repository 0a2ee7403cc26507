"""The open displays by chat, and the next action of each chat: one call at a time."""

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf

from openclaw_core.chat.delivery import actions
from openclaw_core.chat.delivery.chat_queue import ChatQueue
from openclaw_core.chat.delivery.display_state import DisplayState
from openclaw_core.chat.delivery.displays import Display, Indicator
from openclaw_core.chat.delivery.flood_limits import FloodLimits, Rank
from openclaw_core.chat.delivery.priority import first_action

EARLY_MAX = 1000
IDLE: actions.NextAction = (None, actions.Later(until=inf))


@dataclass(slots=True, kw_only=True)
class ChatState:
    """The open displays of a chat in their order, files to send again, and its next action."""

    id: int
    served_at: float
    """When its last call began, or when the chat was first seen."""
    states: list[DisplayState] = field(default_factory=list)
    files: deque[Indicator] = field(default_factory=deque)
    file_tries: int = 0
    files_at: float = 0.0
    busy: bool = False
    next_action: actions.NextAction = IDLE


@dataclass(kw_only=True)
class OpenChats:
    """*typing* is called with each display that should show 'typing'."""

    limits: FloodLimits
    clock: Callable[[], float]
    typing: Callable[[DisplayState], None]
    queue: ChatQueue = field(default_factory=ChatQueue)
    done: deque[ChatState] = field(default_factory=deque)
    """Chats with a display that is complete: recording it needs no call."""
    _states: dict[str, DisplayState] = field(default_factory=dict)
    _chats: dict[int, ChatState] = field(default_factory=dict)
    _grew_before: set[str] = field(default_factory=set)
    """Running tasks whose text grew before their displays were read."""

    def __iter__(self) -> Iterator[DisplayState]:
        return iter(self._states.values())

    def chat(self, chat_id: int) -> ChatState:
        if chat_id not in self._chats:
            self._chats[chat_id] = ChatState(id=chat_id, served_at=self.clock())
        return self._chats[chat_id]

    def open(self, display: Display) -> DisplayState:
        """Return the state of *display*, updated with its changes."""
        state = self._states.get(display.id)
        if state is None:
            state = self._states[display.id] = DisplayState.of(display)
            state.stale = display.id in self._grew_before
            self._grew_before.discard(display.id)
            self._place(state)
        # The new version can be smaller: Redis may have lost its count of changes.
        elif not display.delivered and display.version != state.display.version:
            moved = display.chat_id != state.display.chat_id  # a group became a supergroup
            if moved:
                self.chat(state.display.chat_id).states.remove(state)
            state.update(display)
            if moved:
                self._place(state)
        return state

    def _place(self, state: DisplayState) -> None:
        states = self.chat(state.display.chat_id).states
        insort(states, state, key=lambda other: (other.display.order, other.display.id))

    def grew(self, display_id: str) -> DisplayState | None:
        """Note new text of a running task. Returns its state; None if the text was known already, or the display is not open."""
        state = self._states.get(display_id)
        if state is None:
            self._grew_before.add(display_id)
            if len(self._grew_before) > EARLY_MAX:
                self._grew_before.clear()
        elif not state.stale:
            state.stale = True
            return state
        return None

    def close(self, state: DisplayState) -> None:
        """Forget a display that is complete."""
        if self._states.pop(state.display.id, None) is not None:
            self.chat(state.display.chat_id).states.remove(state)

    def give_up(self, chat_id: int) -> None:
        """The chat takes no more messages: end its displays."""
        for state in self.chat(chat_id).states:
            state.give_up()

    def refresh(self, chat_id: int) -> Rank | None:
        """Find the chat's next action and queue it. Returns its rank if the chat's own limit allows it now."""
        chat = self._chats.get(chat_id)
        if chat is None or chat.busy:
            return None
        if not chat.states and not chat.files:
            self.queue.drop(chat_id)
            del self._chats[chat_id]
            return None
        chat.next_action = self._next(chat)
        state, action = chat.next_action
        if state is not None and actions.wants_typing(state, self.clock()):
            self.typing(state)
        if isinstance(action, actions.Later | actions.Typing):
            self.queue.later(chat_id, action.until if isinstance(action, actions.Later) else inf)
            return None
        if isinstance(action, actions.Done):
            self.queue.drop(chat_id)
            self.done.append(chat)
            return Rank.FINAL
        room = action.room if isinstance(action, actions.Reserve) else 1
        if wait_s := self.limits.chat_wait_s(chat_id, action.rank, room=room):
            self.queue.later(chat_id, self.clock() + wait_s)
            return None
        self.queue.ready(chat_id, action.rank, chat.served_at)
        return action.rank

    def _next(self, chat: ChatState) -> actions.NextAction:
        now = self.clock()
        again = chat.files[0] if chat.files and chat.files_at <= now else None
        next_action = first_action(chat.states, now, again)
        while isinstance(next_action[1], actions.Typing) and next_action[0] is not None:
            self.typing(next_action[0])
            next_action = first_action(chat.states, now, again)
        action = next_action[1]
        if chat.files and again is None and isinstance(action, actions.Later) and chat.files_at < action.until:
            return None, actions.Later(until=chat.files_at)
        return next_action
