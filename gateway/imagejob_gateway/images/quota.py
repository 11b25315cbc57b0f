"""What the namespace's ImageQuota would make of one more ImageJob.

The operator enforces it; here only what it would fail at once is refused before a byte is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_gateway.problem import RETRY_SECONDS, ProblemError, ProblemReason

if TYPE_CHECKING:
    from datetime import datetime

    from imagejob_operator.api.imagequota import ImageQuota


def check(quota: ImageQuota | None, now: datetime) -> None:
    """Raise ProblemError if a rate is used up and no ImageJob may wait for it."""
    if quota is None or (quota.spec.on_exceeded == "Wait" and not _is_queue_full(quota)):
        return
    used_up = [each for each in quota.status.limits if each.remaining == 0]
    waits = [
        (each.next_available - now).total_seconds() if each.next_available else RETRY_SECONDS
        for each in used_up
    ]
    wait = max(waits, default=0)
    if wait <= 0:  # its status is older than what it announces
        return
    raise ProblemError(
        ProblemReason.QUOTA_EXCEEDED,
        f"The namespace's quota of {used_up[0].jobs} images per {used_up[0].per} is used up.",
        wait=int(wait) + 1,
    )


def _is_queue_full(quota: ImageQuota) -> bool:
    most = quota.spec.max_waiting
    return most is not None and (quota.status.waiting or 0) >= most
