"""Stores that speak the S3 protocol."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time
from typing import TYPE_CHECKING, Final, Literal

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.storage import Fetched, check_size, check_time, errors, keys, write_scratch
from imagejob_worker.storage.client import Body, Client, Request, StatusError
from imagejob_worker.storage.dialing import ServerAddress
from imagejob_worker.storage.faults import WireError
from imagejob_worker.storage.retries import with_retries
from imagejob_worker.storage.session import Sessions, from_files, secret
from imagejob_worker.storage.signing import Signer, endpoint
from imagejob_worker.storage.transfer import DeadlineError, TransferLimits
from imagejob_worker.storage.wire import CHUNK

if TYPE_CHECKING:
    import ssl
    from collections.abc import Hashable

    from imagejob_worker.contract.order import S3
    from imagejob_worker.storage.addresses import Addresses

_ENDPOINT = r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
_NAME = r"[A-Za-z0-9._-]+"

PUT_SECONDS: Final = 600.0
"""The seconds that storing an output may take at most, at any rate."""


class S3Storage:
    """A bucket, or the part of one under a prefix."""

    def __init__(self, name: str, store: S3, folder: str, allowed: Addresses) -> None:
        """Open a store with the credentials in `folder`. Raises ItemFailure if some are missing."""
        self._name = name
        self._store = store
        self._subject = errors.Subject(name, store.bucket)
        _check(name, store)
        with errors.as_item_failure(self._subject, "open", store.endpoint):
            self._server = ServerAddress.parse(store.endpoint)
            context = _context(store)
            self._client = Client(ServerAddress.parse(endpoint(store)), allowed, context)
        self._sessions = _sessions(name, store, folder, allowed, context)
        with errors.as_item_failure(self._subject, "open", store.endpoint):
            self._signer = None if self._sessions else Signer(store, from_files(name, folder))

    def close(self) -> None:
        """See Storage."""
        self._client.close()
        if self._sessions:
            self._sessions.close()

    def fetch(
        self, key: str, to: int, max_bytes: int, deadline: float, min_rate: int | None = None
    ) -> Fetched:
        """See Storage. A source whose announced length is over the limit isn't downloaded."""
        whole = self._whole(key, "read")

        def attempt() -> Fetched:
            os.ftruncate(to, 0)  # an attempt before may have written some
            os.lseek(to, 0, os.SEEK_SET)
            return self._fetched(whole, to, max_bytes, deadline, min_rate)

        with errors.as_item_failure(self._subject, "read", key):
            try:
                return with_retries(attempt, deadline)
            except StatusError:
                raise  # its message says why
            except (DeadlineError, WireError):
                check_time(deadline)
                raise

    def put(
        self,
        key: str,
        body: int,
        content_type: str,
        cache_control: str | None,
        min_rate: int | None = None,
    ) -> None:
        """See Storage."""
        whole = self._whole(key, "write")
        headers = {"content-type": content_type}
        if cache_control:
            headers["cache-control"] = cache_control
        self._check_headers(headers, key)
        size = os.fstat(body).st_size
        # The signature doesn't cover the body: the store checks it by Content-MD5.
        headers |= {"content-length": str(size), "content-md5": _digest(body)}
        end = time.monotonic() + PUT_SECONDS
        with errors.as_item_failure(self._subject, "write", key):
            with_retries(lambda: self._put(whole, Body(body, size), headers, end, min_rate), end)

    def identity(self, key: str) -> Hashable:
        """See Storage: the URL as S3 sees it, for all spellings of the endpoint."""
        path = f"{self._server.path}/{self._store.bucket}/{keys.joined(self._store.prefix, key)}"
        return *self._server.identity, path

    def _fetched(
        self, key: str, to: int, max_bytes: int, deadline: float, min_rate: int | None
    ) -> Fetched:
        size, digest = 0, hashlib.sha256()
        limits = TransferLimits(deadline)
        with self._client.request(self._signed("GET", key, limits), limits) as answer:
            if answer.status != 200:
                raise WireError(f"it answers {answer.status}")
            if answer.length is None and not answer.is_chunked:
                raise WireError("its answer doesn't say how long the object is")
            check_size(answer.length or 0, max_bytes)
            for piece in answer.body(TransferLimits(deadline, min_rate)):
                size += len(piece)
                check_size(size, max_bytes)
                digest.update(piece)
                write_scratch(to, piece)
        return Fetched(size, digest.digest())

    def _put(
        self, key: str, body: Body, headers: dict[str, str], end: float, min_rate: int | None
    ) -> None:
        signed = self._signed("PUT", key, TransferLimits(end))
        request = signed._replace(headers=headers, body=body)
        with self._client.request(request, TransferLimits(end, min_rate)):
            pass  # a 2xx answer: it is stored

    def _signed(self, method: Literal["GET", "PUT"], key: str, limits: TransferLimits) -> Request:
        signer = self._signer
        if self._sessions:
            credentials = self._sessions(limits)
            if signer is None or signer.credentials != credentials:
                signer = self._signer = Signer(self._store, credentials)
        assert signer  # noqa: S101 (for mypy: there is a signer, or there are sessions)
        return Request(method, signer(method, key), secrets=signer.secrets)

    def _whole(self, key: str, doing: Literal["read", "write"]) -> str:
        whole = keys.joined(self._store.prefix, key)
        keys.check(whole, doing)
        return whole

    def _check_headers(self, headers: dict[str, str], key: str) -> None:
        """Reject a value that would inject another header. Raises ItemFailure."""
        for name, value in headers.items():
            if not (value.isascii() and value.isprintable()):
                words = f"store {self._name} can't write {key}: {name} can't be {value!r}"
                raise ItemFailure("Internal", words)


def _check(name: str, store: S3) -> None:
    """Reject an endpoint, bucket or region that could change a request. Raises ItemFailure."""
    for what, value, shape in (
        ("endpoint", store.endpoint, _ENDPOINT),
        ("bucket", store.bucket, _NAME),
        ("region", store.region, _NAME),
    ):
        # No . or .. segments: they would be resolved, and name another object.
        if not re.fullmatch(shape, value) or not {".", ".."}.isdisjoint(value.split("/")):
            raise ItemFailure(
                "StorageUnavailable", f"the {what} of store {name} is invalid: {value}"
            )


def _context(store: S3) -> ssl.SSLContext | None:
    """Trust only the store's own authority if it names one, and the system's otherwise."""
    if store.endpoint.startswith("http://"):
        return None
    from imagejob_worker.storage import tls  # only for TLS: it takes 8 ms

    return tls.trusting(store.ca_bundle)


def _sessions(
    name: str, store: S3, folder: str, allowed: Addresses, context: ssl.SSLContext | None
) -> Sessions | None:
    """Return the sessions of a store with a role. Raises ItemFailure."""
    if store.role_arn:
        if not context:
            # A token is a credential: without TLS anyone on the network could read it.
            raise ItemFailure("StorageUnavailable", f"store {name} has a roleArn, but no TLS")
        return Sessions(name, store, store.role_arn, folder, allowed, context)
    if secret(name, folder, "token", optional=True):
        raise ItemFailure("AccessDenied", f"store {name} has a service account but no roleArn")
    return None


def _digest(file: int) -> str:
    """Return the value of Content-MD5."""
    digest, offset = hashlib.md5(usedforsecurity=False), 0
    while chunk := os.pread(file, CHUNK, offset):
        digest.update(chunk)
        offset += len(chunk)
    return base64.b64encode(digest.digest()).decode()
