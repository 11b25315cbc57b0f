"""What the engine knows anyway, as gauges: read when Prometheus asks, and kept nowhere.

A standby knows nothing of ImageJobs: it says that it doesn't lead, and no more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol, get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from imagejob_operator.api.imagejob import FINISHED, ImageJob, Phase
from imagejob_operator.api.reasons import Reason
from imagejob_operator.controllers.observed import Observed
from imagejob_operator.imagejob.status import admitted_at
from imagejob_operator.quota.ledger import time_of
from imagejob_operator.quota.rates import usage

from .namespaces import NamespaceUse, Seats, WindowUse

PHASES: tuple[Phase, ...] = tuple(each for each in get_args(Phase) if each not in FINISHED)
WAITS = frozenset({"Pending", "Throttled", "Queued"})
STATES = ("starting", "running", "suspended", "ended")


class Candidate(Protocol):
    """What is asked of leadership.Leadership."""

    @property
    def leads(self) -> bool: ...
    @property
    def trouble(self) -> str: ...


class Loop(Protocol):
    """What is asked of the engine."""

    @property
    def beat(self) -> float:
        """When the loop last turned, by time.monotonic."""

    @property
    def listed(self) -> bool:
        """Whether the first listing is complete."""

    @property
    def observed(self) -> Observed: ...


class Gauges(Collector):
    """`namespaces` is how many have series of their own."""

    def __init__(
        self, candidate: Candidate, loop: Loop, clock: Callable[[], datetime], namespaces: int
    ) -> None:
        self._candidate = candidate
        self._loop = loop
        self._clock = clock
        self._seats = Seats(namespaces)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All of it as of one moment: nothing else runs meanwhile."""
        leads = self._candidate.leads
        yield _gauge("leader", "Whether this operator leads.", float(leads))
        yield _gauge(
            "lease_trouble",
            "Whether the Lease could not be read or written the last time.",
            float(bool(self._candidate.trouble)),
        )
        if leads and self._loop.listed:
            yield self._age()
            observed = self._loop.observed
            yield from image_jobs(observed, self._clock())
            yield from workers(observed)
            yield from api(observed)
            yield from cache(observed)
            yield from quotas(self._seats.told(uses(observed, self._clock())))

    def _age(self) -> GaugeMetricFamily:
        age = time.monotonic() - self._loop.beat
        return _gauge("loop_age_seconds", "Since the loop last turned; 5 s are normal.", age)


def image_jobs(observed: Observed, now: datetime) -> Iterator[GaugeMetricFamily]:
    """Where the unfinished ones stand, and since when the oldest does."""
    phases: Counter[str] = Counter(dict.fromkeys(PHASES, 0))
    reasons: Counter[str] = Counter()
    oldest: dict[str, datetime] = {}
    for job in observed.picture.jobs:
        phase, reason = _stand(observed, job)
        phases[phase] += 1
        if phase in WAITS:
            reasons[reason] += 1
        since = _since(observed, job, phase) or now
        oldest[phase] = min(since, oldest.get(phase, now))
    by_phase = GaugeMetricFamily("imagejob_jobs", "Unfinished ImageJobs.", labels=("phase",))
    by_reason = GaugeMetricFamily(
        "imagejob_waiting_jobs", "Those that wait, by what for.", labels=("reason",)
    )
    ages = GaugeMetricFamily(
        "imagejob_oldest_job_age_seconds",
        "Of the oldest in a phase: since admission if it was admitted, else since creation.",
        labels=("phase",),
    )
    for phase in PHASES:
        by_phase.add_metric((phase,), phases[phase])
        age = (now - oldest[phase]).total_seconds() if phase in oldest else 0.0
        ages.add_metric((phase,), max(0.0, age))
    for reason, count in reasons.items():
        by_reason.add_metric((reason,), count)
    yield from (by_phase, by_reason, ages)


def _stand(observed: Observed, job: ImageJob) -> tuple[str, str]:
    """Phase and reason as last decided, which the status may not show yet.

    Whose end is not written yet counts as running.
    """
    memory = observed.memories.get(job.metadata.uid)
    if not memory or not memory.last:
        return job.status.phase or "Pending", Reason.REQUESTED
    phase, reason = memory.last
    return (phase if phase in PHASES else "Running"), reason


def _since(observed: Observed, job: ImageJob, phase: str) -> datetime | None:
    meta = job.metadata
    if phase in ("Queued", "Running"):
        charge = observed.tenants.of(meta.namespace).charges.get(meta.uid)
        at = time_of(charge) if charge is not None else admitted_at(job)
        return at or meta.creation_timestamp
    return meta.creation_timestamp


def workers(observed: Observed) -> Iterator[GaugeMetricFamily]:
    """The worker Jobs, by whether their pod has started."""
    found = Counter(dict.fromkeys(STATES, 0))
    for namespace in observed.picture.namespaces_with_workers():
        for worker in observed.picture.live_workers(namespace):
            has_started = worker.pod is not None and worker.pod.has_started
            state = "running" if has_started else "starting"
            found["suspended" if worker.is_suspended else state] += 1
    found["ended"] = max(0, len(observed.picture.workers) - found.total())
    states = GaugeMetricFamily("imagejob_worker_jobs", "Worker Jobs there are.", labels=("state",))
    for state, count in found.items():
        states.add_metric((state,), count)
    yield states
    limit = observed.caps.max_workers
    yield _gauge("worker_jobs_limit", "How many may be starting or running at once.", limit)


def api(observed: Observed) -> Iterator[GaugeMetricFamily]:
    """What is to be written, and what the API server lets us."""
    agenda, pace = observed.agenda, observed.pace
    waiting = GaugeMetricFamily(
        "imagejob_agenda_waiting", "Actions that wait for room, by kind.", labels=("lane",)
    )
    oldest = GaugeMetricFamily(
        "imagejob_agenda_oldest_seconds", "How long the first of them has.", labels=("lane",)
    )
    for lane, count in agenda.waiting().items():
        waiting.add_metric((lane.name.lower(),), count)
    for lane, seconds in agenda.longest_waits().items():
        oldest.add_metric((lane.name.lower(),), seconds)
    yield from (waiting, oldest)
    yield _gauge("agenda_under_way", "Actions under way.", agenda.under_way)
    yield _gauge("api_write_limit", "How many actions may be under way at once.", pace.limit)
    yield _gauge("api_pause_seconds", "For how long none is to be begun.", pace.pause)


def cache(observed: Observed) -> Iterator[GaugeMetricFamily]:
    """What is kept of the tenants' objects."""
    room = observed.picture.room
    yield _gauge("cache_bytes", "Memory that the tenants' objects take, about.", room.taken)
    full = len(room.full())
    yield _gauge("cache_full_namespaces", "Namespaces that exceed cache.bytesPerNamespace.", full)


def uses(observed: Observed, now: datetime) -> Iterator[NamespaceUse]:
    """Every namespace whose ledger is known."""
    for tenant in observed.tenants:
        if tenant.ledger is None:
            continue
        policy = observed.tenants.policy(tenant.namespace)
        ledger = tenant.ledger.at(now, policy.rates)
        used = usage(ledger.history, policy.rates, ledger.now)
        yield NamespaceUse(
            tenant.namespace,
            tuple(WindowUse(use.rate.per, use.rate.jobs, use.used) for use in used),
            waiting=len(tenant.throttled),
            running=observed.tenants.running(tenant.namespace),
        )


def quotas(told: Iterator[NamespaceUse]) -> Iterator[GaugeMetricFamily]:
    """What the namespaces may use, have used and have under way."""
    names = ("namespace", "window")
    limit = GaugeMetricFamily("imagejob_quota_limit", "ImageJobs a window.", labels=names)
    used = GaugeMetricFamily("imagejob_quota_used", "Admitted in the window.", labels=names)
    ratio = GaugeMetricFamily("imagejob_quota_used_ratio", "Used of the limit.", labels=names)
    waiting = GaugeMetricFamily(
        "imagejob_quota_waiting", "ImageJobs that wait for the quota.", labels=names[:1]
    )
    running = GaugeMetricFamily(
        "imagejob_quota_running", "ImageJobs that workers have.", labels=names[:1]
    )
    for use in told:
        waiting.add_metric((use.namespace,), use.waiting)
        running.add_metric((use.namespace,), use.running)
        for each in use.windows:
            labels = (use.namespace, each.window)
            limit.add_metric(labels, each.limit)
            used.add_metric(labels, each.used)
            ratio.add_metric(labels, each.ratio)
    yield from (limit, used, ratio, waiting, running)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"imagejob_{name}", text, value=value)
