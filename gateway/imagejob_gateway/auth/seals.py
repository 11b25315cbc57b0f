"""Makes and checks the gateway's own tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import sealed
from .sealed import SECRET_BYTES, Kind, SealedToken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SLACK_SECONDS = 60
"""How much longer than its use a token is taken for one: clocks differ, and the state judges."""

MOST_SPENT = 10_000
"""Tokens that are known to be of no use any more."""


class NewToken(NamedTuple):
    """A token that was just made: its text, and what to store of it."""

    text: str
    digest: str


class Seals:
    """`key` returns the key that all replicas share, `now` milliseconds since the epoch."""

    def __init__(
        self,
        key: Callable[[], Awaitable[bytes]],
        random: Callable[[int], bytes],
        now: Callable[[], int],
    ) -> None:
        self._key = key
        self._random = random
        self._now = now
        self._spent: dict[str, int] = {}  # digest → until; the one that was spent first comes first

    async def make(self, kind: Kind, owner: str, seconds: int, about: str = "") -> NewToken:
        """Return a new token, to be used within so many seconds. Raises ProblemError."""
        until = self._now() // 1000 + seconds + SLACK_SECONDS
        token = SealedToken(kind, owner, until, self._random(SECRET_BYTES))
        return NewToken(sealed.write(token, about, await self._key()), token.digest)

    async def read(self, text: str, kind: Kind, about: str = "") -> SealedToken | None:
        """Return a token that may be of use; None for any that is forged, too old or spent.

        Raises ProblemError.
        """
        token = sealed.read(text, kind, about, await self._key())
        if token is None or token.digest in self._spent or self._is_over(token.until):
            return None
        return token

    def spend(self, token: SealedToken) -> None:
        """Refuse a token from now on. To look it up again would cost a read."""
        for digest, until in list(self._spent.items()):
            if len(self._spent) < MOST_SPENT and not self._is_over(until):
                break
            del self._spent[digest]
        self._spent[token.digest] = token.until

    def _is_over(self, until: int) -> bool:
        return self._now() // 1000 > until
