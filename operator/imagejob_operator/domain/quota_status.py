"""The status of an ImageQuota: what is used, what is left, who waits and who runs."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

import msgspec

from .ledger import Ledger, time_of
from .model import Condition
from .quota import Policy, Use, usage
from .quota_model import ImageQuota, ImageQuotaStatus, QuotaUse

CACHE_FULL = "CacheFull"

FULL = (
    "the namespace has more, or larger, objects than the operator keeps of one: some are not looked"
    " at before others have finished or are deleted"
)


def describe_quota(
    quota: ImageQuota,
    policy: Policy,
    ledger: Ledger,
    waiting: int,
    running: int,
    now: datetime,
    *,
    is_full: bool = False,
) -> ImageQuotaStatus:
    """What the status should say; equal to `quota.status` exactly when there is nothing to write.

    `ledger` is at `now`. `is_full` if the operator keeps no more of the namespace's objects.
    """
    uses = usage(ledger.history, policy.rates, ledger.now)
    return ImageQuotaStatus(
        observed_generation=quota.metadata.generation,
        limits=tuple(_use(use) for use in uses),
        waiting=waiting,
        running=running,
        conditions=(_ready(quota, now, is_full=is_full),),
    )


def next_change(policy: Policy, ledger: Ledger) -> datetime | None:
    """When the next admission leaves a window, so that less is used; None while none counts."""
    ends = ledger.history.ends
    oldest = [(rate, bisect_right(ends, rate.freed(ledger.now))) for rate in policy.rates]
    times = [rate.frees(ends[index]) for rate, index in oldest if index < len(ends)]
    return time_of(min(times) * 1000) if times else None


def _use(use: Use) -> QuotaUse:
    at = use.next_available
    return QuotaUse(
        jobs=use.rate.jobs,
        per=use.rate.per,
        used=use.used,
        remaining=use.remaining,
        next_available=time_of(at * 1000) if at is not None else None,
    )


def _ready(quota: ImageQuota, now: datetime, *, is_full: bool) -> Condition:
    """True from the first time on that the operator applies it, to all that there is."""
    known = next((each for each in quota.status.conditions if each.type == "Ready"), None)
    fresh = Condition(
        type="Ready",
        status="False" if is_full else "True",
        reason=CACHE_FULL if is_full else "Applied",
        message=FULL if is_full else "the operator applies this quota",
        last_transition_time=now.replace(microsecond=0),
        observed_generation=quota.metadata.generation,
    )
    if known and known.status == fresh.status:
        return msgspec.structs.replace(fresh, last_transition_time=known.last_transition_time)
    return fresh
