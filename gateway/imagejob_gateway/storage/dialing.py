"""Connections to stores, which lead to no address that serves credentials.

A store's endpoint is a tenant's text, and its name resolves to whatever the owner of the name says.
Workers judge each address when they connect to it (docs/decisions/0036); so does the gateway, as
far as nothing that the platform lists decides: its namespace may have stores in any network.
"""

from __future__ import annotations

import errno
import logging
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from imagejob_operator.observability.logging import fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp.connector import AddrInfoType

log = logging.getLogger(__name__)

NEVER = (
    *("169.254.169.254/32", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
    *("fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128"),
    *("169.254.0.0/16", "fe80::/10", "fec0::/10"),
)
"""Metadata services of clouds, and link-local addresses. Workers have the same list."""

_HOLDS = (
    *(("::ffff:0:0/96", 0), ("64:ff9b::/96", 0), ("2002::/16", 80)),
    *(("::/96", 0), ("::ffff:0:0:0/96", 0), ("64:ff9b:1::/48", 0), ("2001::/32", 64)),
)
"""IPv4 within IPv6: a network, and how many bits follow the IPv4 address."""

_NETWORKS = tuple(ip_network(each) for each in NEVER)


def opened(info: AddrInfoType) -> socket.socket:
    """Return a socket to connect to this address with. Raises OSError."""
    family, kind, protocol, _, place = info
    if is_refused(str(place[0])):
        extra = fields(address=str(place[0]))
        log.warning("a store's name leads to an address that serves credentials", extra=extra)
        raise OSError(errno.EACCES, "an address that serves credentials, or is link-local")
    return socket.socket(family, kind, protocol)


def is_refused(address: str) -> bool:
    """Whether an address, as the resolver gives it, is never connected to."""
    own = ip_address(address.partition("%")[0])  # without a zone
    return any(each in network for each in (own, *_inner(own)) for network in _NETWORKS)


def _inner(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address]:
    """Yield IPv4 addresses within an IPv6 one."""
    if address.version == 6:
        for network, bits in _HOLDS:
            if address in ip_network(network):
                yield IPv4Address(int(address) >> bits & 0xFFFFFFFF)
