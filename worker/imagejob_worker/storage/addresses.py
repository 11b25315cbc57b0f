"""Which addresses a worker or gateway connects to. They are judged as the resolver gives them, not
by names.

A name may resolve to anything, and a moment later to something else; programs differ in what they
make of `0x7f.1`. So only the address that is connected to counts.

The gateway imports this module, the only one of the worker in its image.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

NEVER: Final = {
    "a cloud's metadata service": (
        *("169.254.169.254/32", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
        *("fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128"),
    ),
    "link-local": ("169.254.0.0/16", "fe80::/10", "fec0::/10"),
}
"""What no list can allow. policies/stores.yaml has the same, for endpoints that are addresses."""

INTERNAL: Final = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    # Linux takes it for loopback.
    "unspecified": ("0.0.0.0/8", "::/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "reserved": (
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20"),
        # All of IPv6 but 2000::/3, of which public addresses are.
        *("::/3", "4000::/2", "8000::/1"),
    ),
}
"""What the platform has to list. The first that matches gives the word for it."""

# IPv4 within IPv6: its network, and how many bits follow the IPv4 address.
_STANDS_FOR: Final = (
    ("::ffff:0:0/96", 0),  # mapped: the kernel speaks IPv4
    ("64:ff9b::/96", 0),  # NAT64, by which clusters without IPv4 reach the rest of the internet
    ("2002::/16", 80),  # 6to4
)
"""Packets end at the IPv4 address: it alone is judged."""

_HOLDS: Final = (
    ("::/96", 0),  # compatible
    ("::ffff:0:0:0/96", 0),  # translated
    ("64:ff9b:1::/48", 0),  # a site's own NAT64
    ("2001::/32", 64),  # Teredo: its server
)
"""Packets may end there: the IPv4 address must not be one of NEVER, either."""


class Addresses:
    """The addresses that may be connected to: public ones, and those that the platform lists."""

    def __init__(self, internal: Iterable[str], setting: str = "stores.internalCidrs") -> None:
        """Prepare to judge. `internal` are networks (CIDR), `setting` is where the platform lists
        them. Raises ValueError.
        """
        self._listed = [ip_network(each, strict=False) for each in internal]
        self._setting = setting
        self._never, self._internal = _by_network(NEVER), _by_network(INTERNAL)

    def fault(self, address: str) -> str | None:
        """Return why an address, as the resolver gives it, isn't connected to; None if it may."""
        own = _read(address)
        for each in (own, *_inner(own, _HOLDS)):
            if what := _within(each, self._never):
                return f"its address {address} is {what}, which is never connected to"
        what = _within(own, self._internal)
        if what and not any(own in network for network in self._listed):
            unlisted = f"the platform doesn't list it in {self._setting}"
            return f"its address {address} is {what}, and {unlisted}"
        return None


def _read(text: str) -> Address:
    """Return the address that packets to an address end at."""
    address = ip_address(text.partition("%")[0])  # without a zone
    return next(_inner(address, _STANDS_FOR), address)


def _inner(address: Address, kinds: tuple[tuple[str, int], ...]) -> Iterator[IPv4Address]:
    """Yield IPv4 addresses within an IPv6 one."""
    if address.version == 6:
        for network, bits in kinds:
            if address in ip_network(network):
                yield IPv4Address(int(address) >> bits & 0xFFFFFFFF)


def _by_network(named: Mapping[str, tuple[str, ...]]) -> list[tuple[Network, str]]:
    return [(ip_network(each), what) for what, networks in named.items() for each in networks]


def _within(address: Address, networks: list[tuple[Network, str]]) -> str | None:
    return next((what for network, what in networks if address in network), None)
