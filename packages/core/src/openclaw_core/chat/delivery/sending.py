"""Makes one call to the messenger and records its result."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from openclaw_core import logs
from openclaw_core.characters import is_blank
from openclaw_core.chat.delivery import actions, content
from openclaw_core.chat.delivery.display_state import DisplayState, LastEdit, content_digest
from openclaw_core.chat.delivery.displays import Displays, Indicator, Stage
from openclaw_core.chat.delivery.flood_limits import FloodLimits, Permit
from openclaw_core.chat.delivery.recorder import APPLIED_WITHIN_MS, Recorder
from openclaw_core.chat.delivery.text_loader import TextLoader
from openclaw_core.chat.paging import pages
from openclaw_core.errors import (
    ChatGone,
    FateUnknown,
    FloodWait,
    LostOwnership,
    MarkupRefused,
    MessageGone,
    MessengerRefused,
    MessengerUnauthorized,
    MessengerUnavailable,
    OpenClawError,
    StoreFault,
)
from openclaw_core.ports import AnswerFile, Messenger, picture_name
from openclaw_core.records import UNREADABLE
from openclaw_core.tasks.outcome import Delivery

log = logs.get(__name__)

REPLACED_MAX = 2
"""How many deleted messages of one display are sent again; previews use one of these at most."""
LOST_MAX, LOST_IN_ALL = 8, 12
"""Placeholders of unknown fate: after the first number the pauses are long, after the second the display is given up."""
LOST_PAUSE_S = 60.0
FAULTS_MAX = 3
CHANGED_PAUSE_S = 0.2
"""Until a change is read that came while the last call was made."""
FAULT_PAUSE_S = 15.0


@dataclass(kw_only=True)
class Sender:
    """Makes the calls of displays. Each result goes into the display's state and into the store.

    *chat_gone* is called with a chat that takes no more messages.
    """

    displays: Displays
    messenger: Messenger
    limits: FloodLimits
    recorder: Recorder
    text_loader: TextLoader
    clock: Callable[[], float]
    wall_ms: Callable[[], int]
    chat_gone: Callable[[int], None]

    async def serve(self, state: DisplayState, action: actions.Call, permit: Permit) -> None:
        """Make the call of *action*; after `Read`, the call that the text needs. Raises LostOwnership."""
        begun = False
        try:
            following: actions.Action = action
            if isinstance(action, actions.Read):
                await self.text_loader.load(state)
                following = actions.next_action_of(state, self.clock())
            if not isinstance(following, actions.Read | actions.Typing | actions.Later | actions.Done):
                begun = True
                await self._call(state, following, permit)
        except StoreFault as exc:  # this row alone
            log.fault("display.fault", exc, display=state.display.id)
            state.pause_until = self.clock() + FAULT_PAUSE_S
        except UNREADABLE as exc:  # an unreadable text, or a bug: other displays go on
            log.fault("display.fault", exc, display=state.display.id)
            state.faults += 1
            state.pause_until = self.clock() + FAULT_PAUSE_S
            if state.faults >= FAULTS_MAX:
                state.give_up()
        finally:
            if not begun:
                self.limits.give_back(permit)

    async def finish(self, state: DisplayState, delivery: Delivery) -> bool:
        """Record that the display is complete, or never can be. False if there is more to show, or recording failed."""
        display, rewrite_before_ms = state.display, state.rewrite_before_ms
        try:
            if not display.delivered:
                if state.in_doubt() and not state.doubt_recorded:
                    await self._doubt(state, state.doubt_ms)
                if not await self.recorder.persist(lambda: self.displays.shown(display.id, display.version, delivery)):
                    state.pause_until = self.clock() + CHANGED_PAUSE_S
                    return False
                log.info("display.shown", display=display.id, stage=display.stage.value, delivery=delivery.value)
            if rewrite_before_ms:
                await self.recorder.persist(lambda: self.displays.settled(display.id, rewrite_before_ms))
        except StoreFault as exc:
            log.fault("display.fault", exc, display=display.id)
            state.pause_until = self.clock() + FAULT_PAUSE_S
            return False
        return True

    async def send_again(self, indicator: Indicator, permit: Permit) -> bool:
        """Send a file that a user asked for again. False if the send should be tried again."""
        begun = False
        try:
            markdown = await self.recorder.persist(lambda: self.displays.answer(f"t:{indicator.task_id}"))
            pages_, files = ((), ()) if is_blank(markdown) else pages(markdown, lang=indicator.answer_lang)
            n = indicator.part - len(pages_)
            file = files[n] if 0 <= n < len(files) else await self._picture_as_file(indicator.task_id, n - len(files))
            if file is None:
                return True
            begun = True
            await self.messenger.send_file(
                indicator.chat_id, file, thread_id=indicator.thread_id, reply_to=indicator.message_id or None
            )
            self.limits.succeeded(permit)
        except LostOwnership:
            raise
        except (StoreFault, *UNREADABLE) as exc:
            log.fault("file.fault", exc)
        except OpenClawError as exc:
            log.info("file.not_sent", error=type(exc).__name__)
            self.limits.failed(permit, exc)
            return not isinstance(exc, FloodWait | MessengerUnauthorized | MessengerUnavailable)
        finally:
            if not begun:
                self.limits.give_back(permit)
        return True

    async def _picture_as_file(self, task_id: str, n: int) -> AnswerFile | None:
        """A picture that is asked for again. As a file it arrives also where the chat refused it as a picture."""
        picture = await self.recorder.persist(lambda: self.displays.picture(f"t:{task_id}", n)) if n >= 0 else None
        return None if picture is None else AnswerFile(name=picture_name(picture), content=picture)

    # ---- the calls

    async def _call(
        self,
        state: DisplayState,
        action: actions.Reserve | actions.Edit | actions.SendFile | actions.SendPicture,
        permit: Permit,
    ) -> None:
        try:
            match action:
                case actions.Reserve():
                    await self._reserve(state, action.slot, permit)
                case actions.Edit():
                    await self._edit(state, action, permit)
                case actions.SendFile():
                    await self._send_once(
                        state, action.part, partial(self.messenger.send_file, file=action.file), permit
                    )
                case actions.SendPicture():
                    await self._send_picture(state, action, permit)
        except (LostOwnership, StoreFault, *UNREADABLE):
            self.limits.unanswered(permit)
            raise
        except OpenClawError as exc:
            self.limits.failed(permit, exc)
            self._not_done(state, exc)

    async def _edit(self, state: DisplayState, action: actions.Edit, permit: Permit) -> None:
        display, slot, message_id, began_ms = state.display, action.slot, state.slots[action.slot], self.wall_ms()
        self.recorder.edit_began(display.id)
        try:
            await self.messenger.edit(display.chat_id, message_id, action.page, buttons=action.buttons)
        except MarkupRefused as exc:
            if not action.page.entities:
                raise
            log.warning("delivery.markup_refused", display=display.id, slot=slot)
            self.limits.succeeded(permit)
            content.drop_refused(state, slot, exc)
        except MessageGone:
            self.limits.succeeded(permit)
            self._gone(state, slot)
        except (MessengerUnavailable, FateUnknown) as exc:
            log.warning("edit.fate_unknown", display=display.id, slot=slot, error=type(exc).__name__)
            self.limits.unanswered(permit)
            state.last_edits.pop(slot, None)
            self._wait(state, display.stage)
            await self._doubt(state, self.wall_ms() + APPLIED_WITHIN_MS)
        else:
            self.limits.succeeded(permit)
            state.last_edits[slot] = LastEdit(digest=content_digest(action.page, action.buttons), at_ms=began_ms)
            state.reset_pause()
            if display.stage is Stage.GROWING:
                state.has_text = state.has_text or state.content is None or not state.content.is_status
                state.preview_after = self.clock() + actions.preview_every_s(display)
        finally:
            self.recorder.edit_ended(display.id)

    async def _reserve(self, state: DisplayState, slot: int, permit: Permit) -> None:
        display, began_ms = state.display, self.wall_ms()
        page, buttons = actions.placeholder(state)
        try:
            message_id = await self.messenger.send(
                display.chat_id,
                page,
                thread_id=None if state.minimal else display.thread_id,
                reply_to=None if state.minimal else display.reply_to,
                buttons=buttons,
            )
        except FateUnknown:
            self.limits.unanswered(permit)
            self._placeholder_lost(state, slot)
            return
        self.limits.succeeded(permit)
        state.reset_pause()
        state.slots[slot] = message_id
        state.last_edits[slot] = LastEdit(digest=content_digest(page, buttons), at_ms=began_ms)
        gone = state.gone.pop(slot, None)
        state.replaced += gone is not None
        await self.recorder.persist(lambda: self.displays.reserved(display.id, slot, message_id, gone=gone))

    async def _send_picture(self, state: DisplayState, action: actions.SendPicture, permit: Permit) -> None:
        display, part = state.display, action.part
        picture = await self.recorder.persist(lambda: self.displays.picture(display.id, action.n))
        if picture is None:
            log.warning("picture.gone", display=display.id)
            self.limits.give_back(permit)
            state.parts[part] = "done"
            return
        await self._send_once(state, part, partial(self.messenger.send_picture, picture=picture), permit)

    async def _send_once(
        self, state: DisplayState, part: int, send: Callable[..., Awaitable[int]], permit: Permit
    ) -> None:
        """Make the call *send* of a file or a picture. It is not repeated once it may have arrived."""
        display = state.display
        await self.recorder.persist(lambda: self.displays.part(display.id, part, "sending"))
        try:
            await send(
                display.chat_id,
                thread_id=None if state.minimal else display.thread_id,
                reply_to=None if state.minimal else display.reply_to,
            )
        except (FateUnknown, MessengerRefused) as exc:
            log.warning("file.not_sent", display=display.id, error=type(exc).__name__)
            self.limits.failed(permit, exc)
            state.parts[part] = "sending"  # not repeated: its user may ask for it again
            return
        self.limits.succeeded(permit)
        state.reset_pause()
        state.parts[part] = "done"
        await self.recorder.persist(lambda: self.displays.part(display.id, part, "done"))

    # ---- failures

    def _not_done(self, state: DisplayState, exc: OpenClawError) -> None:
        """Handle a call that was refused, or that certainly had no effect."""
        stage = state.display.stage
        log.warning("call.not_done", display=state.display.id, stage=stage.value, error=type(exc).__name__)
        match exc:
            case FloodWait() | MessengerUnauthorized():
                pass  # the flood limits delay the next call
            case ChatGone():
                self.chat_gone(state.display.chat_id)
            case MessengerRefused() | MarkupRefused():
                if state.minimal:
                    state.give_up()
                state.minimal = True
            case _:
                self._wait(state, stage)

    def _wait(self, state: DisplayState, stage: Stage) -> None:
        state.pause(self.clock())
        if stage is Stage.GROWING:
            state.preview_after = self.clock() + actions.preview_every_s(state.display)

    def _gone(self, state: DisplayState, slot: int) -> None:
        """The message was deleted: replace it, within the limit."""
        display = state.display
        log.info("message.gone", display=display.id, slot=slot, replaced=state.replaced)
        if state.content is not None and slot >= len(state.content.pages):
            del state.slots[slot]  # the content has fewer pages now
            return
        allowed = {Stage.GROWING: REPLACED_MAX - 1, Stage.STOPPED: 0}.get(display.stage, REPLACED_MAX)
        too_late = bool(display.deadline_ms) and self.wall_ms() > display.deadline_ms
        if too_late or state.replaced + len(state.gone) >= allowed:
            state.give_up()
            return
        state.gone[slot] = state.slots.pop(slot)
        state.last_edits.pop(slot, None)

    def _placeholder_lost(self, state: DisplayState, slot: int) -> None:
        """A placeholder may or may not have been sent: send another one, after pauses that grow."""
        state.lost += 1
        log.warning("reserve.fate_unknown", display=state.display.id, slot=slot, lost=state.lost)
        if state.lost >= LOST_IN_ALL:
            state.give_up()
        elif state.lost >= LOST_MAX:
            state.pause_until = self.clock() + LOST_PAUSE_S * 2 ** (state.lost - LOST_MAX)
        else:
            state.pause(self.clock())

    async def _doubt(self, state: DisplayState, due_ms: int) -> None:
        state.doubt_ms = max(state.doubt_ms, due_ms)
        await self.recorder.persist(lambda: self.displays.doubt(state.display.id, due_ms=state.doubt_ms))
        state.doubt_recorded = True
