"""A web address as a model or a page wrote it, taken apart and written anew in one form. Pure.

Two readers of one address must not disagree about its host: what browsers, libraries and resolvers read differently is
refused, not guessed.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urljoin

from openclaw_agent.tools.fetching.faults import FetchCause, NotFetched

MAX_CHARS = 2048
PORTS = {"http": 80, "https": 443}
_PARTS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<authority>[^/?#]*)(?P<rest>[^#]*))?")
_HOST_PORT = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?")
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")
"""Hosts that a resolver may read as an IPv4 address: 2130706433, 0x7f.1, 0177.0.0.1, 127.1."""
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_AS_IT_IS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?@!+,;=&")
"""Left alone in a path or query. The rest is percent-encoded: such an address can be in a link of Markdown as it is."""
_ENCODED = re.compile(rb"%[0-9A-Fa-f]{2}")
_OURS = frozenset(
    {"localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "test", "invalid", "onion"}
)
"""Last labels that no public name has; the resolved address is looked at as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An http or https address without login and fragment, its host in ASCII."""

    scheme: str
    host: str
    """In lower case, without brackets or a last dot: a name in IDNA's form, or an IP address."""
    port: int
    target: str
    """Path and query."""

    @property
    def is_ip(self) -> bool:
        return ":" in self.host or self.host.replace(".", "").isdigit()

    @property
    def authority(self) -> str:
        """As in a Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def domain(self) -> str:
        """The host as a reader is shown it. Look-alike letters stay in IDNA's ASCII form, where they show."""
        return self.host.removeprefix("www.")


def parse_address(text: str, *, ports: frozenset[int] = frozenset(PORTS.values())) -> Address:
    """The address that *text* is. Raises NotFetched. *ports* are others only in tests."""
    text = text.strip()
    if not text or len(text) > MAX_CHARS or re.search(r"[\x00-\x20\x7f-\xa0\u2028\u2029]", text):
        raise NotFetched(FetchCause.NOT_AN_ADDRESS)
    parts = _PARTS.match(text)
    if parts is None:
        raise NotFetched(FetchCause.NOT_AN_ADDRESS)
    scheme = parts["scheme"].lower()
    if scheme not in PORTS:
        raise NotFetched(FetchCause.SCHEME)
    authority = parts["authority"]
    if not authority:
        raise NotFetched(FetchCause.NOT_AN_ADDRESS)
    if "@" in authority:
        raise NotFetched(FetchCause.LOGIN)
    found = _HOST_PORT.fullmatch(authority)
    if found is None or "%" in authority or "\\" in authority:
        raise NotFetched(FetchCause.HOST_FORM)
    port = int(found["port"] or PORTS[scheme])
    if port not in ports:
        raise NotFetched(FetchCause.PORT)
    return Address(scheme=scheme, host=_host(found["host"]), port=port, target=_target(parts["rest"]))


def redirect_target(base: Address, location: str, *, ports: frozenset[int] = frozenset(PORTS.values())) -> Address:
    """Where a redirect from *base* leads. Raises NotFetched, as for any other address."""
    if len(location) > MAX_CHARS or "\\" in location:  # browsers read `\` as `/`, urljoin does not
        raise NotFetched(FetchCause.NOT_AN_ADDRESS)
    try:
        whole = urljoin(base.text, location.strip())
    except ValueError:
        raise NotFetched(FetchCause.NOT_AN_ADDRESS) from None
    return parse_address(whole, ports=ports)


def _host(written: str) -> str:
    """The host in its one form. Raises NotFetched for one that could mean another, or our own network."""
    if written.startswith("["):
        try:
            return ipaddress.IPv6Address(written[1:-1]).compressed
        except ValueError:
            raise NotFetched(FetchCause.HOST_FORM) from None
    host = _ascii(written).removesuffix(".")
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        pass
    labels = host.split(".")
    if _ENDS_IN_NUMBER.search(host) or len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise NotFetched(FetchCause.HOST_FORM)
    if len(labels) < 2 or labels[-1] in _OURS:  # one label is a name of our own network: `redis`
        raise NotFetched(FetchCause.NOT_PUBLIC)
    return host


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    import idna  # its tables are large, and few hosts need them

    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise NotFetched(FetchCause.HOST_FORM) from None


def _target(rest: str) -> str:
    """Path and query with all but plain characters percent-encoded. What is encoded already stays."""
    raw = (rest if rest.startswith("/") else f"/{rest}").encode("utf-8", "replace")
    out: list[str] = []
    at = 0
    while at < len(raw):
        byte = raw[at]
        if encoded := _ENCODED.match(raw, at):
            out.append(encoded[0].decode().upper())
            at += 3
            continue
        out.append(chr(byte) if byte in _AS_IT_IS else f"%{byte:02X}")
        at += 1
    return "".join(out)
