"""Makes a task of a message, or a notice that says why no agent can read it."""

from dataclasses import replace
from typing import Any

from openclaw_brain.inbox.context import UpdateContext
from openclaw_core.records import NoticeKind
from openclaw_core.store.effects import AddNotice, Effect, QueueTask
from openclaw_core.tasks.task import PICTURES_MAX_BYTES, Task, task_id, to_json
from openclaw_core.texts.language import lang_of

FILE_MAX_BYTES = {"voice": 20_000_000, "file": 1_000_000, "document": 20_000_000, "picture": PICTURES_MAX_BYTES}
"""A bot may fetch 20 MB. Of a text that is not read in parts, a model reads a few pages."""
TEXT_MAX_CHARS = 16_000
"""Telegram sends at most 4096 units. The limit protects the store from other servers."""


def ask(context: UpdateContext, *, role: str | None = None) -> list[Effect]:
    """Queue the message as a task for *role*, or for the role that routing chooses."""
    context = _with_long_text(context)
    incoming = context.incoming
    if (attachment := incoming.attachment) is not None:
        if attachment.kind == "voice" and context.english_only:  # the demo model has no transcriber
            if not incoming.text:
                return [unreadable(context, NoticeKind.UNSUPPORTED, what="voice")]
            context = replace(context, incoming=replace(incoming, attachment=None, unseen="voice"))
        elif attachment.kind == "document" and not context.reads_documents:
            if not incoming.text:
                return [unreadable(context, NoticeKind.UNSUPPORTED, role=role, what="file")]
            context = replace(context, incoming=replace(incoming, attachment=None, unseen="file"))
        elif attachment.kind == "picture" and attachment.size_bytes > PICTURES_MAX_BYTES:
            return [unreadable(context, NoticeKind.UNSUPPORTED, role=role, what="large_picture")]
        elif attachment.size_bytes > FILE_MAX_BYTES[attachment.kind]:
            return [
                unreadable(context, NoticeKind.TOO_LARGE, role=role, mb=FILE_MAX_BYTES[attachment.kind] // 1_000_000)
            ]
    task = _task(context, role)
    if context.english_only and lang_of(task.text) == "he":
        return [context.notice(NoticeKind.DEMO_HEBREW)]
    return [QueueTask(**task_fields(context, task))]


def _with_long_text(context: UpdateContext) -> UpdateContext:
    """A text that is too long to be read at once is a document, where some role reads those in parts."""
    attachment = context.incoming.attachment
    if attachment is None or attachment.kind != "file" or attachment.size_bytes <= FILE_MAX_BYTES["file"]:
        return context
    if not context.reads_documents:
        return context
    return replace(context, incoming=replace(context.incoming, attachment=replace(attachment, kind="document")))


def unreadable(context: UpdateContext, kind: NoticeKind, *, role: str | None = None, **args: Any) -> AddNotice:
    """Say that no agent can read this. If the message joins a task, the answer of that task says so instead."""
    incoming = context.incoming
    kind_sent: str = incoming.attachment.kind if incoming.attachment else incoming.kind
    content = {"document": "file", "picture": "photo"}.get(kind_sent, kind_sent)
    seen_as = content if content in ("file", "voice", "photo") else "" if incoming.details else "other"
    without = replace(incoming, attachment=None, unseen=incoming.unseen or seen_as)
    task = replace(
        _task(replace(context, incoming=without), role),
        text=incoming.text[:TEXT_MAX_CHARS],
        quoted="\n\n".join(filter(None, (incoming.details, incoming.quoted))),
    )
    return replace(context.notice(kind, **args), record=to_json(task), message_id=str(task.message_id))


def task_fields(context: UpdateContext, task: Task) -> dict[str, Any]:
    incoming = context.incoming
    return {
        "id": task.id,
        "record": to_json(task),
        "chat": str(task.chat_id),
        "chat_kind": task.chat_kind,
        "lang": task.notices_in,
        "thread": None if task.thread_id is None else str(task.thread_id),
        "message_id": str(task.message_id),
        "reply_to": str(incoming.message_id) if incoming.chat_kind == "group" else None,
        **context.digest,
        "user": str(task.user_id),
        "admitted_ms": str(task.admitted_ms),
    }


def _task(context: UpdateContext, role: str | None) -> Task:
    incoming = context.incoming
    return Task(
        id=task_id(incoming.update_id),
        chat_id=incoming.chat_id,
        chat_kind=incoming.chat_kind,
        user_id=incoming.user_id,
        message_id=incoming.message_id,
        update_id=incoming.update_id,
        lang=context.answer_lang,
        notice_lang=context.lang if context.lang != context.answer_lang else None,
        unseen=incoming.unseen,
        text=(incoming.text or ("" if incoming.attachment else incoming.quoted))[:TEXT_MAX_CHARS],
        quoted=incoming.quoted if incoming.text or incoming.attachment else "",
        attachments=() if incoming.attachment is None else (incoming.attachment,),
        admitted_ms=context.admitted_ms,
        thread_id=incoming.thread_id,
        role=role,
    )
