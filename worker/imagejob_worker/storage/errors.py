"""What a store's refusal means to the person who asked."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.storage.client import AnsweredError
from imagejob_worker.storage.transfer import LateError, SlowError
from imagejob_worker.storage.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.storage import Doing

# S3's codes for credentials that are wrong or no longer good, some with status 400; the last is
# versitygw's for an unknown access key, and comes with 404.
_CREDENTIALS = frozenset(
    {
        "AccessDenied", "AccountProblem", "AllAccessDisabled", "AuthorizationHeaderMalformed",
        "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidIdentityToken",
        "InvalidToken", "NotSignedUp", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
        "TokenRefreshRequired", "XAdminUserNotFound",
    }
)  # fmt: skip

# What servers say that were expected to speak TLS: Go's, and nginx.
_WANT_TLS = ("sent an HTTP request to an HTTPS server", "request was sent to HTTPS port")


def failure(error: Exception, store: str, doing: Doing, key: str) -> ItemFailure:
    """Name the reason for what went wrong while `doing` something with `key`."""
    code = _code(error)
    if code == "NoSuchBucket":
        # A store that isn't there (yet), and no fault of the key; a retry can cure it.
        return ItemFailure("StorageUnavailable", f"store {store} has no such bucket")
    status = error.status if isinstance(error, AnsweredError) else 0
    if status in (401, 403) or code in _CREDENTIALS:
        words = f"store {store} refused to {doing} {key}: {code or status}"
        return ItemFailure("AccessDenied", words)
    if status == 404 and doing == "read":
        return ItemFailure("SourceNotFound", f"store {store} has no object {key}")
    cause = f"it answers {code}" if code else _cause(error, status)
    return ItemFailure("StorageUnavailable", f"store {store} can't {doing} {key}: {cause}")


@contextmanager
def told(store: str, doing: Doing, key: str) -> Iterator[None]:
    """Turn what goes wrong with a store into a failure. Raises ItemFailure."""
    try:
        yield
    except (WireError, LateError, SlowError) as error:
        raise failure(error, store, doing, key) from error


def _code(error: Exception) -> str:
    """The code in the XML of S3's errors, if it looks like one."""
    if not isinstance(error, AnsweredError):
        return ""
    found = re.search("<Code>([A-Za-z0-9._-]{1,64})</Code>", error.text)
    return found[1] if found else ""


def _cause(error: Exception, status: int) -> str:
    if isinstance(error, AnsweredError):
        if any(words in error.text for words in _WANT_TLS):
            return "it speaks TLS; is its endpoint https://?"
        if 300 <= status < 400:
            return "it redirects; is the region right?"
    return str(error)
