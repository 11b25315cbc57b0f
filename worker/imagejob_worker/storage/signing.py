"""Signed URLs, by obstore: it knows how a store is addressed, how keys are encoded and signed.

It makes no request. Whoever has such a URL may use it, so it is made for each attempt anew, and
shown to nobody but the store.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from obstore import sign
from obstore.exceptions import BaseError
from obstore.store import S3Store

from imagejob_worker.storage.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.contract.order import S3

GOOD_FOR: Final = timedelta(minutes=15)
"""How long after its signature a request may begin, as with signatures in headers."""


class Credentials(NamedTuple):
    """Who asks. `session` is the token of temporary ones."""

    key_id: str
    secret: str
    session: str | None = None


class Signer:
    """Signs what is asked of one bucket, by one set of credentials."""

    def __init__(self, store: S3, credentials: Credentials) -> None:
        """Take what obstore isn't told from nowhere: the process must have no AWS_* variables.

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
        # Nothing is sent, so nobody need be trusted: to read the authorities takes 8 ms.
        options: Any = {"allow_http": True, "disable_system_certificates": True}
        with _words():
            self._store = S3Store(config=config, client_options=options)

    def __call__(self, method: Literal["GET", "PUT"], key: str) -> str:
        """Return the URL of an object, signed. Raises WireError."""
        with _words():
            return sign(self._store, method, key, GOOD_FOR)


@contextmanager
def _words() -> Iterator[None]:
    """Turn what obstore says, as of a host that can't be one, into WireErrors."""
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
