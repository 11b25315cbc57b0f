"""Every reason that a status, an Event or an audit entry may give, and when it applies.

One place for all of them. A failure reason is *retryable* when the same ImageJob may well succeed
later without anybody changing it, else *final*; the others say where an ImageJob stands.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The `reason` of conditions, Events and audit entries."""

    # Where an ImageJob stands.
    REQUESTED = "Requested"
    """Somebody asked for it; the operator has not decided on it yet."""
    ADMITTED = "Admitted"
    """Charged to the namespace's quota, once and for ever."""
    WAITING_FOR_WORKER = "WaitingForWorker"
    """Admitted, but as many workers run as may; status.queue says its place."""
    DISPATCHED = "Dispatched"
    """A worker Job has been created for it; its pod has not started yet."""
    PROCESSING = "Processing"
    """The worker pod is running."""
    SUCCEEDED = "Succeeded"
    """Every output is in the destination."""
    TTL_EXPIRED = "TTLExpired"
    """It finished longer ago than spec.ttlSecondsAfterFinished, and is deleted for it."""

    # Why an ImageJob waits, without a fault of its own.
    SUSPENDED = "Suspended"
    """spec.suspend is true."""
    STORE_NOT_FOUND = "StoreNotFound"
    """An ImageStore it names does not exist (yet)."""
    PROFILE_NOT_FOUND = "ProfileNotFound"
    """The ImageProfile it names does not exist (yet)."""
    QUOTA_USED_UP = "QuotaUsedUp"
    """A rate of the namespace's quota admits no more now; status.queue says when it does."""
    DESTINATION_BUSY = "DestinationBusy"
    """A live worker still writes to the same place, as after delete-and-apply."""
    WORKER_UNSCHEDULABLE = "WorkerUnschedulable"
    """No node takes the worker pod."""
    WORKER_REFUSED = "WorkerRefused"
    """The API server or the kubelet won't start the worker: quota, pod security, image."""
    WORKER_SUSPENDED = "WorkerSuspended"
    """Whoever manages the Jobs of the cluster has suspended its worker Job, as Kueue does."""
    EVICTED = "Evicted"
    """Its pod was lost to an eviction, preemption, drain or lost node, or its worker Job was
    suspended under it; another worker comes. It costs no attempt."""

    # Why an ImageJob failed.
    SOURCE_NOT_FOUND = "SourceNotFound"
    """The store has no object of that key."""
    ACCESS_DENIED = "AccessDenied"
    """The store refused the credentials."""
    STORAGE_UNAVAILABLE = "StorageUnavailable"
    """The store can't be reached, or says that it is failing."""
    CHECKSUM_MISMATCH = "ChecksumMismatch"
    """The source is not the content that spec.source.sha256 names."""
    SOURCE_CHANGED = "SourceChanged"
    """The source is not the content that an earlier attempt of the ImageJob has read."""
    UNSUPPORTED_FORMAT = "UnsupportedFormat"
    """Not an image, or of a format that the platform doesn't allow."""
    CORRUPT_IMAGE = "CorruptImage"
    """Damaged, cut short, or it crashes its decoder."""
    TOO_LARGE = "TooLarge"
    """More bytes, pixels or frames than the limits allow; the message says which."""
    OUT_OF_MEMORY = "OutOfMemory"
    """Processing needed more memory than its process may have."""
    TIMED_OUT = "TimedOut"
    """Processing took longer than spec.timeoutSeconds."""
    WORKER_LOST = "WorkerLost"
    """The worker pod ended without a report on this ImageJob, or too many were lost."""
    INVALID_SPEC = "InvalidSpec"
    """The spec, with what it refers to, asks for what must not be; the message says what."""
    QUOTA_EXCEEDED = "QuotaExceeded"
    """A rate of the namespace's quota is used up, and onExceeded is Fail or maxWaiting reached."""
    CANCELLED = "Cancelled"
    """The ImageJob was deleted before it finished."""
    INTERNAL = "Internal"
    """A fault of ours; the message says where."""


RETRYABLE = frozenset(
    {
        Reason.STORAGE_UNAVAILABLE,
        Reason.TIMED_OUT,
        Reason.OUT_OF_MEMORY,
        Reason.WORKER_LOST,
        Reason.INTERNAL,
    }
)
"""What a retry can cure. OutOfMemory only with more memory."""

FINAL = frozenset(
    {
        Reason.SOURCE_NOT_FOUND,
        Reason.ACCESS_DENIED,
        Reason.CHECKSUM_MISMATCH,
        Reason.SOURCE_CHANGED,
        Reason.UNSUPPORTED_FORMAT,
        Reason.CORRUPT_IMAGE,
        Reason.TOO_LARGE,
        Reason.INVALID_SPEC,
        Reason.QUOTA_EXCEEDED,
        Reason.CANCELLED,
    }
)
"""What only somebody's change can cure: retrying would give the same answer."""

WAITING = frozenset(
    {
        Reason.SUSPENDED,
        Reason.STORE_NOT_FOUND,
        Reason.PROFILE_NOT_FOUND,
        Reason.QUOTA_USED_UP,
        Reason.DESTINATION_BUSY,
        Reason.WORKER_UNSCHEDULABLE,
        Reason.WORKER_REFUSED,
        Reason.WORKER_SUSPENDED,
        Reason.EVICTED,
    }
)
"""Why an ImageJob waits; it goes on by itself when the cause is gone."""

WORRYING = RETRYABLE | FINAL | {Reason.WORKER_UNSCHEDULABLE, Reason.WORKER_REFUSED}
"""What somebody should look at: the Event that tells of it is a Warning."""
