"""Checks the targets of links: only http and https addresses that Telegram accepts. Other targets are shown as text.

The checks are those of TDLib (`LinkManager::check_link`, `parse_url`), through which the Bot API server passes each target:
one that fails costs the message all its formatting.
"""

import ipaddress
import re
from urllib.parse import unquote

from openclaw_core.chat.markdown.spans import RichText, between, joined

TARGET_MAX_CHARS = 4096
_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)", re.IGNORECASE)
_ALLOWED = re.compile(r"(?:[A-Za-z0-9._!$,~*'();&+=:-]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")
_APP_HOSTS = frozenset({"t.me", "telegram.me", "telegram.dog"})
_HOST = rf"(?:www\.)?(?:{'|'.join(map(re.escape, sorted(_APP_HOSTS)))})(?=[:/])"
_DEEP = re.compile(
    rf"(?:(?<![A-Za-z0-9])(?:(?P<scheme>tg|ton|tonsite)://|https?://(?:[^\s/@?#]{{0,64}}@)?{_HOST})|(?<![\w.@/-]){_HOST})[^\s()<>]+",
    re.IGNORECASE,
)
_APP_ACTS = frozenset({"proxy", "socks", "login", "confirmphone", "setlanguage"})
"""Paths at these hosts that change the app's settings or account. Invitations, users and messages only open."""


def acts_in_app(target: str) -> bool:
    """Whether *target* is a web address that acts like a `tg:` address, such as `https://t.me/proxy?server=…`."""
    place, slash, rest = re.sub(r"^https?://", "", target, flags=re.IGNORECASE).partition("/")
    host = unquote(place).lower().rpartition("@")[2].partition(":")[0].removeprefix("www.").rstrip(".")
    first = re.split("[/?#]", unquote(rest).lstrip("/"), maxsplit=1)[0]
    return bool(slash) and host in _APP_HOSTS and first.casefold() in _APP_ACTS


def followable(target: str) -> bool:
    """Whether a message may carry a link to *target*.

    Only http and https, without those that act within the app as `tg:` does. Telegram reads `mailto:a@b.c` as a web address
    with a password.
    """
    found = _ADDRESS.match(target)
    if found is None or len(target) > TARGET_MAX_CHARS or re.search(r"[\x00-\x20]", target) or acts_in_app(target):
        return False
    user, _, place = found["authority"].rpartition("@")
    port = re.search(r":([^:\]]*)$", place)
    host = place[: port.start()] if port else place
    if port and not (re.fullmatch("[0-9]+", port[1]) and 0 < int(port[1]) <= 65535):
        return False
    if _ALLOWED.fullmatch(user) is None:
        return False
    if host.startswith("[") and host.endswith("]"):
        try:
            return "%" not in host and ipaddress.IPv6Address(host[1:-1]) is not None
        except ValueError:
            return False
    return "." in host and host != "." and ":" not in host and _ALLOWED.fullmatch(host) is not None


def url_of(target: str) -> str | None:
    """The address of a link to *target*; None if no link is allowed."""
    address = f"https://{target}" if target.lower().startswith("www.") else target
    return address if followable(address) else None


def beside(label: str, target: str, *, title: str = "") -> RichText:
    """The text after *label*: the title, and the address unless the link or the label shows it."""
    words = [] if _says(label, title.strip()) else [RichText(title.strip())]
    if target and (url_of(target) is None or not label.strip()):
        address = _shown(target)
        if not label.strip():
            return joined([address, *(f" ({word.text})" for word in words)])
        if not _says(label, address.text):
            words.insert(0, address)
    return joined([" (", between(words, ", "), ")"]) if words else RichText("")


def _says(label: str, words: str) -> bool:
    """Whether *words* are in *label* whole: `up.py` is not in `setup.py`."""
    whole = rf"(?<![\w/.-]){re.escape(words.casefold())}(?![\w/-]|\.\w)"
    return not words or re.search(whole, label.casefold()) is not None


def _shown(target: str) -> RichText:
    """An address as text.

    Telegram makes links of web and mail addresses and of phone numbers by itself. Anything else is shown as code: there
    Telegram looks for nothing, and the underscores of a path are left alone.
    """
    scheme, _, rest = target.partition(":")
    if scheme.lower() in ("mailto", "tel") and rest:
        return RichText(rest)
    return RichText(target) if url_of(target) else RichText(target).marked("code")


def deep_links(text: str) -> list[tuple[int, int]]:
    """Where *text* has addresses that act within the app, which Telegram would make into links."""
    addresses = _DEEP.finditer(text)
    return [found.span() for found in addresses if found["scheme"] or acts_in_app(found[0])]
