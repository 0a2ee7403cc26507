"""Decides what an update changes: its effects. Calls no model and sends nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from openclaw_brain.inbox.access import Access, refuse
from openclaw_brain.inbox.commands import press_button, run_command
from openclaw_brain.inbox.context import ChatFacts, UpdateContext
from openclaw_brain.inbox.corrections import note_correction
from openclaw_brain.inbox.forget_command import forget_without_access
from openclaw_brain.inbox.new_task import ask, unreadable
from openclaw_brain.inbox.pairing import ask_pairing, new_code
from openclaw_brain.telegram.incoming import Incoming
from openclaw_core.records import NoticeKind
from openclaw_core.roles.values import Roles
from openclaw_core.store.effects import EditMessage, Effect, MoveChat
from openclaw_core.texts.language import LANGS, lang_of, notice_lang


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The rules of this bot: roles, access, whether the model understands English only, and whether some model sees pictures."""

    roles: Roles
    access: Access
    english_only: bool = False
    sees_pictures: bool = False
    new_code: Callable[[], str] = new_code
    """Gives the code of a newcomer."""

    def effects(self, incoming: Incoming, state: ChatFacts, *, admitted_ms: int) -> list[Effect]:
        """Return what handling *incoming* changes. Effects are keyed by the update, so repeating them is harmless."""
        if incoming.kind == "migrated":
            return [MoveChat(old=str(incoming.chat_id), new=str(incoming.migrated_to))]
        if incoming.kind == "ignored":
            return []
        if incoming.attachment and incoming.attachment.kind == "picture" and not self.sees_pictures:
            incoming = replace(incoming, attachment=None, unseen=incoming.unseen or "photo")
        chosen = next((lang for lang in LANGS if lang == state.settings.get("lang")), None)
        code = incoming.language_code
        text = incoming.text if incoming.prose is None else incoming.prose
        context = UpdateContext(
            incoming=incoming, state=state, roles=self.roles, english_only=self.english_only, admitted_ms=admitted_ms,
            lang=notice_lang(text, stored=chosen, language_code=code), answer_lang=lang_of(text, stored=chosen, language_code=code),
            owners=self.access.owners,
        )  # fmt: skip
        if not self.access.admits(incoming, state.access):
            if forget := forget_without_access(context):
                return forget
            if self.access.pairs(incoming, state.access):
                return ask_pairing(context, self.new_code())
            return refuse(context)
        if incoming.kind == "button":
            return press_button(context)
        if incoming.kind == "edited":
            # The store compares digests: these effects count if the text is new and the message has no task yet.
            now = replace(context, incoming=replace(incoming, kind=incoming.edited_kind))
            fresh = _message_effects(now)
            edited = EditMessage(**context.notice_fields("edited"), message_id=str(incoming.message_id), fresh=fresh)
            return [edited] if fresh else []
        return [*note_correction(context), *_message_effects(context)]


def _message_effects(context: UpdateContext) -> list[Effect]:
    incoming = context.incoming
    if incoming.kind == "command":
        return run_command(context)
    if incoming.kind == "joined":
        return [context.notice(NoticeKind.START)]
    if incoming.text or incoming.attachment or (incoming.kind == "text" and incoming.quoted):
        return ask(context)
    if incoming.kind == "text":  # the name of the bot alone
        unsupported = context.notice(NoticeKind.UNSUPPORTED, what=incoming.unseen)
        return [unsupported if incoming.unseen else context.notice(NoticeKind.HELP)]
    return [unreadable(context, NoticeKind.UNSUPPORTED, what=incoming.kind)]
