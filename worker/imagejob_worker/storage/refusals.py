"""What a refusal by S3, or by obstore, means to the person who asked."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError

from imagejob_worker.failures import ItemFailure

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

# What obstore's many words come down to, the most telling first.
_CAUSES = (
    ("root_certificate", "its caBundle holds no certificate"),
    ("UnknownIssuer", "its certificate is of an authority that isn't trusted"),
    ("NotValidForName", "its certificate is for another name"),
    ("invalid peer certificate", "its certificate isn't valid"),
    ("Connection refused", "connection refused"),
    ("dns error", "its name can't be resolved"),
    ("No route to host", "no route to it"),
    ("Network is unreachable", "the network is unreachable"),
    ("TimedOut", "it didn't answer in time"),
    ("deadline has elapsed", "it didn't answer in time"),
    ("Connection reset", "the connection was reset"),
    ("IncompleteMessage", "the connection was cut"),
    ("BareRedirect", "it redirects; is the region right?"),
    ("RelativeUrlWithoutBase", "its endpoint isn't a URL"),
)


def failure(error: Exception, store: str, doing: Doing, key: str) -> ItemFailure:
    """Name the reason for what obstore raised while `doing` something with `key`."""
    text = str(error)
    code = _between(text, "<Code>", "</Code>")
    if code == "NoSuchBucket":
        # A store that isn't there (yet), and no fault of the key; a retry can cure it.
        return ItemFailure("StorageUnavailable", f"store {store} has no such bucket")
    denied = type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError")
    if denied or code in _CREDENTIALS:
        return ItemFailure("AccessDenied", f"store {store} refused to {doing} {key}: {code or 403}")
    if isinstance(error, FileNotFoundError) and doing == "read":
        return ItemFailure("SourceNotFound", f"store {store} has no object {key}")
    return ItemFailure(
        "StorageUnavailable", f"store {store} can't {doing} {key}: {_cause(text, code)}"
    )


@contextmanager
def told(store: str, doing: Doing, key: str) -> Iterator[None]:
    """Turn what obstore raises into a failure. Raises ItemFailure."""
    try:
        yield
    except ItemFailure:
        raise
    except (BaseError, FileNotFoundError, ValueError) as error:
        raise failure(error, store, doing, key) from error
    except BaseException as error:
        # Rust's panics, as for a header that can't be one, are no Exception, and have no name to
        # import. One item's odd value must not end the worker.
        if type(error).__name__ != "PanicException":
            raise
        raise ItemFailure("Internal", f"store {store} can't {doing} {key}: {error}") from None


def _cause(text: str, code: str) -> str:
    if code:
        return f"it answers {code}"
    for sign, words in _CAUSES:
        if sign in text:
            return words
    if status := _between(text, "non-2xx status code: ", ":"):
        return f"it answers {status}"
    return text.partition("\n")[0]


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0] if start in text else ""
