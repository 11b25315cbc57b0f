"""S3 and what speaks its protocol."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time
from typing import TYPE_CHECKING, Final, Literal

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.storage import Fetched, check_size, check_time, errors, keys, write_scratch
from imagejob_worker.storage.client import AnsweredError, Body, Client, Request, persistently
from imagejob_worker.storage.session import Sessions, from_files, secret
from imagejob_worker.storage.signing import Signer, endpoint
from imagejob_worker.storage.transfer import LateError, Patience
from imagejob_worker.storage.wire import CHUNK, Place, WireError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Hashable

    from imagejob_worker.contract.order import S3

_ENDPOINT = r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
_NAME = r"[A-Za-z0-9._-]+"

PUT_SECONDS: Final = 600.0
"""The seconds that storing an output may take at most, however steadily it goes."""


class S3Storage:
    """A bucket, or the part of one under a prefix."""

    def __init__(self, name: str, store: S3, folder: str) -> None:
        """Open a store with the credentials in `folder`. Raises ItemFailure if some are missing."""
        self._name = name
        self._store = store
        _check(name, store)
        with errors.told(name, "open", store.endpoint):
            self._place = Place.of(store.endpoint)
            context = _context(store)
            self._client = Client(Place.of(endpoint(store)), context)
        self._sessions = _sessions(name, store, folder, context)
        with errors.told(name, "open", store.endpoint):
            self._signer = None if self._sessions else Signer(store, from_files(name, folder))

    def close(self) -> None:
        """See Storage."""
        self._client.close()
        if self._sessions:
            self._sessions.close()

    def fetch(
        self, key: str, to: int, max_bytes: int, deadline: float, least: int | None = None
    ) -> Fetched:
        """See Storage. A source whose announced length is over the limit isn't downloaded."""
        whole = self._whole(key, "read")

        def attempt() -> Fetched:
            os.ftruncate(to, 0)  # an attempt before may have written some
            os.lseek(to, 0, os.SEEK_SET)
            return self._fetched(whole, to, max_bytes, deadline, least)

        with errors.told(self._name, "read", key):
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
        whole = self._whole(key, "write")
        headers = {"content-type": content_type}
        if cache_control:
            headers["cache-control"] = cache_control
        self._check_headers(headers, key)
        size = os.fstat(body).st_size
        # The signature doesn't cover the body, so that the store has to check it by this.
        headers |= {"content-length": str(size), "content-md5": _digest(body)}
        end = time.monotonic() + PUT_SECONDS
        with errors.told(self._name, "write", key):
            persistently(lambda: self._put(whole, Body(body, size), headers, end, least), end)

    def identity(self, key: str) -> Hashable:
        """See Storage: what S3 itself sees of a URL, however the endpoint is spelt."""
        path = f"{self._place.path}/{self._store.bucket}/{keys.joined(self._store.prefix, key)}"
        return *self._place.server, path

    def _fetched(
        self, key: str, to: int, max_bytes: int, deadline: float, least: int | None
    ) -> Fetched:
        size, digest = 0, hashlib.sha256()
        patience = Patience(deadline)
        url = self._signed("GET", key, patience)
        with self._client.request(Request("GET", url), patience) as answer:
            if answer.status != 200:
                raise WireError(f"it answers {answer.status}")
            if answer.length is None and not answer.is_chunked:
                raise WireError("it doesn't say how long the object is")
            check_size(answer.length or 0, max_bytes)
            for piece in answer.body(Patience(deadline, least)):
                size += len(piece)
                check_size(size, max_bytes)
                digest.update(piece)
                write_scratch(to, piece)
        return Fetched(size, digest.digest())

    def _put(
        self, key: str, body: Body, headers: dict[str, str], end: float, least: int | None
    ) -> None:
        request = Request("PUT", self._signed("PUT", key, Patience(end)), headers, body)
        with self._client.request(request, Patience(end, least)):
            pass  # the store has said that it has it

    def _signed(self, method: Literal["GET", "PUT"], key: str, patience: Patience) -> str:
        signer = self._signer
        if self._sessions:
            credentials = self._sessions(patience)
            if signer is None or signer.credentials != credentials:
                signer = self._signer = Signer(self._store, credentials)
        assert signer  # noqa: S101 (for mypy: either it was there, or there are sessions)
        return signer(method, key)

    def _whole(self, key: str, doing: Literal["read", "write"]) -> str:
        whole = keys.joined(self._store.prefix, key)
        keys.check(whole, doing)
        return whole

    def _check_headers(self, headers: dict[str, str], key: str) -> None:
        """Refuse what can't be a header: it would be another one. Raises ItemFailure."""
        for name, value in headers.items():
            if not (value.isascii() and value.isprintable()):
                words = f"store {self._name} can't write {key}: {name} can't be {value!r}"
                raise ItemFailure("Internal", words)


def _check(name: str, store: S3) -> None:
    """Refuse what would be pasted into a request as it is. Raises ItemFailure."""
    for what, value, shape in (
        ("endpoint", store.endpoint, _ENDPOINT),
        ("bucket", store.bucket, _NAME),
        ("region", store.region, _NAME),
    ):
        # No dots that are segments: they would be resolved, and be another name for a place.
        if not re.fullmatch(shape, value) or not {".", ".."}.isdisjoint(value.split("/")):
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
    """The value of Content-MD5."""
    digest, offset = hashlib.md5(usedforsecurity=False), 0
    while chunk := os.pread(file, CHUNK, offset):
        digest.update(chunk)
        offset += len(chunk)
    return base64.b64encode(digest.digest()).decode()
