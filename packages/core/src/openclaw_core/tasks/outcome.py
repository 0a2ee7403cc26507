"""States, causes, exit codes and delivery states of tasks: closed sets shared by brain, agent, metrics and wording."""

from enum import IntEnum, StrEnum


class TaskState(StrEnum):
    """`queued → ready → running → preview → answered → closed`, or `failed`, `cancelled`."""

    QUEUED = "queued"
    READY = "ready"
    RUNNING = "running"
    PREVIEW = "preview"
    ANSWERED = "answered"
    CLOSED = "closed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({TaskState.CLOSED, TaskState.FAILED, TaskState.CANCELLED})
"""States that a task never leaves."""


class Exit(IntEnum):
    """Exit codes of the agent (sysexits.h where one fits)."""

    DONE = 0  # answered and delivered, or cancelled by the user, or nothing was waiting
    BAD_TASK = 65  # EX_DATAERR: the task cannot be done; the user was told
    TRY_AGAIN = 75  # EX_TEMPFAIL: the task was handed back; the brain decides on another try
    MISCONFIGURED = 78  # EX_CONFIG: settings or keys are wrong; nothing will work until they change


class Delivery(StrEnum):
    """Whether the chat has been shown the end of a task."""

    PENDING = "pending"
    DELIVERED = "delivered"
    PARTIAL = "partial"  # a file of unknown fate was not repeated
    UNDELIVERABLE = "undeliverable"  # the chat is gone or refuses us


class Cause(StrEnum):
    """Why a task failed, or why a pool cannot start agents. Each has its sentence in `wording`."""

    # the model's side
    MODEL_BUSY = "model_busy"
    MODEL_DOWN = "model_down"
    MODEL_GONE = "model_gone"
    MODEL_KEY = "model_key"
    TOO_LONG = "too_long"
    REFUSED = "refused"
    EMPTY_ANSWER = "empty_answer"
    # what came with the message
    FILE_UNREADABLE = "file_unreadable"
    FILE_EMPTY = "file_empty"
    FILE_SCANNED = "file_scanned"
    FILE_ENCRYPTED = "file_encrypted"
    FILE_DAMAGED = "file_damaged"
    FILE_HOSTILE = "file_hostile"
    FILE_UNSUPPORTED = "file_unsupported"
    NO_RUNNER = "no_runner"  # nothing here may open a document
    VOICE_UNCLEAR = "voice_unclear"
    # the agent's side
    AGENT_LOST = "agent_lost"
    CRASH = "crash"
    OUT_OF_MEMORY = "out_of_memory"
    DEADLINE = "deadline"
    EVICTED = "evicted"
    NODE_LOST = "node_lost"
    BAD_TASK = "bad_task"
    MISCONFIGURED = "misconfigured"
    # the pool's side, before any claim
    IMAGE = "image"
    CONTAINER_CONFIG = "container_config"
    NO_ROOM = "no_room"
    ADMISSION = "admission"
    QUOTA = "quota"
    CLUSTER = "cluster"  # the API server does not answer
    NO_TOOLS = "no_tools"  # there is no template for agents with tools
    # the queue's side
    QUEUE_DEADLINE = "queue_deadline"
    BUDGET = "budget"  # a limit of what may be spent is reached
    # unknown to us: a bug
    INTERNAL = "internal"


class Decision(StrEnum):
    """How a role was picked."""

    EXPLICIT = "explicit"  # a command or a button
    FOLLOW_UP = "follow_up"
    RULE = "rule"
    MODEL = "model"
    CLASSIFIER = "classifier"
    DEFAULT = "default"
