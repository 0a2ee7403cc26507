"""Which IP addresses are public web servers. Pure, and a list of our own: `ipaddress.is_global` differs between Python releases.

The blocks are IANA's special-purpose registries for IPv4 and IPv6, and what clouds answer metadata on.
"""

import ipaddress

_REFUSED_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this host: Linux connects 0.0.0.0 to itself
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT; also Alibaba's metadata
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's platform, at an address that looks public
            "169.254.0.0/16",  # link-local, where most clouds have their metadata
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments; also Oracle's metadata
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
"""All that is handed out.

Outside lie ::1, IPv4-mapped and -compatible, NAT64, unique local, link-local, site-local and multicast addresses.
"""
_REFUSED_6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo and ORCHID among them
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: holds an IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""The upper half of an interface id that holds an IPv4 address."""


def is_public(address: str) -> bool:
    """Whether a stranger's page may be fetched from the IP *address*; False for anything that is none."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in block for block in _REFUSED_4)
    if ip.scope_id is not None or (int(ip) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return False
    return ip in _GLOBAL_6 and not any(ip in block for block in _REFUSED_6)
