"""Where the keys come from that tokens are checked with.

A file with a secret, for now. A JWKS URL becomes another KeySource, for other algorithms.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from imagejob_gateway.config import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORTEST_SECRET = 32
"""Bytes: RFC 7518, 3.2 demands as many for HS256 as the digest has."""

LONGEST_FILE = 64 * 1024


class KeySource(Protocol):
    """The keys of one issuer."""

    async def key(self, header: Mapping[str, Any]) -> bytes | None:
        """Return the key that the token's header asks for; None if there is none."""
        ...


class SecretFile:
    """One secret for HMAC, which has no id."""

    def __init__(self, path: str) -> None:
        """Read it once. Raises SettingsError."""
        try:
            with Path(path).open("rb") as file:
                # Secrets made with `echo` end in a newline.
                self._secret = file.read(LONGEST_FILE).strip()
        except OSError as error:
            raise SettingsError(f"the key can't be read: {error}") from error
        if len(self._secret) < SHORTEST_SECRET:
            raise SettingsError(
                f"the key in {path} has {len(self._secret)} bytes; HS256 needs {SHORTEST_SECRET}"
            )

    async def key(self, header: Mapping[str, Any]) -> bytes | None:
        """See KeySource. A header that asks for a certain key asks for another than this one."""
        return None if "kid" in header else self._secret
