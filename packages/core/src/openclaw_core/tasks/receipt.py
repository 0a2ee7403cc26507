"""A receipt: what an answer was made of, by digests. It stays as long as the run record, so no word of a user or a model is in it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from openclaw_core.ports import Message

DIGEST_CHARS = 16
"""Of a SHA-256 in hexadecimal: 64 bits tell two texts of one bot apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an answer was made of. A field that is not known is empty."""

    revision: str = ""
    """The commit that the agent's image was built from."""
    prompt: str = ""
    """Digest of the prompt as the model got it."""
    messages: str = ""
    """Digest of the messages of the request that was answered, without steps of tools (`messages_digest`)."""
    tools: tuple[str, ...] = ()
    """Tools that the model was offered, by name."""


def digest(text: str) -> str:
    """The first DIGEST_CHARS of the SHA-256 of *text*."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:DIGEST_CHARS]


def messages_digest(messages: Sequence[Message]) -> str:
    """Digest of the messages of a request: of roles, texts, calls and pictures, in order."""
    return digest(json.dumps([_fields(message) for message in messages], ensure_ascii=False, sort_keys=True))


def _fields(message: Message) -> dict[str, Any]:
    fields = asdict(replace(message, pictures=()))
    del fields["pictures"]  # receipts of messages without any are as they were
    if message.pictures:
        fields["pictures"] = [hashlib.sha256(one.data).hexdigest()[:DIGEST_CHARS] for one in message.pictures]
    return fields
