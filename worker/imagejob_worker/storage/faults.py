"""What a store's refusal means to the person who asked."""

from __future__ import annotations

from typing import Literal

from imagejob_worker.failures import ItemFailure, Reason

Doing = Literal["open", "read", "write"]

# S3's codes for credentials that are wrong or no longer good; some come with status 400.
_CREDENTIALS = frozenset(
    {
        "AccessDenied", "AccountProblem", "AllAccessDisabled", "AuthorizationHeaderMalformed",
        "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidIdentityToken",
        "InvalidToken", "NotSignedUp", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)  # fmt: skip

# What obstore's many words come down to, the most telling first.
_CAUSES = (
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


def bad_key(key: str, wrong: str, doing: Doing) -> ItemFailure:
    """Refuse a key that can't name an object: no retry will change that."""
    reason: Reason = "SourceNotFound" if doing == "read" else "AccessDenied"
    return ItemFailure(reason, f"the key {key!r} can't name an object: it {wrong}")


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
