"""TLS to a store: which authorities to trust, and what handshake errors mean."""

from __future__ import annotations

import os
import ssl
import time
from typing import TYPE_CHECKING, Final

from imagejob_worker.storage.faults import ConnectionCutError, WireError
from imagejob_worker.storage.transfer import DeadlineError

if TYPE_CHECKING:
    import socket

# Where systems keep their authorities in one file: Debian and Alpine, Fedora, openSUSE.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)

# OpenSSL's codes for what is wrong with a certificate (X509_V_ERR_…).
_UNTRUSTED: Final = frozenset({2, 18, 19, 20, 21})
_ANOTHER_NAME: Final = frozenset({62, 64})

# OpenSSL's reasons for bytes that aren't TLS, such as `HTTP/1.1 400 Bad Request`.
_NO_TLS: Final = frozenset(
    {
        "HTTP_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "UNEXPECTED_MESSAGE",
        "UNKNOWN_PROTOCOL",
        "UNSUPPORTED_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)


def trusting(authorities: str | None) -> ssl.SSLContext:
    """Trust these authorities alone (PEM), or the system's. Raises WireError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities is None:
        _trust_the_system(context)
        return context
    # A named authority is trusted even if it isn't a root.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=authorities)
    except (ssl.SSLError, ValueError) as error:
        raise WireError("its caBundle holds no certificate") from error
    return context


def _trust_the_system(context: ssl.SSLContext) -> None:
    """Trust the authorities of the container image; none if it has none."""
    paths = ssl.get_default_verify_paths()
    if _is_hashed(paths.openssl_capath):
        # OpenSSL reads only those that it needs; all of them take 20 ms.
        context.load_verify_locations(capath=paths.openssl_capath)
        return
    for bundle in (paths.openssl_cafile, *_BUNDLES):
        if os.path.exists(bundle):
            context.load_verify_locations(cafile=bundle)
            return


def _is_hashed(folder: str) -> bool:
    """Whether a folder has authorities under their hashes, as `openssl rehash` names them."""
    try:
        return any(name.endswith(".0") for name in os.listdir(folder))
    except OSError:
        return False


def secured(
    plain: socket.socket, context: ssl.SSLContext, host: str, until: float
) -> ssl.SSLSocket:
    """Do the TLS handshake; takes over the socket. Raises WireError, or DeadlineError."""
    try:
        plain.settimeout(max(0.001, until - time.monotonic()))
        return context.wrap_socket(plain, server_hostname=host)
    except TimeoutError as error:
        plain.close()
        raise DeadlineError("it didn't answer to TLS in time; does it speak plain HTTP?") from error
    except (OSError, ValueError) as error:
        plain.close()
        raise _meaning(error) from error


def _meaning(error: Exception) -> WireError:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _UNTRUSTED:
            return WireError("its certificate is signed by an authority that isn't trusted")
        if error.verify_code in _ANOTHER_NAME:
            return WireError("its certificate is for another name")
        return WireError(f"its certificate isn't valid: {error.verify_message}")
    if isinstance(error, ssl.SSLEOFError | ConnectionError):
        return ConnectionCutError("the connection was cut when it was to speak TLS")
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return WireError("it speaks no TLS; is its endpoint http://?")
    words = getattr(error, "reason", None) or str(error)
    return WireError(f"it can't be talked to over TLS: {words}")
