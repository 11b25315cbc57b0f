"""Slot tokens: each is a secret that may complete one upload, and nothing else.

It names its owner, whose state knows the secret's digest: nothing has to be searched, and replicas
need no key in common. A slot's id says nothing.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "slot-"
"""No JWT begins like this; programs that look for leaked secrets may go by it."""

OWNER_BYTES, SECRET_BYTES, DIGEST_BYTES = 20, 16, 16


class SlotToken(NamedTuple):
    """A token that may be one: only the owner's state says whether it is."""

    owner: str
    secret: bytes

    @property
    def text(self) -> str:
        """The token as clients send it."""
        data = bytes.fromhex(self.owner) + self.secret
        return PREFIX + base64.urlsafe_b64encode(data).decode().rstrip("=")

    @property
    def digest(self) -> str:
        """What is stored of it: 128 bits of SHA-256, which suffice for a random secret of 128."""
        digest = hashlib.sha256(self.secret).digest()[:DIGEST_BYTES]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def new_token(owner: str, random: Callable[[int], bytes]) -> SlotToken:
    """Return a token that nobody has."""
    return SlotToken(owner, random(SECRET_BYTES))


def parse(text: str) -> SlotToken | None:
    """Read a token; None for anything else."""
    if not text.startswith(PREFIX):
        return None
    try:
        data = base64.urlsafe_b64decode(text.removeprefix(PREFIX))
    except ValueError:
        return None
    token = SlotToken(data[:OWNER_BYTES].hex(), data[OWNER_BYTES:])
    # Python's decoder skips what it doesn't know; each token has one text.
    return token if len(token.secret) == SECRET_BYTES and token.text == text else None
