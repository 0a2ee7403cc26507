"""Turns attachments into text: a recording is transcribed, a text file is decoded, a document is opened by the sealed runner.

A picture stays one: it is kept for a model that sees.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from openclaw_agent.attachments.files import Files, NoFile
from openclaw_agent.attachments.pictures import SentPictures
from openclaw_agent.prompt import LEAST_CUT_TOKENS, cut
from openclaw_core import logs
from openclaw_core.models.fallback import RECORDING, Attempt, Attempts, NoReply, first_reply
from openclaw_core.ports import Transcriber
from openclaw_core.tasks.conversation import estimate_tokens
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Attachment, Task
from openclaw_core.tasks.user_turn import attachment_label, excerpt

if TYPE_CHECKING:  # a role that reads no documents does not load them
    from openclaw_agent.tools.documents.opened_documents import OpenedDocuments

log = logs.get(__name__)
TRANSCRIBE_S = 60.0
NAME_TOKENS = 30
"""For the name of a file, which has at most 80 characters, and the marks around it."""
ENCODINGS = ("utf-8-sig", "cp1255")
"""Older Hebrew programs on Windows write cp1255. It decodes almost any byte, so it comes last."""


class UnreadableAttachment(Exception):
    """An attachment cannot be turned into text, because of *cause*."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentReader:
    """Fetches the files of a task. A recording goes to the first of *voice_models* that is served."""

    files: Files
    transcriber: Transcriber
    voice_models: Sequence[str]
    sleep: Callable[[float], Awaitable[None]] = field(repr=False)

    async def fetch(self, index: int, attachment: Attachment) -> bytes:
        """The content of *attachment*, the task's attachment at *index*. Raises UnreadableAttachment."""
        try:
            return await self.files.content(index)
        except NoFile as exc:
            log.warning("attachment.not_fetched", kind=attachment.kind, reason=str(exc))
            raise UnreadableAttachment(Cause.FILE_UNREADABLE) from None

    async def read(self, index: int, attachment: Attachment) -> str:
        """The text of *attachment*, the task's attachment at *index*; never empty. Raises UnreadableAttachment."""
        return await self.text_of(await self.fetch(index, attachment), attachment)

    async def text_of(self, content: bytes, attachment: Attachment) -> str:
        """The text of *attachment*, a recording or a text file; never empty. Raises UnreadableAttachment."""
        if attachment.kind == "file":
            return decoded(content)
        transcript = await self._transcribe(content, attachment.name)
        if not transcript:
            raise UnreadableAttachment(Cause.VOICE_UNCLEAR)
        return transcript

    async def _transcribe(self, recording: bytes, name: str) -> str:
        """The transcript of *recording*. Raises UnreadableAttachment."""

        def ask(attempt: Attempt) -> Awaitable[str]:
            return self.transcriber.transcribe(recording, name=name, model=attempt.model, timeout_s=TRANSCRIBE_S)

        try:
            return await first_reply(Attempts(models=self.voice_models, limits=RECORDING), ask, sleep=self.sleep)
        except NoReply as exc:
            refused = exc.cause in (Cause.TOO_LONG, Cause.REFUSED)
            raise UnreadableAttachment(Cause.FILE_UNREADABLE if refused else exc.cause) from None


async def with_attachments(
    task: Task,
    reader: AttachmentReader,
    *,
    max_tokens: int,
    documents: "OpenedDocuments | None" = None,
    pictures: SentPictures | None = None,
) -> tuple[Task, str]:
    """*task* with the text of its attachments, and the text of its turn in the chat's memory.

    A recording is the question itself, unless it was forwarded with words of the user's own. Files and forwarded recordings are
    quoted. Several of them get an equal share of *max_tokens*, so that one cannot push out the others. If some cannot be read,
    the model is told so. Raises UnreadableAttachment if none can be read.

    *documents* None: the role reads none. Else documents, and text files that are longer than their share, are added to
    it, and the model is given a list of them. A short document is quoted whole.

    *pictures* None: no model of the role sees, and the task says so. Else pictures are added to it.
    """
    asked, quoted, turn, fault = [], [], [task.text], None
    if pictures is None and any(one.kind == "picture" for one in task.attachments):
        task = replace(task, unseen=task.unseen or "photo")
    left = max_tokens - estimate_tokens(task.text) - estimate_tokens(task.quoted)
    share = max(LEAST_CUT_TOKENS, left // len(task.attachments) - NAME_TOKENS)
    for index, attachment in enumerate(task.attachments):
        if attachment.kind == "picture" and (pictures is None or pictures.is_full):
            if pictures is not None:
                pictures.left_out += 1
            elif not (task.text or task.quoted):
                fault = fault or UnreadableAttachment(Cause.FILE_UNSUPPORTED)
            continue
        try:
            text = await _text(index, attachment, reader, documents, pictures, share)
        except UnreadableAttachment as exc:
            fault = fault or exc
            if documents is None or attachment.kind != "document":  # those are in the list
                quoted.append(f"{attachment.name or 'A picture'}\n[It could not be read.]")
            continue
        if text is None:
            turn.append(attachment_label(attachment))
            continue
        if attachment.kind == "voice" and task.forwarded != "some":
            asked.append(text)
        else:
            quoted.append(f"{attachment.name}\n{text if len(task.attachments) == 1 else cut(text, share)}")
            turn.append(f"{attachment_label(attachment)}\n{excerpt(text, share=len(task.attachments))}")
    if fault and len(turn) == 1 and not asked:
        raise fault
    if documents is not None and documents.all:
        quoted.insert(0, documents.listing())
    question = "\n\n".join([*asked, task.text]).strip()
    task = replace(task, text=question, quoted="\n\n".join([*quoted, task.quoted]).strip())
    return task, "\n\n".join([*asked, *turn]).strip()


async def _text(
    index: int,
    attachment: Attachment,
    reader: AttachmentReader,
    documents: "OpenedDocuments | None",
    pictures: SentPictures | None,
    max_tokens: int,
) -> str | None:
    """The text of an attachment; None if it is a picture, or a document that the model has to read in parts.

    Raises UnreadableAttachment.
    """
    try:
        content = await reader.fetch(index, attachment)
    except UnreadableAttachment as exc:
        if documents is not None and attachment.kind == "document":
            documents.fail(attachment.name, exc.cause)
        raise
    if attachment.kind == "picture" and pictures is not None:
        if not pictures.add(content):
            raise UnreadableAttachment(Cause.FILE_UNREADABLE)
        return None
    if attachment.kind != "document":
        text = await reader.text_of(content, attachment)
        if attachment.kind == "voice" or documents is None or estimate_tokens(text) <= max_tokens:
            return text
        document = await documents.open(attachment.name, content)
        return text if document.fault is not None else None
    if documents is None:
        raise UnreadableAttachment(Cause.FILE_UNSUPPORTED)
    document = await documents.open(attachment.name, content)
    if document.fault is not None:
        raise UnreadableAttachment(document.fault)
    if document.cut or estimate_tokens(document.text) > max_tokens:
        return None
    documents.put_in_message(document)
    return document.text


def decoded(content: bytes) -> str:
    """The text of a file. Raises UnreadableAttachment for an empty file and for one that is not text."""
    for encoding in ENCODINGS if not content.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-16",):
        try:
            text = content.decode(encoding).replace("\r\n", "\n").strip()
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        if not text:
            raise UnreadableAttachment(Cause.FILE_EMPTY)
        return text
    raise UnreadableAttachment(Cause.FILE_UNREADABLE)
