"""What is wrong with a request, as RFC 9457 answers it: one table of reasons, their statuses and
titles.

Where the operator has a word for it, that word is used. docs/gateway.md explains each.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ProblemReason(StrEnum):
    """The `reason` of a problem; programs may rely on it."""

    INVALID_REQUEST = "InvalidRequest"
    """A header or a form is malformed."""
    INVALID_PARAMETER = "InvalidParameter"
    """A parameter of the path or the query is out of range; `field` names it."""
    EMPTY_BODY = "EmptyBody"
    """The upload has no bytes."""
    TOO_SLOW = "TooSlow"
    """The client sent nothing for a while."""
    INCOMPLETE_BODY = "IncompleteBody"
    """The body ended before its announced length, or outgrew it."""
    UNAUTHENTICATED = "Unauthenticated"
    """The token is missing or not valid; the answer doesn't say which."""
    ISSUER_UNAVAILABLE = "IssuerUnavailable"
    """The keys of the token's issuer can't be fetched, and none are known."""
    MISSING_SCOPE = "MissingScope"
    """The token lacks the scope that the request needs."""
    NOT_FOUND = "NotFound"
    """There is no such thing, or it belongs to somebody else."""
    METHOD_NOT_ALLOWED = "MethodNotAllowed"
    """The path exists, and takes other methods."""
    NOT_FINISHED = "NotFinished"
    """The image has no outputs: it isn't finished, or it failed."""
    LENGTH_REQUIRED = "LengthRequired"
    """An upload says its length before its first byte."""
    TOO_LARGE = "TooLarge"
    """The upload exceeds the limit on bytes."""
    TOO_MANY_STREAMS = "TooManyStreams"
    """Too many streams of events are open, or tickets for them unused."""
    TOO_MANY_REQUESTS = "TooManyRequests"
    """The subject's uploads failed or were repeated too often, or a slot's token was used so."""
    TOO_MANY_CONNECTIONS = "TooManyConnections"
    """All clients together have as many connections as there may be."""
    HEADERS_TOO_LARGE = "HeadersTooLarge"
    """The request's path and headers exceed the limit."""
    UNSUPPORTED_FORMAT = "UnsupportedFormat"
    """The bytes aren't an image of a format that is accepted, or not of the declared one."""
    PROFILE_NOT_FOUND = "ProfileNotFound"
    """The gateway offers no profile of that name."""
    IN_PROGRESS = "InProgress"
    """Another request with this Idempotency-Key is in progress."""
    KEY_REUSED = "KeyReused"
    """The Idempotency-Key was used for another image or another profile."""
    NAME_TAKEN = "NameTaken"
    """There is an ImageJob of that name, which wasn't made by such an upload."""
    NOT_UPLOADED = "NotUploaded"
    """There is no object in the slot, or another than announced."""
    SLOT_USED = "SlotUsed"
    """The slot's upload is complete."""
    SLOT_CLOSED = "SlotClosed"
    """The slot has expired, or was given back."""
    TOO_MANY_SLOTS = "TooManySlots"
    """The subject has as many open slots as it may."""
    LIMIT_EXCEEDED = "LimitExceeded"
    """The subject has uploaded as many images as it may."""
    QUOTA_EXCEEDED = "QuotaExceeded"
    """The namespace's ImageQuota is used up, and lets no more wait."""
    INVALID_SPEC = "InvalidSpec"
    """The API server refuses the ImageJob; the detail quotes it."""
    STORE_NOT_FOUND = "StoreNotFound"
    """The ImageStore that the profile uses doesn't exist, or is none that the gateway can use."""
    STORAGE_UNAVAILABLE = "StorageUnavailable"
    """The object store is unreachable, or refuses."""
    STATE_FULL = "StateFull"
    """What is remembered of the subject, or of all subjects, has reached its bound."""
    STATE_UNREADABLE = "StateUnreadable"
    """A ConfigMap with the gateway's state is missing, or was changed by somebody else."""
    API_SERVER_UNAVAILABLE = "ApiServerUnavailable"
    """The Kubernetes API server is unreachable, or refuses the gateway."""
    INTERNAL = "Internal"
    """A bug of the gateway; its log has the request's id."""


class Meaning(msgspec.Struct, frozen=True):
    """The status and title of a reason."""

    status: int
    title: str


MEANINGS: dict[ProblemReason, Meaning] = {
    ProblemReason.INVALID_REQUEST: Meaning(400, "The request is malformed"),
    ProblemReason.EMPTY_BODY: Meaning(400, "The body is empty"),
    ProblemReason.INCOMPLETE_BODY: Meaning(400, "The body has another length than announced"),
    ProblemReason.UNAUTHENTICATED: Meaning(401, "A valid token is required"),
    ProblemReason.MISSING_SCOPE: Meaning(403, "The token doesn't allow this"),
    ProblemReason.NOT_FOUND: Meaning(404, "Not found"),
    ProblemReason.METHOD_NOT_ALLOWED: Meaning(405, "The method isn't allowed here"),
    ProblemReason.NOT_FINISHED: Meaning(409, "The image has no outputs"),
    ProblemReason.TOO_SLOW: Meaning(408, "The request takes too long"),
    ProblemReason.IN_PROGRESS: Meaning(409, "The upload is in progress"),
    ProblemReason.NAME_TAKEN: Meaning(409, "The image's name is taken"),
    ProblemReason.NOT_UPLOADED: Meaning(409, "The object isn't there"),
    ProblemReason.SLOT_USED: Meaning(409, "The slot was used"),
    ProblemReason.SLOT_CLOSED: Meaning(410, "The slot is gone"),
    ProblemReason.LENGTH_REQUIRED: Meaning(411, "A Content-Length is required"),
    ProblemReason.TOO_LARGE: Meaning(413, "The upload is too large"),
    ProblemReason.UNSUPPORTED_FORMAT: Meaning(415, "The format isn't accepted"),
    ProblemReason.INVALID_PARAMETER: Meaning(422, "A parameter isn't valid"),
    ProblemReason.PROFILE_NOT_FOUND: Meaning(422, "There is no such profile"),
    ProblemReason.KEY_REUSED: Meaning(422, "The key belongs to another upload"),
    ProblemReason.INVALID_SPEC: Meaning(422, "The ImageJob isn't valid"),
    ProblemReason.TOO_MANY_SLOTS: Meaning(429, "Too many open slots"),
    ProblemReason.HEADERS_TOO_LARGE: Meaning(431, "The headers are too large"),
    ProblemReason.TOO_MANY_STREAMS: Meaning(429, "Too many streams"),
    ProblemReason.TOO_MANY_REQUESTS: Meaning(429, "Too many requests"),
    ProblemReason.LIMIT_EXCEEDED: Meaning(429, "Too many uploads"),
    ProblemReason.QUOTA_EXCEEDED: Meaning(429, "The quota is used up"),
    ProblemReason.ISSUER_UNAVAILABLE: Meaning(503, "The token's issuer is unavailable"),
    ProblemReason.STORE_NOT_FOUND: Meaning(503, "The store isn't set up"),
    ProblemReason.STORAGE_UNAVAILABLE: Meaning(503, "The object store is unavailable"),
    ProblemReason.TOO_MANY_CONNECTIONS: Meaning(503, "Too many connections"),
    ProblemReason.STATE_FULL: Meaning(503, "The gateway's state is full"),
    ProblemReason.STATE_UNREADABLE: Meaning(503, "The gateway's state can't be read"),
    ProblemReason.API_SERVER_UNAVAILABLE: Meaning(503, "The API server is unavailable"),
    ProblemReason.INTERNAL: Meaning(500, "The gateway failed"),
}

RETRY_SECONDS = 5
"""What 503 asks a client to wait."""


class Problem(msgspec.Struct, frozen=True):
    """One problem. `field` or `header` names the part of the request that is wrong.

    `wait` is how many seconds a client should wait; None where the reason says it.
    """

    reason: ProblemReason
    detail: str
    field: str = ""
    header: str = ""
    wait: int | None = None

    @property
    def status(self) -> int:
        return MEANINGS[self.reason].status

    @property
    def title(self) -> str:
        return MEANINGS[self.reason].title

    @property
    def type(self) -> str:
        """A URI of the reason: a name, which leads nowhere."""
        return f"urn:imagejob:problem:{self.reason}"

    @property
    def retry_after(self) -> int | None:
        """The seconds that a client should wait; None if to repeat the request is no help."""
        if self.wait is not None:
            return self.wait
        return RETRY_SECONDS if self.status == 503 else None


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        reason: ProblemReason,
        detail: str,
        *,
        field: str = "",
        header: str = "",
        wait: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(reason, detail, field, header, wait)


class UnauthenticatedError(ProblemError):
    """A token isn't valid. `why` is for the log.

    The client gets the same words for every cause: they would tell a forger how far a forgery got.
    """

    def __init__(self, why: str) -> None:
        super().__init__(
            ProblemReason.UNAUTHENTICATED,
            "The request needs a valid bearer token.",
            header="Authorization",
        )
        self.why = why
