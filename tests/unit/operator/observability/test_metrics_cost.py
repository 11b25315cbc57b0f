"""The cost of counting for each ImageJob."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.imagejob import AuditEntry, ImageJobStatus
from imagejob_operator.observability.metrics import Metrics
from support.api_objects import NOW, image_job

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 2_000
MOST_MICROSECONDS = 500.0
"""It takes some 20; an ImageJob costs the operator some milliseconds of CPU in all."""

CREATED = NOW - timedelta(seconds=30)
JOB = image_job(meta={"creationTimestamp": CREATED.isoformat()})
STATUS = ImageJobStatus(processing_millis=250)
COURSE = tuple(
    AuditEntry(seq, CREATED + timedelta(seconds=seq), "imagejob-operator", event, reason, "")
    for seq, (event, reason) in enumerate(
        [
            ("Pending", "Requested"),
            ("Queued", "Admitted"),
            ("Queued", "Dispatched"),
            ("Running", "Processing"),
            ("Succeeded", "Succeeded"),
        ],
        start=1,
    )
)


def count_an_image_job(metrics: Metrics) -> None:
    """Five audit lines, a status write, an Event, and what the watch brings."""
    for entry in COURSE:
        metrics.emitted(JOB, entry, COURSE, STATUS)
        metrics.audit_line()
    metrics.requested("PUT", 200, 0.004)
    metrics.requested("POST", 201, 0.003)
    metrics.event("posted")
    metrics.watched("imagejobs", "ADDED")
    metrics.watched("imagejobs", "DELETED")


def count_a_worker(metrics: Metrics) -> None:
    """Its Job and its ledger are written, it is deleted, and the watches report it and its pod."""
    metrics.worker_created(MAX_BATCH)
    metrics.ledger("write", "done")
    for verb in ("PUT", "POST", "DELETE"):
        metrics.requested(verb, 200, 0.004)
    for _ in range(10):
        metrics.watched("pods", "MODIFIED")


def test_counting_is_cheap(record_property: Callable[[str, object], None]) -> None:
    metrics = Metrics()
    began = time.process_time()
    for number in range(COUNT):
        count_an_image_job(metrics)
        if number % MAX_BATCH == 0:
            count_a_worker(metrics)
    each = 1e6 * (time.process_time() - began) / COUNT

    record_property("CPU that counting takes an ImageJob", f"{each:.0f} µs")
    assert each < MOST_MICROSECONDS
