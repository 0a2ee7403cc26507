"""A task: a message that needs an answer, the role snapshot that it is answered with, and the JSON of both in Redis."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from openclaw_core.errors import BadTask
from openclaw_core.ports import Lang, ModelAt
from openclaw_core.records import UNREADABLE, parsed, read

READABLE_VERSIONS = frozenset({1, 2, 3, 4, 5})
"""Schema versions that this release reads. During a rollout two releases read each other's records."""

PICTURES_MAX_BYTES = 2_800_000
"""Of one picture, and of all pictures of a task.

Groq takes requests with pictures of 4 MB; base64 adds a third, and the words need room too.
"""
PICTURE_TOKENS = 1_300
"""An estimate for one picture in a request: a token for 32 by 32 pixels, and Telegram makes photos 1280 pixels wide."""

ChatKind = Literal["private", "group"]
Forwarded = Literal["", "some", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSnapshot:
    """A role's settings and prompt as they were at dispatch: later changes do not reach a running task.

    It is stored once for all tasks that use it, under its digest (`agent:order:<digest>` in Redis).
    """

    role: str
    prompt: str = field(repr=False)
    prompt_sha256: str
    models: tuple[str, ...]
    """In order of preference."""
    tools: tuple[str, ...] = ()
    max_answer_tokens: int = 2000
    history_tokens: int = 3000
    temperature: float | None = None
    reasoning_effort: str | None = None
    elsewhere: tuple[ModelAt, ...] = ()
    """Models that are not served by the default server under their own name."""
    functions: tuple[str, ...] = ()
    """Tools that the agent runs. A reader of the release before drops the field, and its agents answer without."""
    max_steps: int = 6
    """How often a model with functions is asked for one answer."""
    results_tokens: int = 0
    """Tokens of one request that calls and their results may take."""
    seeing: tuple[str, ...] = ()
    """Those of *models* that see pictures. A reader of the release before drops the field, and refuses tasks with pictures."""

    def at(self, model: str) -> ModelAt:
        """Where *model* is served."""
        return next((at for at in self.elsewhere if at.name == model), ModelAt(name=model, id=model))


def snapshot_json(snapshot: RoleSnapshot) -> str:
    """The snapshot as stored."""
    return json.dumps(_fields(snapshot), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _fields(snapshot: RoleSnapshot) -> dict[str, Any]:
    fields = asdict(snapshot)
    if not snapshot.elsewhere:  # as all readers assume where it is missing
        del fields["elsewhere"]
    if not snapshot.functions:
        for name in ("functions", "max_steps", "results_tokens"):
            del fields[name]
    if not snapshot.seeing:
        del fields["seeing"]
    return fields


def snapshot_digest(stored: str) -> str:
    """The name of a snapshot in the store, from its JSON."""
    return hashlib.sha256(stored.encode()).hexdigest()[:32]


def read_snapshot(row: Any) -> RoleSnapshot:
    """The snapshot in a parsed JSON value. Raises one of `records.UNREADABLE` for anything else."""
    snapshot = _read_snapshot(row)
    if not _is_valid_snapshot(snapshot):
        raise ValueError("not a role snapshot")
    return snapshot


def _read_snapshot(row: Any) -> RoleSnapshot:
    elsewhere = tuple(read(ModelAt, one) for one in row.get("elsewhere", ()))
    return read(
        RoleSnapshot,
        row,
        models=tuple(row["models"]),
        tools=tuple(row.get("tools", ())),
        elsewhere=elsewhere,
        functions=tuple(row.get("functions", ())),
        seeing=tuple(row.get("seeing", ())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """What came with a message: an agent fetches it before it answers."""

    kind: Literal["voice", "file", "document", "picture"]
    """A recording, a text file, a document that only the sealed runner may open, or a picture for a model that sees."""
    file_id: str
    name: str = field(default="", repr=False)
    size_bytes: int = 0
    seconds: int = 0
    """How long a recording is, as Telegram says; 0 where it does not. Readers that do not know the field answer as before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A question, its chat and its user. The user's words stay out of every repr."""

    id: str
    chat_id: int
    chat_kind: ChatKind
    user_id: int
    message_id: int
    """The user's message: it gets the reaction, and in groups the reply."""
    update_id: int
    lang: Lang
    """The language of the answer."""
    text: str = field(repr=False)
    admitted_ms: int
    """Unix time in milliseconds at which the update was admitted."""
    thread_id: int | None = None
    role: str | None = None
    """Chosen by a command or a button, else None until routed."""
    quoted: str = field(default="", repr=False)
    """The text of the message that this one replies to, and of forwarded ones."""
    attachments: tuple[Attachment, ...] = ()
    """In the order in which they were sent."""
    forwarded: Forwarded = ""
    """Whether `all` of it was forwarded, or `some` of it beside the user's own words."""
    cut: bool = False
    """The message has Telegram's full length: the next one continues its line."""
    unseen: str = ""
    """What came with the words and cannot be read: `photo`, `video`, `file`, `voice` or `other`."""
    notice_lang: Lang | None = None
    """The language of notices and buttons, if the chat chose one."""
    retry_of: str | None = None
    snapshot: RoleSnapshot | None = None

    @property
    def notices_in(self) -> Lang:
        """The language of notices and buttons."""
        return self.notice_lang or self.lang

    def with_snapshot(self, snapshot: RoleSnapshot) -> "Task":
        """The task as an agent gets it."""
        return replace(self, snapshot=snapshot, role=snapshot.role)


def task_id(update_id: int) -> str:
    """The id of an update's task. An update that comes twice gives one task."""
    return f"u{update_id}"


def retry_id(finished_task_id: str) -> str:
    """The id of the one Retry of a finished task."""
    return f"{finished_task_id}r"


_OPTIONAL = ("thread_id", "role", "quoted", "forwarded", "cut", "unseen", "notice_lang", "retry_of")


def version_of(task: Task) -> int:
    """The oldest schema version whose readers answer *task* correctly.

    Readers drop unknown fields. A new field needs a new version only if dropping it changes the question. 2 is needed for one
    attached file, 3 for several, 4 for a document, 5 for a picture. Older readers would take the bytes of the last two for text.
    """
    if any(one.kind == "picture" for one in task.attachments):
        return 5
    if any(one.kind == "document" for one in task.attachments):
        return 4
    return min(len(task.attachments), 2) + 1


def to_json(task: Task) -> str:
    """The record as stored; `v` is its schema version."""
    fields: dict[str, Any] = {"v": version_of(task), **asdict(task)}
    del fields["snapshot"]  # stored once for all tasks that use it
    attachments = fields.pop("attachments")
    for one in attachments:
        if not one["seconds"]:
            del one["seconds"]
    if attachments:
        fields["material"] = attachments[0]  # as readers of version 2 expect it
    if len(attachments) > 1:
        fields["materials"] = attachments
    for name in _OPTIONAL:
        if fields[name] in (None, "", False):  # as all readers assume where it is missing
            del fields[name]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def from_json(raw: str | bytes) -> Task:
    """Read a stored record. Unknown fields of a newer writer are dropped. Raises BadTask, which carries no user text."""
    try:
        fields: dict[str, Any] = parsed(raw)
        version = fields.pop("v")
        if version not in READABLE_VERSIONS:
            raise BadTask(f"task record of schema version {version!r} is not understood")
        attachment = fields.pop("material", None)
        attachments = fields.pop("materials", None) or ([] if attachment is None else [attachment])
        task = read(Task, fields, attachments=tuple(read(Attachment, one) for one in attachments), snapshot=None)
        if not _is_valid(task):
            raise BadTask("task record is malformed")
        return task
    except UNREADABLE:
        raise BadTask("task record is malformed") from None  # the cause would carry the user's words


_NUMBERS = ("chat_id", "user_id", "message_id", "update_id", "admitted_ms")
_WORDS = ("id", "text", "quoted")


def _is_valid(task: Task) -> bool:
    """Whether each field has its type. A wrong one would fail in the middle of an answer."""
    return (
        all(type(getattr(task, name)) is int for name in _NUMBERS)
        and all(isinstance(getattr(task, name), str) for name in _WORDS)
        and all(isinstance(word, str | None) for word in (task.role, task.retry_of))
        and isinstance(task.thread_id, int | None)
        and (task.lang in ("en", "he") and task.chat_kind in ("private", "group"))
        and all(
            attachment.kind in ("voice", "file", "document", "picture")
            and isinstance(attachment.file_id, str)
            and isinstance(attachment.name, str)
            and isinstance(attachment.seconds, int)
            for attachment in task.attachments
        )
    )


def _is_valid_snapshot(snapshot: RoleSnapshot) -> bool:
    return (
        all(
            isinstance(word, str)
            for word in (
                snapshot.role,
                snapshot.prompt,
                *snapshot.models,
                *snapshot.tools,
                *snapshot.functions,
                *snapshot.seeing,
            )
        )
        and all(isinstance(word, str) for at in snapshot.elsewhere for word in (at.name, at.provider, at.id))
        and bool(snapshot.models)
        and all(
            type(number) is int and number >= 0
            for number in (
                snapshot.max_answer_tokens,
                snapshot.history_tokens,
                snapshot.max_steps,
                snapshot.results_tokens,
            )
        )
        and isinstance(snapshot.temperature, int | float | None)
        and isinstance(snapshot.reasoning_effort, str | None)
    )
