"""The headers of the harmony format: gpt-oss writes each message as `<|start|>assistant<|channel|>final<|message|>…<|end|>`.

Muse writes `<|start|>assistant to=user<|message|>…<|eom|>`. Only the final channel, or what goes to the user, is an answer.
"""

import re
from typing import NamedTuple

HEADER_MAX_CHARS = 220
MESSAGE = "<|message|>"
MESSAGE_ENDS = re.compile(r"<\|(?:end|return|call|eom|eot)\|>|(?=<\|(?:start|channel)\|>)")
_HEADER = re.compile(
    r"(?:<\|start\|>[ ]*(?P<role>[\w.:-]*)(?:[ ]+to=(?P<to>[\w.:-]+))?[ ]*)?"
    r"(?:<\|channel\|>(?P<channel>[a-z]+)(?:[ ]+to=[\w.:-]+)?[ ]*)?(?:<\|constrain\|>[ ]*\w+[ ]*)?<\|message\|>"
)


class Header(NamedTuple):
    chars: int
    """Its length."""
    shown: bool
    """Whether its message is an answer."""


def header_of(text: str) -> Header | None:
    """The header at the beginning of *text*; None if there is none, or not all of it."""
    found = _HEADER.match(text[:HEADER_MAX_CHARS])
    if found is None:
        return None
    channel, role, to = found["channel"], found["role"], found["to"]
    to_user = channel is None and role in (None, "", "assistant") and to in (None, "user")
    return Header(chars=found.end(), shown=channel == "final" or to_user)


def may_become_header(text: str) -> bool:
    """Whether *text*, which begins as a header does, may still become one."""
    return len(text) < HEADER_MAX_CHARS and "\n" not in text and MESSAGE not in text
