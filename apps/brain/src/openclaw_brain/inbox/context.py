"""One update with all that decides its effects, and the notices and toasts that answer it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openclaw_brain.telegram.incoming import Incoming
from openclaw_core.ports import Lang
from openclaw_core.records import NoticeKind
from openclaw_core.roles.values import READ_DOCUMENT, Roles
from openclaw_core.store.access import AccessEntry
from openclaw_core.store.effects import AddNotice, AnswerButton, Effect
from openclaw_core.tasks.conversation import conversation_key
from openclaw_core.tasks.task import Task
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence

ABOUT_A_PERSON = frozenset({NoticeKind.USAGE, NoticeKind.FORGET_ASK})
"""Notices about who asked: in a group each person gets one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFacts:
    """What the store holds about a chat and its sender: settings, the task that is to run again, the figures of
    /status, /usage and /why, access.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    old_task: Task | None = None
    status: Mapping[str, Any] = field(default_factory=dict)
    access: Mapping[int, AccessEntry] = field(default_factory=dict)
    """What owners decided about the sender and the chat, by id."""
    pairing_digest: str = field(default="", repr=False)
    """Of the request that a button is about."""
    access_rows: Sequence[Sequence[str]] = ()
    """For /access: subject, right, by whom, Unix time in ms."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    why: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of `texts.why.why_reply`; empty where there is no answer to tell of."""
    canaries: Sequence[Mapping[str, Any]] = ()
    """For /canary: the arguments of `texts.canaries.canary_reply`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateContext:
    """*english_only*: the model understands no other language."""

    incoming: Incoming
    state: ChatFacts
    roles: Roles
    english_only: bool
    admitted_ms: int
    lang: Lang
    """Of notices and toasts. The chat may have chosen it."""
    answer_lang: Lang
    owners: frozenset[int] = frozenset()
    """Who decides about access."""

    @property
    def place(self) -> dict[str, Any]:
        """The chat, and the topic in it if there is one."""
        thread_id = self.incoming.thread_id
        return {"chat": str(self.incoming.chat_id), "thread": None if thread_id is None else str(thread_id)}

    @property
    def by_owner(self) -> bool:
        return self.incoming.user_id in self.owners

    @property
    def reads_documents(self) -> bool:
        """Whether some role reads documents. The demo model can call no tool."""
        return not self.english_only and any(READ_DOCUMENT in role.functions for role in self.roles.roles.values())

    @property
    def digest(self) -> dict[str, str]:
        """What the store compares with an edit of this message."""
        if not self.incoming.content_digest:
            return {}
        return {"heard_of": str(self.incoming.message_id), "heard": self.incoming.content_digest}

    def notice_fields(self, kind: str) -> dict[str, Any]:
        """Where and how a notice is shown, should the store decide to show it. It replaces a waiting one of the same *kind*, and of the
        same person where it is about one."""
        replies = self.incoming.chat_kind == "group" and self.incoming.kind != "button"
        in_group = self.incoming.chat_kind == "group"
        of_person = f":{self.incoming.user_id}" if in_group and kind in ABOUT_A_PERSON else ""
        return {
            "key": f"{kind}:{conversation_key(self.incoming.chat_id, self.incoming.thread_id)}{of_person}",
            **self.place,
            "lang": self.lang,
            "reply_to": str(self.incoming.message_id) if replies else None,
            **self.digest,
        }

    def notice(self, kind: NoticeKind, **args: Any) -> AddNotice:
        return AddNotice(kind=kind, args=args, **self.notice_fields(kind))

    def toast(self, what: Sentence | None = None) -> Effect:
        """End the spinner of a button, with a text if the button did nothing."""
        text = "" if what is None else wording.sentence(what, self.lang)
        return AnswerButton(chat=str(self.incoming.chat_id), id=self.incoming.button_id, text=text)
