"""Gauges of the operator's state, computed when Prometheus scrapes.

A standby knows no ImageJobs: it exports only that it doesn't lead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .namespaces import NamespaceUse, Seats
from .snapshot import Cache, ImageJobs, Queue, Snapshot, Workers


class Candidate(Protocol):
    """What the gauges read of leader election."""

    @property
    def leads(self) -> bool: ...
    @property
    def trouble(self) -> str: ...


class Loop(Protocol):
    """What the gauges read of the manager."""

    @property
    def last_tick(self) -> float:
        """When the loop last ran, by time.monotonic."""

    @property
    def listed(self) -> bool:
        """Whether the initial lists are complete."""

    @property
    def unwatched(self) -> tuple[str, ...]:
        """The kinds that are not listed or not watched: meanwhile nothing is decided."""

    def snapshot(self) -> Snapshot: ...


class Gauges(Collector):
    """Exports a snapshot. `namespaces` limits how many have series of their own."""

    def __init__(self, candidate: Candidate, loop: Loop, namespaces: int) -> None:
        self._candidate = candidate
        self._loop = loop
        self._seats = Seats(namespaces)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield everything at one moment: no other task runs meanwhile."""
        leads = self._candidate.leads
        yield _gauge("leader", "Whether this operator leads.", float(leads))
        yield _gauge(
            "lease_trouble",
            "Whether the Lease could not be read or written the last time.",
            float(bool(self._candidate.trouble)),
        )
        if leads:
            text = "Kinds that are not listed or not watched: meanwhile nothing is decided."
            yield _gauge("unwatched_kinds", text, len(self._loop.unwatched))
        if leads and self._loop.listed:
            snapshot = self._loop.snapshot()
            yield self._age()
            yield from image_jobs(snapshot.image_jobs)
            yield from workers(snapshot.workers)
            yield from queue(snapshot.queue)
            yield from cache(snapshot.cache)
            yield from quotas(self._seats.select(snapshot.namespaces))

    def _age(self) -> GaugeMetricFamily:
        age = time.monotonic() - self._loop.last_tick
        return _gauge(
            "loop_age_seconds", "Seconds since the loop last ran; up to 5 is normal.", age
        )


def image_jobs(known: ImageJobs) -> Iterator[GaugeMetricFamily]:
    """Yield the unfinished ImageJobs and the age of the oldest."""
    yield _labelled("jobs", "Unfinished ImageJobs.", "phase", known.by_phase)
    yield _labelled("waiting_jobs", "Waiting ImageJobs by reason.", "reason", known.by_reason)
    yield _labelled(
        "oldest_job_age_seconds",
        "Age of the oldest ImageJob of a phase, since its admission or else its creation.",
        "phase",
        known.oldest,
    )
    yield _gauge(
        "running_overdue_seconds",
        "Seconds since a Running ImageJob should have ended or gone on elsewhere, at most.",
        known.overdue,
    )


def workers(known: Workers) -> Iterator[GaugeMetricFamily]:
    """Yield the worker Jobs, by whether their pod has started."""
    yield _labelled("worker_jobs", "Worker Jobs by state.", "state", known.by_state)
    text = "Limit of worker Jobs that start or run at once."
    yield _gauge("worker_jobs_limit", text, known.limit)


def queue(known: Queue) -> Iterator[GaugeMetricFamily]:
    """Yield the depth of the work queue, and the limits for writes."""
    text = "Actions that wait for capacity, by priority."
    yield _labelled("workqueue_depth", text, "priority", known.waiting)
    text = "Age in seconds of the oldest waiting action."
    yield _labelled("workqueue_oldest_seconds", text, "priority", known.oldest)
    yield _gauge("workqueue_in_progress", "Actions in progress.", known.under_way)
    yield _gauge("api_write_limit", "Limit of actions in progress at once.", known.limit)
    yield _gauge("api_pause_seconds", "Seconds until new actions may start.", known.pause)


def cache(known: Cache) -> Iterator[GaugeMetricFamily]:
    """Yield the memory of the tenants' objects."""
    yield _gauge("cache_bytes", "Estimated memory used by tenants' objects.", known.bytes)
    text = "Namespaces that exceed cache.bytesPerNamespace."
    yield _gauge("cache_full_namespaces", text, known.full_namespaces)
    text = "Objects that exist now and can't be read."
    yield _labelled("unreadable_now", text, "resource", known.unreadable)


def quotas(uses: Iterator[NamespaceUse]) -> Iterator[GaugeMetricFamily]:
    """Yield limit, use and current work of namespaces."""
    names = ("namespace", "window")
    limit = GaugeMetricFamily(
        "imagejob_quota_limit", "Limit of ImageJobs per window.", labels=names
    )
    used = GaugeMetricFamily(
        "imagejob_quota_used", "ImageJobs admitted in the window.", labels=names
    )
    ratio = GaugeMetricFamily(
        "imagejob_quota_used_ratio", "Share of the limit that is used.", labels=names
    )
    waiting = GaugeMetricFamily(
        "imagejob_quota_waiting", "ImageJobs that wait for the quota.", labels=names[:1]
    )
    running = GaugeMetricFamily(
        "imagejob_quota_running", "ImageJobs that have a worker.", labels=names[:1]
    )
    for use in uses:
        waiting.add_metric((use.namespace,), use.waiting)
        running.add_metric((use.namespace,), use.running)
        for each in use.windows:
            labels = (use.namespace, each.window)
            limit.add_metric(labels, each.limit)
            used.add_metric(labels, each.used)
            ratio.add_metric(labels, each.ratio)
    yield from (limit, used, ratio, waiting, running)


def _labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"imagejob_{name}", text, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"imagejob_{name}", text, value=value)
