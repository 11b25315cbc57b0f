"""Signed URLs, by obstore: it knows how a store is addressed, how keys are encoded and signed.

It makes no request. A signed URL is a credential: it is made anew for each attempt, and sent to the
store only.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from obstore import sign
from obstore.exceptions import BaseError
from obstore.store import S3Store

from imagejob_worker.storage.faults import WireError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.contract.order import S3

GOOD_FOR: Final = timedelta(minutes=15)
"""How long a signature is valid, as with signatures in headers."""


class Credentials(NamedTuple):
    """S3 credentials. `session` is the token of temporary ones."""

    key_id: str
    secret: str
    session: str | None = None


class Signer:
    """Signs requests to one bucket with one set of credentials."""

    def __init__(self, store: S3, credentials: Credentials) -> None:
        """Prepare to sign. obstore reads AWS_* variables, so the process must have none.

        Raises WireError.
        """
        self.credentials = credentials
        config: Any = {
            "endpoint": endpoint(store),
            "region": store.region,
            "bucket": store.bucket,
            "virtual_hosted_style_request": not store.path_style,
            "access_key_id": credentials.key_id,
            "secret_access_key": credentials.secret,
        }
        if credentials.session:
            config["session_token"] = credentials.session
        # Nothing is sent, so no certificate authority is needed: reading them takes 8 ms.
        options: Any = {"allow_http": True, "disable_system_certificates": True}
        with _translated_errors():
            self._store = S3Store(config=config, client_options=options)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show, although the URL has some of it."""
        return tuple(filter(None, self.credentials))

    def __call__(self, method: Literal["GET", "PUT"], key: str) -> str:
        """Return the URL of an object, signed. Raises WireError."""
        with _translated_errors():
            return sign(self._store, method, key, GOOD_FOR)


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn obstore's errors, such as an invalid host, into WireErrors."""
    try:
        yield
    except (BaseError, ValueError) as error:
        raise WireError(f"it can't be addressed: {error}") from error


def endpoint(store: S3) -> str:
    """Where the bucket is served: under a name of its own unless `pathStyle`."""
    whole = store.endpoint.rstrip("/")
    if store.path_style:
        return whole
    scheme, _, rest = whole.partition("://")
    return f"{scheme}://{store.bucket}.{rest}"
