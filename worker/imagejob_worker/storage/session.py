"""Credentials: the files of a Secret, or a session from a token service for a pod's token."""

from __future__ import annotations

import re
import time
from _thread import allocate_lock
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.storage.client import Client, Request, StatusError
from imagejob_worker.storage.dialing import ServerAddress
from imagejob_worker.storage.faults import WireError
from imagejob_worker.storage.signing import Credentials

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from imagejob_worker.contract.order import S3
    from imagejob_worker.storage.addresses import Addresses
    from imagejob_worker.storage.transfer import TransferLimits

    Source = Callable[[TransferLimits], Credentials]

_EARLY = 300.0  # a session is renewed before it ends: a large output takes a while


def from_files(name: str, folder: str) -> Credentials:
    """Read the Secret's files. Raises ItemFailure."""
    return Credentials(
        secret(name, folder, "AWS_ACCESS_KEY_ID"),
        secret(name, folder, "AWS_SECRET_ACCESS_KEY"),
        secret(name, folder, "AWS_SESSION_TOKEN", optional=True) or None,
    )


class Sessions:
    """The sessions of a role, each used until it expires. For any thread."""

    def __init__(
        self,
        name: str,
        store: S3,
        role: str,
        folder: str,
        allowed: Addresses,
        context: ssl.SSLContext | None,
    ) -> None:
        """Request no session yet. Raises ItemFailure if there is no token."""
        self._name, self._role, self._folder = name, role, folder
        self._service = token_service(store).rstrip("/")
        self._client = Client(ServerAddress.parse(self._service), allowed, context)
        self._lock = allocate_lock()
        self._current: Credentials | None = None
        self._until = 0.0
        secret(name, folder, "token")

    def __call__(self, limits: TransferLimits) -> Credentials:
        """Return valid credentials. Raises as Client does, and ItemFailure."""
        with self._lock:
            if self._current is None or time.time() >= self._until:
                self._current, self._until = self._exchanged(limits)
            return self._current

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _exchanged(self, limits: TransferLimits) -> tuple[Credentials, float]:
        # Read again for each session: the kubelet renews it.
        token = secret(self._name, self._folder, "token")
        fields = {
            "Action": "AssumeRoleWithWebIdentity",
            "DurationSeconds": "3600",
            "RoleArn": self._role,
            "RoleSessionName": "imagejob-worker",
            "Version": "2011-06-15",
            "WebIdentityToken": token,
        }
        url = f"{self._service}/?{urlencode(fields, quote_via=quote)}"
        try:
            with self._client.request(Request("POST", url, secrets=(token,)), limits) as answer:
                return _session(answer.text(limits))
        except StatusError as error:
            if error.answer.status == 404 and not error.answer.code:
                # It isn't the object that is missing.
                raise WireError(f"its token service isn't there: {error}") from error
            raise


def token_service(store: S3) -> str:
    """Return AWS's own for AWS, and otherwise the store: S3-compatible stores serve STS too."""
    host = store.endpoint.partition("://")[2].partition("/")[0].partition(":")[0]
    if host.endswith(".amazonaws.com"):
        return f"https://sts.{store.region}.amazonaws.com"
    return store.endpoint


def _session(text: str) -> tuple[Credentials, float]:
    """Parse the session and its end, in seconds since the epoch, from an answer."""
    from datetime import datetime  # rarely needed

    try:
        key_id, key, token, end = (
            re.findall(f"<{name}>([!-;=?-~]+)</{name}>", text)[0]
            for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
        )
        until = datetime.fromisoformat(end).timestamp()
    except (IndexError, ValueError) as error:
        raise WireError("its token service's answer has no session") from error
    return Credentials(key_id, key, token), until - _EARLY


def secret(name: str, folder: str, key: str, *, optional: bool = False) -> str:
    """Read one file of a store's folder. Raises ItemFailure."""
    try:
        with open(f"{folder}/{key}", "rb") as file:
            # Secrets made with `echo` end in a newline, and no credential holds white space.
            value = file.read(16 * 1024).strip()
    except FileNotFoundError:
        value = b""
    except OSError as error:
        words = f"{key} of the credentials of store {name} can't be read: {error.strerror}"
        raise ItemFailure("AccessDenied", words) from error
    if not value and not optional:
        raise ItemFailure("AccessDenied", f"the credentials of store {name} lack {key}")
    if not re.fullmatch(rb"[!-~]*", value):
        raise ItemFailure("AccessDenied", f"{key} of the credentials of store {name} is malformed")
    return value.decode("ascii")
