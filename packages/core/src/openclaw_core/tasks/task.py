"""A task: one message of a chat that wants an answer, from the update to the agent, and its JSON form in Redis."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from openclaw_core.errors import BadTask
from openclaw_core.ports import Lang, ModelAt
from openclaw_core.records import UNREADABLE, parsed, read

READABLE_VERSIONS = frozenset({1, 2, 3})
"""Brain and agent understand these versions of each other's records; a rollout mixes one release with the next."""

ChatKind = Literal["private", "group"]
Forwarded = Literal["", "some", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How a task is to be done: a snapshot of the role at dispatch, so that no later change reaches a running task."""

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
    """Those of *models* that another server has than the default one, or that have another name there."""

    def at(self, model: str) -> ModelAt:
        """Where *model* is served."""
        return next((at for at in self.elsewhere if at.name == model), ModelAt(name=model, id=model))


def order_json(order: Order) -> str:
    """An order as stored. It stands once for all tasks that are done by it, under its digest."""
    return json.dumps(_fields(order), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _fields(order: Order) -> dict[str, Any]:
    fields = asdict(order)
    if not order.elsewhere:  # as all readers assume where it is missing
        del fields["elsewhere"]
    return fields


def digest_of(order: str) -> str:
    """The name under which an order stands."""
    return hashlib.sha256(order.encode()).hexdigest()[:32]


def order_from(row: Any) -> Order:
    """Read a stored order. Raises TypeError, ValueError or KeyError for anything else."""
    order = _read_order(row)
    if not _is_valid_order(order):
        raise ValueError("not an order")
    return order


def _read_order(row: Any) -> Order:
    elsewhere = tuple(read(ModelAt, one) for one in row.get("elsewhere", ()))
    return read(Order, row, models=tuple(row["models"]), tools=tuple(row.get("tools", ())), elsewhere=elsewhere)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What came with a message and has to be fetched before it can be answered: a recording to hear, a text file to read."""

    kind: Literal["voice", "file"]
    file_id: str
    name: str = field(default="", repr=False)
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What was asked, where, and by whom. *text* stays out of every repr."""

    id: str
    chat_id: int
    chat_kind: ChatKind
    user_id: int
    message_id: int
    """The user's message, for the reaction and for replies in groups."""
    update_id: int
    lang: Lang
    """The language of the answer: that of the words."""
    text: str = field(repr=False)
    admitted_ms: int
    """Unix time in milliseconds at which the update was admitted."""
    thread_id: int | None = None
    role: str | None = None
    """Asked for by a command or a button, else None until routed."""
    quoted: str = field(default="", repr=False)
    """Text of the message that this one replies to, and of those that were forwarded with it."""
    materials: tuple[Material, ...] = ()
    """In the order in which they were sent."""
    forwarded: Forwarded = ""
    """Whether what was sent are somebody else's words: `all` of it, or `some` beside words of the user's own."""
    cut: bool = False
    """The message was as long as Telegram lets one be: what was sent next goes on in the same line."""
    unseen: str = ""
    """What came with the words and cannot be looked at: `photo`, `video`, `file`, `voice` or `other`."""
    notice_lang: Lang | None = None
    """The language of notices and buttons, if the chat chose one."""
    retry_of: str | None = None
    order: Order | None = None

    @property
    def notices_in(self) -> Lang:
        """The language of notices and buttons."""
        return self.notice_lang or self.lang

    def ordered(self, order: Order) -> "Task":
        """The same task with the order that an agent follows."""
        return replace(self, order=order, role=order.role)


def task_id(update_id: int) -> str:
    """The id of the task that an update becomes: the same update gives the same task."""
    return f"u{update_id}"


def retry_id(finished_task_id: str) -> str:
    """The id of the one Retry of a finished task."""
    return f"{finished_task_id}r"


_OPTIONAL = ("thread_id", "role", "quoted", "forwarded", "cut", "unseen", "notice_lang", "retry_of", "order")


def version_of(task: Task) -> int:
    """The oldest schema version whose readers do right by *task*. Readers drop fields that they do not know, so a field is a reason
    for a new version only if leaving it out would answer another question than was asked: 2 is needed for a material, 3 for several."""
    return min(len(task.materials), 2) + 1


def to_json(task: Task) -> str:
    """The record as stored; `v` is its schema version."""
    fields: dict[str, Any] = {"v": version_of(task), **asdict(task)}
    if task.order is not None:
        fields["order"] = _fields(task.order)
    materials = fields.pop("materials")
    if materials:
        fields["material"] = materials[0]  # as readers of version 2 expect it
    if len(materials) > 1:
        fields["materials"] = materials
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
        order, material = fields.pop("order", None), fields.pop("material", None)
        materials = fields.pop("materials", None) or ([] if material is None else [material])
        parts: dict[str, Any] = {}
        if order is not None:
            parts["order"] = _read_order(order)
        task = read(Task, fields, materials=tuple(read(Material, one) for one in materials), **parts)
        if not _is_valid(task):
            raise BadTask("task record is malformed")
        return task
    except UNREADABLE:
        raise BadTask("task record is malformed") from None  # the cause would carry the user's words


_NUMBERS = ("chat_id", "user_id", "message_id", "update_id", "admitted_ms")
_WORDS = ("id", "text", "quoted")


def _is_valid(task: Task) -> bool:
    """Whether each field has its type: a wrong one would fail later, in the middle of an answer."""
    order = task.order
    return (
        all(type(getattr(task, name)) is int for name in _NUMBERS)
        and all(isinstance(getattr(task, name), str) for name in _WORDS)
        and all(isinstance(word, str | None) for word in (task.role, task.retry_of))
        and isinstance(task.thread_id, int | None)
        and (task.lang in ("en", "he") and task.chat_kind in ("private", "group"))
        and all(
            material.kind in ("voice", "file") and isinstance(material.file_id, str) and isinstance(material.name, str)
            for material in task.materials
        )
        and (order is None or _is_valid_order(order))
    )


def _is_valid_order(order: Order) -> bool:
    return (
        all(isinstance(word, str) for word in (order.role, order.prompt, *order.models, *order.tools))
        and all(isinstance(word, str) for at in order.elsewhere for word in (at.name, at.provider, at.id))
        and bool(order.models)
        and all(type(number) is int and number >= 0 for number in (order.max_answer_tokens, order.history_tokens))
        and isinstance(order.temperature, int | float | None)
        and isinstance(order.reasoning_effort, str | None)
    )
