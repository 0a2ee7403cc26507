"""Checks for invisible characters, and removes characters that no chat may get.

`is_blank` is the one definition of "blank" for messages, streams, previews, pages and delivery.
"""

import re
from unicodedata import category

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_BLANK_ALL_THE_SAME = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc")
"""Letters and marks by category that draw nothing: fillers, the empty Braille cell, a replaced object."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069\u206a-\u206f]")
"""Embeddings, overrides and isolates. They can change the visible order of a text (`txt.exe`). Hebrew needs only the marks
U+200E and U+200F, which stay."""

_MARKS = "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_EDGES = re.compile(rf"\A[\s{_MARKS}]+|[\s{_MARKS}]+\Z")
"""Space and invisible marks that keyboards and clipboards put around names and commands."""


def visible(char: str) -> bool:
    """Whether a reader sees anything of *char*."""
    if char.isspace() or category(char) in _UNSEEN or char in _BLANK_ALL_THE_SAME:
        return False
    return not ("\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef")  # variation selectors


def is_blank(text: str) -> bool:
    """Whether a reader would see nothing of *text*."""
    return not any(map(visible, text))


def trimmed(text: str) -> str:
    """*text* without space and invisible marks at both ends; empty if a reader would see nothing of it."""
    return "" if is_blank(text) else _EDGES.sub("", text)


def cleaned(text: str) -> str:
    """*text* without characters that Telegram refuses or that deceive a reader.

    Lone surrogates (a model's JSON may hold halves of an emoji) are joined or replaced, control characters become
    spaces, line ends become one kind, bidirectional controls go.
    """
    if any("\ud800" <= char <= "\udfff" for char in text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _CONTROL.sub(" ", _BIDI_CONTROLS.sub("", text))
