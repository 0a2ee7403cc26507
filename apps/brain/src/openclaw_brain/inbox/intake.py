"""The use case of an update: who wrote, what is wanted, and the effects that handling it has. It calls no model."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_brain.inbox.saying import Effect, Saying, heard, lang_from, saying, where
from openclaw_brain.telegram.incoming import Incoming
from openclaw_core.roles.values import Roles
from openclaw_core.tasks.task import Task, retry_id, task_id, to_json
from openclaw_core.texts import wording
from openclaw_core.texts.language import lang_of
from openclaw_core.texts.wording import Say

_COMMANDS = frozenset({"start", "help", "new", "stop", "status", "retry", "lang"})
_STOP_TOASTS = {"stopped": Say.STOP_HEARD, "late": Say.STOP_TOO_LATE, "not_yours": Say.NOT_YOURS, "old": Say.BUTTON_OLD}
FILE_MAX_BYTES = {"voice": 20_000_000, "file": 1_000_000}
"""A bot may fetch 20 MB; of a text, a model reads a few pages."""
REFUSED_AGAIN_S = 24 * 3600
"""A stranger is told once in this time."""
TEXT_MAX_CHARS = 16_000
"""Longer messages cannot come from Telegram (4096 units); the bound protects the store from other servers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may use the bot; *users* None means every person, and whoever writes as a group or a channel.

    In the list, a group or a channel stands by its own id. A bot is answered only if it is listed, and only its commands.
    """

    users: frozenset[int] | None
    bots: frozenset[int] = frozenset()

    def admits(self, incoming: Incoming) -> bool:
        if incoming.user_is_bot:
            # Commands name us, replies do not: two bots that listed each other would answer their answers for ever.
            return incoming.user_id in self.bots and incoming.kind == "command"
        return self.users is None or incoming.user_id in self.users


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store knows that handling needs: the chat's settings, a task that is asked for again, what runs and waits."""

    chat: Mapping[str, str] = field(default_factory=dict)
    old_task: Task | None = None
    status: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The rules of this bot: roles, access, and whether the model understands English only."""

    roles: Roles
    access: Access
    english_only: bool = False

    def effects(self, incoming: Incoming, known: Known, *, admitted_ms: int) -> list[Effect]:
        """What handling *incoming* changes. Each effect is keyed by the update, so that a repeat is harmless."""
        if incoming.kind == "migrated":
            return [{"op": "move", "from": str(incoming.chat_id), "to": str(incoming.migrated_to)}]
        if incoming.kind == "ignored":
            return []
        say = saying(incoming, known.chat)
        if not self.access.admits(incoming):
            return self._refuse(incoming, say)
        if incoming.kind == "button":
            return self._button(incoming, known, say, admitted_ms)
        if incoming.kind == "edited":
            # Only the store knows the words from before: what the new ones ask for is done if they are new and nothing was asked for yet.
            fresh = self._wanted(replace(incoming, kind=incoming.becomes), known, say, admitted_ms)
            edited = {"op": "edited", **say.to("edited"), "message_id": str(incoming.message_id), "fresh": fresh}
            return [edited] if fresh else []
        return self._wanted(incoming, known, say, admitted_ms)

    def _wanted(self, incoming: Incoming, known: Known, say: Saying, admitted_ms: int) -> list[Effect]:
        if incoming.kind == "command":
            return self._command(incoming, known, say, admitted_ms)
        if incoming.kind == "joined":
            return [say.notice("start")]
        if incoming.text or incoming.material or (incoming.kind == "text" and incoming.quoted):
            return self._ask(incoming, say, role=None, admitted_ms=admitted_ms)
        if incoming.kind == "text":  # our name alone
            return [say.notice("unsupported", what=incoming.unseen) if incoming.unseen else say.notice("help")]
        return [self._unread(incoming, say, "unsupported", admitted_ms, what=incoming.kind)]

    def _refuse(self, incoming: Incoming, say: Saying) -> list[Effect]:
        if (
            incoming.user_is_bot
            or incoming.kind == "edited"
            or (incoming.chat_kind == "group" and incoming.kind == "joined")
        ):
            return []  # two bots that refuse each other would never stop
        if incoming.kind == "command" and not self._is_ours(incoming):
            return []
        if incoming.kind == "button":
            return [say.toast(Say.NO_MORE_ACCESS)]
        refusal = say.notice("refused", user_id=str(incoming.user_id))
        return [{**refusal, "once": f"refused:{incoming.user_id}", "once_s": REFUSED_AGAIN_S}]

    def _is_ours(self, incoming: Incoming) -> bool:
        """Whether a command is for this bot: in a group, one that names nobody may be any bot's, so we have to know it."""
        roles = {role.command for role in self.roles.roles.values()}
        return incoming.chat_kind == "private" or incoming.names_us or incoming.command in roles | _COMMANDS

    def _command(self, incoming: Incoming, known: Known, say: Saying, admitted_ms: int) -> list[Effect]:
        if not self._is_ours(incoming):
            return []
        for role in self.roles.roles.values():
            if incoming.command == role.command:
                if incoming.text or incoming.quoted or incoming.material:
                    return self._ask(incoming, say, role=role.name, admitted_ms=admitted_ms)
                if incoming.unseen:
                    what = incoming.unseen
                    return [self._unread(incoming, say, "unsupported", admitted_ms, role=role.name, what=what)]
                return self._choose(role.name, incoming, say)
        match incoming.command:
            case "start" | "help":
                return [say.notice(incoming.command)]
            case "new":
                return [{"op": "forget", **where(incoming)}, say.notice("new")]
            case "stop":
                return [{"op": "stop", **say.to("stopped"), "update": str(incoming.update_id)}]
            case "status":
                return [say.notice("status", **known.status)]
            case "retry":
                return self._retry(incoming, known.old_task, say, admitted_ms)
            case "lang":
                return self._lang(incoming.text.strip().lower(), incoming, say)
        return [say.notice("unknown_command")]

    def _button(self, incoming: Incoming, known: Known, say: Saying, admitted_ms: int) -> list[Effect]:
        done = say.toast()
        action, _, rest = incoming.button_data.partition(":")
        if action == "stop" and rest:
            # Told by the message itself, which is marked as stopped; the store alone knows which of these words fits.
            toasts = {name: wording.say(what, say.lang) for name, what in _STOP_TOASTS.items()}
            by = str(incoming.user_id) if incoming.chat_kind == "group" else None
            return [
                {
                    "op": "stop",
                    **say.to("stopped"),
                    "task": rest,
                    "button": incoming.button_id,
                    "toasts": toasts,
                    "by": by,
                }
            ]
        if action == "retry" and rest:
            if not _may_press(incoming, known.old_task):
                return [say.toast(Say.NOT_YOURS)]
            return [*self._retry(incoming, known.old_task, say, admitted_ms), done]
        if action == "lang":
            return [*self._lang(rest, incoming, say), done]
        if action == "file" and rest:
            task, _, part = rest.rpartition(":")
            return [
                {"op": "file", **say.to("file_gone"), "task": task, "part": part},
                done,
            ]
        if action == "role" and rest in self.roles.roles:
            return [*self._choose(rest, incoming, say), done]
        return [say.toast(Say.BUTTON_OLD)]

    @staticmethod
    def _choose(role: str, incoming: Incoming, say: Saying) -> list[Effect]:
        return [{"op": "choose", **where(incoming), "role": role}, say.notice("role_chosen", role=role)]

    def _lang(self, named: str, incoming: Incoming, say: Saying) -> list[Effect]:
        chosen = {"he": "he", "hebrew": "he", "עברית": "he", "en": "en", "english": "en", "אנגלית": "en"}.get(named)
        if chosen is None:
            return [say.notice("lang_menu")]
        chosen_say = replace(say, lang=lang_from(chosen) or "en")
        return [{"op": "lang", "chat": str(incoming.chat_id), "lang": chosen}, chosen_say.notice("lang_set")]

    def _retry(self, incoming: Incoming, old: Task | None, say: Saying, admitted_ms: int) -> list[Effect]:
        if old is None or old.chat_id != incoming.chat_id:
            return [say.notice("retry_nothing")]
        again = replace(
            old, id=retry_id(old.id), retry_of=old.id, admitted_ms=admitted_ms, order=None, update_id=incoming.update_id
        )
        effect = self._task_effect(again, incoming)
        return [
            {
                **effect,
                "op": "retry",
                "task": old.id,
                **{name: value for name, value in say.to("retry").items() if name not in effect},
            }
        ]

    def _ask(self, incoming: Incoming, say: Saying, *, role: str | None, admitted_ms: int) -> list[Effect]:
        if (material := incoming.material) is not None:
            if material.kind == "voice" and self.english_only:  # the demo model has no ears
                if not incoming.text:
                    return [self._unread(incoming, say, "unsupported", admitted_ms, what="voice")]
                incoming = replace(incoming, material=None, unseen="voice")
            elif material.size_bytes > FILE_MAX_BYTES[material.kind]:
                mb = FILE_MAX_BYTES[material.kind] // 1_000_000
                return [self._unread(incoming, say, "too_large", admitted_ms, role=role, mb=mb)]
        task = self._task(incoming, say, role, admitted_ms)
        if self.english_only and lang_of(task.text) == "he":
            return [say.notice("demo_hebrew")]
        return [self._task_effect(task, incoming)]

    def _unread(
        self, incoming: Incoming, say: Saying, kind: str, admitted_ms: int, *, role: str | None = None, **args: Any
    ) -> Effect:
        """The notice of what cannot be read, with what it would be in a task: as part of an act it is told in the answer instead."""
        kind_of_material = incoming.material.kind if incoming.material else incoming.kind
        seen_as = kind_of_material if kind_of_material in ("file", "voice") else "" if incoming.said else "other"
        unseen = incoming.unseen or seen_as
        quoted = "\n\n".join(filter(None, (incoming.said, incoming.quoted)))
        task = replace(
            self._task(replace(incoming, material=None, unseen=unseen), say, role, admitted_ms),
            text=incoming.text[:TEXT_MAX_CHARS],
            quoted=quoted,
        )
        return {**say.notice(kind, **args), "record": to_json(task), "message_id": str(task.message_id)}

    def _task(self, incoming: Incoming, say: Saying, role: str | None, admitted_ms: int) -> Task:
        return Task(
            id=task_id(incoming.update_id),
            chat_id=incoming.chat_id,
            chat_kind=incoming.chat_kind,
            user_id=incoming.user_id,
            message_id=incoming.message_id,
            update_id=incoming.update_id,
            lang=say.answer_lang,
            notice_lang=say.lang if say.lang != say.answer_lang else None,
            unseen=incoming.unseen,
            text=(incoming.text or ("" if incoming.material else incoming.quoted))[:TEXT_MAX_CHARS],
            quoted=incoming.quoted if incoming.text or incoming.material else "",
            materials=() if incoming.material is None else (incoming.material,),
            admitted_ms=admitted_ms,
            thread_id=incoming.thread_id,
            role=role,
        )

    @staticmethod
    def _task_effect(task: Task, incoming: Incoming) -> dict[str, Any]:
        return {
            "op": "task",
            "id": task.id,
            "record": to_json(task),
            "chat": str(task.chat_id),
            "chat_kind": task.chat_kind,
            "lang": task.notices_in,
            "thread": None if task.thread_id is None else str(task.thread_id),
            "message_id": str(task.message_id),
            "reply_to": str(incoming.message_id) if incoming.chat_kind == "group" else None,
            **heard(incoming),
            "user": str(task.user_id),
            "admitted_ms": str(task.admitted_ms),
        }


def _may_press(incoming: Incoming, task: Task | None) -> bool:
    """Whether a button of *task* is this person's. Who asked as a group or a channel cannot be told from others when they press."""
    return incoming.chat_kind == "private" or task is None or task.user_id < 0 or task.user_id == incoming.user_id
