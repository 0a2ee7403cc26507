"""One call, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass

from openclaw_core import logs
from openclaw_core.characters import is_blank
from openclaw_core.chat.delivery import plan, texts
from openclaw_core.chat.delivery.displays import Displays, Sign, Stage
from openclaw_core.chat.delivery.limits import Limits, Permit
from openclaw_core.chat.delivery.reading import Reader
from openclaw_core.chat.delivery.recording import APPLIED_WITHIN_MS, Recorder
from openclaw_core.chat.delivery.view import Put, View, digest
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
from openclaw_core.ports import Messenger
from openclaw_core.records import UNREADABLE
from openclaw_core.tasks.outcome import Delivery

log = logs.get(__name__)

REPLACED_MAX = 2
"""Messages of one display that are sent again after somebody deleted them; previews use one of them at most."""
STRAYS_MAX, STRAYS_IN_ALL = 8, 12
"""Placeholders of unknown fate: after so many the pauses are long, after so many in all the display is given up."""
STRAY_PAUSE_S = 60.0
FAULTS_MAX = 3
CHANGED_PAUSE_S = 0.2
"""Until the change is read that came while all of it was shown."""
FAULT_PAUSE_S = 15.0


@dataclass(kw_only=True)
class Sending:
    """Makes the calls of views. What is known after each is noted in the view and in the store."""

    displays: Displays
    messenger: Messenger
    limits: Limits
    recorder: Recorder
    reader: Reader
    clock: Callable[[], float]
    wall_ms: Callable[[], int]
    chat_gone: Callable[[int], None]
    """Told of a chat that takes nothing any more."""

    async def serve(self, view: View, step: plan.Call, permit: Permit) -> None:
        """Carry out *step*; after reading a text, the call that follows from it. Raises LostOwnership."""
        begun = False
        try:
            following: plan.Step = step
            if isinstance(step, plan.Read):
                await self.reader.read(view)
                following = plan.next_step(view, self.clock())
            if isinstance(following, plan.Reserve | plan.Edit | plan.SendFile):
                begun = True
                await self._call(view, following, permit)
        except StoreFault as exc:  # this row alone
            log.fault("display.fault", exc, display=view.display.id)
            view.pause_until = self.clock() + FAULT_PAUSE_S
        except UNREADABLE as exc:  # a text that nobody can page, or a bug: the others go on
            log.fault("display.fault", exc, display=view.display.id)
            self._faulty(view)
        finally:
            if not begun:
                self.limits.unused(permit)

    async def finish(self, view: View, delivery: Delivery) -> bool:
        """Record that all of it stands or never can. False if there is more to show, or it could not be recorded."""
        display, again_ms = view.display, view.again_ms
        try:
            if not display.delivered:
                if view.in_doubt() and not view.doubt_recorded:
                    await self._doubt(view, view.doubt_ms)
                if not await self.recorder.persist(lambda: self.displays.shown(display.id, display.version, delivery)):
                    view.pause_until = self.clock() + CHANGED_PAUSE_S
                    return False
                log.info("display.shown", display=display.id, stage=display.stage.value, delivery=delivery.value)
            if again_ms:
                await self.recorder.persist(lambda: self.displays.settled(display.id, again_ms))
        except StoreFault as exc:
            log.fault("display.fault", exc, display=display.id)
            view.pause_until = self.clock() + FAULT_PAUSE_S
            return False
        return True

    async def send_again(self, sign: Sign, permit: Permit) -> bool:
        """Send a file that a user asked for again. False if it is to be tried once more."""
        begun = False
        try:
            markdown = await self.recorder.persist(lambda: self.displays.answer(f"t:{sign.task_id}"))
            texts_, files = ((), ()) if is_blank(markdown) else pages(markdown, lang=sign.answer_lang)
            n = sign.part - len(texts_)
            if not 0 <= n < len(files):
                return True
            begun = True
            await self.messenger.send_file(
                sign.chat_id, files[n], thread_id=sign.thread_id, reply_to=sign.message_id or None
            )
            self.limits.passed(permit)
        except LostOwnership:
            raise
        except (StoreFault, *UNREADABLE) as exc:
            log.fault("file.fault", exc)
        except OpenClawError as exc:
            log.info("file.not_sent", error=type(exc).__name__)
            self.limits.ended(permit, exc)
            return not isinstance(exc, FloodWait | MessengerUnauthorized | MessengerUnavailable)
        finally:
            if not begun:
                self.limits.unused(permit)
        return True

    # ---- the three calls

    async def _call(self, view: View, step: plan.Reserve | plan.Edit | plan.SendFile, permit: Permit) -> None:
        try:
            match step:
                case plan.Reserve():
                    await self._reserve(view, step.slot, permit)
                case plan.Edit():
                    await self._edit(view, step, permit)
                case plan.SendFile():
                    await self._send_file(view, step, permit)
        except (LostOwnership, StoreFault, *UNREADABLE):
            self.limits.unclear(permit)
            raise
        except OpenClawError as exc:
            self.limits.ended(permit, exc)
            self._not_done(view, exc)

    async def _edit(self, view: View, step: plan.Edit, permit: Permit) -> None:
        display, slot, message_id, began_ms = view.display, step.slot, view.slots[step.slot], self.wall_ms()
        self.recorder.edit_begins(display.id)
        try:
            await self.messenger.edit(display.chat_id, message_id, step.page, buttons=step.buttons)
        except MarkupRefused as exc:
            if not step.page.entities:
                raise
            log.warning("delivery.markup_refused", display=display.id, slot=slot)
            self.limits.passed(permit)
            texts.refused(view, slot, exc)
        except MessageGone:
            self.limits.passed(permit)
            self._gone(view, slot)
        except (MessengerUnavailable, FateUnknown) as exc:
            log.warning("edit.fate_unknown", display=display.id, slot=slot, error=type(exc).__name__)
            self.limits.unclear(permit)
            view.puts.pop(slot, None)
            self._wait(view, display.stage)
            await self._doubt(view, self.wall_ms() + APPLIED_WITHIN_MS)
        else:
            self.limits.passed(permit)
            view.puts[slot] = Put(digest=digest(step.page, step.buttons), at_ms=began_ms)
            view.went_well()
            if display.stage is Stage.GROWING:
                view.spoke = True
                view.look_at = self.clock() + plan.preview_every_s(display)
        finally:
            self.recorder.edit_ended(display.id)

    async def _reserve(self, view: View, slot: int, permit: Permit) -> None:
        display, began_ms = view.display, self.wall_ms()
        page, buttons = plan.placeholder(view)
        try:
            message_id = await self.messenger.send(
                display.chat_id,
                page,
                thread_id=None if view.bare else display.thread_id,
                reply_to=None if view.bare else display.reply_to,
                buttons=buttons,
            )
        except FateUnknown:
            self.limits.unclear(permit)
            self._stray(view, slot)
            return
        self.limits.passed(permit)
        view.went_well()
        view.slots[slot] = message_id
        view.puts[slot] = Put(digest=digest(page, buttons), at_ms=began_ms)
        gone = view.gone.pop(slot, None)
        view.replaced += gone is not None
        await self.recorder.persist(lambda: self.displays.reserved(display.id, slot, message_id, gone=gone))

    async def _send_file(self, view: View, step: plan.SendFile, permit: Permit) -> None:
        display, part = view.display, step.part
        await self.recorder.persist(lambda: self.displays.part(display.id, part, "sending"))
        try:
            await self.messenger.send_file(
                display.chat_id,
                step.file,
                thread_id=None if view.bare else display.thread_id,
                reply_to=None if view.bare else display.reply_to,
            )
        except (FateUnknown, MessengerRefused) as exc:
            log.warning("file.not_sent", display=display.id, error=type(exc).__name__)
            self.limits.ended(permit, exc)
            view.parts[part] = "sending"  # not repeated: its user may ask for it again
            return
        self.limits.passed(permit)
        view.went_well()
        view.parts[part] = "done"
        await self.recorder.persist(lambda: self.displays.part(display.id, part, "done"))

    # ---- what did not go well

    def _not_done(self, view: View, exc: OpenClawError) -> None:
        """The call was refused, or certainly did not land."""
        stage = view.display.stage
        log.warning("call.not_done", display=view.display.id, stage=stage.value, error=type(exc).__name__)
        match exc:
            case FloodWait() | MessengerUnauthorized():
                pass  # the limits make it wait
            case ChatGone():
                self.chat_gone(view.display.chat_id)
            case MessengerRefused() | MarkupRefused():
                if view.bare:
                    self._give_up(view)
                view.bare = True
            case _:
                self._wait(view, stage)

    def _wait(self, view: View, stage: Stage) -> None:
        view.pause(self.clock())
        if stage is Stage.GROWING:
            view.look_at = self.clock() + plan.preview_every_s(view.display)

    def _gone(self, view: View, slot: int) -> None:
        """The message was deleted: another one takes its place, if that may be."""
        display = view.display
        log.info("message.gone", display=display.id, slot=slot, replaced=view.replaced)
        if view.texts is not None and slot >= len(view.texts.pages):
            del view.slots[slot]  # nothing belonged there any more
            return
        allowed = {Stage.GROWING: REPLACED_MAX - 1, Stage.STOPPED: 0}.get(display.stage, REPLACED_MAX)
        too_late = bool(display.deadline_ms) and self.wall_ms() > display.deadline_ms
        if too_late or view.replaced + len(view.gone) >= allowed:
            self._give_up(view)
            return
        view.gone[slot] = view.slots.pop(slot)
        view.puts.pop(slot, None)

    def _stray(self, view: View, slot: int) -> None:
        """A placeholder may stand there that nobody knows: another one is sent, and the pauses grow."""
        view.strays += 1
        log.warning("reserve.fate_unknown", display=view.display.id, slot=slot, strays=view.strays)
        if view.strays >= STRAYS_IN_ALL:
            self._give_up(view)
        elif view.strays >= STRAYS_MAX:
            view.pause_until = self.clock() + STRAY_PAUSE_S * 2 ** (view.strays - STRAYS_MAX)
        else:
            view.pause(self.clock())

    def _faulty(self, view: View) -> None:
        view.faults += 1
        view.pause_until = self.clock() + FAULT_PAUSE_S
        if view.faults >= FAULTS_MAX:
            self._give_up(view)

    @staticmethod
    def _give_up(view: View) -> None:
        """Nothing more is tried for this stage."""
        if view.display.stage is Stage.GROWING:
            view.muted = True
        else:
            view.ends_as = Delivery.UNDELIVERABLE

    async def _doubt(self, view: View, due_ms: int) -> None:
        view.doubt_ms = max(view.doubt_ms, due_ms)
        await self.recorder.persist(lambda: self.displays.doubt(view.display.id, due_ms=view.doubt_ms))
        view.doubt_recorded = True
