"""What is counted during an ImageJob's life, and when; each thing once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from imagejob_operator.api import notes
from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.imagejob import AuditEntry, ImageJob, ImageJobStatus
from imagejob_operator.api.reasons import FINAL, RETRYABLE, Reason
from imagejob_operator.observability.metrics import Metrics
from support.api_objects import NOW, image_job, shows_admitted

CREATED = NOW - timedelta(seconds=30)
STARTED = {"startTime": (NOW - timedelta(seconds=5)).isoformat()}


def entry(seq: int, event: str, reason: str, after: float) -> AuditEntry:
    """An entry that many seconds after the creation of the ImageJob."""
    return AuditEntry(
        seq, CREATED + timedelta(seconds=after), "imagejob-operator", event, reason, ""
    )


REQUESTED = entry(1, "Pending", "Requested", 0.0)
ADMITTED = entry(2, "Queued", "Admitted", 1.5)
RUNNING = entry(4, "Running", "Processing", 4.0)
SUCCEEDED = entry(5, "Succeeded", "Succeeded", 6.0)
COURSE = (REQUESTED, ADMITTED, entry(3, "Queued", "Dispatched", 2.0), RUNNING, SUCCEEDED)


def job(**status: Any) -> ImageJob:
    return image_job(meta={"creationTimestamp": CREATED.isoformat()}, status=status)


def status(**fields: Any) -> ImageJobStatus:
    return msgspec.convert(fields, ImageJobStatus)


def told(
    *entries: AuditEntry, of: ImageJob | None = None, written: ImageJobStatus | None = None
) -> Metrics:
    """All of them in one status write."""
    metrics = Metrics()
    for each in entries:
        metrics.emitted(of or job(), each, entries, written)
    return metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"imagejob_{name}", labels)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("admission_wait_seconds", 1.5),
        ("queue_wait_seconds", 2.5),
        ("processing_seconds", 0.25),
        ("turnaround_seconds", 6.0),
    ],
)
def test_a_course_is_timed_once(name: str, seconds: float) -> None:
    metrics = told(*COURSE, written=status(processingMillis=250))

    assert value(metrics, f"{name}_sum") == seconds
    assert value(metrics, f"{name}_count") == 1


def test_a_history_in_two_writes_is_timed_as_in_one() -> None:
    metrics = Metrics()
    for each in COURSE[:3]:
        metrics.emitted(job(), each, COURSE[:3], None)
    shown = job(
        **shows_admitted(ADMITTED.time.isoformat()),
        audit=msgspec.to_builtins(COURSE[:3]),
    )
    for each in COURSE[3:]:
        metrics.emitted(shown, each, COURSE[3:], status(processingMillis=250))

    assert value(metrics, "queue_wait_seconds_sum") == 2.5
    assert value(metrics, "finished_total", result="succeeded", reason="Succeeded") == 1


def test_two_short_attempts_are_one_start() -> None:
    lost = entry(3, "Queued", "WorkerLost", 4.0)
    start = CREATED + timedelta(seconds=3)
    metrics = told(
        REQUESTED, ADMITTED, lost, SUCCEEDED, written=status(startTime=start.isoformat())
    )

    assert value(metrics, "queue_wait_seconds_count") == 1


@pytest.mark.parametrize("end", [SUCCEEDED, entry(4, "Queued", "StorageUnavailable", 6.0)])
def test_a_worker_that_was_never_seen_running_did_start(end: AuditEntry) -> None:
    start = CREATED + timedelta(seconds=3)
    metrics = told(REQUESTED, ADMITTED, end, written=status(startTime=start.isoformat()))

    assert value(metrics, "queue_wait_seconds_sum") == 1.5


def test_only_the_first_start_ends_the_wait_for_a_worker() -> None:
    again = entry(7, "Running", "Processing", 20.0)
    metrics = told(*COURSE[:4], entry(6, "Queued", "WorkerLost", 8.0), again)
    metrics.emitted(job(**STARTED), again, (again,), None)

    assert value(metrics, "queue_wait_seconds_count") == 1
    assert value(metrics, "retries_total", reason="WorkerLost") == 1


def test_clocks_that_disagree_make_no_negative_time() -> None:
    metrics = told(entry(2, "Queued", "Admitted", -3.0))

    assert value(metrics, "admission_wait_seconds_sum") == 0


@pytest.mark.parametrize(
    ("event", "reason", "result"),
    [
        ("Succeeded", Reason.SUCCEEDED, "succeeded"),
        ("Failed", Reason.TOO_LARGE, "failed"),
        ("Failed", Reason.QUOTA_EXCEEDED, "failed"),
        ("Deleted", Reason.CANCELLED, "cancelled"),
    ],
)
def test_every_end_has_a_result(event: str, reason: Reason, result: str) -> None:
    metrics = told(entry(3, event, reason, 9.0), written=status())

    assert value(metrics, "finished_total", result=result, reason=reason) == 1


@pytest.mark.parametrize(
    ("note", "lacks"), [(notes.NO_LANDLOCK, "landlock"), (notes.NO_SECCOMP, "seccomp")]
)
def test_an_image_that_was_decoded_without_a_protection_is_counted(note: str, lacks: str) -> None:
    metrics = told(*COURSE, written=status(notes=[notes.ICC_DROPPED, note]))

    found = {
        each: value(metrics, "unprotected_total", lacks=each) for each in ("landlock", "seccomp")
    }
    assert found == {"landlock": 0, "seccomp": 0} | {lacks: 1}


@pytest.mark.parametrize("reason", sorted(RETRYABLE | {Reason.EVICTED}))
def test_what_is_made_again_is_a_retry(reason: Reason) -> None:
    metrics = told(entry(5, "Queued", reason, 9.0))

    assert value(metrics, "retries_total", reason=reason) == 1


@pytest.mark.parametrize("reason", [Reason.DISPATCHED, Reason.WORKER_REFUSED, Reason.SUSPENDED])
def test_what_only_waits_is_no_retry(reason: Reason) -> None:
    metrics = told(entry(5, "Queued", reason, 9.0))

    assert value(metrics, "retries_total", reason=reason) is None


def test_counters_begin_at_zero_so_that_their_first_rise_shows() -> None:
    metrics = Metrics()

    for reason in RETRYABLE | FINAL - {Reason.CANCELLED}:
        assert value(metrics, "finished_total", result="failed", reason=reason) == 0
    assert value(metrics, "events_total", result="dropped") == 0
    assert value(metrics, "ledger_operations_total", operation="read", result="unreadable") == 0


def test_requests_are_counted_by_verb_and_code() -> None:
    metrics = Metrics()
    metrics.requested("PUT", 200, 0.004)
    metrics.requested("PUT", 429, 0.001)
    metrics.throttled()
    metrics.requested("GET", 0, 30.0)

    assert value(metrics, "api_requests_total", verb="PUT", code="429") == 1
    assert value(metrics, "api_requests_total", verb="GET", code="<error>") == 1
    assert value(metrics, "api_request_duration_seconds_count", verb="PUT") == 2
    assert value(metrics, "api_throttled_total") == 1


def test_two_operators_of_one_process_share_nothing() -> None:
    one, other = Metrics(), Metrics("0.2.0")
    one.worker_created(16)

    assert value(one, "batch_size_bucket", le="16.0") == 1
    assert value(other, "batch_size_bucket", le="16.0") == 0


def test_the_largest_batch_has_a_bucket_of_its_own() -> None:
    metrics = Metrics()
    metrics.worker_created(MAX_BATCH)
    metrics.worker_created(MAX_BATCH - 1)

    assert value(metrics, "batch_size_bucket", le=f"{MAX_BATCH:.1f}") == 2
    assert value(metrics, "batch_size_bucket", le="20.0") == 0
