"""Why a store couldn't be asked, in words."""

from __future__ import annotations

import aiohttp

from imagejob_gateway.dialing import AddressRefusedError

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its name can't be resolved"),
    (aiohttp.ClientConnectorCertificateError, "its certificate isn't trusted, or not its name's"),
    (aiohttp.ClientSSLError, "TLS fails"),
    (aiohttp.ClientConnectorError, "it accepts no connection"),
    (TimeoutError, "no answer in time"),
    (aiohttp.ServerDisconnectedError, "it closed the connection"),
)


def in_words(error: Exception) -> str:
    """Return what is wrong; not the exception's own text, which may have a URL with a signature."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(
        error.os_error, AddressRefusedError
    ):
        return error.os_error.words
    found = (words for kind, words in _WORDS if isinstance(error, kind))
    return next(found, type(error).__name__)
