"""Tokens of the gateway's own: for one slot, or the events of one image.

Each has a seal, made with a key that all replicas share. Without it a token is refused before
anything is read. A seal says only that a gateway has made the token: whether it may still be used,
the owner's state knows, which keeps a digest of its secret. So who learns the key can use no token
that wasn't given to them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from enum import StrEnum
from typing import NamedTuple

OWNER_BYTES, TIME_BYTES, SECRET_BYTES = 20, 5, 16
SEAL_BYTES, DIGEST_BYTES = 16, 16
_CONTENT = OWNER_BYTES + TIME_BYTES + SECRET_BYTES


class Kind(StrEnum):
    """What a token is for; it begins with this and a dash, as no JWT does.

    Programs that look for leaked secrets may go by it.
    """

    SLOT = "slot"
    TICKET = "ticket"


class SealedToken(NamedTuple):
    """What a token says. It is of no use after `until`, in seconds since the epoch."""

    kind: Kind
    owner: str
    until: int
    secret: bytes

    @property
    def digest(self) -> str:
        """What is stored of it: 128 bits of SHA-256, which suffice for a random secret of 128."""
        return _text(hashlib.sha256(self.secret).digest()[:DIGEST_BYTES])


def write(token: SealedToken, about: str, key: bytes) -> str:
    """Return the token as clients send it; `about` is the only thing that it can be used for."""
    content = bytes.fromhex(token.owner) + token.until.to_bytes(TIME_BYTES, "big") + token.secret
    return f"{token.kind}-{_text(content + _seal(token.kind, about, content, key))}"


def is_of(kind: Kind, text: str) -> bool:
    """Whether a text claims to be such a token."""
    return text.startswith(f"{kind}-")


def read(text: str, kind: Kind, about: str, key: bytes) -> SealedToken | None:
    """Return a token that was made with this key, about this; None for anything else."""
    try:
        data = base64.urlsafe_b64decode(text.removeprefix(f"{kind}-"))
    except ValueError:
        return None
    content, seal = data[:_CONTENT], data[_CONTENT:]
    if not hmac.compare_digest(_seal(kind, about, content, key), seal):
        return None
    if text != f"{kind}-{_text(data)}":  # Python's decoder skips what it doesn't know
        return None
    owner, rest = content[:OWNER_BYTES], content[OWNER_BYTES:]
    until = int.from_bytes(rest[:TIME_BYTES], "big")
    return SealedToken(kind, owner.hex(), until, rest[TIME_BYTES:])


def _seal(kind: Kind, about: str, content: bytes, key: bytes) -> bytes:
    """All but `about`, which comes last, has a fixed length, or ends in a NUL."""
    said = b"\0".join((kind.encode(), content + about.encode()))
    return hmac.digest(key, said, "sha256")[:SEAL_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
