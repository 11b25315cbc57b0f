"""Connections to stores and issuers: each address is judged when it is connected to, as workers do.

A store's endpoint is a tenant's text, and any name resolves to whatever its owner says
(docs/decisions/0036).
"""

from __future__ import annotations

import errno
import logging
import socket
from typing import TYPE_CHECKING

from imagejob_operator.observability.logging import fields
from imagejob_worker.storage.addresses import INTERNAL, Addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiohttp.connector import AddrInfoType

    Dial = Callable[[AddrInfoType], socket.socket]
    """Returns a socket to connect to an address with. Raises AddressRefusedError."""

log = logging.getLogger(__name__)

PRIVATE_NETWORKS = INTERNAL["private"]
SETTING = "internalCidrs"


class AddressRefusedError(OSError):
    """The address may not be connected to. The log says which, and why; clients get `words`."""

    words = "its address isn't one that the gateway connects to"

    def __init__(self) -> None:
        super().__init__(errno.EACCES, self.words)


def dial(internal: Iterable[str]) -> Dial:
    """Return what opens sockets. `internal` are networks (CIDR). Raises ValueError."""
    addresses = Addresses(internal, SETTING)

    def opened(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, place = info
        if fault := addresses.fault(str(place[0])):
            log.warning("a connection is refused: %s", fault, extra=fields(address=str(place[0])))
            raise AddressRefusedError
        return socket.socket(family, kind, protocol)

    return opened
