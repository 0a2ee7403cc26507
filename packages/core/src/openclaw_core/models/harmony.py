"""Parses headers of the harmony format: gpt-oss writes each message as `<|start|>assistant<|channel|>final<|message|>…<|end|>`.

Muse writes `<|start|>assistant to=user<|message|>…<|eom|>`. Only the final channel, or what goes to the user, is an answer.
"""

import re
from typing import NamedTuple

HEADER_MAX_CHARS = 300
MESSAGE = "<|message|>"
MESSAGE_ENDS = re.compile(r"<\|(?:end|return|call|eom|eot)\|>|(?=<\|(?:start|channel)\|>)")
SOLAR_ENDS = r"<\|(?:end|flush|content|tool_calls)\|>|<\|begin\|>assistant"
"""Solar Open: `<|begin|>assistant<|think|>…<|end|><|begin|>assistant<|content|>…<|end|>`."""
FOLLOWS_A_MESSAGE = ("<|start|>", "<|begin|>assistant")
_HEADER = re.compile(
    r"(?:<\|start\|>(?P<author>[ ]?(?:assistant|user|system|developer|tool)\b[^<|\n]{0,80}|(?![ ])[^<|\n]{0,80}))?"
    r"(?P<channels>(?:<\|channel\|>(?![ ])[^<|\n]{0,80}|<\|constrain\|>[^<|\n]{0,40})*)<\|message\|>"
)
_CHANNEL = re.compile(r"<\|channel\|>([\w-]*)")
_TO = re.compile(r"\bto=([\w.:-]+)")


class HarmonyHeader(NamedTuple):
    chars: int
    """Its length."""
    shown: bool
    """Whether its message is an answer."""


def header_of(text: str) -> HarmonyHeader | None:
    """The header at the beginning of *text*; None if there is none, or not all of it.

    gpt-oss names a content type with or without `<|constrain|>`, and at times a second channel: the pattern allows both.
    """
    found = _HEADER.match(text[:HEADER_MAX_CHARS])
    if found is None:
        return None
    author, channels = found["author"] or "", _CHANNEL.findall(found["channels"])
    to = _TO.search(found.group())
    speaks = channels[-1] == "final" if channels else author.split()[:1] in ([], ["assistant"])
    return HarmonyHeader(chars=found.end(), shown=speaks and (to is None or to[1] == "user"))


def may_become_header(text: str) -> bool:
    """Whether *text*, which begins as a header does, may still become one."""
    return len(text) < HEADER_MAX_CHARS and "\n" not in text and MESSAGE not in text


def is_begun(text: str) -> bool:
    """Whether *text* outside any message may be a header before its first mark: `assistant`, or the recipient of a call."""
    word = text.strip()
    return "assistant".startswith(word) or ("to=".startswith(word[:3]) and " " not in word)
