"""The token that requests carry, and when it is read again.

A pod's token is rotated by the kubelet, a kubeconfig's tokenFile by whoever wrote it, and a plugin
(`exec`) hands out tokens that expire. kubernetes.aio reads the first at most once a minute, and the
others once.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from imagejob_operator.observability.trouble import Trouble

from .errors import UnreachableError

log = logging.getLogger(__name__)

FILE_SECONDS = 60.0
"""How long a token from a file is used before the file is read again, as in client-go."""

REST_SECONDS = 5.0
"""The minimum age of a token that is read again because it was rejected, or could not be read."""


class Token(msgspec.Struct, frozen=True):
    """The value of the header Authorization, and until when (of time.monotonic) to use it."""

    header: str
    until: float = math.inf


class CredentialsError(Exception):
    """A token could not be read; the message says from where, and why."""


Read = Callable[[], Awaitable[Token]]


class Credentials:
    """Reads a token when it is first needed, when it is due, and when it was rejected.

    Requests without a token, or whose token was rejected, wait for one reading. It goes on if they
    give up: a plugin may take longer than the attempt to renew a Lease may.
    """

    def __init__(self, read: Read, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._token: Token | None = None
        self._rest_until = -math.inf
        self._failure = ""
        self._reading: asyncio.Task[None] | None = None
        self._trouble = Trouble(log, "cannot read the credentials", "the credentials are readable")

    async def header(self, rejected: str = "") -> str:
        """Return the value of the header Authorization, if possible another than `rejected`.

        A token that is due is used until another has been read. Raises UnreachableError without
        any.
        """
        if self._reading is None and self._is_due(rejected):
            self._reading = asyncio.create_task(self._renew())
        # One that is due is valid for a while yet: a slow plugin must not cost us the Lease.
        if self._reading and (self._token is None or self._token.header == rejected):
            await asyncio.shield(self._reading)
        if self._token is None:
            raise UnreachableError(f"no credentials: {self._failure}")
        return self._token.header

    def _is_due(self, rejected: str) -> bool:
        now = self._clock()
        if now < self._rest_until:
            return False
        token = self._token
        return token is None or now >= token.until or token.header == rejected

    async def _renew(self) -> None:
        try:
            self._token = await self._read()
        except CredentialsError as error:
            self._failure = str(error)
            self._trouble.failed(error)
        else:
            self._trouble.worked()
        finally:
            self._rest_until = self._clock() + REST_SECONDS
            self._reading = None


def fixed(header: str) -> Read:
    """Read a token that never changes, or "" for none."""

    async def read() -> Token:
        return Token(header)

    return read


def from_file(path: Path, clock: Callable[[], float] = time.monotonic) -> Read:
    """Read a file that holds a token."""

    async def read() -> Token:
        return Token(f"Bearer {_content(path)}", clock() + FILE_SECONDS)

    return read


def _content(path: Path) -> str:
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(f"{path}: {error}") from error
    if not text:
        raise CredentialsError(f"{path} is empty")
    return text
