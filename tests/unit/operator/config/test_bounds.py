"""How much of its requested time, retries and minimum rate an ImageJob gets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.config.bounds import Bounds, lowered, retries_of, timeout_of
from imagejob_operator.imagejob.decide import JobHistory, WriteStatus, decide
from imagejob_operator.imagejob.inputs import Inputs, QuotaPosition
from imagejob_operator.imagejob.resolve import Resolved
from imagejob_operator.kube.worker import Worker
from support.api_objects import (
    NOW,
    PLATFORM,
    image_job,
    last_failure,
    pod,
    store,
    terminated,
    worker_job,
)
from support.resolving import resolve

KIB = 1024
TIGHT = Bounds(max_timeout_seconds=60, max_retries=1, min_bytes_per_second=32 * KIB)


def quota(**limits: Any) -> ImageQuota:
    spec = {"limits": [{"jobs": 1, "per": "1h"}], "workerLimits": limits}
    return msgspec.convert({"metadata": {"name": "default"}, "spec": spec}, ImageQuota)


CASES = {
    "nothing": ({}, TIGHT),
    "tighter": (
        {"maxTimeoutSeconds": 59, "maxRetries": 0, "minBytesPerSecond": "33Ki"},
        Bounds(59, 0, 33 * KIB),
    ),
    "looser": ({"maxTimeoutSeconds": 3600, "maxRetries": 10, "minBytesPerSecond": 1}, TIGHT),
    "some": ({"maxRetries": 0}, Bounds(60, 0, 32 * KIB)),
}


@pytest.mark.parametrize(("limits", "bounds"), CASES.values(), ids=CASES)
def test_a_quota_can_only_tighten(limits: dict[str, Any], bounds: Bounds) -> None:
    platform = msgspec.structs.replace(PLATFORM, bounds=TIGHT)

    assert platform.held_to(quota(**limits)).bounds == bounds


def test_without_a_quota_the_platform_s_hold() -> None:
    assert PLATFORM.held_to(None) is PLATFORM


def test_who_asks_for_less_gets_less() -> None:
    job = image_job(timeoutSeconds=59, retries=0)

    assert (timeout_of(job, TIGHT), retries_of(job, TIGHT)) == (59, 0)
    assert lowered(job, TIGHT, None) == ()


def test_a_larger_request_gets_the_maximum_and_a_message() -> None:
    job = image_job(timeoutSeconds=3600, retries=10)

    assert (timeout_of(job, TIGHT), retries_of(job, TIGHT)) == (60, 1)
    assert lowered(job, TIGHT, None) == (
        "timeoutSeconds was lowered from 3600 to 60, the most that this namespace may have",
        "retries was lowered from 10 to 1, the most that this namespace may have",
    )


def test_the_order_has_what_it_gets() -> None:
    platform = msgspec.structs.replace(PLATFORM, bounds=TIGHT)

    found = resolve(image_job(timeoutSeconds=3600), None, {"uploads": store()}, platform)

    assert isinstance(found, Resolved)
    assert found.item.timeout_seconds == 60
    assert found.item.limits.min_bytes_per_second == 32 * KIB


def test_without_a_minimum_rate_the_order_has_none() -> None:
    platform = msgspec.structs.replace(PLATFORM, bounds=Bounds(min_bytes_per_second=0))

    found = resolve(image_job(), None, {"uploads": store()}, platform)

    assert isinstance(found, Resolved)
    assert b"minBytesPerSecond" not in msgspec.json.encode(found.item)


def test_the_dispatched_values_are_shown_whatever_holds_by_now() -> None:
    job = image_job(timeoutSeconds=3600, retries=1)
    (item,) = worker_job(image_job(timeoutSeconds=100)).items

    assert lowered(job, TIGHT, item) == (
        "timeoutSeconds was lowered from 3600 to 100, the most that this namespace may have",
    )


def test_attempts_are_counted_to_what_it_gets() -> None:
    """It asks for ten retries, gets one, and fails with the second attempt."""
    platform = msgspec.structs.replace(PLATFORM, bounds=TIGHT)
    status = last_failure(1, worker="ij-0")
    job = image_job(retries=10, status=status)
    lost = Worker(worker_job(job), pod(state=terminated(exit_code=137), phase="Failed"))
    inputs = Inputs(
        job, stores={"uploads": store()}, worker=lost, quota=QuotaPosition(admitted_at=NOW)
    )

    decision = decide(inputs, JobHistory(), platform, NOW + timedelta(minutes=1))

    assert isinstance(decision.action, WriteStatus)
    written = decision.action.status
    assert written.phase == "Failed"
    assert "(attempt 2 of 2)" in written.conditions[1].message
    assert written.notes == (
        "retries was lowered from 10 to 1, the most that this namespace may have",
    )
