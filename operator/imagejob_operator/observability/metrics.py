"""What the operator counts and times as it works, for Prometheus.

Only what happens is counted here, in the one place where it happens. Whatever the engine knows
anyway is read when somebody asks: see collector.py. docs/metrics.md describes them all.

No metric is named after an ImageJob, and none that is counted has a label that tenants can choose:
the series are as many with one ImageJob as with a million.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.charge import charged_at
from imagejob_operator.api.imagejob import AuditEntry, ImageJob, ImageJobStatus
from imagejob_operator.api.reasons import FINAL, RETRYABLE, Reason

UNREACHED = "<error>"
"""The code of a request that nobody answered, as client-go has it."""

RETRIED = RETRYABLE | {Reason.EVICTED}
FAILED = RETRYABLE | FINAL - {Reason.CANCELLED}
RESULTS: Mapping[str, str] = {"Succeeded": "succeeded", "Failed": "failed", "Deleted": "cancelled"}

REQUEST = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
PROCESSING = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600)
WORKER_WAIT = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
QUOTA_WAIT = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 24 * 3600)
BATCH = (1, 2, 4, 8, 12, 16, 20, MAX_BATCH)
"""Upper bounds of buckets. Who waits for a quota was created in a whole second, cut off."""


class Metrics:
    """One operator's, in a registry of their own. Each method is told of one thing that happened.

    A method takes some microseconds at most, and never fails.
    """

    def __init__(self, version: str = "unknown") -> None:
        # They would double what is sent, for a time that nobody asks.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry: Final = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        build = Info("imagejob_build", "What this operator is.", registry=self.registry)
        build.info({"version": version, "python": platform.python_version()})
        self._set_up_image_jobs()
        self._set_up_requests()
        self._preset()

    def _set_up_image_jobs(self) -> None:
        self._admission = self._histogram(
            "admission_wait_seconds", "From creation to admission by the quota.", QUOTA_WAIT
        )
        self._queue = self._histogram(
            "queue_wait_seconds", "From admission to the start of the first worker.", WORKER_WAIT
        )
        self._processing = self._histogram(
            "processing_seconds",
            "The last attempt, from fetching to the last upload, by the worker's clock.",
            PROCESSING,
        )
        self._turnaround = self._histogram(
            "turnaround_seconds", "From creation to success.", QUOTA_WAIT
        )
        self._finished = self._counter(
            "finished", "ImageJobs that have come to their end.", "result", "reason"
        )
        self._retries = self._counter(
            "retries", "Attempts that ended without a result and are made again.", "reason"
        )
        self._batch = self._histogram("batch_size", "ImageJobs of a new worker Job.", BATCH)
        self._audit = self._counter("audit_lines", "Lines written to the audit log.")
        self._events = self._counter(
            "events", "Kubernetes Events about ImageJobs: posted, or dropped.", "result"
        )

    def _set_up_requests(self) -> None:
        self._requests = self._counter(
            "api_requests", "Requests to the API server, the watches excepted.", "verb", "code"
        )
        self._latency = self._histogram(
            "api_request_duration_seconds", "How long the API server took.", REQUEST, "verb"
        )
        self._throttles = self._counter(
            "api_throttled", "Answers by which the API server asked to be left alone."
        )
        self._lists = self._counter("lists", "Complete lists that were read.", "resource")
        self._watched = self._counter(
            "watch_events", "What the watches brought; LISTED at each begin.", "resource", "type"
        )
        self._unreadable = self._counter(
            "unreadable_objects", "Objects that were met and could not be read.", "resource"
        )
        self._ledgers = self._counter(
            "ledger_operations", "Reading and writing quota ledgers.", "operation", "result"
        )

    def _preset(self) -> None:
        """To zero: of a counter that begins with 1, no rate shows that it ever was less."""
        self._finished.labels("succeeded", Reason.SUCCEEDED)
        self._finished.labels("cancelled", Reason.CANCELLED)
        for reason in sorted(FAILED):
            self._finished.labels("failed", reason)
        for reason in sorted(RETRIED):
            self._retries.labels(reason)
        for result in ("posted", "dropped"):
            self._events.labels(result)
        for operation, failure in (("write", "conflict"), ("read", "unreadable")):
            self._ledgers.labels(operation, "done")
            self._ledgers.labels(operation, failure)

    def emitted(
        self,
        job: ImageJob,
        entry: AuditEntry,
        entries: Iterable[AuditEntry],
        status: ImageJobStatus | None,
    ) -> None:
        """`entry` went to the audit log: one of `entries`, which `job` does not show yet."""
        created = job.metadata.creation_timestamp or entry.time
        match entry.event, entry.reason:
            case _, Reason.ADMITTED:
                self._admission.observe(_seconds(created, entry.time))
            case "Running", _:
                self._started(job, entries, entry.time)
            case "Succeeded" | "Failed" | "Deleted" as event, reason:
                result = "cancelled" if reason == Reason.CANCELLED else RESULTS[event]
                self._finished.labels(result, reason).inc()
                self._ended(job, entry, entries, status or ImageJobStatus())
            case "Queued", reason if reason in RETRIED:
                self._retries.labels(reason).inc()
                self._started_unseen(job, entry, entries, status)

    def _started(self, job: ImageJob, entries: Iterable[AuditEntry], at: datetime) -> None:
        """Only the first time: what follows a failed attempt waits for other things."""
        if any(entry.event == "Running" and entry.time < at for entry in entries):
            return
        charged = charged_at(job, unwritten=entries)
        if charged and not job.status.start_time:
            self._queue.observe(_seconds(charged, at))

    def _started_unseen(
        self,
        job: ImageJob,
        end: AuditEntry,
        entries: Iterable[AuditEntry],
        status: ImageJobStatus | None,
    ) -> None:
        """An attempt has ended, and may have been so short that nobody saw it run."""
        first = next((each for each in entries if each.event == "Running" or _is_end(each)), None)
        if status and status.start_time and first is end:
            self._started(job, entries, status.start_time)

    def _ended(
        self,
        job: ImageJob,
        end: AuditEntry,
        entries: Iterable[AuditEntry],
        status: ImageJobStatus,
    ) -> None:
        self._started_unseen(job, end, entries, status)
        if status.processing_millis is not None:
            self._processing.observe(status.processing_millis / 1000)
        if end.event == "Succeeded" and job.metadata.creation_timestamp:
            self._turnaround.observe(_seconds(job.metadata.creation_timestamp, end.time))

    def worker_created(self, image_jobs: int) -> None:
        """A worker Job for so many has been created."""
        self._batch.observe(image_jobs)

    def audit_line(self) -> None:
        """One has been written."""
        self._audit.inc()

    def event(self, result: str) -> None:
        """One is `posted` or `dropped`."""
        self._events.labels(result).inc()

    def requested(self, verb: str, code: int, seconds: float) -> None:
        """The API server has answered; 0 if it has not."""
        self._requests.labels(verb, str(code) if code else UNREACHED).inc()
        self._latency.labels(verb).observe(seconds)

    def throttled(self) -> None:
        """The API server has asked to be left alone for a while."""
        self._throttles.inc()

    def listed(self, resource: str) -> None:
        """All objects of a resource have been read."""
        self._lists.labels(resource).inc()
        self._unreadable.labels(resource)  # 0 is told, too

    def watched(self, resource: str, event: str | None) -> None:
        """A watch has brought something; None is one of the list that it began with."""
        self._watched.labels(resource, event or "LISTED").inc()

    def unreadable(self, resource: str) -> None:
        """An object can't be read, and is left out."""
        self._unreadable.labels(resource).inc()

    def ledger(self, operation: str, result: str) -> None:
        """One was read (`read`) or written (`write`), or could not be."""
        self._ledgers.labels(operation, result).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"imagejob_{name}", text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(f"imagejob_{name}", text, labels, buckets=buckets, registry=self.registry)


def _is_end(entry: AuditEntry) -> bool:
    """Of an attempt."""
    return entry.event in RESULTS or entry.reason in RETRIED


def _seconds(since: datetime, until: datetime) -> float:
    """Two machines' clocks may disagree: never negative."""
    return max(0.0, (until - since).total_seconds())
