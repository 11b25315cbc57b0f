"""What the errors of S3 mean: a reason, words for people, and whether to send the request again.

docs/reasons.md has the table, and a test sends each of its rows to a worker.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagejob_worker.contract.failures import Reason

_REGION_NAME = "[A-Za-z0-9_-]{1,63}"
_ORIGIN = r"(?i)([a-z][a-z0-9+.-]{0,15}://|//)(?:[^/?#]*@)?([a-z0-9.:\[\]_-]{1,80})"


class Answer(NamedTuple):
    """An answer other than 2xx, of which nothing can be trusted.

    `text` is its body, at most 64 KiB of it; the names of `headers` are in lower case.
    """

    status: int
    phrase: str = ""
    text: str = ""
    headers: Mapping[str, str] = {}

    @property
    def code(self) -> str:
        """The code in the XML of S3's errors, if it looks like one."""
        return self._found("<Code>([A-Za-z0-9._-]{1,64})</Code>")

    @property
    def message(self) -> str:
        """The message in the XML, as it stands there."""
        return self._found("<Message>([^<]+)</Message>")

    @property
    def region(self) -> str:
        """The bucket's region, which S3 gives in one of three places."""
        named = re.fullmatch(_REGION_NAME, self.headers.get("x-amz-bucket-region", ""))
        return (
            (named[0] if named else "")
            or self._found(f"<Region>({_REGION_NAME})</Region>")
            or self._found(rf"<Endpoint>[^<]*\bs3[.-]({_REGION_NAME})[.]amazonaws[.]com</Endpoint>")
        )

    @property
    def redirects_to(self) -> str:
        """Where a redirect leads: scheme, host and port. The rest may repeat what was signed."""
        location = self.headers.get("location", "")
        if not (300 <= self.status < 400 and location):
            return ""
        found = re.match(_ORIGIN, location)
        return found[1] + found[2] if found else "another path"

    def _found(self, pattern: str) -> str:
        found = re.search(pattern, self.text)
        return found[1] if found else ""


class Meaning(NamedTuple):
    """`words` may hold {bucket} and {region}; empty if the code says it all."""

    reason: Reason
    words: str = ""
    is_passing: bool = False


def _denied(words: str) -> Meaning:
    """No retry helps: the store allows it only after somebody has changed something there."""
    return Meaning("AccessDenied", words)


def _wrong(words: str) -> Meaning:
    """No retry helps: the ImageStore is not as the store needs it."""
    return Meaning("InvalidSpec", words)


def _later(words: str) -> Meaning:
    """Another worker may succeed, this one can't."""
    return Meaning("StorageUnavailable", words)


def _soon(words: str) -> Meaning:
    """The same request may succeed within seconds."""
    return Meaning("StorageUnavailable", words, is_passing=True)


_EXPIRED = _later("the credentials have expired; another worker reads the Secret again")
_TOKEN = _later("the session token isn't valid now; another worker reads the Secret again")
_CLOCK = _later("the clock of this node or of the store is wrong")
_FULL = _later("the store is full, or its quota used up")
_BUSY = _soon("the store is busy")
_BROKEN = _soon("the store has an internal error")
_DAMAGED = _soon("the data was corrupted in transit")
_NO_KEY = _denied("there is no such access key: correct the Secret")
_CLOSED = _denied("the store's account is closed or suspended")
_REGION = _wrong("spec.s3.region or spec.s3.endpoint isn't the bucket's")
_IN_REGION = _wrong("the bucket is in {region}: correct spec.s3.region and spec.s3.endpoint")
_CHECKSUM = _denied("the bucket requires a checksum other than Content-MD5")
_REQUEST = _wrong("the store doesn't support this request; is spec.s3.endpoint right?")
_LOCKED = _denied("a lock or a retention protects the object that is there")
_KEY = _denied("the store doesn't accept object keys like this")
_ABSENT = Meaning("SourceNotFound")
_DELETED = Meaning("SourceNotFound", "it was deleted: its latest version is a delete marker")

MEANINGS: Final[dict[str, Meaning]] = {
    # Credentials that another worker may have, or that may be right by then.
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidToken": _TOKEN,
    "InvalidTokenId": _TOKEN,
    "RequestTimeTooSkewed": _CLOCK,
    "IDPCommunicationError": _soon("the token service can't reach the cluster's issuer"),
    # Credentials and rights that somebody has to change.
    "AccessDenied": _denied("the key's policy or the bucket's doesn't allow it"),
    "InvalidAccessKeyId": _NO_KEY,
    "XAdminUserNotFound": _NO_KEY,  # versitygw, with 404
    "SignatureDoesNotMatch": _denied("the secret key is wrong, or a proxy changes requests"),
    "InvalidIdentityToken": _denied("the role doesn't trust the service account's token"),
    "AccountProblem": _CLOSED,
    "AllAccessDisabled": _denied("the provider has disabled all access"),
    "NotSignedUp": _CLOSED,
    "UserSuspended": _CLOSED,  # Ceph
    # Objects and keys that somebody has to open.
    "InvalidObjectState": _denied("the object is archived: restore it first"),
    "InvalidRetentionPeriod": _denied("the bucket's retention period is not valid"),
    "ObjectLocked": _LOCKED,
    "KMS.DisabledException": _denied("the key that encrypts the object is disabled: enable it"),
    "KMS.NotFoundException": _denied("the key that encrypts the object is gone"),
    "KMS.InternalException": _BROKEN,
    "KMS.DependencyTimeoutException": _BROKEN,
    "KMS.KeyUnavailableException": _BROKEN,
    "KMS.ThrottlingException": _BUSY,
    "InvalidObjectName": _KEY,  # Ceph
    "InvalidURI": _KEY,
    "KeyTooLongError": _KEY,
    "PreconditionFailed": _denied("a condition that the bucket sets isn't met"),
    # An ImageStore that isn't as the bucket needs it.
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "AuthorizationQueryParametersError": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "InvalidBucketName": _wrong("the store has no buckets of names like {bucket}"),
    "MissingContentMD5": _CHECKSUM,
    "InvalidArgument": _REQUEST,
    "InvalidRequest": _REQUEST,
    "InvalidRange": _REQUEST,
    "MethodNotAllowed": _REQUEST,
    "NotImplemented": _REQUEST,
    # What is not there, or too much.
    "NoSuchBucket": _later("there is no bucket {bucket}"),
    "EntityTooLarge": Meaning("TooLarge", "it is larger than the store accepts"),
    "QuotaExceeded": _FULL,
    "InsufficientStorage": _FULL,
    "XMinioStorageFull": _FULL,
    "XMinioAdminBucketQuotaExceeded": _FULL,
    # Faults that pass.
    "TemporaryRedirect": _later("the bucket was created recently or is moving"),
    "BadDigest": _DAMAGED,
    "IncompleteBody": _DAMAGED,
    "XAmzContentChecksumMismatch": _DAMAGED,  # MinIO
    "XAmzContentSHA256Mismatch": _DAMAGED,
    "InternalError": _BROKEN,
    "RequestTimeout": _soon("it waited too long for the request"),
    "ConditionalRequestConflict": _BUSY,
    "OperationAborted": _BUSY,
    "ServiceUnavailable": _BUSY,
    "SlowDown": _BUSY,
    "SlowDownRead": _BUSY,  # MinIO
    "SlowDownWrite": _BUSY,
}

_LIKE: Final = {
    401: Meaning("AccessDenied"),
    403: Meaning("AccessDenied"),
    405: _REQUEST,
    408: _BUSY,
    413: MEANINGS["EntityTooLarge"],
    429: _BUSY,
    501: _REQUEST,
    507: _FULL,
}
"""Statuses without a code, or with one that isn't known."""


def meaning(answer: Answer, *, reads: bool) -> Meaning:
    """Return what an answer to a GET means, or to a PUT."""
    code, status, message = answer.code, answer.status, answer.message
    if reads and answer.headers.get("x-amz-delete-marker") == "true":
        return _DELETED
    if code in ("AccessDenied", "InvalidArgument", "InvalidRequest", "NotImplemented"):
        # The checksum first: S3 requires one in words about locks. A lock has no code of its own.
        if code != "AccessDenied" and re.search("checksum|content-md5", message, re.IGNORECASE):
            return _CHECKSUM
        # How S3 says RequestTimeTooSkewed of a signed URL.
        if re.search("request has expired|not (yet valid|valid yet)", message, re.IGNORECASE):
            return _CLOCK
        if re.search("object.?lock|retention|legal.?hold|WORM", message, re.IGNORECASE):
            return _LOCKED
    found = MEANINGS.get(code)
    if code.startswith("KMS.") and not found:
        found = _denied("the key that encrypts the object can't be used")
    if found is _REGION or (not found and status in (301, 308)):
        return _IN_REGION if answer.region else _REGION
    return found or _by_status(status, reads=reads)


def is_passing(answer: Answer) -> bool:
    """Whether the same request may succeed within seconds."""
    return meaning(answer, reads=False).is_passing


def _by_status(status: int, *, reads: bool) -> Meaning:
    if reads and status in (404, 410):
        return _ABSENT
    if 300 <= status < 400:
        return _later("it redirects; are spec.s3.region and spec.s3.endpoint right?")
    return _LIKE.get(status) or Meaning("StorageUnavailable", is_passing=status >= 500)


def plain(text: str, secrets: tuple[str, ...] = (), most: int = 60) -> str:
    """Return a store's text as one line, without secrets, cut to a length.

    Words of more than 40 characters that could be a token or a signature are hidden, too.
    """
    from html import unescape  # only needed for what went wrong

    line = "".join(each if each.isprintable() else " " for each in unescape(text))
    line = " ".join(line.split())
    for secret in secrets:
        if len(secret) >= 8:  # a shorter one could be a part of any word
            line = line.replace(secret, "(hidden)")
    line = re.sub("[A-Za-z0-9+/=_%-]{41,}", "(hidden)", line).replace('"', "'")
    return line if len(line) <= most else f"{line[: most - 3]}..."
