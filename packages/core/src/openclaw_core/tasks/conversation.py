"""Turns of a chat, and the pure choice of the newest ones that fit a token budget."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Speaker = Literal["user", "assistant"]


def place(chat_id: int, thread_id: int | None) -> str:
    """The name of a conversation in keys: a topic of a forum has one of its own, the General topic is the chat itself."""
    return str(chat_id) if thread_id is None else f"{chat_id}:{thread_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing said in a chat. *task_id* is the task that it belongs to: appending it twice is a no-op."""

    task_id: str
    speaker: Speaker
    text: str = field(repr=False)
    role: str = ""
    note: str = ""
    """Why a user's turn has no answer (`failed`, `cancelled`), else empty."""


def estimate_tokens(text: str) -> int:
    """Tokens of *text*, estimated high: 4 ASCII characters or 1.5 others to a token.

    Source of the ratios: GPT-style tokenizers give about 4 characters a token for English and 1.5 to 2 for Hebrew;
    the budget has to hold without the model's tokenizer, so the estimate errs upwards.
    """
    ascii_chars = sum(1 for char in text if char < "\x80")
    return ascii_chars // 4 + (len(text) - ascii_chars) * 2 // 3 + 1


def window(turns: Sequence[Turn], max_tokens: int) -> tuple[Turn, ...]:
    """The newest of *turns*, oldest first, whose texts fit into *max_tokens* together; whole turns only."""
    kept: list[Turn] = []
    left = max_tokens
    for turn in reversed(turns):
        left -= estimate_tokens(turn.text) + 4  # 4: role and separators of a chat message
        if left < 0:
            break
        kept.append(turn)
    return tuple(reversed(kept))
