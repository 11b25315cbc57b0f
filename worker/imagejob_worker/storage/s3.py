"""S3 and what speaks its protocol, through obstore."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from obstore import get, put
from obstore.store import S3Store

from imagejob_worker.failures import ItemFailure
from imagejob_worker.storage import Fetched, check_size, check_time, keys, refusals, write_scratch

if TYPE_CHECKING:
    from imagejob_worker.order import S3

_ENDPOINT = r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
_NAME = r"[A-Za-z0-9._-]+"

# Chunks as they arrive: if they were gathered, a source that drips would outlast its deadline.
_CHUNK = 1

# Up to here an output is one request, and for its time in memory. Beyond, parts of 8 MiB, which
# become an object all at once too.
_ONE_REQUEST, _PART = 32 * 1024 * 1024, 8 * 1024 * 1024

# A store that refuses connections fails within 4 seconds, one that doesn't answer them within 15,
# one that stops half-way within 30; what comes after is for the operator's backoff.
_TIMES = {"connect_timeout": "5s", "read_timeout": "30s", "timeout": "10m"}
_RETRIES: Any = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=8),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}


class S3Storage:
    """A bucket, or the part of one under a prefix."""

    def __init__(self, name: str, store: S3, folder: str) -> None:
        """Open a store with the credentials in `folder`.

        obstore takes what it isn't told from AWS_* variables, so the process must have none.
        Raises ItemFailure if credentials are missing.
        """
        self._name = name
        self._prefix = store.prefix
        _check(name, store)
        config: Any = {**_address(store), **_credentials(name, store, folder)}
        client: Any = _client(store)
        with refusals.told(name, "open", store.endpoint):
            self._store = S3Store(config=config, client_options=client, retry_config=_RETRIES)

    def close(self) -> None:
        """See Storage. Connections are obstore's, and go with it."""

    def fetch(self, key: str, to: int, max_bytes: int, deadline: float) -> Fetched:
        """See Storage. A source whose announced length is over the limit isn't downloaded."""
        path = self._path(key, "read")
        size, digest = 0, hashlib.sha256()
        with refusals.told(self._name, "read", key):
            found = get(self._store, path)
            check_size(found.range[1], max_bytes)
            for chunk in found.stream(_CHUNK):
                size += len(chunk)
                check_size(size, max_bytes)
                check_time(deadline)
                digest.update(chunk)
                write_scratch(to, chunk)
        return Fetched(size, digest.digest())

    def put(self, key: str, body: int, content_type: str, cache_control: str | None) -> None:
        """See Storage."""
        path = self._path(key, "write")
        attributes = {"Content-Type": content_type}
        if cache_control:
            attributes["Cache-Control"] = cache_control
        large = os.fstat(body).st_size > _ONE_REQUEST
        with refusals.told(self._name, "write", key), os.fdopen(os.dup(body), "rb") as file:
            file.seek(0)
            put(
                self._store,
                path,
                file if large else file.read(),
                attributes=attributes,
                use_multipart=large,
                chunk_size=_PART,
                max_concurrency=2,
            )

    def _path(self, key: str, doing: Literal["read", "write"]) -> str:
        path = keys.joined(self._prefix, key)
        keys.check(path, doing)
        return path


def _check(name: str, store: S3) -> None:
    """Refuse what obstore would paste into a URL or a header as it is. Raises ItemFailure."""
    for what, value, shape in (
        ("endpoint", store.endpoint, _ENDPOINT),
        ("bucket", store.bucket, _NAME),
        ("region", store.region, _NAME),
    ):
        if not re.fullmatch(shape, value):
            raise ItemFailure("StorageUnavailable", f"the {what} of store {name} is none: {value}")


def _address(store: S3) -> dict[str, Any]:
    endpoint = store.endpoint.rstrip("/")
    if not store.path_style:
        scheme, _, host = endpoint.partition("://")
        endpoint = f"{scheme}://{store.bucket}.{host}"
    return {
        "endpoint": endpoint,
        "region": store.region,
        "bucket": store.bucket,
        "virtual_hosted_style_request": not store.path_style,
    }


def _client(store: S3) -> dict[str, Any]:
    """Trust the store's own authority alone if it names one, and the system's otherwise.

    Reading the system's costs 8 ms of CPU, so plain HTTP goes without.
    """
    plain = store.endpoint.startswith("http://")
    options: dict[str, Any] = {**_TIMES, "allow_http": plain}
    options["disable_system_certificates"] = plain or bool(store.ca_bundle)
    if store.ca_bundle:
        options["root_certificate"] = store.ca_bundle
    return options


def _credentials(name: str, store: S3, folder: str) -> dict[str, Any]:
    if store.role_arn:
        _secret(name, folder, "token")  # obstore reads it again whenever it needs a new session
        return {
            "role_arn": store.role_arn,
            "role_session_name": "imagejob-worker",
            "web_identity_token_file": f"{folder}/token",
            **_token_service(store),
        }
    if _secret(name, folder, "token", optional=True):
        # Without one, obstore would look for credentials elsewhere, on the node first.
        raise ItemFailure("AccessDenied", f"store {name} has a service account but no roleArn")
    found = {
        "access_key_id": _secret(name, folder, "AWS_ACCESS_KEY_ID"),
        "secret_access_key": _secret(name, folder, "AWS_SECRET_ACCESS_KEY"),
    }
    if session := _secret(name, folder, "AWS_SESSION_TOKEN", optional=True):
        found["session_token"] = session
    return found


def _token_service(store: S3) -> dict[str, str]:
    """Point anything but AWS at its own endpoint, where S3-compatible stores answer for STS."""
    host = store.endpoint.partition("://")[2].partition("/")[0].partition(":")[0]
    return {} if host.endswith(".amazonaws.com") else {"endpoint_url_sts": store.endpoint}


def _secret(name: str, folder: str, key: str, *, optional: bool = False) -> str:
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
