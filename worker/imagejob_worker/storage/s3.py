"""S3 and what speaks its protocol."""

from __future__ import annotations

import hashlib
import os
import re
import time
from typing import TYPE_CHECKING, Final, Literal

from imagejob_worker.failures import ItemFailure
from imagejob_worker.storage import Fetched, check_size, check_time, keys, refusals, write_scratch
from imagejob_worker.storage.client import AnsweredError, Client, persistently
from imagejob_worker.storage.exchange import Body
from imagejob_worker.storage.pace import LateError, Patience
from imagejob_worker.storage.session import Sessions, from_files, secret
from imagejob_worker.storage.signature import EMPTY, encoded, sign
from imagejob_worker.storage.wire import CHUNK, Place, WireError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Hashable

    from imagejob_worker.order import S3
    from imagejob_worker.storage.signature import Credentials

_ENDPOINT = r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
_NAME = r"[A-Za-z0-9._-]+"

PUT_SECONDS: Final = 600.0
"""The seconds that storing an output may take at most, however steadily it goes."""


class S3Storage:
    """A bucket, or the part of one under a prefix."""

    def __init__(self, name: str, store: S3, folder: str) -> None:
        """Open a store with the credentials in `folder`. Raises ItemFailure if some are missing."""
        self._name = name
        self._prefix = store.prefix
        self._region = store.region
        _check(name, store)
        with refusals.told(name, "open", store.endpoint):
            place = address(store)
            context = _context(store)
            self._path = f"{place.path}/{store.bucket}" if store.path_style else place.path
        self._host = place.authority
        self._server, self._folder = Place.of(store.endpoint).server, f"{place.path}/{store.bucket}"
        self._sessions = _sessions(name, store, folder, context)
        self._credentials = None if self._sessions else from_files(name, folder)
        self._client = Client(place, context)

    def close(self) -> None:
        """See Storage."""
        self._client.close()
        if self._sessions:
            self._sessions.close()

    def fetch(
        self, key: str, to: int, max_bytes: int, deadline: float, least: int | None = None
    ) -> Fetched:
        """See Storage. A source whose announced length is over the limit isn't downloaded."""
        path = self._path_of(key, "read")

        def attempt() -> Fetched:
            os.ftruncate(to, 0)  # an attempt before may have written some
            os.lseek(to, 0, os.SEEK_SET)
            return self._fetched(path, to, max_bytes, deadline, least)

        with refusals.told(self._name, "read", key):
            try:
                return persistently(attempt, deadline)
            except AnsweredError:
                raise  # it has said why
            except (LateError, WireError):
                check_time(deadline)
                raise

    def put(
        self,
        key: str,
        body: int,
        content_type: str,
        cache_control: str | None,
        least: int | None = None,
    ) -> None:
        """See Storage."""
        path = self._path_of(key, "write")
        headers = {"content-type": content_type}
        if cache_control:
            headers["cache-control"] = cache_control
        self._check_headers(headers, key)
        size = os.fstat(body).st_size
        whole = Body(body, size, _digest(body))
        end = time.monotonic() + PUT_SECONDS
        with refusals.told(self._name, "write", key):
            persistently(lambda: self._put(path, whole, headers, end, least), end)

    def identity(self, key: str) -> Hashable:
        """See Storage: what S3 itself sees of a URL, however the endpoint is spelt."""
        return *self._server, f"{self._folder}/{keys.joined(self._prefix, key)}"

    def _fetched(
        self, path: str, to: int, max_bytes: int, deadline: float, least: int | None
    ) -> Fetched:
        size, digest = 0, hashlib.sha256()
        patience = Patience(deadline)
        headers = self._signed("GET", path, {}, EMPTY, patience)
        with self._client.request(f"GET {path}", headers, None, patience) as (connection, answer):
            if answer.status != 200:
                raise WireError(f"it answers {answer.status}")
            if answer.length is None and not answer.is_chunked:
                raise WireError("it doesn't say how long the object is")
            check_size(answer.length or 0, max_bytes)
            for piece in connection.body(answer, Patience(deadline, least)):
                size += len(piece)
                check_size(size, max_bytes)
                digest.update(piece)
                write_scratch(to, piece)
        return Fetched(size, digest.digest())

    def _put(
        self, path: str, body: Body, headers: dict[str, str], end: float, least: int | None
    ) -> None:
        signed = self._signed("PUT", path, headers, body.sha256, Patience(end))
        signed["content-length"] = str(body.size)
        patience = Patience(end, least)
        with self._client.request(f"PUT {path}", signed, body, patience) as (connection, answer):
            if answer.length == 0:
                connection.excerpt(answer, patience)  # so that it can go on with the next

    def _signed(
        self, method: str, path: str, headers: dict[str, str], digest: str, patience: Patience
    ) -> dict[str, str]:
        credentials: Credentials | None = self._credentials
        if self._sessions:
            credentials = self._sessions(patience)
        assert credentials  # noqa: S101 (for mypy: one of the two is there)
        wanted = {"host": self._host, **headers}
        return sign(method, path, wanted, digest, credentials, self._region, time.time())

    def _path_of(self, key: str, doing: Literal["read", "write"]) -> str:
        whole = keys.joined(self._prefix, key)
        keys.check(whole, doing)
        return f"{self._path}/{encoded(whole)}"

    def _check_headers(self, headers: dict[str, str], key: str) -> None:
        """Refuse what can't be a header: it would be another one. Raises ItemFailure."""
        for name, value in headers.items():
            if not (value.isascii() and value.isprintable()):
                words = f"store {self._name} can't write {key}: {name} can't be {value!r}"
                raise ItemFailure("Internal", words)


def address(store: S3) -> Place:
    """Where the bucket is served. Raises WireError."""
    place = Place.of(store.endpoint)
    if place.port > 0xFFFF:
        raise WireError("the endpoint has no such port")
    return place if store.path_style else place._replace(host=f"{store.bucket}.{place.host}")


def _check(name: str, store: S3) -> None:
    """Refuse what would be pasted into a request as it is. Raises ItemFailure."""
    for what, value, shape in (
        ("endpoint", store.endpoint, _ENDPOINT),
        ("bucket", store.bucket, _NAME),
        ("region", store.region, _NAME),
    ):
        if not re.fullmatch(shape, value):
            raise ItemFailure("StorageUnavailable", f"the {what} of store {name} is none: {value}")


def _context(store: S3) -> ssl.SSLContext | None:
    """Trust the store's own authority alone if it names one, and the system's otherwise."""
    if store.endpoint.startswith("http://"):
        return None
    from imagejob_worker.storage import tls  # not for a store in the clear: it takes 8 ms

    return tls.trusting(store.ca_bundle)


def _sessions(name: str, store: S3, folder: str, context: ssl.SSLContext | None) -> Sessions | None:
    """What gives a role its credentials. Raises ItemFailure."""
    if store.role_arn:
        if not context:
            # A token is as good as a password, and whoever listens could use it.
            raise ItemFailure("StorageUnavailable", f"store {name} has a roleArn, but no TLS")
        return Sessions(name, store, store.role_arn, folder, context)
    if secret(name, folder, "token", optional=True):
        raise ItemFailure("AccessDenied", f"store {name} has a service account but no roleArn")
    return None


def _digest(file: int) -> str:
    digest, offset = hashlib.sha256(), 0
    while chunk := os.pread(file, CHUNK, offset):
        digest.update(chunk)
        offset += len(chunk)
    return digest.hexdigest()
