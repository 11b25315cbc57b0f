"""Turn a store's errors into ItemFailures, with a reason and a message for users."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.storage.client import StatusError
from imagejob_worker.storage.transfer import DeadlineError, TooSlowError
from imagejob_worker.storage.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.storage import Doing

# S3's codes for wrong or expired credentials, some with status 400; the last is versitygw's for an
# unknown access key, and comes with 404.
_CREDENTIALS = frozenset(
    {
        "AccessDenied", "AccountProblem", "AllAccessDisabled", "AuthorizationHeaderMalformed",
        "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidIdentityToken",
        "InvalidToken", "NotSignedUp", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
        "TokenRefreshRequired", "XAdminUserNotFound",
    }
)  # fmt: skip

# How servers with TLS answer a request without: Go's, and nginx.
_WANT_TLS = ("sent an HTTP request to an HTTPS server", "request was sent to HTTPS port")


def failure(error: Exception, store: str, doing: Doing, key: str) -> ItemFailure:
    """Return the failure for an error while `doing` something with `key`."""
    code = _code(error)
    if code == "NoSuchBucket":
        # The bucket may be created later: a retry can help.
        return ItemFailure("StorageUnavailable", f"store {store} has no such bucket")
    status = error.status if isinstance(error, StatusError) else 0
    if status in (401, 403) or code in _CREDENTIALS:
        words = f"store {store} refused to {doing} {key}: {code or status}"
        return ItemFailure("AccessDenied", words)
    if status == 404 and doing == "read":
        return ItemFailure("SourceNotFound", f"store {store} has no object {key}")
    cause = f"it answers {code}" if code else _cause(error, status)
    return ItemFailure("StorageUnavailable", f"store {store} can't {doing} {key}: {cause}")


@contextmanager
def as_item_failure(store: str, doing: Doing, key: str) -> Iterator[None]:
    """Raise a store's errors as ItemFailure."""
    try:
        yield
    except (WireError, DeadlineError, TooSlowError) as error:
        raise failure(error, store, doing, key) from error


def _code(error: Exception) -> str:
    """The code in the XML of S3's errors, if it looks like one."""
    if not isinstance(error, StatusError):
        return ""
    found = re.search("<Code>([A-Za-z0-9._-]{1,64})</Code>", error.text)
    return found[1] if found else ""


def _cause(error: Exception, status: int) -> str:
    if isinstance(error, StatusError):
        if any(words in error.text for words in _WANT_TLS):
            return "it speaks TLS; is its endpoint https://?"
        if 300 <= status < 400:
            return "it redirects; is the region right?"
    return str(error)
