"""Where keys come from: a file, which the kubelet keeps current, a setting, or a URL."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from imagejob_operator.observability.logging import fields

from imagejob_gateway.config import SettingsError

from .key_ring import Key, KeyMaterialError, KeyRing, of_public_key, of_secret
from .key_set_cache import KeySetCache, fetch

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_gateway.config import IssuerSettings
    from imagejob_gateway.dialing import Dial

log = logging.getLogger(__name__)

LONGEST_FILE = 64 * 1024


class KeySource(Protocol):
    """The keys of one issuer."""

    async def key(self, key_id: str | None) -> Key | None:
        """Return the key that a token names, None if there is none.

        Raises KeysUnavailableError if there is none for now.
        """
        ...


class KeyInSettings:
    """A public key among the settings."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def key(self, key_id: str | None) -> Key | None:
        """See KeySource."""
        return self._ring.find(key_id)


class KeyFile:
    """A secret or public key in a file, which is read again when it changes.

    A change that leaves no usable key is logged, and the key before it stays in use.
    """

    def __init__(self, path: str, parse: Callable[[bytes], KeyRing]) -> None:
        """Read it. Raises SettingsError."""
        self._path = path
        self._parse = parse
        self._version = _version(path)
        try:
            self._ring = self._read()
        except (OSError, KeyMaterialError) as error:
            raise SettingsError(f"the key in {path} can't be used: {error}") from error

    async def key(self, key_id: str | None) -> Key | None:
        """See KeySource."""
        version = _version(self._path)
        if version != self._version:
            self._version = version
            self._read_again()
        return self._ring.find(key_id)

    def _read_again(self) -> None:
        try:
            self._ring = self._read()
        except (OSError, KeyMaterialError) as error:
            extra = fields(file=self._path)
            log.warning("a key's change can't be used, keep the last: %s", error, extra=extra)
        else:
            log.info("a key has changed", extra=fields(file=self._path))

    def _read(self) -> KeyRing:
        with Path(self._path).open("rb") as file:
            return self._parse(file.read(LONGEST_FILE))


def open_keys(settings: IssuerSettings, dial: Dial) -> KeySource:
    """Return the keys of an issuer. `dial` opens sockets to a JWKS URL. Raises SettingsError."""
    algorithm, key_id = settings.algorithm, settings.key_id
    if settings.jwks_url:
        return KeySetCache(lambda: fetch(settings.jwks_url, dial), algorithm)
    if settings.public_key:
        try:
            return KeyInSettings(of_public_key(settings.public_key.encode(), algorithm, key_id))
        except KeyMaterialError as error:
            raise SettingsError(f"the key of {settings.issuer} can't be used: {error}") from error
    if algorithm == "HS256":
        return KeyFile(settings.key_file, lambda data: of_secret(data, key_id))
    return KeyFile(settings.key_file, lambda data: of_public_key(data, algorithm, key_id))


def _version(path: str) -> tuple[int, ...]:
    """What differs once the kubelet has replaced a file; empty while there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size
