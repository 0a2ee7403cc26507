"""Checks and normalizes the targets of links as Telegram's server does.

It follows TDLib's `LinkManager::check_link` and `parse_url`. It shares no code with `openclaw_core`, whose own check it tests.
"""

import re
from ipaddress import AddressValueError, IPv6Address

_OWN_SCHEMES = ("tg:", "ton:", "tonsite:")
_PART = re.compile(r"(?:[A-Za-z0-9._!$,~*'();&+=-]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")
_USER = re.compile(r"(?:[A-Za-z0-9._!$,~*'();&+=:-]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")


class WrongTarget(Exception):
    """A target is refused; the message is Telegram's own."""


def checked_target(target: str) -> str:
    """The target as Telegram stores it. Raises WrongTarget."""
    own = next((scheme for scheme in _OWN_SCHEMES if target.lower().startswith(scheme)), "")
    rest = target[len(own) :]
    if own:
        rest = rest.removeprefix("//")
    scheme, user, host, port, query = _split(rest)
    if own:
        if rest.lower().startswith("http://") or scheme == "https" or user or port or host.startswith("["):
            raise WrongTarget("Wrong tg URL" if own == "tg:" else "Wrong ton URL")
        if not re.fullmatch("[a-z0-9_.-]*" if own == "tonsite:" else "[a-z0-9_-]*", host):
            raise WrongTarget("Unallowed characters in URL host")
        return f"{own}//{host}{query[1:] if query.startswith('/?') else query}"
    if "." not in host and not host.startswith("["):
        raise WrongTarget("Wrong HTTP URL")
    return f"{scheme}://{user + '@' if user else ''}{host}{f':{port}' if port else ''}{query}"


def _split(url: str) -> tuple[str, str, str, int, str]:
    """Scheme, user, host, port (0 for none), and the rest, which begins with a slash."""
    scheme = "http"
    if (named := re.match(r"([^:/?#@\[\]]*)://", url)) is not None:
        scheme, url = named[1].lower(), url[named.end() :]
        if scheme not in ("http", "https"):
            raise WrongTarget("Unsupported URL protocol")
    authority = re.match(r"[^/?#]*", url)
    place = authority[0] if authority else ""
    query = url[len(place) :].rstrip(" \n\t\r") or "/"
    query = re.sub(r"[\x00-\x20]", lambda sign: f"%{ord(sign[0]):02X}", query if query[0] == "/" else f"/{query}")
    port = 0
    if (ending := re.search(r"(?<=.):([^:\]@]*)$", place)) is not None:
        place = place[: ending.start()]
        if re.fullmatch(r"[0-9]+", ending[1]) is None or not 0 < (port := int(ending[1])) <= 65535:
            raise WrongTarget("Wrong port number specified in the URL")
    user, _, host = place.rpartition("@")
    if host.startswith("[") and host.endswith("]"):
        try:
            IPv6Address(host[1:-1])
        except AddressValueError:
            raise WrongTarget("Wrong IPv6 address specified in the URL") from None
    elif not host:
        raise WrongTarget("URL host is empty")
    elif host == ".":
        raise WrongTarget("Host is invalid")
    elif _PART.fullmatch(host) is None:
        raise WrongTarget("Disallowed character in URL host")
    if _USER.fullmatch(user) is None:
        raise WrongTarget("Disallowed character in URL userinfo")
    return scheme, user, host.lower(), port, query
