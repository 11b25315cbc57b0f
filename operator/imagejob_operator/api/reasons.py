"""Every reason that a status, an Event or an audit entry may give, and when it applies.

A failure reason is *retryable* when the same ImageJob may succeed later unchanged, otherwise
*final*. The other reasons describe the state of an ImageJob.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The `reason` of conditions, Events and audit entries."""

    # The state of an ImageJob.
    REQUESTED = "Requested"
    """The ImageJob was created; the operator has not decided on it yet."""
    ADMITTED = "Admitted"
    """Charged to the namespace's quota, once and permanently."""
    WAITING_FOR_WORKER = "WaitingForWorker"
    """Admitted, and waits for a free worker; status.queue gives its position."""
    DISPATCHED = "Dispatched"
    """A worker Job is being, or has been, created for it; its pod has not started yet."""
    PROCESSING = "Processing"
    """The worker pod is running."""
    SUCCEEDED = "Succeeded"
    """Every output is in the destination."""
    TTL_EXPIRED = "TTLExpired"
    """It finished longer ago than spec.ttlSecondsAfterFinished, and is therefore deleted."""

    # Why an ImageJob waits, through no fault of its own.
    SUSPENDED = "Suspended"
    """spec.suspend is true."""
    STORE_NOT_FOUND = "StoreNotFound"
    """An ImageStore that it references does not exist (yet)."""
    PROFILE_NOT_FOUND = "ProfileNotFound"
    """The ImageProfile that it references does not exist (yet)."""
    UNREADABLE = "Unreadable"
    """An object that it depends on has a form that this operator can't read."""
    QUOTA_USED_UP = "QuotaUsedUp"
    """A rate of the namespace's quota is used up; status.queue says when the next is admitted."""
    DESTINATION_BUSY = "DestinationBusy"
    """A live worker still writes to the same destination, as after delete-and-apply."""
    WORKER_UNSCHEDULABLE = "WorkerUnschedulable"
    """No node accepts the worker pod."""
    WORKER_REFUSED = "WorkerRefused"
    """The API server or the kubelet refuses the worker, or its pod never ran: quota, pod security,
    image, a full node. It costs no attempt."""
    WORKER_SUSPENDED = "WorkerSuspended"
    """A controller that manages Jobs, such as Kueue, has suspended its worker Job."""
    EVICTED = "Evicted"
    """Its pod was lost to an eviction, preemption, drain or node failure, or its worker Job was
    suspended; it gets another worker. It costs no attempt."""

    NEEDS_MEMORY = "NeedsMemory"
    """Its worker found from the header that it takes more memory; one that has it follows, once. It
    costs no attempt."""

    # Why an ImageJob failed.
    SOURCE_NOT_FOUND = "SourceNotFound"
    """The store has no object with that key."""
    ACCESS_DENIED = "AccessDenied"
    """The store refuses, and would again: credentials, policy, a lock, an archived object."""
    STORAGE_UNAVAILABLE = "StorageUnavailable"
    """The store is unreachable or full, or reports a failure or credentials that have expired."""
    CHECKSUM_MISMATCH = "ChecksumMismatch"
    """The source's content does not match spec.source.sha256."""
    SOURCE_CHANGED = "SourceChanged"
    """The source's content differs from what an earlier attempt of the ImageJob read."""
    UNSUPPORTED_FORMAT = "UnsupportedFormat"
    """Not an image, or of a format that the platform doesn't allow."""
    CORRUPT_IMAGE = "CorruptImage"
    """Damaged, truncated, or it crashes the decoder."""
    TOO_LARGE = "TooLarge"
    """It exceeds a limit on bytes, pixels or frames, of the store, or on memory; the message says
    which."""
    OUT_OF_MEMORY = "OutOfMemory"
    """Processing needed more memory than its process may use."""
    OUT_OF_SCRATCH = "OutOfScratch"
    """The kubelet evicted the worker for the files that it wrote: its scratch volume, say."""
    TIMED_OUT = "TimedOut"
    """Processing took longer than spec.timeoutSeconds."""
    WORKER_LOST = "WorkerLost"
    """The worker pod ended without a report on this ImageJob, or too many workers ended at no
    cost."""
    INVALID_SPEC = "InvalidSpec"
    """The spec, with the objects it references, is not valid; the message says why."""
    QUOTA_EXCEEDED = "QuotaExceeded"
    """A rate of the quota is used up, and onExceeded is Fail or maxWaiting is reached."""
    CANCELLED = "Cancelled"
    """The ImageJob was deleted before it finished."""
    INTERNAL = "Internal"
    """A bug in the operator or worker; the message says where."""


RETRYABLE = frozenset(
    {
        Reason.STORAGE_UNAVAILABLE,
        Reason.TIMED_OUT,
        Reason.OUT_OF_MEMORY,
        Reason.WORKER_LOST,
        Reason.INTERNAL,
    }
)
"""Failures that a retry can cure; OutOfMemory only with more memory."""

FINAL = frozenset(
    {
        Reason.SOURCE_NOT_FOUND,
        Reason.ACCESS_DENIED,
        Reason.CHECKSUM_MISMATCH,
        Reason.SOURCE_CHANGED,
        Reason.UNSUPPORTED_FORMAT,
        Reason.CORRUPT_IMAGE,
        Reason.TOO_LARGE,
        Reason.OUT_OF_SCRATCH,
        Reason.INVALID_SPEC,
        Reason.QUOTA_EXCEEDED,
        Reason.CANCELLED,
    }
)
"""Failures that only a change by a person can cure: a retry would give the same result."""

WAITING = frozenset(
    {
        Reason.SUSPENDED,
        Reason.STORE_NOT_FOUND,
        Reason.PROFILE_NOT_FOUND,
        Reason.UNREADABLE,
        Reason.QUOTA_USED_UP,
        Reason.DESTINATION_BUSY,
        Reason.WORKER_UNSCHEDULABLE,
        Reason.WORKER_REFUSED,
        Reason.WORKER_SUSPENDED,
        Reason.EVICTED,
        Reason.NEEDS_MEMORY,
    }
)
"""Reasons for an ImageJob to wait; it continues by itself when the cause is gone."""

WORRYING = (
    RETRYABLE | FINAL | {Reason.UNREADABLE, Reason.WORKER_UNSCHEDULABLE, Reason.WORKER_REFUSED}
)
"""Reasons that a person should look at: their Events are Warnings."""
