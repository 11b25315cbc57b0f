"""Names of what is uploaded. Nothing that a client says can be read in one.

A retried upload finds the ImageJob of the first: its name is made of the owner and what makes the
two the same, so the API server is the judge of who was first.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM_BYTES = 12
"""96 bits: no two attempts get one id, and nobody guesses another's."""


def new_id(random: Callable[[int], bytes]) -> str:
    """Return the id of an attempt to upload."""
    return random(RANDOM_BYTES).hex()


def name_of_key(owner: str, key: str) -> str:
    """Return the name of the ImageJob of an owner's Idempotency-Key."""
    return _name("key", owner, key)


def name_of_content(owner: str, profile: str, sha256: str) -> str:
    """Return the name of the ImageJob of an owner's image without a key."""
    return _name("content", owner, profile, sha256)


def source_key(prefix: str, upload: str) -> str:
    """Return the key of the original in its store; `upload` is the attempt's id."""
    return f"{prefix}/{upload}/original"


def is_source_key(key: str, upload: str) -> bool:
    """Whether a key is of this attempt's original, under whatever prefix it was stored."""
    return key.endswith(source_key("", upload))


def _name(*parts: str) -> str:
    """96 bits of a digest: no part has a NUL."""
    return f"img-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:24]}"
