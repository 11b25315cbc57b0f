"""Counters and histograms of the operator's work, for Prometheus.

Only events are counted here, each in the one place where it happens. State is read on scrape: see
collector.py. docs/metrics.md describes all metrics.

No metric has an ImageJob's name, and no counter has a label that tenants can choose: there are as
many series with one ImageJob as with a million.
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

from imagejob_operator.api import notes
from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.charge import charged_at
from imagejob_operator.api.imagejob import AuditEntry, ImageJob, ImageJobStatus
from imagejob_operator.api.reasons import FINAL, RETRYABLE, Reason

UNREACHED = "<error>"
"""The code of a request without a response in time, as in client-go."""

RETRIED = RETRYABLE | {Reason.EVICTED, Reason.NEEDS_MEMORY, Reason.OUT_OF_SCRATCH}
FAILED = RETRYABLE | FINAL - {Reason.CANCELLED}
RESULTS: Mapping[str, str] = {"Succeeded": "succeeded", "Failed": "failed", "Deleted": "cancelled"}

UNPROTECTED: Mapping[str, str] = {notes.NO_LANDLOCK: "landlock", notes.NO_SECCOMP: "seccomp"}
"""What a status says about an incomplete sandbox, and the label of its metric."""

CONTROLLERS = (
    *("imagejob", "worker", "pod", "namespace", "imagequota", "events"),
    *("ledgers", "ttl", "cache"),
)
"""What reconciles: a kind of key, or one that has no keys."""

REQUEST = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
PROCESSING = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600)
WORKER_WAIT = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
QUOTA_WAIT = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 24 * 3600)
BATCH = (1, 2, 4, 8, 12, 16, 20, MAX_BATCH)
"""Upper bounds of buckets. Creation times are truncated to seconds, so QUOTA_WAIT begins at 1."""


class Metrics:
    """One operator's metrics, in a registry of their own. Each method records one event.

    A method takes some microseconds at most, and never fails.
    """

    def __init__(self, version: str = "unknown") -> None:
        # Creation times would double the response, and nothing reads them.
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
        self._finished = self._counter("finished", "Finished ImageJobs.", "result", "reason")
        self._retries = self._counter(
            "retries", "Attempts without a result that are retried.", "reason"
        )
        self._unprotected = self._counter(
            "unprotected",
            "Successful ImageJobs that were decoded without a protection of the worker's sandbox.",
            "lacks",
        )
        self._batch = self._histogram("batch_size", "ImageJobs of a new worker Job.", BATCH)
        self._audit = self._counter("audit_lines", "Lines written to the audit log.")
        self._events = self._counter(
            "events", "Kubernetes Events about ImageJobs: posted, or dropped.", "result"
        )

    def _set_up_requests(self) -> None:
        self._requests = self._counter(
            "api_requests", "Requests to the API server, except watches.", "verb", "code"
        )
        self._latency = self._histogram(
            "api_request_duration_seconds", "How long the API server took.", REQUEST, "verb"
        )
        self._throttles = self._counter(
            "api_throttled", "Responses by which the API server throttled the operator."
        )
        self._lists = self._counter("lists", "Complete lists that were read.", "resource")
        self._watched = self._counter(
            "watch_events",
            "Watch events; LISTED for objects of an initial list.",
            "resource",
            "type",
        )
        self._unreadable = self._counter(
            "unreadable_objects", "Received objects that could not be read.", "resource"
        )
        self._errors = self._counter(
            "reconcile_errors", "Unexpected exceptions, by what reconciled.", "controller"
        )
        self._ledgers = self._counter(
            "ledger_operations", "Reading and writing quota ledgers.", "operation", "result"
        )

    def _preset(self) -> None:
        """Initialise counters to zero: a rate doesn't see the first increase of a new series."""
        self._finished.labels("succeeded", Reason.SUCCEEDED)
        self._finished.labels("cancelled", Reason.CANCELLED)
        for reason in sorted(FAILED):
            self._finished.labels("failed", reason)
        for reason in sorted(RETRIED):
            self._retries.labels(reason)
        for lacks in UNPROTECTED.values():
            self._unprotected.labels(lacks)
        for controller in CONTROLLERS:
            self._errors.labels(controller)
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
        """Record that `entry` was written to the audit log.

        It is one of `entries`, which the status of `job` does not have yet.
        """
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
        """Observe the wait for the first worker; later attempts wait for other things."""
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
        """Observe the wait of an attempt that ended before it was seen running."""
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
        for note in status.notes:
            if note in UNPROTECTED:
                self._unprotected.labels(UNPROTECTED[note]).inc()
        if status.processing_millis is not None:
            self._processing.observe(status.processing_millis / 1000)
        if end.event == "Succeeded" and job.metadata.creation_timestamp:
            self._turnaround.observe(_seconds(job.metadata.creation_timestamp, end.time))

    def worker_created(self, image_jobs: int) -> None:
        """Count a new worker Job with so many ImageJobs."""
        self._batch.observe(image_jobs)

    def audit_line(self) -> None:
        """Count an audit line."""
        self._audit.inc()

    def event(self, result: str) -> None:
        """Count an Event as `posted` or `dropped`."""
        self._events.labels(result).inc()

    def requested(self, verb: str, code: int, seconds: float) -> None:
        """Count a response of the API server; code 0 if there was none."""
        self._requests.labels(verb, str(code) if code else UNREACHED).inc()
        self._latency.labels(verb).observe(seconds)

    def throttled(self) -> None:
        """Count a response by which the API server throttles us."""
        self._throttles.inc()

    def listed(self, resource: str) -> None:
        """Count a complete list of a resource."""
        self._lists.labels(resource).inc()
        self._unreadable.labels(resource)  # so that it is exported as 0

    def watched(self, resource: str, event: str | None) -> None:
        """Count a watch event; None is an object of the list that precedes the watch."""
        self._watched.labels(resource, event or "LISTED").inc()

    def unreadable(self, resource: str) -> None:
        """Count an object that was received and can't be read."""
        self._unreadable.labels(resource).inc()

    def reconcile_error(self, controller: str) -> None:
        """Count an unexpected exception, by one of CONTROLLERS."""
        self._errors.labels(controller).inc()

    def ledger(self, operation: str, result: str) -> None:
        """Count a `read` or `write` of a ledger with its result."""
        self._ledgers.labels(operation, result).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"imagejob_{name}", text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(f"imagejob_{name}", text, labels, buckets=buckets, registry=self.registry)


def _is_end(entry: AuditEntry) -> bool:
    """Whether the entry ends an attempt."""
    return entry.event in RESULTS or entry.reason in RETRIED


def _seconds(since: datetime, until: datetime) -> float:
    """Return the duration; never negative, as clocks of two machines may disagree."""
    return max(0.0, (until - since).total_seconds())
