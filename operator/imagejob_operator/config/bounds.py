"""How long an attempt may take, how often one is made again, how slow a store may be.

The platform says how much at most, an ImageQuota may say less, and an ImageJob gets what it asks
for, up to that. Whatever it asks for, it can't keep a worker for hours.
"""

from __future__ import annotations

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imagequota import WorkerLimits
from imagejob_operator.api.quantity import to_bytes
from imagejob_operator.contract.order import OrderItem

KIB = 1024


class Bounds(msgspec.Struct, frozen=True):
    """Of one namespace, or of the platform.

    `min_bytes_per_second` is what any 30 seconds of a transfer must come to on average; 0: nothing.
    """

    max_timeout_seconds: int = 600
    max_retries: int = 5
    min_bytes_per_second: int = 16 * KIB

    def tightened(self, own: WorkerLimits | None) -> Bounds:
        """The tighter of each pair: an ImageQuota can't allow what the platform doesn't."""
        if own is None:
            return self
        timeout, retries, rate = own.max_timeout_seconds, own.max_retries, own.min_bytes_per_second
        return Bounds(
            self.max_timeout_seconds if timeout is None else min(self.max_timeout_seconds, timeout),
            self.max_retries if retries is None else min(self.max_retries, retries),
            max(self.min_bytes_per_second, to_bytes(rate or 0)),
        )


def timeout_of(job: ImageJob, bounds: Bounds) -> int:
    """Seconds that its next attempt may take."""
    return min(job.spec.timeout_seconds, bounds.max_timeout_seconds)


def retries_of(job: ImageJob, bounds: Bounds) -> int:
    """How many attempts may follow the first. Whoever counts attempts asks this."""
    return min(job.spec.retries, bounds.max_retries)


def lowered(job: ImageJob, bounds: Bounds, item: OrderItem | None) -> tuple[str, ...]:
    """What it asked for and doesn't get, for its status. `item` is what it was dispatched as."""
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
