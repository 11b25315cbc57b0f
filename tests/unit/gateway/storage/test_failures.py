"""What clients and operators read when a store can't be asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from imagejob_gateway.dialing import AddressRefusedError
from imagejob_gateway.storage.failures import in_words

KEY = ConnectionKey("store", 443, True, True, None, None, None)  # noqa: FBT003 (aiohttp's)
ERRORS: dict[str, tuple[Callable[[], Exception], str]] = {
    "a name": (
        lambda: aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "unknown")),
        "its name can't be resolved",
    ),
    "a port": (
        lambda: aiohttp.ClientConnectorError(KEY, OSError(111, "refused")),
        "it accepts no connection",
    ),
    "an address": (
        lambda: aiohttp.ClientConnectorError(KEY, AddressRefusedError()),
        "its address isn't one that the gateway connects to",
    ),
    "a certificate": (
        lambda: aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("other")),
        "its certificate isn't trusted, or not its name's",
    ),
    "TLS": (
        lambda: aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "handshake")),
        "TLS fails",
    ),
    "silence": (aiohttp.SocketTimeoutError, "no answer in time"),
    "no connection in time": (aiohttp.ConnectionTimeoutError, "no answer in time"),
    "a deadline": (asyncio.TimeoutError, "no answer in time"),
    "an end": (aiohttp.ServerDisconnectedError, "it closed the connection"),
    "a URL": (lambda: aiohttp.InvalidURL("http://store/?X-Amz-Signature=1"), "InvalidURL"),
}


@pytest.mark.parametrize(("error", "words"), ERRORS.values(), ids=ERRORS)
def test_an_error_has_words_without_its_url(error: Callable[[], Exception], words: str) -> None:
    assert in_words(error()) == words
