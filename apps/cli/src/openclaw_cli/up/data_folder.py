"""The data folder of a local run: readable by its user alone, also if an older version made it readable by everybody.

What belongs there: rights of the folder and of what we keep in it, and the secrets that stay with it. Not: what is in the files.
"""

import hmac
import os
import re
import secrets
import stat
from base64 import urlsafe_b64encode
from pathlib import Path

from openclaw_core.errors import SettingsError

PRIVATE_UMASK = 0o077
OTHERS = 0o077
"""The bits of a mode that open a file to others than its owner."""
PAGE_SECRET = "page-secret"  # noqa: S105 - a file's name
KEPT = ("redis", "chat", "brain.log", PAGE_SECRET)
"""All files and folders that a local run makes in it."""


def prepare(folder: Path) -> None:
    """Make *folder* and what we keep in it readable by its owner alone, whoever made it.

    Files of others in it are left alone, and then so are the folder's own rights. Raises SettingsError if it cannot be made so.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        foreign = {path.name for path in folder.iterdir()} - set(KEPT)
        if not foreign:
            _make_private(folder)
        elif folder.stat().st_mode & stat.S_IWOTH:
            raise SettingsError(f"everybody may write into {folder}: give a folder of your own with --data")
        for name in KEPT:
            _make_all_private(folder / name)
    except OSError as exc:
        raise SettingsError(f"{folder} cannot be used ({exc.strerror}): give another folder with --data") from None


def _make_all_private(path: Path) -> None:
    _make_private(path)
    for root, folders, files in os.walk(path):  # follows no links
        for name in (*folders, *files):
            _make_private(Path(root) / name)


def _make_private(path: Path) -> None:
    """Take the rights of other users on *path* away. A link is left as it is, and so is its target."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if os.geteuid() not in (0, found.st_uid):
        raise SettingsError(f"{path} belongs to another user: give another folder with --data")
    if not stat.S_ISLNK(found.st_mode) and found.st_mode & OTHERS:
        path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def page_secret(folder: Path, port: int) -> str:
    """What is in the chat page's address on *port*: the same for each start, so that a bookmark lives as long as its chats.

    On another port it is another. Whoever took our port before us gets to see the address of a bookmark, and must not be able to use
    it where we are then.
    """
    key = _folder_secret(folder).encode()
    return urlsafe_b64encode(hmac.digest(key, str(port).encode(), "sha256")[:18]).decode()


def _folder_secret(folder: Path) -> str:
    file = folder / PAGE_SECRET
    try:
        kept = file.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        kept = ""
    if re.fullmatch(r"[A-Za-z0-9_-]{20,}", kept):
        return kept
    secret = secrets.token_urlsafe(18)
    write_private(file, secret + "\n")
    return secret


def write_private(file: Path, text: str) -> None:
    """Write *text* for this user alone, whole or not at all."""
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
