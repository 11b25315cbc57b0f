"""The status of an ImageQuota: used, remaining, waiting and running."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

import msgspec

from imagejob_operator.api.imagequota import ImageQuota, ImageQuotaStatus, QuotaUse
from imagejob_operator.api.meta import Condition
from imagejob_operator.api.quantity import describe_bytes

from .ledger import Ledger, time_of
from .rates import Policy, Use, usage

CACHE_FULL = "CacheFull"


def full(limit: int) -> str:
    """Format the message for a namespace whose cache is full. `limit`: bytes per namespace."""
    return (
        "this namespace's unfinished ImageJobs, ImageProfiles and ImageStores exceed what the"
        f" operator keeps in memory for one namespace ({describe_bytes(limit)},"
        " cache.bytesPerNamespace): some wait until others finish or are deleted"
    )


def describe_quota(
    quota: ImageQuota,
    policy: Policy,
    ledger: Ledger,
    waiting: int,
    running: int,
    now: datetime,
    *,
    full_at: int | None = None,
) -> ImageQuotaStatus:
    """Build the status; equal to `quota.status` exactly when there is nothing to write.

    `ledger` is at `now`. `full_at`: the cache limit in bytes, if this namespace exceeds it.
    """
    uses = usage(ledger.history, policy.rates, ledger.now)
    return ImageQuotaStatus(
        observed_generation=quota.metadata.generation,
        limits=tuple(_use(use) for use in uses),
        waiting=waiting,
        running=running,
        conditions=(_ready(quota, now, full_at),),
    )


def next_change(policy: Policy, ledger: Ledger) -> datetime | None:
    """Return when the next admission leaves a window, so that use decreases; None while none
    counts."""
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


def _ready(quota: ImageQuota, now: datetime, full_at: int | None) -> Condition:
    """Build the Ready condition: True once the operator applies the quota to all objects."""
    known = next((each for each in quota.status.conditions if each.type == "Ready"), None)
    fresh = Condition(
        type="Ready",
        status="True" if full_at is None else "False",
        reason="Applied" if full_at is None else CACHE_FULL,
        message="the operator applies this quota" if full_at is None else full(full_at),
        last_transition_time=now.replace(microsecond=0),
        observed_generation=quota.metadata.generation,
    )
    if known and known.status == fresh.status:
        return msgspec.structs.replace(fresh, last_transition_time=known.last_transition_time)
    return fresh
