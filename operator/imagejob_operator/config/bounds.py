"""Bounds of one attempt: its duration, its retries, and the slowest transfer.

The platform sets the maximum, an ImageQuota may lower it, and an ImageJob gets what it asks for
within that. No ImageJob can hold a worker for hours.
"""

from __future__ import annotations

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imagequota import WorkerLimits
from imagejob_operator.api.quantity import to_bytes
from imagejob_operator.contract.order import OrderItem

KIB = 1024


class Bounds(msgspec.Struct, frozen=True):
    """Bounds of one namespace, or of the platform.

    `min_bytes_per_second` is the average that any 30 seconds of a transfer must reach; 0: none.
    """

    max_timeout_seconds: int = 600
    max_retries: int = 5
    min_bytes_per_second: int = 16 * KIB

    def tightened(self, own: WorkerLimits | None) -> Bounds:
        """Return the tighter of each pair: an ImageQuota can't exceed the platform's bounds."""
        if own is None:
            return self
        timeout, retries, rate = own.max_timeout_seconds, own.max_retries, own.min_bytes_per_second
        return Bounds(
            self.max_timeout_seconds if timeout is None else min(self.max_timeout_seconds, timeout),
            self.max_retries if retries is None else min(self.max_retries, retries),
            max(self.min_bytes_per_second, to_bytes(rate or 0)),
        )


def timeout_of(job: ImageJob, bounds: Bounds) -> int:
    """Return the seconds that the next attempt of the ImageJob may take."""
    return min(job.spec.timeout_seconds, bounds.max_timeout_seconds)


def retries_of(job: ImageJob, bounds: Bounds) -> int:
    """Return how many attempts may follow the first. Every count of attempts uses this."""
    return min(job.spec.retries, bounds.max_retries)


def lowered(job: ImageJob, bounds: Bounds, item: OrderItem | None) -> tuple[str, ...]:
    """Describe, for the status, requested values that were lowered.

    `item` is the dispatched one.
    """
    given = {
        "timeoutSeconds": (
            job.spec.timeout_seconds,
            item.timeout_seconds if item else timeout_of(job, bounds),
        ),
        "retries": (job.spec.retries, retries_of(job, bounds)),
    }
    return tuple(
        f"{field} was lowered from {asked} to {most}, the most that this namespace may have"
        for field, (asked, most) in given.items()
        if most < asked
    )
