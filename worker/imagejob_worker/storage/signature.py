"""AWS's Signature Version 4, as S3 takes it: keys encoded once, the body's digest in a header.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

EMPTY: Final = hashlib.sha256(b"").hexdigest()
"""The digest of no body."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


class Credentials(NamedTuple):
    """Who asks. `session` is the token of temporary ones."""

    key_id: str
    secret: str
    session: str | None = None


def encoded(path: str) -> str:
    """Encode a path as it is signed and sent: all but unreserved characters and slashes."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in path.encode())


def sign(
    method: str,
    path: str,
    headers: Mapping[str, str],
    digest: str,
    credentials: Credentials,
    region: str,
    at: float,
) -> dict[str, str]:
    """Return `headers`, whose names are in lower case and hold `host`, with those that sign them.

    `path` is encoded and has no query; `digest` is the body's SHA-256 in hexadecimal; `at` is in
    seconds since the epoch.
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    signed = {**headers, "x-amz-content-sha256": digest, "x-amz-date": moment}
    if credentials.session:
        signed["x-amz-security-token"] = credentials.session
    names = ";".join(sorted(signed))
    lines = [f"{name}:{' '.join(signed[name].split())}" for name in sorted(signed)]
    request = "\n".join([method, path, "", *lines, "", names, digest])
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    text = "\n".join([_ALGORITHM, moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    mark = hmac.digest(key, text.encode(), "sha256").hex()
    signed["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={mark}"
    )
    return signed
