"""What a model server refuses in a request with pictures: a model that sees none, and data URLs that are wrong or too large. Pure."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any

from openclaw_standin.model.script import count_tokens

SEEING = ("qwen/qwen3.8-27b",)
"""Models that see, as at Groq."""
PICTURES_MAX = 5
REQUEST_MAX_BYTES = 4_000_000
"""Of a request with pictures."""
PICTURE_TOKENS = 1_000
TEXT_ALONE = "'{where}.content': the model '{model}' takes text alone; a picture was sent."
_DATA_URL = re.compile(r"data:(image/(?:jpeg|png|webp));base64,([A-Za-z0-9+/]+={0,2})")
_STARTS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}


def pictures_refused(params: dict[str, Any], request_bytes: int) -> tuple[int, str]:
    """Status and reason of a refusal; 0 and nothing if the pictures are as they must be, or there are none."""
    parts = list(_parts(params["messages"]))
    if why := next(_faults(parts, str(params["model"])), ""):
        return 400, why
    if request_bytes > REQUEST_MAX_BYTES and any(part.get("type") == "image_url" for *_, part in parts):
        return 413, "Request Entity Too Large"
    return 0, ""


def pictures_in(messages: list[Any]) -> int:
    """How many pictures the messages have."""
    return sum(part.get("type") == "image_url" for *_, part in _parts(messages))


def tokens_of(message: dict[str, Any]) -> int:
    """Tokens of a message; a picture has as many as any other."""
    pictures = pictures_in([message])
    if pictures:
        message = message | {"content": [part for part in message["content"] if part.get("type") != "image_url"]}
    return count_tokens(json.dumps(message, ensure_ascii=False)) + pictures * PICTURE_TOKENS


def _parts(messages: list[Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each part of a content in parts, with its place and the role that says it."""
    for at, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            yield f"messages[{at}]", str(message.get("role")), part if isinstance(part, dict) else {}


def _faults(parts: list[tuple[str, str, dict[str, Any]]], model: str) -> Iterator[str]:
    pictures = [(where, role, part) for where, role, part in parts if part.get("type") == "image_url"]
    for where, _, part in parts:
        if part.get("type") not in ("text", "image_url"):
            yield f"Invalid '{where}.content': a part is of type text or image_url."
        elif part["type"] == "text" and not isinstance(part.get("text"), str):
            yield f"Invalid '{where}.content': a part of type text has a text."
    for where, role, part in pictures:
        if model not in SEEING:
            yield TEXT_ALONE.format(where=where, model=model)
        if role != "user":
            yield f"Invalid '{where}.content': only the user sends pictures."
        if not _is_picture(part.get("image_url")):
            yield f"Invalid '{where}.content': a picture is a data URL of a JPEG, PNG or WebP in base64."
    if len(pictures) > PICTURES_MAX:
        yield f"Too many images: at most {PICTURES_MAX} are taken."


def _is_picture(value: Any) -> bool:
    url = value.get("url") if isinstance(value, dict) else None
    found = _DATA_URL.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        return False
    try:
        return base64.b64decode(found[2], validate=True).startswith(_STARTS[found[1]])
    except binascii.Error:
        return False
