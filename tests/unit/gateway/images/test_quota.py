"""What of a namespace's quota is refused before a byte is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from imagejob_gateway.images import quota as quotas
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_operator.api.imagequota import (
    ImageQuota,
    ImageQuotaSpec,
    ImageQuotaStatus,
    QuotaLimit,
    QuotaUse,
)
from imagejob_operator.api.meta import ObjectMeta

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SOON, LATER = NOW + timedelta(seconds=70), NOW + timedelta(hours=2)
HOUR = QuotaUse(10, "1h", 10, 0, SOON)
DAY = QuotaUse(50, "1d", 50, 0, LATER)
LEFT = QuotaUse(10, "1h", 9, 1)


def quota(*uses: QuotaUse, waiting: int | None = None, **spec: Any) -> ImageQuota:
    limits = tuple(QuotaLimit(use.jobs, use.per) for use in uses)
    status = ImageQuotaStatus(limits=uses, waiting=waiting)
    return ImageQuota(ObjectMeta("default"), ImageQuotaSpec(limits, **spec), status)


ADMITTED = {
    "no quota": None,
    "something left": quota(LEFT, on_exceeded="Fail"),
    "it may wait": quota(HOUR),
    "the queue has room": quota(HOUR, waiting=4, max_waiting=5),
    "a status that is out of date": quota(QuotaUse(10, "1h", 10, 0, NOW), on_exceeded="Fail"),
    "no status yet": quota(on_exceeded="Fail"),
}
REFUSED = {
    "none may wait": (quota(HOUR, on_exceeded="Fail"), 71),
    "the queue is full": (quota(HOUR, waiting=5, max_waiting=5), 71),
    "there is no queue": (quota(HOUR, max_waiting=0), 71),
    "the later of two": (quota(HOUR, DAY, on_exceeded="Fail"), 7201),
}


@pytest.mark.parametrize("found", ADMITTED.values(), ids=ADMITTED)
def test_what_is_admitted_or_may_wait_is_taken(found: ImageQuota | None) -> None:
    quotas.check(found, NOW)


@pytest.mark.parametrize(("found", "wait"), REFUSED.values(), ids=REFUSED)
def test_what_would_fail_is_refused_until_there_is_more(found: ImageQuota, wait: int) -> None:
    with pytest.raises(ProblemError) as caught:
        quotas.check(found, NOW)

    problem = caught.value.problem
    assert (problem.reason, problem.retry_after) == (ProblemReason.QUOTA_EXCEEDED, wait)
