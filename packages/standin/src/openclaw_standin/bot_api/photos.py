"""Photos as the Bot API takes them: kind and size are read from the first bytes, and what no app could show is refused."""

from openclaw_standin.bot_api.wire import ErrorReply, bad_request

MAX_PHOTO_BYTES = 10 * 1024 * 1024
MAX_SIDES = 10_000
"""Of width and height together."""
MAX_RATIO = 20
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Marks of the segment that says how large a JPEG is."""


def checked_photo(content: bytes) -> tuple[str, int, int]:
    """Type, width and height. Raises ErrorReply, as Telegram does."""
    if not content:
        raise bad_request("file must be non-empty")
    if len(content) > MAX_PHOTO_BYTES:
        raise ErrorReply(413, "Request Entity Too Large")
    kind = image_type(content)
    width, height = _png_size(content) if kind == "image/png" else _jpeg_size(content) if kind else (0, 0)
    if not width or not height:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if width + height > MAX_SIDES or max(width, height) > MAX_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return kind, width, height


def photo_size(content: bytes) -> tuple[int, int] | None:
    """Width and height; None for what Telegram takes as no photo."""
    try:
        return checked_photo(content)[1:]
    except ErrorReply:
        return None


def image_type(content: bytes) -> str:
    """`image/png` or `image/jpeg`; empty for anything else."""
    return "image/png" if content.startswith(_PNG) else "image/jpeg" if content.startswith(b"\xff\xd8\xff") else ""


def _png_size(content: bytes) -> tuple[int, int]:
    if content[12:16] != b"IHDR" or len(content) < 24:
        return 0, 0
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        if content[at + 1] in _JPEG_SIZES:
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return 0, 0
